//! What a relay's answers mean. The rule: until the person's address is named everything is about us (our network, TLS,
//! login, sender), so trying again may help once the operator has put it right; from then on a 5yz is about the message;
//! and once the content is on its way, no answer means that nobody knows.

use crate::SendError;
use lettre::transport::smtp::{Error, response::Response};
use std::{error::Error as _, io};

/// How far the dialogue has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    /// Connecting, TLS, the greeting, EHLO.
    Connect,
    /// AUTH.
    Login,
    /// MAIL FROM.
    Sender,
    /// RCPT TO and DATA.
    Recipient,
    /// The content, and the answer to it.
    Content,
}

/// RFC 4954, section 6: what a relay answers to a client that should have logged in, or otherwise.
const LOGIN_CODES: [u16; 4] = [530, 534, 535, 538];

pub(super) fn failure(stage: Stage, error: &Error) -> SendError {
    let about_login = error.status().is_some_and(|code| LOGIN_CODES.contains(&u16::from(code)));
    match (stage, status(error)) {
        (Stage::Content, None) => {
            SendError::Unknown(format!("the relay took the mail and did not answer{}", cause(error)))
        }
        (_, None) if error.is_response() => SendError::Retry("the relay hung up, or does not speak SMTP".to_owned()),
        (Stage::Connect, None) => SendError::Retry(format!("no connection to the relay{}", cause(error))),
        (Stage::Login | Stage::Sender | Stage::Recipient, None) => {
            SendError::Retry(format!("the connection to the relay broke{}", cause(error)))
        }
        (Stage::Connect, Some(status)) => SendError::Retry(format!("the relay turned us away ({status})")),
        (Stage::Login, Some(status)) => {
            SendError::Retry(format!("the relay refused our user name or password ({status})"))
        }
        (_, Some(status)) if about_login => SendError::Retry(format!("the relay wants another login ({status})")),
        (Stage::Sender, Some(status)) => SendError::Retry(format!("the relay refused our sender ({status})")),
        (Stage::Recipient | Stage::Content, Some(status)) if error.is_permanent() => {
            SendError::Refused(format!("the relay refused the mail ({status})"))
        }
        (Stage::Recipient | Stage::Content, Some(status)) => {
            SendError::Retry(format!("the relay put the mail off ({status})"))
        }
    }
}

/// The code and, if there is one, the enhanced code (RFC 3463): `550 5.1.1`. The words are left out: they quote addresses.
fn status(error: &Error) -> Option<String> {
    let code = error.status()?.to_string();
    let words = error.source().map(ToString::to_string).unwrap_or_default();
    match words.split_whitespace().next().filter(|word| is_enhanced(word)) {
        Some(enhanced) => Some(format!("{code} {enhanced}")),
        None => Some(code),
    }
}

fn is_enhanced(word: &str) -> bool {
    let is_number = |part: &str| (1..=3).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit());
    word.split('.').count() == 3 && word.split('.').all(is_number)
}

/// What the network or TLS on this side says: no word of it is the relay's.
fn cause(error: &Error) -> String {
    let mut source = error.source();
    while let Some(inner) = source {
        if let Some(io) = inner.downcast_ref::<io::Error>() {
            return format!(": {io}");
        }
        source = inner.source();
    }
    String::new()
}

/// The relay's name for the mail, where it says it as the usual servers do (`250 2.0.0 Ok: queued as 4XyZ`).
pub(super) fn queue_id(response: &Response) -> Option<String> {
    let line = response.first_line()?;
    let (_, id) = line.split_once("queued as ")?;
    let id = id.split_whitespace().next()?.trim_end_matches('.');
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    ((1..=64).contains(&id.len()) && id.bytes().all(is_plain)).then(|| id.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reference(line: &str) -> Option<String> {
        queue_id(&format!("{line}\r\n").parse().unwrap())
    }

    #[test]
    fn a_queue_id_is_taken_only_where_it_is_one() {
        assert_eq!(reference("250 2.0.0 Ok: queued as 4XyZ12"), Some("4XyZ12".into()));
        assert_eq!(reference("250 OK: message queued as 1a-2B.c."), Some("1a-2B.c".into()));
        for other in ["250 2.0.0 Ok", "250 queued as ana@example.com", "250 queued as ", "250 OK id=abc"] {
            assert_eq!(reference(other), None, "{other}");
        }
        assert_eq!(reference(&format!("250 queued as {}", "a".repeat(65))), None);
    }

    #[test]
    fn only_three_numbers_are_an_enhanced_code() {
        assert!(is_enhanced("5.1.1") && is_enhanced("4.7.500"));
        for other in ["", "5.1", "5.1.1.1", "5.1.x", "<ana@example.com>", "5..1", "1234.1.1"] {
            assert!(!is_enhanced(other), "{other}");
        }
    }
}
