//! How a request says who we are.

use super::{
    BadSetting, secrets,
    settings::{Auth, Basic, Bearer},
    signing::{self, Signer},
    template::Values,
    values::MASK,
};
use data_encoding::BASE64;
use http::{HeaderName, HeaderValue, header::AUTHORIZATION};
use secrecy::{ExposeSecret as _, SecretString};

const SETTING: &str = "request.auth";
/// What a signature may cover besides the variables of the message.
pub(super) const SIGNED_TOO: [&str; 4] = ["body", "method", "url", "path"];

/// Proves who we are.
pub(super) enum Identity {
    /// By a text that is always the same.
    Fixed { header: HeaderName, secret: SecretString },
    /// By a signature of each request.
    Signed(Box<Signer>),
}

impl Identity {
    pub fn new(settings: &Auth, known: &[&str]) -> Result<Self, BadSetting> {
        match settings {
            Auth::Basic(basic) => Ok(Self::Fixed { header: AUTHORIZATION, secret: basic_credentials(basic, SETTING)? }),
            Auth::Bearer(bearer) => {
                let token = token(bearer, SETTING)?;
                Self::fixed(AUTHORIZATION, format!("Bearer {}", token.expose_secret()))
            }
            Auth::Header(key) => {
                let secret = secrets::required(SETTING, "secret", key.secret.as_ref(), key.secret_file.as_deref())?;
                let header = signing::header(SETTING, &key.name)?;
                Self::fixed(header, format!("{}{}", key.prefix, secret.expose_secret()))
            }
            Auth::Hmac(settings) => {
                let known: Vec<&str> = known.iter().copied().chain(SIGNED_TOO).collect();
                Ok(Self::Signed(Box::new(Signer::new(settings, SETTING, &known)?)))
            }
        }
    }

    fn fixed(header: HeaderName, text: String) -> Result<Self, BadSetting> {
        if HeaderValue::from_str(&text).is_err() {
            return Err(BadSetting::new(SETTING, "the secret holds characters that cannot stand in a header"));
        }
        Ok(Self::Fixed { header, secret: text.into() })
    }

    /// The header and its text, or a mask of it for showing.
    pub fn header(&self, values: &Values, body: &[u8], masked: bool) -> Result<(HeaderName, HeaderValue), String> {
        let (header, text) = match self {
            Self::Fixed { header, .. } if masked => (header, MASK.to_owned()),
            Self::Fixed { header, secret } => (header, secret.expose_secret().to_owned()),
            Self::Signed(signer) if masked => (&signer.header, MASK.to_owned()),
            Self::Signed(signer) => (&signer.header, signer.sign(values, body)?),
        };
        let mut value = HeaderValue::from_str(&text).map_err(|_| "the secret cannot stand in a header".to_owned())?;
        value.set_sensitive(true);
        Ok((header.clone(), value))
    }
}

/// What stands in the header `Authorization` for a user name and a password (RFC 7617).
pub(super) fn basic_credentials(basic: &Basic, setting: &'static str) -> Result<SecretString, BadSetting> {
    let password = secrets::required(setting, "password", basic.password.as_ref(), basic.password_file.as_deref())?;
    if basic.username.contains(':') {
        return Err(BadSetting::new(setting, "a user name has no colon"));
    }
    let pair = format!("{}:{}", basic.username, password.expose_secret());
    Ok(format!("Basic {}", BASE64.encode(pair.as_bytes())).into())
}

/// The token itself.
pub(super) fn token(bearer: &Bearer, setting: &'static str) -> Result<SecretString, BadSetting> {
    secrets::required(setting, "token", bearer.token.as_ref(), bearer.token_file.as_deref())
}
