//! Conditions on what was seen, and places to take a value from: the settings, checked and compiled.

use super::{
    BadSetting,
    seen::Seen,
    settings::{self, Extract, Texts},
    signing,
};
use http::{HeaderName, StatusCode};
use regex::{Regex, RegexBuilder};
use std::borrow::Cow;

/// Far more than an expression for an answer needs; matching takes time in proportion to this and to the answer.
const LARGEST_EXPRESSION: usize = 64 * 1024;

/// A condition. All of its parts must hold.
pub(super) struct Condition {
    status: Option<Vec<StatusPattern>>,
    subject: Subject,
    is: Option<Texts>,
    exists: Option<bool>,
    contains: Option<String>,
    matches: Option<Regex>,
}

enum Subject {
    Body,
    Json(String),
    Header(HeaderName),
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum StatusPattern {
    Exactly(u16),
    /// 2 for 200 to 299.
    Hundreds(u16),
}

/// The conditions of a list. `setting` is its name for complaints.
pub(super) fn conditions(
    settings: &[settings::Condition],
    setting: &'static str,
) -> Result<Vec<Condition>, BadSetting> {
    settings.iter().map(|condition| Condition::new(condition, setting)).collect()
}

impl Condition {
    pub fn new(settings: &settings::Condition, setting: &'static str) -> Result<Self, BadSetting> {
        let bad = |problem: &str| BadSetting::new(setting, problem);
        let subject = match (&settings.json, &settings.header) {
            (Some(_), Some(_)) => return Err(bad("a condition looks at json or at header, not at both")),
            (Some(place), None) => Subject::Json(pointer(place, setting)?),
            (None, Some(name)) => Subject::Header(signing::header(setting, name)?),
            (None, None) => Subject::Body,
        };
        let looks = settings.is.is_some()
            || settings.exists.is_some()
            || settings.contains.is_some()
            || settings.matches.is_some();
        match subject {
            Subject::Body if settings.is.is_some() || settings.exists.is_some() => {
                return Err(bad("is and exists need a place: json or header"));
            }
            Subject::Body if !looks && settings.status.is_none() => {
                return Err(bad("a condition without anything in it"));
            }
            Subject::Json(_) | Subject::Header(_) if !looks => {
                return Err(bad("a place without is, exists, contains or matches"));
            }
            Subject::Body | Subject::Json(_) | Subject::Header(_) => {}
        }
        let statuses = settings.status.as_ref().map(|texts| texts.0.iter().map(|text| status(text, setting)).collect());
        Ok(Self {
            status: statuses.transpose()?,
            subject,
            is: settings.is.clone(),
            exists: settings.exists,
            contains: settings.contains.clone(),
            matches: settings.matches.as_deref().map(|text| expression(text, setting)).transpose()?,
        })
    }

    /// Whether all of it holds.
    pub fn holds(&self, seen: &Seen<'_>) -> bool {
        let found = match &self.subject {
            Subject::Body => Some(Cow::Borrowed(seen.text())),
            Subject::Json(pointer) => seen.json(pointer),
            Subject::Header(name) => seen.header(name),
        };
        let is_there = match &self.subject {
            Subject::Json(pointer) => seen.has_json(pointer),
            Subject::Body | Subject::Header(_) => found.is_some(),
        };
        let found = found.as_deref();
        let has = |test: &dyn Fn(&str) -> bool| found.is_some_and(test);
        self.status
            .as_ref()
            .is_none_or(|patterns| seen.status.is_some_and(|status| patterns.iter().any(|p| p.fits(status))))
            && self.exists.is_none_or(|wanted| wanted == is_there)
            && self.is.as_ref().is_none_or(|texts| has(&|text| texts.0.iter().any(|known| known == text)))
            && self.contains.as_ref().is_none_or(|part| has(&|text| text.contains(part.as_str())))
            && self.matches.as_ref().is_none_or(|expression| has(&|text| expression.is_match(text)))
    }
}

impl StatusPattern {
    fn fits(self, status: StatusCode) -> bool {
        match self {
            Self::Exactly(code) => status.as_u16() == code,
            Self::Hundreds(hundreds) => status.as_u16() / 100 == hundreds,
        }
    }
}

fn status(text: &str, setting: &'static str) -> Result<StatusPattern, BadSetting> {
    let number = |digits: &str, range: std::ops::RangeInclusive<u16>| {
        digits.parse().ok().filter(|number| range.contains(number))
    };
    let pattern = match text.strip_suffix("xx") {
        Some(hundreds) => number(hundreds, 1..=5).map(StatusPattern::Hundreds),
        None => number(text, 100..=599).map(StatusPattern::Exactly),
    };
    pattern.ok_or_else(|| BadSetting::new(setting, "a status is \"200\" or \"2xx\""))
}

fn pointer(text: &str, setting: &'static str) -> Result<String, BadSetting> {
    if text.is_empty() || text.starts_with('/') {
        return Ok(text.to_owned());
    }
    Err(BadSetting::new(setting, "a place in JSON begins with a slash: \"/messages/0/id\""))
}

/// An expression that takes no longer than it may.
pub(super) fn expression(text: &str, setting: &'static str) -> Result<Regex, BadSetting> {
    let built = RegexBuilder::new(text).size_limit(LARGEST_EXPRESSION).build();
    built.map_err(|_| BadSetting::new(setting, "there is a regular expression that is none, or is too large"))
}

/// A place to take a value from, and the part of it that counts.
pub(super) struct Source {
    place: Place,
    part: Option<Regex>,
}

enum Place {
    Body,
    Json(String),
    Header(HeaderName),
    Query(String),
    Form(String),
    Path(usize),
}

impl Source {
    pub fn new(settings: &Extract, setting: &'static str) -> Result<Self, BadSetting> {
        let bad = |problem: &str| BadSetting::new(setting, problem);
        let mut places = Vec::new();
        if let Some(place) = &settings.json {
            places.push(Place::Json(pointer(place, setting)?));
        }
        if let Some(name) = &settings.header {
            places.push(Place::Header(signing::header(setting, name)?));
        }
        places.extend(settings.query.clone().map(Place::Query));
        places.extend(settings.form.clone().map(Place::Form));
        if settings.path == Some(0) {
            return Err(bad("the parts of a path count from 1"));
        }
        places.extend(settings.path.map(Place::Path));
        if places.len() > 1 {
            return Err(bad("a value stands at one place: json, header, query, form or path"));
        }
        let part = settings.matches.as_deref().map(|text| expression(text, setting)).transpose()?;
        if part.as_ref().is_some_and(|part| part.captures_len() < 2) {
            return Err(bad("the regular expression needs a group: \"ID: ([0-9a-f]+)\""));
        }
        match (places.pop(), part) {
            (None, None) => Err(bad("a place is missing: json, header, query, form, path or matches")),
            (place, part) => Ok(Self { place: place.unwrap_or(Place::Body), part }),
        }
    }

    /// A parameter of the address.
    pub fn query(name: &str) -> Self {
        Self { place: Place::Query(name.to_owned()), part: None }
    }

    /// One that may be missing from the settings.
    pub fn optional(settings: Option<&Extract>, setting: &'static str) -> Result<Option<Self>, BadSetting> {
        settings.map(|settings| Self::new(settings, setting)).transpose()
    }

    /// What stands there.
    pub fn of<'s>(&self, seen: &'s Seen<'_>) -> Option<Cow<'s, str>> {
        let found = match &self.place {
            Place::Body => Some(Cow::Borrowed(seen.text())),
            Place::Json(pointer) => seen.json(pointer),
            Place::Header(name) => seen.header(name),
            Place::Query(name) => seen.query(name),
            Place::Form(name) => seen.form(name),
            Place::Path(number) => seen.path_part(*number),
        }?;
        let Some(part) = &self.part else { return Some(found) };
        match found {
            Cow::Borrowed(text) => Some(Cow::Borrowed(part.captures(text)?.get(1)?.as_str())),
            Cow::Owned(text) => Some(Cow::Owned(part.captures(&text)?.get(1)?.as_str().to_owned())),
        }
    }

    /// A provider's name for a message: what is long or holds anything but visible ASCII is none.
    pub fn reference(&self, seen: &Seen<'_>) -> Option<String> {
        let found = self.of(seen)?;
        let is_plain = (1..=128).contains(&found.len()) && found.bytes().all(|byte| byte.is_ascii_graphic());
        is_plain.then(|| found.into_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderMap;

    fn condition(json: &str) -> Result<Condition, BadSetting> {
        Condition::new(&serde_json::from_str(json).unwrap(), "answer.accept")
    }

    fn holds(json: &str) -> bool {
        let headers = HeaderMap::from_iter([("x-id".parse().unwrap(), "abc".parse().unwrap())]);
        let body = br#"{"status": 0, "list": [{"id": "m-1", "none": null, "yes": true}]}"#;
        condition(json).unwrap().holds(&Seen::answer(StatusCode::CREATED, &headers, body))
    }

    #[test]
    fn a_condition_holds_if_all_of_it_holds() {
        for json in [
            r#"{"status": "2xx"}"#,
            r#"{"status": ["200", 201]}"#,
            r#"{"json": "/status", "is": 0}"#,
            r#"{"json": "/status", "is": ["1", "0"]}"#,
            r#"{"json": "/list/0/yes", "is": true}"#,
            r#"{"json": "/list/0/id", "matches": "^m-[0-9]$"}"#,
            r#"{"json": "/list", "exists": true}"#,
            r#"{"json": "/list/0/none", "exists": false}"#,
            r#"{"json": "/nothing", "exists": false}"#,
            r#"{"header": "X-Id", "is": "abc"}"#,
            r#"{"contains": "m-1"}"#,
            r#"{"status": "201", "matches": "\"m-\\d\""}"#,
        ] {
            assert!(holds(json), "{json}");
        }
        for json in [
            r#"{"status": "200"}"#,
            r#"{"status": "4xx"}"#,
            r#"{"json": "/status", "is": 1}"#,
            r#"{"json": "/list", "is": "x"}"#,
            r#"{"json": "/list/0/id", "exists": false}"#,
            r#"{"header": "x-other", "exists": true}"#,
            r#"{"contains": "m-2"}"#,
            r#"{"status": "4xx", "contains": "m-1"}"#,
        ] {
            assert!(!holds(json), "{json}");
        }
    }

    #[test]
    fn a_condition_that_says_nothing_or_too_much_is_refused() {
        for json in [
            "{}",
            r#"{"json": "/a"}"#,
            r#"{"is": "x"}"#,
            r#"{"json": "/a", "header": "b", "is": "c"}"#,
            r#"{"json": "a", "is": "c"}"#,
            r#"{"status": "9xx"}"#,
            r#"{"status": "20"}"#,
            r#"{"matches": "("}"#,
            r#"{"matches": "(a{1000}){1000}"}"#,
            r#"{"header": "a b", "exists": true}"#,
        ] {
            assert!(condition(json).is_err(), "{json}");
        }
    }

    #[test]
    fn a_value_is_taken_from_each_place() {
        let headers = HeaderMap::from_iter([("x-id".parse().unwrap(), "h".parse().unwrap())]);
        let found = |json: &str, body: &[u8]| {
            let source = Source::new(&serde_json::from_str(json).unwrap(), "receipt.status").unwrap();
            source.of(&Seen::call(&headers, body, "a=1&b=x%2By", "/callbacks/p/m")).map(Cow::into_owned)
        };
        assert_eq!(found(r#"{"json": "/a/0"}"#, br#"{"a": [7]}"#).as_deref(), Some("7"));
        assert_eq!(found(r#"{"header": "X-Id"}"#, b"").as_deref(), Some("h"));
        assert_eq!(found(r#"{"matches": "id=(\\d+)"}"#, b"x id=42;").as_deref(), Some("42"));
        assert_eq!(found(r#"{"query": "b"}"#, b"").as_deref(), Some("x+y"));
        assert_eq!(found(r#"{"form": "b"}"#, b"b=%C3%A9+1").as_deref(), Some("é 1"));
        assert_eq!(found(r#"{"path": 2}"#, b"").as_deref(), Some("p"));
        assert_eq!(found(r#"{"path": 9}"#, b""), None);
        let part = r#"{"json": "/id", "matches": "^([^.]+)\\."}"#;
        assert_eq!(found(part, br#"{"x": "a.b", "id": "c.d.e"}"#).as_deref(), Some("c"));
        assert_eq!(found(part, br#"{"x": "a.b", "id": "c"}"#), None);
        assert_eq!(found(r#"{"query": "b", "matches": "(\\+.)"}"#, b"").as_deref(), Some("+y"));
        for bad in [
            "{}",
            r#"{"path": 0}"#,
            r#"{"matches": "a"}"#,
            r#"{"json": "a"}"#,
            r#"{"json": "/a", "header": "b"}"#,
            r#"{"json": "/a", "matches": "a"}"#,
        ] {
            assert!(Source::new(&serde_json::from_str(bad).unwrap(), "x").is_err(), "{bad}");
        }
    }

    #[test]
    fn a_reference_is_short_and_plain() {
        let source = Source { place: Place::Form("a".into()), part: None };
        let reference = |body: &str| source.reference(&Seen::call(&HeaderMap::new(), body.as_bytes(), "", ""));
        assert_eq!(reference("a=SM-1"), Some("SM-1".into()));
        for bad in ["a=", "a=x%0Ay", "a=%C3%A9", "a=x+y", &format!("a={}", "x".repeat(129))] {
            assert_eq!(reference(bad), None, "{bad}");
        }
    }
}
