//! The outside of a sealed token: eight fields with stars between, as the `iron` library writes them, since some clients look
//! at how a token begins to tell what it is:
//!
//! `Fe26.2 * name of the key * salt * IV * ciphertext * end in ms * salt * MAC`
//!
//! The inside is ours: AES-256-GCM-SIV under the server's current key, and HMAC-SHA-256 over all that stands before it.

use super::Unreadable;
use crate::{Error, keys::Keys};
use aws_lc_rs::constant_time;
use countersign_model::{Random, Sealed, Timestamp};
use data_encoding::{BASE64URL_NOPAD, HEXLOWER};
use zeroize::Zeroizing;

const PREFIX: &str = "Fe26.2";
/// The name of a key is `SERVER_` and a number that looks like the seconds at which others' keys were made; our versions
/// count from here.
const KEY_NAME: &str = "SERVER_";
const FIRST_KEY: u32 = 1_767_225_600;
/// What is inside is filled up with blanks, so that the length of a token tells little of it.
const FILLED_UP_TO: usize = 128;
const SHORTEST: usize = 3;
const NONCE_BYTES: usize = 12;
const SALT_BYTES: usize = 32;

/// Seals a text. `what` says what kind of token it is: one kind does not open as another.
pub(super) fn seal(
    keys: &Keys,
    what: &str,
    text: &str,
    ends_at: Timestamp,
    random: &dyn Random,
) -> Result<String, Error> {
    let width = text.len().div_ceil(FILLED_UP_TO).max(SHORTEST) * FILLED_UP_TO;
    let sealed = keys.seal(&format!("{text:width$}"), what.as_bytes(), random)?;
    let (nonce, body) = sealed.bytes.split_at_checked(NONCE_BYTES).unwrap_or_default();
    let mut salts = [[0; SALT_BYTES]; 2];
    for salt in &mut salts {
        random.fill(salt);
    }
    let [first, second] = salts.map(|salt| HEXLOWER.encode(&salt));
    let head = format!(
        "{PREFIX}*{KEY_NAME}{}*{first}*{}*{}*{}*{second}",
        FIRST_KEY + u32::from(sealed.key_version),
        BASE64URL_NOPAD.encode(nonce),
        BASE64URL_NOPAD.encode(body),
        ends_at.as_ms(),
    );
    let mac = mac(keys, what, &head);
    Ok(format!("{head}*{mac}"))
}

fn mac(keys: &Keys, what: &str, head: &str) -> String {
    BASE64URL_NOPAD.encode(&keys.hash(what, head.as_bytes()))
}

/// Opens what [`seal`] made, unless its end has come.
pub(super) fn open(keys: &Keys, what: &str, token: &str, now: Timestamp) -> Result<Zeroizing<String>, Unreadable> {
    let (head, given) = token.rsplit_once('*').ok_or(Unreadable::Malformed)?;
    let is_ours = constant_time::verify_slices_are_equal(mac(keys, what, head).as_bytes(), given.as_bytes());
    is_ours.map_err(|_| Unreadable::Malformed)?;
    let (sealed, ends_at) = parse(head).ok_or(Unreadable::Malformed)?;
    if now >= ends_at {
        return Err(Unreadable::Expired);
    }
    keys.open(&sealed, what.as_bytes()).map_err(|_| Unreadable::Malformed)
}

fn parse(head: &str) -> Option<(Sealed, Timestamp)> {
    let mut fields = head.split('*');
    let mut next = || fields.next();
    let (_prefix, name, _salt) = (next()?, next()?, next()?);
    let number: u32 = name.strip_prefix(KEY_NAME)?.parse().ok()?;
    let key_version = number.checked_sub(FIRST_KEY)?.try_into().ok()?;
    let nonce = BASE64URL_NOPAD.decode(next()?.as_bytes()).ok()?;
    let body = BASE64URL_NOPAD.decode(next()?.as_bytes()).ok()?;
    let ends_at = Timestamp::from_ms(next()?.parse().ok()?);
    Some((Sealed { key_version, bytes: [nonce, body].concat() }, ends_at))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::SeededChance;

    fn at(ms: i64) -> Timestamp {
        Timestamp::from_ms(ms)
    }

    #[test]
    fn a_token_has_eight_fields_and_opens_until_its_end() {
        let keys = Keys::from_seed(1);
        let token = seal(&keys, "a", "text", at(1000), &SeededChance::default()).unwrap();
        let fields: Vec<&str> = token.split('*').collect();
        assert_eq!((fields.len(), fields[0], fields[1], fields[5]), (8, "Fe26.2", "SERVER_1767225601", "1000"));
        assert_eq!((fields[2].len(), fields[6].len()), (64, 64));
        assert_eq!(open(&keys, "a", &token, at(999)).as_deref().map(|text| text.trim_end()), Ok("text"));
        assert_eq!(open(&keys, "a", &token, at(1000)), Err(Unreadable::Expired));
    }

    #[test]
    fn nothing_of_it_can_be_changed_and_no_other_kind_or_key_opens_it() {
        let (keys, chance) = (Keys::from_seed(1), SeededChance::default());
        let token = seal(&keys, "a", "text", at(1000), &chance).unwrap();
        assert_eq!(open(&keys, "b", &token, at(0)), Err(Unreadable::Malformed));
        assert_eq!(open(&Keys::from_seed(2), "a", &token, at(0)), Err(Unreadable::Malformed));
        for place in 0..token.len() {
            let mut bytes = token.clone().into_bytes();
            bytes[place] = if bytes[place] == b'1' { b'2' } else { b'1' };
            let changed = String::from_utf8(bytes).unwrap();
            assert_eq!(open(&keys, "a", &changed, at(0)), Err(Unreadable::Malformed), "{place}");
        }
        for junk in ["", "*", "abc", "Fe26.2**05...", "*******"] {
            assert_eq!(open(&keys, "a", junk, at(0)), Err(Unreadable::Malformed), "{junk}");
        }
    }
}
