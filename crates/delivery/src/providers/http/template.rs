//! Templates of requests: variables, conditions and slices of minijinja, and nothing else; no filters, no functions. Each
//! is compiled at start, and may name only variables that will be there.
//!
//! Invariant: what a variable stands for is escaped for the place that it is put into, so no value can end that place.

use minijinja::{Environment, Output, UndefinedBehavior, Value, syntax::SyntaxConfig};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use std::collections::BTreeMap;

/// What the variables stand for, by name.
pub(super) type Values = BTreeMap<String, Value>;

/// Where a value is put.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// A place that is encoded afterwards as a whole, or a text of no language.
    Plain,
    /// Into an address.
    Url,
    /// Into XML.
    Xml,
}

/// RFC 3986, section 2.3: what never needs encoding.
pub(super) const UNRESERVED: AsciiSet = NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
/// Far more than a template of a request needs.
const FUEL: u64 = 20_000;
const NAME: &str = "template";

/// One compiled template.
pub(super) struct Template {
    environment: Environment<'static>,
    is_fixed: bool,
}

impl Template {
    /// Compiles it. `known` are the variables that it may name.
    ///
    /// # Errors
    /// What is wrong with it, without its text: there may be a secret in it.
    pub fn new(source: &str, place: Place, known: &[&str]) -> Result<Self, String> {
        let mut environment = Environment::empty();
        environment.set_undefined_behavior(UndefinedBehavior::Strict);
        environment.set_fuel(Some(FUEL));
        // A signature is over every byte.
        let syntax = SyntaxConfig::builder().keep_trailing_newline(true).build();
        environment.set_syntax(syntax.map_err(|error| error.kind().to_string())?);
        environment.set_formatter(move |out, state, value| {
            if value.is_undefined() {
                return minijinja::escape_formatter(out, state, value);
            }
            write(out, &value.to_string(), place).map_err(minijinja::Error::from)
        });
        environment
            .add_template_owned(NAME, source.to_owned())
            .map_err(|error| format!("the template cannot be read: {} in line {}", error.kind(), line(&error)))?;
        let template = environment.get_template(NAME).map_err(|error| error.kind().to_string())?;
        let mut names: Vec<String> = template.undeclared_variables(false).into_iter().collect();
        names.sort();
        if let Some(unknown) = names.iter().find(|name| !known.contains(&name.as_str())) {
            return Err(format!("there is no variable \"{unknown}\" here; there is {}", known.join(", ")));
        }
        let is_fixed = names.is_empty();
        Ok(Self { environment, is_fixed })
    }

    /// Whether it says the same of every message.
    pub const fn is_fixed(&self) -> bool {
        self.is_fixed
    }

    /// Whether it names this variable.
    pub fn names(&self, variable: &str) -> bool {
        let template = self.environment.get_template(NAME);
        template.is_ok_and(|template| template.undeclared_variables(false).contains(variable))
    }

    /// Puts the values in.
    ///
    /// # Errors
    /// The kind of the problem, in words without values.
    pub fn render(&self, values: &Values) -> Result<String, String> {
        let rendered = self.environment.get_template(NAME).and_then(|template| template.render(values));
        rendered.map_err(|error| format!("a template gives nothing: {} in line {}", error.kind(), line(&error)))
    }
}

fn line(error: &minijinja::Error) -> usize {
    error.line().unwrap_or(1)
}

fn write(out: &mut Output, text: &str, place: Place) -> std::fmt::Result {
    use std::fmt::Write as _;
    match place {
        Place::Plain => out.write_str(text),
        Place::Url => write!(out, "{}", utf8_percent_encode(text, &UNRESERVED)),
        Place::Xml => text.chars().try_for_each(|character| match character {
            '&' => out.write_str("&amp;"),
            '<' => out.write_str("&lt;"),
            '>' => out.write_str("&gt;"),
            '"' => out.write_str("&quot;"),
            '\'' => out.write_str("&#39;"),
            '\n' => out.write_str("&#10;"),
            '\t' => out.write_str("&#9;"),
            // XML 1.0 has no way to write other control characters, nor these two.
            control if control.is_control() || matches!(control, '\u{fffe}' | '\u{ffff}') => Ok(()),
            other => out.write_char(other),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rendered(source: &str, place: Place) -> Result<String, String> {
        let values = Values::from([
            ("text".to_owned(), Value::from("a&b <c> \"d\" 'e' +1 é 😀\n\u{1}/?#%")),
            ("digits".to_owned(), Value::from("34600")),
            ("empty".to_owned(), Value::from("")),
        ]);
        Template::new(source, place, &["text", "digits", "empty"])?.render(&values)
    }

    #[test]
    fn a_value_is_escaped_for_its_place_and_what_the_operator_wrote_is_not() {
        assert_eq!(
            rendered("https://x.example/?a&t={{ text }}", Place::Url).unwrap(),
            "https://x.example/?a&t=a%26b%20%3Cc%3E%20%22d%22%20%27e%27%20%2B1%20%C3%A9%20%F0%9F%98%80%0A%01%2F%3F%23%25"
        );
        assert_eq!(
            rendered("<t>{{ text }}</t>", Place::Xml).unwrap(),
            "<t>a&amp;b &lt;c&gt; &quot;d&quot; &#39;e&#39; +1 é 😀&#10;/?#%</t>"
        );
        assert_eq!(rendered("{{ text }}", Place::Plain).unwrap(), "a&b <c> \"d\" 'e' +1 é 😀\n\u{1}/?#%");
    }

    #[test]
    fn conditions_and_slices_are_possible() {
        let source = "{{ digits[2:] }}{% if empty %}x{% endif %}{{ \"u\" if digits == \"34600\" else \"t\" }}";
        assert_eq!(rendered(source, Place::Plain).unwrap(), "600u");
    }

    #[test]
    fn an_unknown_variable_is_found_at_start_even_where_it_is_not_reached() {
        let error = rendered("{% if empty %}{{ nmae }}{% endif %}", Place::Plain).unwrap_err();
        assert_eq!(error, "there is no variable \"nmae\" here; there is text, digits, empty");
    }

    #[test]
    fn nothing_can_be_called_and_nothing_runs_for_ever() {
        for source in ["{{ text|safe }}", "{{ range(3) }}", "{{ text", "{% include 'x' %}"] {
            assert!(rendered(source, Place::Plain).is_err(), "{source}");
        }
        let nested =
            "{% for a in text %}{% for b in text %}{% for c in text %}{{ c }}{% endfor %}{% endfor %}{% endfor %}";
        assert!(rendered(nested, Place::Plain).is_err());
    }
}
