//! How a request says who we are.

use super::{
    BadSetting,
    jwt::Issuer,
    request::Prepared,
    secrets,
    settings::{Auth, Basic, Bearer},
    signing::{self, Signer},
    sigv4::SigV4,
    template::Values,
    values::MASK,
};
use data_encoding::BASE64;
use http::{HeaderName, HeaderValue, header::AUTHORIZATION};
use minijinja::Value;
use secrecy::{ExposeSecret as _, SecretString};

const SETTING: &str = "request.auth";
/// What a signature may cover besides the variables of the message.
pub(super) const SIGNED_TOO: [&str; 4] = ["body", "method", "url", "path"];

/// Proves who we are.
pub(super) enum Identity {
    /// By a text that is always the same.
    Fixed { header: HeaderName, secret: SecretString },
    /// By a signature of each request.
    Signed { header: HeaderName, signer: Box<Signer> },
    /// By AWS's signature of each request.
    SigV4(Box<SigV4>),
    /// By a token that we sign.
    Token(Box<Issuer>),
}

impl Identity {
    /// `known` are the variables that a request has.
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
                let Some(header) = settings.header.as_ref().filter(|_| settings.place.is_none()) else {
                    return Err(BadSetting::new(SETTING, "the signature of a request stands in a header: header = …"));
                };
                let known: Vec<&str> = known.iter().copied().chain(SIGNED_TOO).collect();
                let signer = Box::new(Signer::new(settings, SETTING, &known)?);
                Ok(Self::Signed { header: signing::header(SETTING, header)?, signer })
            }
            Auth::Jwt(settings) => Ok(Self::Token(Box::new(Issuer::new(settings, SETTING, known)?))),
            Auth::SigV4(settings) if known.contains(&SigV4::TIME) => {
                Ok(Self::SigV4(Box::new(SigV4::new(settings, SETTING)?)))
            }
            Auth::SigV4(_) => Err(BadSetting::new(SETTING, "sigv4 is for messages only")),
        }
    }

    fn fixed(header: HeaderName, text: String) -> Result<Self, BadSetting> {
        if HeaderValue::from_str(&text).is_err() {
            return Err(BadSetting::new(SETTING, "the secret holds characters that cannot stand in a header"));
        }
        Ok(Self::Fixed { header, secret: text.into() })
    }

    /// Adds the proof to a request that is otherwise complete; a mask of it if it is only to be shown.
    pub fn prove(&self, prepared: &mut Prepared, values: Values, masked: bool) -> Result<(), String> {
        let (header, text) = match self {
            Self::Fixed { header, .. } | Self::Signed { header, .. } if masked => (header, MASK.to_owned()),
            Self::SigV4(_) | Self::Token(_) if masked => (&AUTHORIZATION, MASK.to_owned()),
            Self::Fixed { header, secret } => (header, secret.expose_secret().to_owned()),
            Self::Signed { header, signer } => (header, signer.sign(&signed_too(prepared, values), &prepared.body)?),
            Self::SigV4(key) => (&AUTHORIZATION, key.sign(prepared, &values)?),
            Self::Token(issuer) => (&AUTHORIZATION, format!("Bearer {}", issuer.token(&values)?)),
        };
        let mut value = HeaderValue::from_str(&text).map_err(|_| "the secret cannot stand in a header".to_owned())?;
        value.set_sensitive(true);
        prepared.headers.insert(header.clone(), value);
        Ok(())
    }
}

/// What the text that is signed may name.
fn signed_too(prepared: &Prepared, mut values: Values) -> Values {
    let signed = [
        String::from_utf8_lossy(&prepared.body).into_owned(),
        prepared.method.to_string(),
        prepared.url.to_string(),
        prepared.url.path().to_owned(),
    ];
    values.extend(SIGNED_TOO.map(str::to_owned).into_iter().zip(signed.map(Value::from)));
    values
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
