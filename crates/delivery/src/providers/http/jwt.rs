//! JSON Web Tokens (RFC 7519): ours, which say who we are, signed with our private key (RS256); and those by which a vendor proves
//! a call, signed with a shared secret (HS256).

use super::{
    BadSetting, secrets,
    settings::{Jwt, JwtSecret},
    template::{Place, Template, Values},
};
use aws_lc_rs::{constant_time::verify_slices_are_equal, digest};
use data_encoding::HEXLOWER;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation, decode, encode};
use secrecy::ExposeSecret as _;
use serde::Deserialize;
use serde_json::{Map, Value};

/// The longest life of a token that says who we are, in seconds: a day, as the vendors have it.
const LONGEST_LIFE: u32 = 86_400;

/// Makes our tokens.
pub(super) struct Issuer {
    key: EncodingKey,
    claims: Vec<(String, Template)>,
    life_seconds: u32,
}

impl Issuer {
    pub fn new(settings: &Jwt, setting: &'static str, known: &[&str]) -> Result<Self, BadSetting> {
        let bad = |problem: String| BadSetting::new(setting, problem);
        if !known.contains(&"timestamp") {
            return Err(bad("a token needs the time, which there is for messages only".to_owned()));
        }
        if !(1..=LONGEST_LIFE).contains(&settings.life_seconds) {
            return Err(bad(format!("life_seconds must be from 1 to {LONGEST_LIFE}")));
        }
        let (direct, file) = (settings.private_key.as_ref(), settings.private_key_file.as_deref());
        let pem = secrets::required(setting, "private_key", direct, file)?;
        let key = EncodingKey::from_rsa_pem(pem.expose_secret().as_bytes());
        let claims = settings.claims.iter().map(|(name, source)| {
            let template = Template::new(source, Place::Plain, known);
            template
                .map(|template| (name.clone(), template))
                .map_err(|problem| bad(format!("claims: {name}: {problem}")))
        });
        Ok(Self {
            key: key.map_err(|_| bad("private_key must be an RSA key in PEM form".to_owned()))?,
            claims: claims.collect::<Result<_, _>>()?,
            life_seconds: settings.life_seconds,
        })
    }

    /// The token for this request: made at its `timestamp`.
    pub fn token(&self, values: &Values) -> Result<String, String> {
        let no_time = || "there is no time to make a token at".to_owned();
        let now: i64 = values.get("timestamp").cloned().and_then(|now| now.try_into().ok()).ok_or_else(no_time)?;
        let mut claims = Map::new();
        for (name, template) in &self.claims {
            claims.insert(name.clone(), template.render(values)?.into());
        }
        claims.insert("iat".to_owned(), now.into());
        claims.insert("exp".to_owned(), now.saturating_add(i64::from(self.life_seconds)).into());
        encode(&Header::new(Algorithm::RS256), &claims, &self.key).map_err(|_| "a token could not be signed".to_owned())
    }
}

/// Checks the tokens of a vendor's calls.
pub(super) struct Verifier {
    key: DecodingKey,
    rules: Validation,
}

/// What a call's token says.
#[derive(Deserialize)]
struct Claims {
    payload_hash: Option<Value>,
}

impl Verifier {
    pub fn new(settings: &JwtSecret, setting: &'static str) -> Result<Self, BadSetting> {
        let secret = secrets::required(setting, "secret", settings.secret.as_ref(), settings.secret_file.as_deref())?;
        let mut rules = Validation::new(Algorithm::HS256);
        // A call comes to an address that was made for one message, and saying the same twice changes nothing.
        rules.required_spec_claims.clear();
        (rules.validate_exp, rules.validate_aud) = (false, false);
        Ok(Self { key: DecodingKey::from_secret(secret.expose_secret().as_bytes()), rules })
    }

    /// Whether the text of the header `Authorization` holds a token of the vendor's, for this body.
    pub fn has_signed(&self, found: &str, body: &[u8]) -> bool {
        let Some(token) = found.strip_prefix("Bearer ") else { return false };
        let Ok(read) = decode::<Claims>(token, &self.key, &self.rules) else { return false };
        if body.is_empty() {
            return true;
        }
        let expected = HEXLOWER.encode(digest::digest(&digest::SHA256, body).as_ref());
        let told = read.claims.payload_hash.as_ref().and_then(Value::as_str).unwrap_or_default();
        verify_slices_are_equal(expected.as_bytes(), told.to_ascii_lowercase().as_bytes()).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn signed(secret: &str, claims: &Value) -> String {
        let token = encode(&Header::new(Algorithm::HS256), claims, &EncodingKey::from_secret(secret.as_bytes()));
        format!("Bearer {}", token.unwrap())
    }

    #[test]
    fn a_call_is_the_vendors_if_its_token_is_and_speaks_of_its_body() {
        let verifier = Verifier::new(&serde_json::from_str(r#"{"secret": "k"}"#).unwrap(), "x").unwrap();
        // SHA-256 of "abc": FIPS 180-4, example of one block.
        let of_abc = json!({"iss": "Vonage", "iat": 1, "payload_hash": "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"});
        let right = signed("k", &of_abc);
        assert!(verifier.has_signed(&right, b"abc"));
        assert!(verifier.has_signed(&right, b""));
        assert!(!verifier.has_signed(&right, b"abd"));
        assert!(!verifier.has_signed(&signed("other", &of_abc), b"abc"));
        assert!(!verifier.has_signed(&signed("k", &json!({"iss": "Vonage"})), b"abc"), "it must speak of the body");
        assert!(!verifier.has_signed(right.trim_start_matches("Bearer "), b"abc"));
        let none = format!("Bearer {}.{}.", data_encoding::BASE64URL_NOPAD.encode(br#"{"alg":"none"}"#), "e30");
        assert!(!verifier.has_signed(&none, b""));
    }

    #[test]
    fn a_key_that_is_none_and_a_life_that_cannot_be_are_named() {
        let problem = |json: &str, known: &[&str]| {
            Issuer::new(&serde_json::from_str(json).unwrap(), "request.auth", known).err().unwrap().problem
        };
        let timely = ["timestamp"];
        assert_eq!(problem(r#"{"private_key": "x"}"#, &timely), "private_key must be an RSA key in PEM form");
        assert_eq!(
            problem(r#"{"private_key": "x", "life_seconds": 0}"#, &timely),
            "life_seconds must be from 1 to 86400"
        );
        assert_eq!(problem("{}", &timely), "private_key or private_key_file is missing");
        assert!(problem(r#"{"private_key": "x"}"#, &["to"]).contains("needs the time"));
    }
}
