//! What an answer means: accepted, refused, to be tried again, or unknown.
//!
//! The operator's conditions come first. Where none holds the status decides, by one rule: what is about us (login, credit,
//! address, pace) or about the provider's health may pass, so it is tried again; other errors are about the message. A 2xx
//! that is not understood is neither: perhaps the message was taken.

use super::{
    BadSetting,
    matching::{Condition, Source, conditions},
    seen::Seen,
    settings::Answer,
};
use crate::SendError;
use http::StatusCode;

/// The rules for the answers of one provider.
pub(super) struct Rules {
    accept: Vec<Condition>,
    refuse: Vec<Condition>,
    retry: Vec<Condition>,
    reference: Option<Source>,
    error: Option<Source>,
}

/// What an answer means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Accepted,
    Refused,
    Retry,
    Unknown,
}

/// Statuses of which trying again, or an operator, may change something.
const ABOUT_US: [u16; 10] = [401, 402, 403, 404, 405, 407, 408, 421, 425, 429];
/// As much as is kept of a provider's code for an error.
const LONGEST_CODE: usize = 60;
/// A run of digits of this length could be a number or a one-time code; error codes are shorter.
const SUSPICIOUS_DIGITS: usize = 6;

impl Rules {
    pub fn new(settings: &Answer) -> Result<Self, BadSetting> {
        Ok(Self {
            accept: conditions(&settings.accept, "answer.accept")?,
            refuse: conditions(&settings.refuse, "answer.refuse")?,
            retry: conditions(&settings.retry, "answer.retry")?,
            reference: Source::optional(settings.reference.as_ref(), "answer.reference")?,
            error: Source::optional(settings.error.as_ref(), "answer.error")?,
        })
    }

    /// What an answer means, and by which rule, for showing.
    pub fn judge(&self, seen: &Seen<'_>) -> (Verdict, String) {
        let lists = [
            (&self.accept, Verdict::Accepted, "accept"),
            (&self.refuse, Verdict::Refused, "refuse"),
            (&self.retry, Verdict::Retry, "retry"),
        ];
        for (list, verdict, name) in lists {
            if let Some(at) = list.iter().position(|condition| condition.holds(seen)) {
                return (verdict, format!("answer.{name}, condition {}", at + 1));
            }
        }
        let status = seen.status.unwrap_or(StatusCode::OK);
        let verdict = match status.as_u16() {
            200..=299 if self.accept.is_empty() => Verdict::Accepted,
            200..=299 => Verdict::Unknown,
            code if ABOUT_US.contains(&code) => Verdict::Retry,
            400..=499 => Verdict::Refused,
            _ => Verdict::Retry,
        };
        (verdict, format!("no condition holds; the status {} decides", status.as_u16()))
    }

    /// The provider's name for the message.
    pub fn reference(&self, seen: &Seen<'_>) -> Option<String> {
        self.reference.as_ref()?.reference(seen)
    }

    /// The words for an answer that is not "accepted": the status, and the provider's short code if it is harmless.
    /// `secret` is what must not be in it: the one-time code.
    pub fn failure(&self, verdict: Verdict, seen: &Seen<'_>, secret: Option<&str>) -> SendError {
        let status = seen.status.map_or(0, |status| status.as_u16());
        let code = self.error.as_ref().and_then(|source| source.of(seen)).and_then(|code| harmless(&code, secret));
        let code = code.map(|code| format!(", {code}")).unwrap_or_default();
        match verdict {
            Verdict::Refused => SendError::Refused(format!("the provider refused the message ({status}{code})")),
            Verdict::Retry => SendError::Retry(format!("the provider did not take the message ({status}{code})")),
            Verdict::Accepted | Verdict::Unknown => {
                SendError::Unknown(format!("the provider's answer was not understood ({status}{code})"))
            }
        }
    }
}

/// Plain characters only, not many, and nothing that could be a number, a mail address or the code.
fn harmless(code: &str, secret: Option<&str>) -> Option<String> {
    let is_plain = |character: &char| character.is_ascii_alphanumeric() || "._ -".contains(*character);
    let plain: String = code.chars().take(LONGEST_CODE).filter(is_plain).collect();
    let longest_run = plain.split(|character: char| !character.is_ascii_digit()).map(str::len).max().unwrap_or(0);
    let digits: String = code.chars().filter(char::is_ascii_digit).collect();
    let is_harmless = longest_run < SUSPICIOUS_DIGITS
        && digits.len() < 10
        && !code.contains('@')
        && secret.is_none_or(|secret| !code.contains(secret));
    (is_harmless && !plain.trim().is_empty()).then(|| plain.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderMap;

    fn rules(json: &str) -> Rules {
        Rules::new(&serde_json::from_str(json).unwrap()).unwrap()
    }

    fn verdict(json: &str, status: u16, body: &str) -> Verdict {
        let headers = HeaderMap::new();
        rules(json).judge(&Seen::answer(StatusCode::from_u16(status).unwrap(), &headers, body.as_bytes())).0
    }

    #[test]
    fn without_conditions_the_status_decides() {
        for (status, expected) in [
            (200, Verdict::Accepted),
            (202, Verdict::Accepted),
            (302, Verdict::Retry),
            (400, Verdict::Refused),
            (401, Verdict::Retry),
            (404, Verdict::Retry),
            (422, Verdict::Refused),
            (429, Verdict::Retry),
            (500, Verdict::Retry),
            (503, Verdict::Retry),
        ] {
            assert_eq!(verdict("{}", status, "x"), expected, "{status}");
        }
    }

    #[test]
    fn conditions_come_first_and_in_their_order() {
        let json = r#"{"accept": [{"contains": "ok"}], "refuse": [{"contains": "bad"}, {"status": "5xx"}], "retry": [{"status": "400"}, {"contains": "bad"}]}"#;
        assert_eq!(verdict(json, 500, "ok bad"), Verdict::Accepted);
        assert_eq!(verdict(json, 400, "bad"), Verdict::Refused);
        assert_eq!(verdict(json, 400, ""), Verdict::Retry);
        assert_eq!(verdict(json, 500, ""), Verdict::Refused);
        assert_eq!(
            verdict(json, 200, ""),
            Verdict::Unknown,
            "a 2xx that is not understood is not taken for an acceptance"
        );
    }

    #[test]
    fn an_error_text_holds_no_number_no_address_and_no_code() {
        let headers = HeaderMap::new();
        let rules = rules(r#"{"error": {"matches": "(?s)(.*)"}}"#);
        let text = |body: &str| {
            let seen = Seen::answer(StatusCode::BAD_REQUEST, &headers, body.as_bytes());
            rules.failure(Verdict::Refused, &seen, Some("4829")).to_string()
        };
        assert_eq!(text("21211"), "the provider refused the message (400, 21211)");
        assert_eq!(text("E\u{1b}[1m: <bad>"), "the provider refused the message (400, E1m bad)");
        for quoting in ["to +34666666111", "to 34 666 666 111", "code 4829", "482913", "to ana@example.com", "", "\n"] {
            assert_eq!(text(quoting), "the provider refused the message (400)", "{quoting}");
        }
        assert!(text(&"x".repeat(1000)).len() < 120);
    }
}
