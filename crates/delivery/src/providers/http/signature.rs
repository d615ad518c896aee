//! How a call proves to be the provider's. Every comparison of secrets takes the same time for each wrong one.

use super::{
    BadSetting,
    auth::{basic_credentials, token},
    jwt::Verifier,
    matching::Source,
    secrets,
    seen::{Seen, path_of},
    settings::{self, Extract, OwnKey},
    signing::{self, Signer},
    template::{Place, Template, Values},
};
use crate::ReceiptRequest;
use aws_lc_rs::{
    constant_time::verify_slices_are_equal,
    hmac,
    signature::{ECDSA_P256_SHA256_ASN1, ED25519, ParsedPublicKey, VerificationAlgorithm},
};
use data_encoding::BASE64;
use http::{HeaderName, header::AUTHORIZATION};
use minijinja::Value;
use secrecy::{ExposeSecret as _, SecretString};

const SETTING: &str = "receipt.signature";
/// What a signature can be over.
const SIGNED: [&str; 8] = ["body", "json", "method", "url", "address", "path", "query", "headers"];
const TWILIO: HeaderName = HeaderName::from_static("x-twilio-signature");

/// What a call must show.
pub(super) enum Proof {
    Link,
    None,
    Hmac { place: Source, signer: Box<Signer> },
    Twilio(Box<hmac::Key>),
    Basic(SecretString),
    Query { name: String, token: SecretString },
    OwnKey(Box<PublicKey>),
    Jwt(Box<Verifier>),
}

/// A provider's own key.
pub(super) struct PublicKey {
    header: HeaderName,
    key: ParsedPublicKey,
    over: Option<Template>,
}

impl Proof {
    pub fn new(settings: &settings::Signature) -> Result<Self, BadSetting> {
        Ok(match settings {
            settings::Signature::Link => Self::Link,
            settings::Signature::None => Self::None,
            settings::Signature::Hmac(hmac) => Self::Hmac {
                place: Source::new(&place(hmac)?, SETTING)?,
                signer: Box::new(Signer::new(hmac, SETTING, &SIGNED)?),
            },
            settings::Signature::Twilio(bearer) => {
                let token = token(bearer, SETTING)?;
                let algorithm = hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY;
                Self::Twilio(Box::new(hmac::Key::new(algorithm, token.expose_secret().as_bytes())))
            }
            settings::Signature::Basic(basic) => Self::Basic(basic_credentials(basic, SETTING)?),
            settings::Signature::Query(query) => Self::Query {
                name: query.name.clone(),
                token: secrets::required(SETTING, "token", query.token.as_ref(), query.token_file.as_deref())?,
            },
            settings::Signature::Ed25519(own) => Self::OwnKey(Box::new(PublicKey::new(own, &ED25519)?)),
            settings::Signature::Ecdsa(own) => Self::OwnKey(Box::new(PublicKey::new(own, &ECDSA_P256_SHA256_ASN1)?)),
            settings::Signature::Jwt(settings) => Self::Jwt(Box::new(Verifier::new(settings, SETTING)?)),
        })
    }

    /// Whether only the message's own address will do.
    pub const fn is_link(&self) -> bool {
        matches!(self, Self::Link)
    }

    /// Whether a call shows it.
    pub fn is_shown_by(&self, call: &ReceiptRequest<'_>) -> bool {
        let header =
            |name: &HeaderName| call.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
        match self {
            Self::Link => call.message.is_some(),
            Self::None => true,
            Self::Hmac { place, signer } => values(call).is_some_and(|values| {
                let seen = Seen::of(call);
                place.of(&seen).is_some_and(|found| signer.verify(&found, &values, call.body))
            }),
            Self::Twilio(key) => {
                let tag = BASE64.decode(header(&TWILIO).as_bytes());
                tag.is_ok_and(|tag| hmac::verify(key, &twilio_text(call), &tag).is_ok())
            }
            Self::Basic(expected) => is_same(expected, header(&AUTHORIZATION)),
            Self::Query { name, token } => {
                let mut found = form_urlencoded::parse(call.query.as_bytes()).filter(|(found, _)| found == name);
                found.any(|(_, value)| is_same(token, &value))
            }
            Self::OwnKey(key) => key.has_signed(call, header(&key.header)),
            Self::Jwt(verifier) => verifier.has_signed(header(&AUTHORIZATION), call.body),
        }
    }
}

impl PublicKey {
    fn new(settings: &OwnKey, algorithm: &'static dyn VerificationAlgorithm) -> Result<Self, BadSetting> {
        let bad = |problem: String| BadSetting::new(SETTING, problem);
        let key = BASE64.decode(settings.public_key.as_bytes()).ok();
        let key = key.and_then(|key| ParsedPublicKey::new(algorithm, key).ok());
        let over = settings.over.as_deref().map(|over| Template::new(over, Place::Plain, &SIGNED));
        Ok(Self {
            header: signing::header(SETTING, &settings.header)?,
            key: key.ok_or_else(|| bad("public_key must be the provider's key, in base 64".to_owned()))?,
            over: over.transpose().map_err(|problem| bad(format!("over: {problem}")))?,
        })
    }

    fn has_signed(&self, call: &ReceiptRequest<'_>, found: &str) -> bool {
        let signed = match &self.over {
            None => Some(call.body.to_vec()),
            Some(over) => values(call).and_then(|values| over.render(&values).ok()).map(String::into_bytes),
        };
        let (Ok(signature), Some(signed)) = (BASE64.decode(found.as_bytes()), signed) else { return false };
        self.key.verify_sig(&signed, &signature).is_ok()
    }
}

/// Where the signature of a call stands.
fn place(settings: &settings::Hmac) -> Result<Extract, BadSetting> {
    match (&settings.header, &settings.place) {
        (Some(header), None) => Ok(Extract { header: Some(header.clone()), ..Extract::default() }),
        (None, Some(place)) => Ok(place.clone()),
        (None, None) | (Some(_), Some(_)) => Err(BadSetting::new(SETTING, "give either header or place")),
    }
}

pub(super) fn is_same(expected: &SecretString, found: &str) -> bool {
    verify_slices_are_equal(expected.expose_secret().as_bytes(), found.as_bytes()).is_ok()
}

/// The variables of what is signed. None: the call is not text, and no provider signs such a one.
fn values(call: &ReceiptRequest<'_>) -> Option<Values> {
    let body = std::str::from_utf8(call.body).ok()?;
    let headers = call.headers.iter().filter_map(|(name, value)| Some((name.as_str(), value.to_str().ok()?)));
    let (address, _) = call.url.split_once('?').unwrap_or((call.url, ""));
    Some(Values::from(
        [
            ("body", Value::from(body)),
            ("json", serde_json::from_str(body).unwrap_or_default()),
            ("method", Value::from(call.method.as_str())),
            ("url", Value::from(call.url)),
            ("address", Value::from(address)),
            ("path", Value::from(path_of(address))),
            ("query", Value::from(call.query)),
            ("headers", Value::from_pairs(headers)),
        ]
        .map(|(name, value)| (name.to_owned(), value)),
    ))
}

/// Twilio signs the address with its query, and after it each field of the form, name and value, sorted by name.
fn twilio_text(call: &ReceiptRequest<'_>) -> Vec<u8> {
    let mut fields: Vec<_> = form_urlencoded::parse(call.body).collect();
    fields.sort();
    fields.dedup();
    let mut text = call.url.as_bytes().to_vec();
    for (name, value) in fields {
        text.extend_from_slice(name.as_bytes());
        text.extend_from_slice(value.as_bytes());
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use data_encoding::HEXLOWER;
    use http::{HeaderMap, Method};

    fn proof(json: &str) -> Proof {
        Proof::new(&serde_json::from_str(json).unwrap()).unwrap()
    }

    fn shown(proof: &Proof, url: &str, headers: &[(&str, &str)], body: &[u8]) -> bool {
        let pairs = headers.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap()));
        let headers: HeaderMap = pairs.collect();
        let query = url.split_once('?').map_or("", |(_, query)| query);
        proof.is_shown_by(&ReceiptRequest { method: &Method::POST, url, query, headers: &headers, body, message: None })
    }

    /// The example of Twilio's own documentation on securing requests.
    #[test]
    fn twilios_signature_is_the_documented_one() {
        let proof = proof(r#"{"twilio": {"token": "12345"}}"#);
        let url = "https://mycompany.com/myapp.php?foo=1&bar=2";
        let body = b"CallSid=CA1234567890ABCDE&Caller=%2B12349013030&Digits=1234&From=%2B12349013030&To=%2B18005551212";
        let right = [("X-Twilio-Signature", "0/KCTR6DLpKmkAf8muzZqo1nDgQ=")];
        assert!(shown(&proof, url, &right, body));
        assert!(!shown(&proof, "https://mycompany.com/myapp.php?foo=1&bar=3", &right, body));
        assert!(!shown(&proof, url, &right, b"CallSid=CA1234567890ABCDE"));
        assert!(!shown(&proof, url, &[], body));
    }

    #[test]
    fn a_password_is_compared_as_a_whole() {
        let proof = proof(r#"{"basic": {"username": "Aladdin", "password": "open sesame"}}"#);
        assert!(shown(&proof, "https://x/", &[("authorization", "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==")], b""));
        for wrong in ["Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=", "Basic QWxhZGRpbjpvcGVuIHNlc2FtZR==", "", "Basic "] {
            assert!(!shown(&proof, "https://x/", &[("authorization", wrong)], b""), "{wrong}");
        }
    }

    #[test]
    fn a_token_in_the_address_is_compared_as_a_whole() {
        let proof = proof(r#"{"query": {"name": "token", "token": "s3cret+"}}"#);
        assert!(shown(&proof, "https://x/?a=1&token=s3cret%2B", &[], b""));
        for wrong in ["token=s3cret", "token=", "a=s3cret%2B", ""] {
            assert!(!shown(&proof, &format!("https://x/?{wrong}"), &[], b""), "{wrong}");
        }
    }

    #[test]
    fn a_hash_over_headers_and_body_is_checked() {
        let proof = proof(
            r#"{"hmac": {"header": "x-sig", "secret": "k", "encoding": "base64", "over": "{{ body }}.{{ headers['x-nonce'] }}.{{ path }}?{{ query }}"}}"#,
        );
        let key = hmac::Key::new(hmac::HMAC_SHA256, b"k");
        let tag = BASE64.encode(hmac::sign(&key, b"b.7./p?q=1").as_ref());
        assert!(shown(&proof, "https://x/p?q=1", &[("x-sig", &tag), ("x-nonce", "7")], b"b"));
        assert!(!shown(&proof, "https://x/p?q=1", &[("x-sig", &tag), ("x-nonce", "8")], b"b"));
        assert!(!shown(&proof, "https://x/p?q=1", &[("x-sig", &tag)], b"b"), "a missing header is no empty one");
        assert!(!shown(&proof, "https://x/p?q=1", &[("x-sig", &tag), ("x-nonce", "7")], b"\xff"));
    }

    /// Mailgun's scheme: the signature stands in the body, over two of its fields.
    #[test]
    fn a_hash_can_stand_in_the_body_over_fields_of_it() {
        let proof = proof(
            r#"{"hmac": {"place": {"json": "/s/sig"}, "secret": "k", "over": "{{ json.s.time }}{{ json.s.token }}"}}"#,
        );
        let tag = HEXLOWER.encode(hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, b"k"), b"1767225600abc").as_ref());
        let body = |time: &str| format!(r#"{{"s": {{"time": {time}, "token": "abc", "sig": "{tag}"}}}}"#);
        assert!(shown(&proof, "https://x/", &[], body("1767225600").as_bytes()));
        assert!(shown(&proof, "https://x/", &[], body("\"1767225600\"").as_bytes()));
        for wrong in [&*body("1767225601"), "{}", "", &format!(r#"{{"s": {{"sig": "{tag}"}}}}"#)] {
            assert!(!shown(&proof, "https://x/", &[], wrong.as_bytes()), "{wrong}");
        }
    }

    #[test]
    fn a_hash_stands_in_one_place() {
        for bad in ["", r#""header": "x", "place": {"json": "/x"}, "#] {
            let json = format!(r#"{{"hmac": {{{bad}"secret": "k"}}}}"#);
            assert!(Proof::new(&serde_json::from_str(&json).unwrap()).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_public_key_is_checked_at_start() {
        for kind in ["ed25519", "ecdsa"] {
            for bad in ["", "AAAA", "not base 64"] {
                let json = format!(r#"{{"{kind}": {{"header": "x", "public_key": "{bad}"}}}}"#);
                assert!(Proof::new(&serde_json::from_str(&json).unwrap()).is_err(), "{kind} {bad}");
            }
        }
    }
}
