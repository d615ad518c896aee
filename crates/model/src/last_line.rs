//! The last line of a text message, by which the phone finds the code and who may have it: a browser by the site that it is
//! bound to ("Origin-bound one-time codes delivered via SMS", WICG), an Android app by the hash of its signature (SMS Retriever).
//! A message has one last line, so it is for one of the two.

use crate::Code;
use serde::{Deserialize, Serialize};

/// What a text message ends with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LastLine {
    /// For a browser.
    WebOtp(WebOtp),
    /// For an Android app.
    AppHash(AppHash),
}

/// The site whose pages may have the code.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WebOtp {
    host: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    embedded_host: Option<String>,
}

/// By which Android knows the app whose message it is: the start of a hash of its package name and its certificate. Messages
/// of more than 140 bytes, which is one part, are not read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AppHash(String);

/// Why no such line is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadLastLine {
    /// No host.
    #[error("must be a host such as \"example.com\": in ASCII, without scheme, port and path")]
    Host,
    /// No host for the frame.
    #[error("must be a host such as \"pay.example.com\": in ASCII, without scheme, port and path")]
    EmbeddedHost,
    /// No hash.
    #[error("must be the 11 characters (A-Z a-z 0-9 + /) that Android's SMS Retriever knows the app by")]
    AppHash,
}

/// RFC 1035, section 2.3.4.
const LONGEST_HOST: usize = 253;
const LONGEST_LABEL: usize = 63;
/// Google's SMS Retriever: the first 11 characters of a hash in base64.
const APP_HASH_LENGTH: usize = 11;

impl WebOtp {
    /// The host of the page in the address bar, and that of the frame in it if a frame asks for the code: in ASCII, without
    /// scheme and port, since `https` is meant.
    ///
    /// # Errors
    /// When one of them is no host.
    pub fn new(host: &str, embedded_host: Option<&str>) -> Result<Self, BadLastLine> {
        let host = canonical_host(host).ok_or(BadLastLine::Host)?;
        let embedded_host =
            embedded_host.map(|host| canonical_host(host).ok_or(BadLastLine::EmbeddedHost)).transpose()?;
        Ok(Self { host, embedded_host })
    }

    /// The host of the page, in small letters.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The host of the frame, in small letters.
    #[must_use]
    pub fn embedded_host(&self) -> Option<&str> {
        self.embedded_host.as_deref()
    }
}

impl AppHash {
    /// The hash as Android's tools show it.
    ///
    /// # Errors
    /// When it is none.
    pub fn new(text: &str) -> Result<Self, BadLastLine> {
        let fits = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'+' || byte == b'/';
        let is_hash = text.len() == APP_HASH_LENGTH && text.bytes().all(fits);
        if is_hash { Ok(Self(text.to_owned())) } else { Err(BadLastLine::AppHash) }
    }

    /// The hash.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl LastLine {
    /// The line for a code, without the line break before it: `@example.com #123456`, `@example.com #123456 @pay.example`, or
    /// the hash of an app.
    #[must_use]
    pub fn with(&self, code: &Code) -> String {
        match self {
            Self::WebOtp(WebOtp { host, embedded_host: None }) => format!("@{host} #{}", code.expose()),
            Self::WebOtp(WebOtp { host, embedded_host: Some(frame) }) => format!("@{host} #{} @{frame}", code.expose()),
            Self::AppHash(hash) => hash.as_str().to_owned(),
        }
    }
}

fn canonical_host(text: &str) -> Option<String> {
    let host = text.to_ascii_lowercase();
    let is_label = |label: &str| {
        (1..=LONGEST_LABEL).contains(&label.len())
            && label.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    // No domain at the top is a number, and every IPv4 address ends in one.
    let is_named = host.rsplit('.').next().is_some_and(|top| !top.bytes().all(|byte| byte.is_ascii_digit()));
    (host.len() <= LONGEST_HOST && host.split('.').all(is_label) && is_named).then_some(host)
}

/// What a browser reads in the last line of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BoundCode<'a> {
    /// The host of the page.
    pub host: &'a str,
    /// The code.
    pub code: &'a str,
    /// The host of the frame in the page.
    pub embedded_host: Option<&'a str>,
}

impl<'a> BoundCode<'a> {
    /// Reads a message as browsers do (the section "Parsing" of the specification); none for one that is bound to no site.
    #[must_use]
    pub fn parse(message: &'a str) -> Option<Self> {
        // CRLF, CR and LF all end a line.
        let line = message.rsplit(['\n', '\r']).next()?;
        let (host, rest) = token(line.strip_prefix('@')?)?;
        let (code, rest) = token(rest.strip_prefix(" #")?)?;
        let embedded = rest.strip_prefix(" @").and_then(token);
        // What follows is for later versions of the specification.
        Some(Self { host, code, embedded_host: embedded.map(|(host, _)| host) })
    }
}

/// What stands before the next white space, and the rest; none if that is nothing.
fn token(text: &str) -> Option<(&str, &str)> {
    let end = text.find(|character: char| character.is_ascii_whitespace()).unwrap_or(text.len());
    text.split_at_checked(end).filter(|(token, _)| !token.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(message: &str) -> Option<(&str, &str, Option<&str>)> {
        BoundCode::parse(message).map(|bound| (bound.host, bound.code, bound.embedded_host))
    }

    fn web(host: &str, embedded_host: Option<&str>) -> LastLine {
        LastLine::WebOtp(WebOtp::new(host, embedded_host).unwrap())
    }

    #[test]
    fn a_browser_reads_the_last_line_and_nothing_else() {
        let plain = Some(("example.com", "123456", None));
        let embedded = Some(("example.com", "123456", Some("pay.example")));
        for (message, expected) in [
            ("Your code is 123456.\n@example.com #123456", plain),
            ("@example.com #123456", plain),
            ("Your code is 123456.\n\n@example.com #123456 @pay.example", embedded),
            ("Your code is 123456.\r\n@example.com #123456", plain),
            ("Your code is 123456.\r@example.com #123456", plain),
            // What later versions may add is passed over.
            ("x\n@example.com #123456 %future", plain),
            ("x\n@example.com #123456 @pay.example %future @more", embedded),
            ("x\n@example.com #123456  @pay.example", plain),
            ("x\n@example.com #123456 @", plain),
            // Text before the first @.
            ("x\nCode: @example.com #123456", None),
            ("x\n @example.com #123456", None),
            // The wrong order.
            ("x\n#123456 @example.com", None),
            // Two blanks, none, or another white space.
            ("x\n@example.com  #123456", None),
            ("x\n@example.com#123456", None),
            ("x\n@example.com\t#123456", None),
            // A line break that was lost on the way, or one too many.
            ("Your code is 123456. @example.com #123456", None),
            ("x\n@example.com #123456\n", None),
            ("x\n@example.com\n#123456", None),
            // Nothing where something must be.
            ("x\n@ #123456", None),
            ("x\n@example.com #", None),
            ("x\n@example.com # 123456", None),
            ("x\n@example.com", None),
            ("", None),
        ] {
            assert_eq!(read(message), expected, "{message:?}");
        }
    }

    #[test]
    fn a_blank_in_the_code_would_cut_it_off() {
        assert_eq!(read("@example.com #123 456"), Some(("example.com", "123", None)));
        assert!(Code::own("123 456").is_ok_and(|code| code.expose() == "123456"), "so codes have none");
    }

    #[test]
    fn hosts_are_bare_and_in_small_letters() {
        assert_eq!(WebOtp::new("Login.Example.COM", None).unwrap().host(), "login.example.com");
        for good in ["example.com", "localhost", "xn--bcher-kva.example", "a-b.c1.example"] {
            assert_eq!(WebOtp::new(good, Some(good)).unwrap().embedded_host(), Some(good));
        }
        let long = format!("{}.example", "a".repeat(64));
        for bad in [
            "",
            ".",
            "example.com.",
            "https://example.com",
            "example.com:8443",
            "example.com/login",
            "@example.com",
            "exa mple.com",
            "example.com\n",
            "bücher.example",
            "-a.example",
            "a_b.example",
            "192.0.2.1",
            "[2001:db8::1]",
            &long,
        ] {
            assert_eq!(WebOtp::new(bad, None), Err(BadLastLine::Host), "{bad}");
            assert_eq!(WebOtp::new("example.com", Some(bad)), Err(BadLastLine::EmbeddedHost), "{bad}");
        }
    }

    #[test]
    fn an_app_hash_has_eleven_characters_of_base64() {
        let hash = AppHash::new("FA+9qCX9VSu").unwrap();
        assert_eq!(LastLine::AppHash(hash).with(&Code::typed("123456")), "FA+9qCX9VSu");
        for bad in ["", "FA+9qCX9VS", "FA+9qCX9VSuu", "FA-9qCX9VSu", "FA+9qCX9VS ", "FA+9qCX9VS\n"] {
            assert_eq!(AppHash::new(bad), Err(BadLastLine::AppHash), "{bad:?}");
        }
    }

    #[test]
    fn what_is_kept_is_read_again() {
        for (line, json) in [
            (web("example.com", None), r#"{"web_otp":{"host":"example.com"}}"#),
            (LastLine::AppHash(AppHash::new("FA+9qCX9VSu").unwrap()), r#"{"app_hash":"FA+9qCX9VSu"}"#),
        ] {
            assert_eq!(serde_json::to_string(&line).unwrap(), json);
            assert_eq!(serde_json::from_str::<LastLine>(json).unwrap(), line);
        }
    }

    proptest! {
        #[test]
        fn a_browser_finds_the_code_below_any_text(text in "\\PC{0,40}(\n\\PC{0,20})?", code in "[A-Za-z0-9]{4,16}", frame in prop::option::of("[a-z]{1,9}\\.example")) {
            let line = web("login.example.com", frame.as_deref()).with(&Code::own(&code).unwrap());
            let message = format!("{text}\n{line}");
            prop_assert_eq!(read(&message), Some(("login.example.com", code.as_str(), frame.as_deref())));
        }

        #[test]
        fn any_message_is_read(message in any::<String>()) {
            let _ = BoundCode::parse(&message);
        }
    }
}
