//! AWS Signature Version 4 of a request, in its header `Authorization`
//! (<https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html>): a hash of the request in a
//! canonical spelling, signed with a key that is good for one day, region and service. The times are the attempt's; AWS takes
//! five minutes of difference.

use super::{
    BadSetting,
    request::Prepared,
    secrets,
    settings::SigV4 as Settings,
    template::{UNRESERVED, Values},
};
use aws_lc_rs::{digest, hmac};
use data_encoding::HEXLOWER;
use http::{HeaderName, HeaderValue, header::HOST};
use jiff::Timestamp;
use percent_encoding::utf8_percent_encode;
use reqwest::Url;
use secrecy::{ExposeSecret as _, SecretString};
use std::{collections::BTreeMap, fmt::Write as _};

const ALGORITHM: &str = "AWS4-HMAC-SHA256";
const DATE: HeaderName = HeaderName::from_static("x-amz-date");
const TOKEN: HeaderName = HeaderName::from_static("x-amz-security-token");

/// An access key, and what it signs for.
pub(super) struct SigV4 {
    service: String,
    region: String,
    id: String,
    secret: SecretString,
    token: Option<HeaderValue>,
}

impl SigV4 {
    /// The variable that holds the time of an attempt.
    pub const TIME: &str = "timestamp_ms";

    /// `setting` is its name for complaints.
    pub fn new(settings: &Settings, setting: &'static str) -> Result<Self, BadSetting> {
        let Settings { service, region, access_key_id, .. } = settings;
        for (name, value) in [("service", service), ("region", region), ("access_key_id", access_key_id)] {
            if value.is_empty() || !value.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-') {
                return Err(BadSetting::new(setting, format!("sigv4: {name} must be letters, digits and hyphens")));
            }
        }
        let (secret, file) = (settings.secret_access_key.as_ref(), settings.secret_access_key_file.as_deref());
        let token = match (&settings.session_token, settings.session_token_file.as_deref()) {
            (None, None) => None,
            (token, file) => Some(secrets::required(setting, "session_token", token.as_ref(), file)?),
        };
        let in_header = |token: SecretString| {
            let mut value = HeaderValue::from_str(token.expose_secret())
                .map_err(|_| BadSetting::new(setting, "session_token cannot stand in a header"))?;
            value.set_sensitive(true);
            Ok(value)
        };
        Ok(Self {
            service: service.clone(),
            region: region.clone(),
            id: access_key_id.clone(),
            secret: secrets::required(setting, "secret_access_key", secret, file)?,
            token: token.map(in_header).transpose()?,
        })
    }

    /// Adds the headers that are signed too, and returns the text of `Authorization`.
    ///
    /// # Errors
    /// In words without values.
    pub fn sign(&self, prepared: &mut Prepared, values: &Values) -> Result<String, String> {
        let time = values.get(Self::TIME).and_then(|value| i64::try_from(value.clone()).ok());
        let time = time.and_then(|ms| Timestamp::from_millisecond(ms).ok()).ok_or("there is no time to sign")?;
        let (time, day) = (time.strftime("%Y%m%dT%H%M%SZ").to_string(), time.strftime("%Y%m%d").to_string());
        let date = HeaderValue::from_str(&time).map_err(|_| "the time cannot stand in a header")?;
        prepared.headers.insert(DATE, date);
        if let Some(token) = &self.token {
            prepared.headers.insert(TOKEN, token.clone());
        }
        let (request, signed) = canonical(prepared)?;
        let scope = format!("{day}/{}/{}/aws4_request", self.region, self.service);
        let text = format!("{ALGORITHM}\n{time}\n{scope}\n{}", hash(request.as_bytes()));
        let signature = HEXLOWER.encode(hmac::sign(&self.key(&day), text.as_bytes()).as_ref());
        Ok(format!("{ALGORITHM} Credential={}/{scope}, SignedHeaders={signed}, Signature={signature}", self.id))
    }

    fn key(&self, day: &str) -> hmac::Key {
        let mut key = hmac::Key::new(hmac::HMAC_SHA256, format!("AWS4{}", self.secret.expose_secret()).as_bytes());
        for part in [day, &self.region, &self.service, "aws4_request"] {
            key = hmac::Key::new(hmac::HMAC_SHA256, hmac::sign(&key, part.as_bytes()).as_ref());
        }
        key
    }
}

/// The canonical spelling of a request, and the names of the headers in it: all that it has, and the host.
fn canonical(prepared: &Prepared) -> Result<(String, String), String> {
    let mut headers = BTreeMap::from([(HOST.as_str(), host(&prepared.url))]);
    for name in prepared.headers.keys() {
        let texts = prepared.headers.get_all(name).iter().map(HeaderValue::to_str).collect::<Result<Vec<_>, _>>();
        let texts = texts.map_err(|_| "a header is not in ASCII")?;
        let texts: Vec<String> = texts.iter().map(|text| one_space(text)).collect();
        headers.insert(name.as_str(), texts.join(","));
    }
    let signed = headers.keys().copied().collect::<Vec<_>>().join(";");
    let lines = headers.iter().fold(String::new(), |mut lines, (name, text)| {
        let _ = writeln!(lines, "{name}:{text}");
        lines
    });
    let Prepared { method, url, body, .. } = prepared;
    Ok((format!("{method}\n{}\n{}\n{lines}\n{signed}\n{}", path(url), query(url), hash(body)), signed))
}

/// As the client names it: the port only where it is not the scheme's own.
fn host(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
}

/// Each part is encoded once more than it is in the address, and parts that are empty do not count. (Points are resolved when an
/// address is read.)
fn path(url: &Url) -> String {
    let parts: Vec<&str> = url.path().split('/').filter(|part| !part.is_empty()).collect();
    let mut path = String::from("/");
    path.push_str(&parts.iter().map(|part| encoded(part)).collect::<Vec<_>>().join("/"));
    if !parts.is_empty() && url.path().ends_with('/') {
        path.push('/');
    }
    path
}

fn query(url: &Url) -> String {
    let mut pairs: Vec<(String, String)> =
        url.query_pairs().map(|(name, value)| (encoded(&name), encoded(&value))).collect();
    pairs.sort();
    pairs.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("&")
}

fn encoded(text: &str) -> String {
    utf8_percent_encode(text, &UNRESERVED).to_string()
}

fn one_space(text: &str) -> String {
    text.split_ascii_whitespace().collect::<Vec<_>>().join(" ")
}

fn hash(bytes: &[u8]) -> String {
    HEXLOWER.encode(digest::digest(&digest::SHA256, bytes).as_ref())
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::{HeaderMap, Method};

    const TOKEN_OF_THE_SUITE: &str = "AQoDYXdzEPT//////////wEXAMPLEtc764bNrC9SAPBSM22wDOk4x4HIZ8j4FZTwdQWLWsKWHGBuFqwAeMicRXmxfpSPfIeoIYRqTflfKD8YUuwthAx7mSEI/qkPpKPi/kMcGdQrmGdeehM4IC1NtBmUpp2wUE8phUZampKsburEDy0KPkyQDYwT7WZ0wq5VSXDvp75YU9HFvlRd8Tx6q6fE8YQcHNVXAkiY9q6d+xo0rKwT38xVqr7ZD0u0iPPkUL64lIZbqBAz+scqKmlzm8FDrypNC9Yjc8fPOLn9FX9KSYvKTr4rvx3iSIlTJabIQwj2ICCR/oLxBA==";

    fn key(more: &str) -> Result<SigV4, BadSetting> {
        let json = format!(
            r#"{{"service": "service", "region": "us-east-1", "access_key_id": "AKIDEXAMPLE",
                "secret_access_key": "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"{more}}}"#
        );
        SigV4::new(&serde_json::from_str(&json).unwrap(), "request.auth")
    }

    /// What is signed of a request at 12:36 on 30 August 2015, and the signature.
    fn signed(key: &SigV4, method: &Method, path: &str, headers: &[(&str, &str)], body: &str) -> (String, String) {
        let headers: HeaderMap =
            headers.iter().map(|(name, value)| (name.parse::<HeaderName>().unwrap(), value.parse().unwrap())).collect();
        let url = format!("https://example.amazonaws.com{path}").parse().unwrap();
        let mut prepared = Prepared { method: method.clone(), url, headers, body: body.into() };
        let values = Values::from([(SigV4::TIME.to_owned(), 1_440_938_160_000_i64.into())]);
        let text = key.sign(&mut prepared, &values).unwrap();
        let rest = text
            .strip_prefix(
                "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, SignedHeaders=",
            )
            .unwrap();
        let (names, signature) = rest.split_once(", Signature=").unwrap();
        assert_eq!(prepared.headers["x-amz-date"], "20150830T123600Z");
        (names.to_owned(), signature.to_owned())
    }

    const GET: Method = Method::GET;
    const POST: Method = Method::POST;
    const FORM: &[(&str, &str)] = &[
        ("content-type", "application/x-www-form-urlencoded"),
        ("content-length", "13"),
        ("x-amz-content-sha256", "9095672bbd1f56dfc5b65f3e153adc8731a4a654192329106275f4c7b24d0b6e"),
    ];

    /// The signing test suite that AWS publishes for its libraries, as far as it encodes the path as all services but S3 ask for.
    #[test]
    fn signatures_are_those_of_the_published_suite() {
        let key = key("").unwrap();
        for (method, path, headers, body, expected) in [
            // get-vanilla, get-slash-normalized, get-relative-relative-normalized
            (GET, "/", &[][..], "", "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"),
            (GET, "//", &[], "", "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"),
            (GET, "/a/b/../..", &[], "", "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"),
            // get-slash-pointless-dot-normalized, get-slashes-normalized
            (GET, "/./example", &[], "", "ef75d96142cf21edca26f06005da7988e4f8dc83a165a80865db7089db637ec5"),
            (GET, "//example//", &[], "", "9a624bd73a37c9a373b5312afbebe7a714a789de108f0bdfe846570885f57e84"),
            // get-unreserved
            (
                GET,
                "/-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz",
                &[],
                "",
                "07ef7494c76fa4850883e2b006601f940f8a34d404d0cfa977f52a65bbf5f24f",
            ),
            // get-vanilla-query-order-key-case, get-vanilla-query-order-encoded, get-vanilla-utf8-query
            (
                GET,
                "/?Param2=value2&Param1=value1",
                &[],
                "",
                "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500",
            ),
            (
                GET,
                "/?Param-3=Value3&Param=Value2&%E1%88%B4=Value1",
                &[],
                "",
                "371d3713e185cc334048618a97f809c9ffe339c62934c032af5a0e595648fcac",
            ),
            (GET, "/?\u{1234}=bar", &[], "", "2cdec8eed098649ff3a119c94853b13c643bcf08f8b0a1d91e12c9027818dd04"),
            // get-header-value-trim, post-header-value-case
            (
                GET,
                "/",
                &[("my-header1", " value1"), ("my-header2", " \"a   b   c\"")],
                "",
                "acc3ed3afb60bb290fc8d2dd0098b9911fcaa05412b367055dee359757a9c736",
            ),
            (
                POST,
                "/",
                &[("my-header1", "VALUE1")],
                "",
                "cdbc9802e29d2942e5e10b5bccfdd67c5f22c7c4e8ae67b53629efa58b974b7d",
            ),
            // post-vanilla, post-x-www-form-urlencoded
            (POST, "/", &[], "", "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"),
            (POST, "/", FORM, "Param1=value1", "d3875051da38690788ef43de4db0d8f280229d82040bfac253562e56c3f20e0b"),
        ] {
            assert_eq!(signed(&key, &method, path, headers, body).1, expected, "{method} {path} {headers:?}");
        }
    }

    /// double-url-encode
    #[test]
    fn a_path_is_encoded_twice() {
        let url = "https://lambda.us-east-2.amazonaws.com/2015-03-31/functions/arn%3Aaws%3Alambda%3Aus-west-2%3A892717189312%3Afunction%3Amy-rusty-fun/invocations";
        let key = SigV4 { service: "lambda".to_owned(), region: "us-east-2".to_owned(), ..key("").unwrap() };
        let mut prepared =
            Prepared { method: POST, url: url.parse().unwrap(), headers: HeaderMap::new(), body: Vec::new() };
        let values = Values::from([(SigV4::TIME.to_owned(), 1_620_747_645_000_i64.into())]);
        assert_eq!(
            key.sign(&mut prepared, &values).unwrap(),
            "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20210511/us-east-2/lambda/aws4_request, SignedHeaders=host;x-amz-date, \
             Signature=4b93abbcc68be32bd64c18e2c71150660ab4c29bbd6c32a383a7517a88fc1804"
        );
    }

    /// post-sts-header-before
    #[test]
    fn the_token_of_temporary_credentials_is_signed_too() {
        let key = key(&format!(r#", "session_token": "{TOKEN_OF_THE_SUITE}""#)).unwrap();
        let (names, signature) = signed(&key, &POST, "/", &[], "");
        assert_eq!(names, "host;x-amz-date;x-amz-security-token");
        assert_eq!(signature, "85d96828115b5dc0cfc3bd16ad9e210dd772bbebba041836c64533a82be05ead");
    }

    #[test]
    fn a_question_without_a_time_cannot_be_signed() {
        let json = r#"{"request": {"url": "https://x.example/", "auth": {"sigv4": {"service": "a", "region": "b",
            "access_key_id": "c", "secret_access_key": "d"}}}, "exists": [{"contains": "a"}], "missing": [{"contains": "b"}]}"#;
        let told = super::super::HttpLookup::new(&serde_json::from_str(json).unwrap()).unwrap_err();
        assert_eq!(told.to_string(), "request.auth: sigv4 is for messages only");
    }

    #[test]
    fn what_cannot_be_a_key_is_said_at_start() {
        for more in [
            r#", "secret_access_key_file": "/x""#,
            r#", "session_token": "a\nb""#,
            r#", "session_token": "a", "session_token_file": "/x""#,
        ] {
            assert!(key(more).is_err(), "{more}");
        }
        let json = r#"{"service": "a/b", "region": "c", "access_key_id": "d", "secret_access_key": "e"}"#;
        assert!(SigV4::new(&serde_json::from_str(json).unwrap(), "request.auth").is_err());
    }
}
