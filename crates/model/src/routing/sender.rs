//! Whom messages to a country come from. Many countries take registered sender ids only; India takes registered texts only,
//! too (DLT: each message names the ids of the sender's entity and of its text).

use serde::Deserialize;

/// What is registered in one country.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, expecting = "a section")]
pub struct CountrySender {
    /// The sender id of messages there.
    pub from: String,
    /// Further ids that are registered there: a service whose sender is one of them keeps it.
    #[serde(default)]
    pub also: Vec<String>,
    /// What India's operators ask for.
    #[serde(default)]
    pub dlt: Option<Dlt>,
}

impl CountrySender {
    /// Whom a message comes from: the wanted sender if it is registered, else [`Self::from`].
    #[must_use]
    pub fn registered<'a>(&'a self, wanted: Option<&'a str>) -> &'a str {
        wanted.filter(|wanted| self.also.iter().any(|id| id == wanted)).unwrap_or(&self.from)
    }
}

/// What is registered on an Indian operator's DLT platform.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, expecting = "a section")]
pub struct Dlt {
    /// The id of the principal entity.
    pub entity: String,
    /// The registered texts.
    pub templates: Vec<RegisteredText>,
}

/// A text as it was registered.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, expecting = "a table with id and text")]
pub struct RegisteredText {
    /// Its id.
    pub id: String,
    /// Its words, with `{#var#}` for each part that varies.
    pub text: String,
}

const VARIABLE: &str = "{#var#}";
/// How many characters stand for one variable at most (TRAI, TCCCPR 2018 code of practice).
const LONGEST_VALUE: usize = 30;

impl Dlt {
    /// The id of the first registered text that a message is, character for character. None: operators would drop it.
    #[must_use]
    pub fn template_of(&self, message: &str) -> Option<&str> {
        self.templates.iter().find(|template| template.is(message)).map(|template| template.id.as_str())
    }
}

impl RegisteredText {
    fn is(&self, message: &str) -> bool {
        let mut fixed = self.text.split(VARIABLE);
        let Some(mut rests) = message.strip_prefix(fixed.next().unwrap_or_default()).map(|rest| vec![rest]) else {
            return false;
        };
        for part in fixed {
            rests = rests.into_iter().flat_map(|rest| after_value(rest, part)).collect();
            // Different lengths of the values before may lead to the same place.
            rests.sort_unstable_by_key(|rest| rest.len());
            rests.dedup_by_key(|rest| rest.len());
        }
        rests.iter().any(|rest| rest.is_empty())
    }
}

/// What may come after a value of one to thirty characters and then `part`.
fn after_value<'a>(rest: &'a str, part: &'a str) -> impl Iterator<Item = &'a str> {
    let ends = rest.char_indices().map(|(start, character)| start + character.len_utf8()).take(LONGEST_VALUE);
    ends.filter_map(move |end| rest.get(end..)?.strip_prefix(part))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn dlt(texts: &[&str]) -> Dlt {
        let templates = texts.iter().enumerate();
        let templates = templates.map(|(id, text)| RegisteredText { id: id.to_string(), text: (*text).to_owned() });
        Dlt { entity: "1".into(), templates: templates.collect() }
    }

    #[test]
    fn a_text_is_compared_character_for_character() {
        let dlt = dlt(&["{#var#} is your code for {#var#}.", "Your code is {#var#}"]);
        assert_eq!(dlt.template_of("123456 is your code for Acme."), Some("0"));
        assert_eq!(dlt.template_of("Your code is 123456"), Some("1"));
        assert_eq!(dlt.template_of("Your code is  123456"), Some("1"), "a blank is a character of the value");
        for other in ["", "Your code is ", "your code is 123456", "123456 is your code for Acme", " 1 is your code"] {
            assert_eq!(dlt.template_of(other), None, "{other}");
        }
        assert_eq!(dlt.template_of(&format!("Your code is {}", "1".repeat(31))), None, "the value is too long");
    }

    #[test]
    fn a_sender_that_is_registered_stays_and_another_is_replaced() {
        let sender = CountrySender { from: "ACMEIN".into(), also: vec!["ACMEBK".into()], dlt: None };
        assert_eq!(sender.registered(Some("ACMEBK")), "ACMEBK");
        assert_eq!(sender.registered(Some("PIZZA")), "ACMEIN");
        assert_eq!(sender.registered(None), "ACMEIN");
    }

    proptest! {
        #[test]
        fn whatever_is_filled_in_is_found_again(values in prop::collection::vec("\\PC{1,30}", 0..5), fixed in "\\PC{0,10}") {
            let parts: Vec<&str> = std::iter::repeat_n(fixed.as_str(), values.len() + 1).collect();
            prop_assume!(!fixed.contains(VARIABLE));
            let filled = values.iter().fold(fixed.clone(), |text, value| text + value + &fixed);
            let dlt = dlt(&[&parts.join(VARIABLE)]);
            prop_assert_eq!(dlt.template_of(&filled), Some("0"));
        }
    }
}
