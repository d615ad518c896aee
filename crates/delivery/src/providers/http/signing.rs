//! Signatures with a shared key (RFC 2104): how they are made and checked, for requests to a provider and for its receipts. Where
//! they stand is not decided here.

use super::{
    BadSetting, secrets,
    settings::{Algorithm, Encoding, Hmac},
    template::{Place, Template, Values},
};
use aws_lc_rs::{digest, hmac};
use data_encoding::{BASE64, HEXLOWER, HEXLOWER_PERMISSIVE};
use http::HeaderName;
use secrecy::ExposeSecret as _;

/// A key, and how a signature with it is written.
pub(super) struct Signer {
    key: hmac::Key,
    encoding: Encoding,
    prefix: String,
    over: Option<Template>,
}

impl Signer {
    /// `known` are the variables that the signed text may name; `setting` is the name of this one for complaints.
    pub fn new(settings: &Hmac, setting: &'static str, known: &[&str]) -> Result<Self, BadSetting> {
        let secret = secrets::required(setting, "secret", settings.secret.as_ref(), settings.secret_file.as_deref())?;
        let secret = secret.expose_secret().as_bytes();
        let digest = settings.key_digest.map(|digest| digest::digest(algorithm(digest).digest_algorithm(), secret));
        let over = settings.over.as_deref().map(|over| Template::new(over, Place::Plain, known)).transpose();
        Ok(Self {
            key: hmac::Key::new(algorithm(settings.algorithm), digest.as_ref().map_or(secret, AsRef::as_ref)),
            encoding: settings.encoding,
            prefix: settings.prefix.clone(),
            over: over.map_err(|problem| BadSetting::new(setting, format!("over: {problem}")))?,
        })
    }

    /// The text of the signature for these values, or for the body if nothing else is signed.
    pub fn sign(&self, values: &Values, body: &[u8]) -> Result<String, String> {
        let signed = self.signed(values, body)?;
        let tag = hmac::sign(&self.key, &signed);
        let written = match self.encoding {
            Encoding::Hex => HEXLOWER.encode(tag.as_ref()),
            Encoding::Base64 => BASE64.encode(tag.as_ref()),
        };
        Ok(format!("{}{written}", self.prefix))
    }

    /// Whether a text is the signature of these values. Takes the same time for each wrong one.
    pub fn verify(&self, found: &str, values: &Values, body: &[u8]) -> bool {
        let Some(written) = found.strip_prefix(self.prefix.as_str()) else { return false };
        let tag = match self.encoding {
            Encoding::Hex => HEXLOWER_PERMISSIVE.decode(written.as_bytes()),
            Encoding::Base64 => BASE64.decode(written.as_bytes()),
        };
        let (Ok(tag), Ok(signed)) = (tag, self.signed(values, body)) else { return false };
        hmac::verify(&self.key, &signed, &tag).is_ok()
    }

    fn signed(&self, values: &Values, body: &[u8]) -> Result<Vec<u8>, String> {
        self.over.as_ref().map_or_else(|| Ok(body.to_vec()), |over| over.render(values).map(String::into_bytes))
    }
}

const fn algorithm(algorithm: Algorithm) -> hmac::Algorithm {
    match algorithm {
        Algorithm::Sha256 => hmac::HMAC_SHA256,
        Algorithm::Sha512 => hmac::HMAC_SHA512,
        Algorithm::Sha1 => hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY,
    }
}

/// The name of a header.
pub(super) fn header(setting: &'static str, name: &str) -> Result<HeaderName, BadSetting> {
    name.parse().map_err(|_| BadSetting::new(setting, "there is a header whose name is none"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn signer(more: &str) -> Signer {
        let json = format!(r#"{{"header": "x-signature", "secret": "Jefe"{more}}}"#);
        Signer::new(&serde_json::from_str(&json).unwrap(), "request.auth", &["body"]).unwrap()
    }

    /// RFC 2202 and RFC 4231, test case 2.
    #[test]
    fn signatures_are_those_of_the_standard() {
        let text = b"what do ya want for nothing?";
        for (more, expected) in [
            ("", "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"),
            (r#", "algorithm": "sha1""#, "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79"),
            (r#", "algorithm": "sha1", "encoding": "base64", "prefix": "v1=""#, "v1=7/zfauXrL6LSdBbV8YTfnCWafHk="),
            (
                r#", "algorithm": "sha512""#,
                "164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea2505549758bf75c05a994a6d034f65f8f0e6fdcaeab1a34d4a6b4b636e070a38bce737",
            ),
        ] {
            let signer = signer(more);
            assert_eq!(signer.sign(&Values::new(), text).unwrap(), expected);
            assert!(signer.verify(expected, &Values::new(), text));
            assert!(!signer.verify(expected, &Values::new(), b"what do ya want for nothing!"));
            assert!(!signer.verify(&expected[..expected.len() - 2], &Values::new(), text));
            assert!(!signer.verify("", &Values::new(), text));
        }
    }

    /// The key is SHA-256 of the secret: of "abc" by FIPS 180-4.
    #[test]
    fn the_key_can_be_the_digest_of_the_secret() {
        let json = r#"{"header": "x", "secret": "abc", "key_digest": "sha256"}"#;
        let derived = Signer::new(&serde_json::from_str(json).unwrap(), "x", &[]).unwrap();
        let key = HEXLOWER.decode(b"ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad").unwrap();
        let expected = HEXLOWER.encode(hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &key), b"text").as_ref());
        assert_eq!(derived.sign(&Values::new(), b"text").unwrap(), expected);
    }

    #[test]
    fn what_is_signed_can_be_put_together() {
        let (joined, alone) = (signer(r#", "over": "a.{{ body }}\n""#), signer(""));
        let values = Values::from([("body".to_owned(), "b".into())]);
        assert_eq!(joined.sign(&values, b"x").unwrap(), alone.sign(&values, b"a.b\n").unwrap());
    }
}
