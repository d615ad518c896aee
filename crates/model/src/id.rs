//! Identifiers: 128 bits, sorted by the time they were made (UUID version 7, RFC 9562), printed as a prefix and 26
//! characters of Crockford's base 32, such as `ver_01k9zq3s5mf0r8t2v4w6x8y0z1`.

use crate::Timestamp;
use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{self, Visitor},
};
use std::{fmt, marker::PhantomData, str::FromStr};

/// Where random bytes come from: the operating system in production, a seed in tests.
pub trait Random {
    /// Fills all of `bytes`.
    fn fill(&self, bytes: &mut [u8]);

    /// Four random bytes as a number.
    fn number(&self) -> u32 {
        let mut bytes = [0; 4];
        self.fill(&mut bytes);
        u32::from_le_bytes(bytes)
    }
}

/// A text that is not an identifier of the wanted kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not an identifier of this kind")]
pub struct NotAnId;

const DIGITS: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
const LENGTH: usize = 26;

fn encode(value: u128) -> [u8; LENGTH] {
    let mut text = [0; LENGTH];
    let mut left = value;
    for place in text.iter_mut().rev() {
        *place = DIGITS.get(usize::try_from(left & 31).unwrap_or(0)).copied().unwrap_or(b'0');
        left >>= 5;
    }
    text
}

/// For each byte the digit that it is; 255 for one that is none.
const VALUES: [u8; 256] = {
    let mut values = [255; 256];
    let mut digit = 0;
    while digit < DIGITS.len() {
        #[expect(clippy::indexing_slicing, clippy::cast_possible_truncation, reason = "worked out by the compiler")]
        {
            values[DIGITS[digit] as usize] = digit as u8;
        }
        digit += 1;
    }
    values
};

fn decode(text: &str) -> Option<u128> {
    if text.len() != LENGTH || text.as_bytes().first().is_some_and(|first| *first > b'7') {
        return None;
    }
    text.bytes().try_fold(0_u128, |value, byte| {
        let digit = VALUES.get(usize::from(byte)).copied().filter(|digit| *digit < 32)?;
        Some(value << 5 | u128::from(digit))
    })
}

/// Reads a text where it lies: rows are full of identifiers.
struct Parsed<T>(PhantomData<T>);

impl<T: FromStr<Err = NotAnId>> Visitor<'_> for Parsed<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an identifier")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<T, E> {
        text.parse().map_err(E::custom)
    }
}

fn generate(now: Timestamp, random: &dyn Random) -> u128 {
    let mut bytes = [0; 10];
    random.fill(&mut bytes);
    let ms = u64::try_from(now.as_ms()).unwrap_or(0);
    uuid::Builder::from_unix_timestamp_millis(ms, &bytes).into_uuid().as_u128()
}

/// A UUID of random bytes (version 4), as text.
#[must_use]
pub fn random_uuid(bytes: [u8; 16]) -> String {
    uuid::Builder::from_random_bytes(bytes).into_uuid().hyphenated().to_string()
}

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident = $prefix:literal;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(u128);

        impl $name {
            /// A new one, of this moment.
            #[must_use]
            pub fn generate(now: Timestamp, random: &dyn Random) -> Self {
                Self(generate(now, random))
            }

            /// The 16 bytes that stand for it in a store, sorted by age.
            #[must_use]
            pub const fn to_bytes(self) -> [u8; 16] {
                self.0.to_be_bytes()
            }

            /// When it was made, to the millisecond: the first 48 bits (RFC 9562, section 5.7).
            #[must_use]
            pub fn made_at(self) -> Timestamp {
                Timestamp::from_ms(i64::try_from(self.0 >> 80).unwrap_or(i64::MAX))
            }

            /// As callers see it whose API has UUIDs: lower case, with hyphens (RFC 9562).
            #[must_use]
            pub fn to_uuid(self) -> String {
                uuid::Uuid::from_u128(self.0).hyphenated().to_string()
            }

            /// The opposite of [`Self::to_uuid`]; capital letters are taken, too. None: it is no UUID with hyphens.
            #[must_use]
            pub fn from_uuid(text: &str) -> Option<Self> {
                let is_hyphenated = text.len() == uuid::fmt::Hyphenated::LENGTH;
                let uuid = uuid::Uuid::try_parse(text).ok().filter(|_| is_hyphenated)?;
                Some(Self(uuid.as_u128()))
            }

            /// The opposite of [`Self::to_bytes`].
            #[must_use]
            pub const fn from_bytes(bytes: [u8; 16]) -> Self {
                Self(u128::from_be_bytes(bytes))
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str($prefix)?;
                f.write_str(std::str::from_utf8(&encode(self.0)).map_err(|_| fmt::Error)?)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }

        impl FromStr for $name {
            type Err = NotAnId;

            fn from_str(text: &str) -> Result<Self, NotAnId> {
                text.strip_prefix($prefix).and_then(decode).map(Self).ok_or(NotAnId)
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
                to.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
                from.deserialize_str(Parsed(PhantomData))
            }
        }
    )*};
}

ids! {
    /// Names a tenant.
    TenantId = "ten_";
    /// Names a service of a tenant.
    ServiceId = "svc_";
    /// Names a verification.
    VerificationId = "ver_";
    /// Names a message.
    MessageId = "msg_";
    /// Names a callback.
    CallbackId = "cbk_";
    /// Names an event.
    EventId = "evt_";
    /// Names a user.
    UserId = "usr_";
    /// Names a factor of a user.
    FactorId = "fac_";
    /// Names something that was done to or by a user.
    ActivityId = "act_";
    /// Names an API key; says nothing about its secret.
    KeyId = "key_";
    /// Names a server of a tenant's that is told of events.
    WebhookEndpointId = "whe_";
    /// Names one event on its way to one such server.
    WebhookDeliveryId = "whd_";
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Fixed(u8);
    impl Random for Fixed {
        fn fill(&self, bytes: &mut [u8]) {
            bytes.fill(self.0);
        }
    }

    #[test]
    fn an_id_reads_back_as_itself() {
        let id = VerificationId::generate(Timestamp::from_ms(1_767_225_600_000), &Fixed(0xff));
        assert_eq!(id.to_string().len(), 4 + LENGTH);
        assert_eq!(id.to_string().parse(), Ok(id));
        assert_eq!(VerificationId::from_bytes(id.to_bytes()), id);
    }

    #[test]
    fn an_id_tells_when_it_was_made() {
        let moment = Timestamp::from_ms(1_767_225_600_123);
        assert_eq!(MessageId::generate(moment, &Fixed(0xff)).made_at(), moment);
    }

    #[test]
    fn an_id_as_a_uuid_reads_back_and_other_forms_of_one_do_not() {
        let id = VerificationId::generate(Timestamp::from_ms(1_767_225_600_000), &Fixed(0xab));
        let uuid = id.to_uuid();
        assert_eq!(uuid, "019b76da-a800-7bab-abab-abababababab");
        assert_eq!(VerificationId::from_uuid(&uuid), Some(id));
        assert_eq!(VerificationId::from_uuid(&uuid.to_uppercase()), Some(id));
        for bad in ["", "u1", &uuid.replace('-', ""), &format!("{{{uuid}}}"), &format!("urn:uuid:{uuid}"), &uuid[1..]] {
            assert_eq!(VerificationId::from_uuid(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_later_id_sorts_after_an_earlier_one_as_text_and_as_bytes() {
        let early = MessageId::generate(Timestamp::from_ms(1), &Fixed(0xff));
        let late = MessageId::generate(Timestamp::from_ms(2), &Fixed(0));
        assert!(early.to_string() < late.to_string() && early.to_bytes() < late.to_bytes());
    }

    #[test]
    fn another_kind_of_id_or_a_damaged_one_is_refused() {
        let id = MessageId::generate(Timestamp::from_ms(1), &Fixed(1)).to_string();
        assert!(id.parse::<VerificationId>().is_err());
        for bad in ["", "ver_", "ver_8zzzzzzzzzzzzzzzzzzzzzzzzz", "ver_0000000000000000000000000u", "ver_é"] {
            assert_eq!(bad.parse::<VerificationId>(), Err(NotAnId), "{bad}");
        }
    }
}
