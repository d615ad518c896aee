//! What a message says: a template and its values become a [`Rendered`]. Which template: the tenant's own if the caller
//! found one, else the built-in one in the best language. What a template may say is judged in `lint.rs`, before it is
//! kept; the language it is written in is in `render/tags.rs`.
//!
//! Invariants: only HTML is escaped, and all of it; no value brings a line break into a subject or a name; a template runs
//! with bounded fuel, and can load nothing.

mod builtin;
pub mod locale;
pub mod tags;

use countersign_model::{Channel, Code, LastLine, Payment, Template, message::Purpose};
use minijinja::{AutoEscape, Environment, UndefinedBehavior, Value};
use std::{array, collections::BTreeMap, fmt, sync::OnceLock};

pub use builtin::{BuiltIn, LANGUAGES, all as built_in};
pub use locale::{candidates, negotiate};

/// What a message says, ready to leave. It holds the code, so printing it for debugging shows nothing.
#[derive(Clone, PartialEq, Eq)]
pub struct Rendered {
    /// The subject, for mail: one line.
    pub subject: Option<String>,
    /// The text.
    pub text: String,
    /// The HTML part, for mail.
    pub html: Option<String>,
}

impl fmt::Debug for Rendered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Rendered(…)")
    }
}

/// What the variables of a template stand for.
#[derive(Clone, Copy, Debug)]
pub struct Context<'a> {
    /// `code`; in a call `spoken`, its characters one by one.
    pub code: &'a Code,
    /// `brand`: whom the message speaks for.
    pub brand: Option<&'a str>,
    /// `minutes`: how long the code lives; none or 0 for no end or less than a minute.
    pub life_minutes: Option<u32>,
    /// `payee`, `amount` and `currency`.
    pub payment: Option<&'a Payment>,
    /// What a text message ends with: below the template, so that nothing can follow it.
    pub last_line: Option<&'a LastLine>,
}

/// The three texts of a template, as somebody wrote them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TemplateText<'a> {
    /// The subject, for mail only.
    pub subject: Option<&'a str>,
    /// The text.
    pub text: &'a str,
    /// The HTML part, for mail only.
    pub html: Option<&'a str>,
}

impl<'a> From<&'a Template> for TemplateText<'a> {
    fn from(template: &'a Template) -> Self {
        Self { subject: template.subject.as_deref(), text: &template.text, html: template.html.as_deref() }
    }
}

/// One of the texts of a template.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Part {
    /// The subject.
    Subject,
    /// The text.
    Text,
    /// The HTML part.
    Html,
}

impl Part {
    /// Its name in findings and on the wire.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Subject => "subject",
            Self::Text => "text",
            Self::Html => "html",
        }
    }
}

/// Why a template gave no message. The words name lines and variables, never values.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RenderError {
    /// A payment message without a payment.
    #[error("a payment message needs payee, amount and currency")]
    NoPayment,
    /// A tag that the language of templates does not have.
    #[error("{}: {tag}", part.name())]
    Tag {
        /// Where.
        part: Part,
        /// What.
        tag: tags::BadTag,
    },
    /// The template engine gave up.
    #[error("{}: line {line}: {problem}", part.name())]
    Engine {
        /// In which part.
        part: Part,
        /// In which line, from 1; 0 if that is not known.
        line: usize,
        /// The kind of problem.
        problem: String,
    },
    /// There is no such built-in message.
    #[error("there is no template for this message")]
    Missing,
    /// Nothing came out.
    #[error("{}: the message is empty", part.name())]
    Empty {
        /// Which part.
        part: Part,
    },
}

/// Far more than the longest template needs: each step of the template engine costs one.
const FUEL: u64 = 100_000;

type Values = BTreeMap<&'static str, Value>;

/// The built-in messages, and the means to render others.
#[derive(Debug)]
pub struct Templates {
    /// Has no message itself: enough to render others.
    bare: Environment<'static>,
    /// Those of each of [`LANGUAGES`], compiled for the first message in it: few installations write in all of them.
    builtin: [OnceLock<Environment<'static>>; LANGUAGES.len()],
}

impl Templates {
    /// The built-in messages. What was compiled of them stays for the life of the process, since nothing changes them.
    #[must_use]
    pub fn builtin() -> &'static Self {
        static BUILTIN: OnceLock<Templates> = OnceLock::new();
        BUILTIN.get_or_init(|| Self { bare: bare(), builtin: array::from_fn(|_| OnceLock::new()) })
    }

    /// Writes a message: with the tenant's own template, or else with the built-in one in the best language for `locale`.
    ///
    /// # Errors
    /// When a template says what it cannot, or a payment message has no payment. Built-in templates give none.
    pub fn render(
        &self,
        own: Option<&Template>,
        purpose: Purpose,
        channel: Channel,
        locale: &str,
        context: &Context<'_>,
    ) -> Result<Rendered, RenderError> {
        let last_line = context.last_line.filter(|_| channel == Channel::Sms);
        let channel = channel.words();
        let values = values(purpose, channel, context)?;
        let language = negotiate(locale, &LANGUAGES).unwrap_or(locale::LAST_RESORT);
        let builtin = |part| self.render_builtin(language, &name(purpose, channel, part), part, &values);
        let is_mail = channel == Channel::Email;
        let ended = |text: String| match last_line {
            Some(line) => format!("{text}\n{}", line.with(context.code)),
            None => text,
        };
        let Some(own) = own else {
            let (subject, html) =
                if is_mail { (Some(builtin(Part::Subject)?), Some(builtin(Part::Html)?)) } else { (None, None) };
            return Ok(Rendered { subject, text: ended(builtin(Part::Text)?), html });
        };
        let subject = match own.subject.as_deref().filter(|_| is_mail) {
            Some(source) => Some(self.render_own(source, Part::Subject, &values)?),
            // A mail has a subject, even if an own template brings none.
            None => is_mail.then(|| builtin(Part::Subject)).transpose()?,
        };
        let html = own.html.as_deref().filter(|_| is_mail);
        let html = html.map(|source| self.render_own(source, Part::Html, &values)).transpose()?;
        Ok(Rendered { subject, text: ended(self.render_own(&own.text, Part::Text, &values)?), html })
    }

    /// What a call says besides the message: how it asks for a key, or that the code is of no use any more.
    ///
    /// # Errors
    /// None: these are built in.
    pub fn call(&self, words: CallWords, locale: &str, brand: Option<&str>) -> Result<String, RenderError> {
        let language = negotiate(locale, &LANGUAGES).unwrap_or(locale::LAST_RESORT);
        let values = Values::from([("brand", Value::from(one_line(brand.unwrap_or_default())))]);
        self.render_builtin(language, words.template(), Part::Text, &values)
    }

    fn render_builtin(&self, language: &str, name: &str, part: Part, values: &Values) -> Result<String, RenderError> {
        let place = LANGUAGES.iter().position(|tag| *tag == language);
        let compiled = place.and_then(|place| self.builtin.get(place)).ok_or(RenderError::Missing)?;
        let templates = compiled.get_or_init(|| compiled_of(language));
        finish(templates.get_template(name).map_err(|_| RenderError::Missing)?.render(values), part)
    }

    /// Renders one text of an own template.
    pub(crate) fn render_own(&self, source: &str, part: Part, values: &Values) -> Result<String, RenderError> {
        let names: Vec<&str> = values.keys().copied().collect();
        if let Some(tag) = tags::check(source, &names).into_iter().next() {
            return Err(RenderError::Tag { part, tag });
        }
        let name = if part == Part::Html { "own.html" } else { "own" };
        finish(self.bare.render_named_str(name, source, values), part)
    }
}

fn bare() -> Environment<'static> {
    let mut environment = Environment::empty();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_fuel(Some(FUEL));
    environment.set_auto_escape_callback(|name| match name.strip_suffix(".html") {
        Some(_) => AutoEscape::Html,
        None => AutoEscape::None,
    });
    environment
}

fn compiled_of(language: &str) -> Environment<'static> {
    let mut environment = bare();
    for message in built_in().filter(|message| message.locale == language) {
        let texts = [(Part::Subject, message.subject), (Part::Text, Some(message.text)), (Part::Html, message.html)];
        for (part, text) in texts.into_iter().filter_map(|(part, text)| Some((part, text?))) {
            // One that does not compile is missing when it is asked for; the tests ask for each.
            environment.add_template_owned(name(message.message, message.channel, part), text).ok();
        }
    }
    for (words, text) in builtin::calls(language) {
        environment.add_template(words.template(), text).ok();
    }
    environment
}

fn name(purpose: Purpose, channel: Channel, part: Part) -> String {
    format!("{}/{}.{}", purpose.name(), channel.name(), part.name())
}

/// The variables that a message of this kind has.
#[must_use]
pub const fn variables(purpose: Purpose, channel: Channel) -> &'static [&'static str] {
    let is_spoken = matches!(channel, Channel::Voice);
    match purpose {
        Purpose::Verification if is_spoken => &["spoken", "brand", "minutes"],
        Purpose::Verification => &["code", "brand", "minutes"],
        Purpose::Payment if is_spoken => &["spoken", "brand", "minutes", "payee", "amount", "currency"],
        Purpose::Payment => &["code", "brand", "minutes", "payee", "amount", "currency"],
    }
}

/// The values of exactly those variables. One without a value is an empty text, which a condition takes for "no".
pub(crate) fn values(purpose: Purpose, channel: Channel, context: &Context<'_>) -> Result<Values, RenderError> {
    let mut values = Values::new();
    for variable in variables(purpose, channel) {
        let payment = || context.payment.ok_or(RenderError::NoPayment);
        let value = match *variable {
            "code" => Value::from(context.code.expose()),
            "spoken" => Value::from(spoken(context.code)),
            "brand" => Value::from(one_line(context.brand.unwrap_or_default())),
            "minutes" => context.life_minutes.filter(|minutes| *minutes > 0).map_or(Value::from(""), Value::from),
            "payee" => Value::from(payment()?.payee()),
            "amount" => Value::from(payment()?.amount()),
            _ => Value::from(payment()?.currency()),
        };
        values.insert(variable, value);
    }
    Ok(values)
}

/// What a call says besides the message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CallWords {
    /// "To hear it, press 1."
    Ask,
    /// The code is of no use any more.
    Over,
}

impl CallWords {
    const fn template(self) -> &'static str {
        match self {
            Self::Ask => "call/ask.text",
            Self::Over => "call/over.text",
        }
    }
}

/// In which language a message is said, of those that a provider offers: the best for `locale`, or, if there is none and no
/// English either, the first. Offered is nothing: whatever is asked for.
#[must_use]
pub fn said_in(locale: &str, offered: &[String]) -> String {
    let tags: Vec<&str> = offered.iter().map(String::as_str).collect();
    match negotiate(locale, if tags.is_empty() { &LANGUAGES } else { &tags }) {
        Some(language) => language.to_owned(),
        None => offered.first().map_or(locale::LAST_RESORT, String::as_str).to_owned(),
    }
}

/// Whether a text that is written in one language can be said in the other: `pt-BR` and `pt`, but not `sw` and `en`.
#[must_use]
pub fn is_same_language(one: &str, other: &str) -> bool {
    let language = |tag: &str| tag.split(['-', '_']).next().unwrap_or_default().to_ascii_lowercase();
    language(one) == language(other)
}

/// A text that is read out, with the whole code in it at least twice: nobody hears it right the first time.
#[must_use]
pub fn said_twice(text: String, code: &Code) -> String {
    let is_enough = text.matches(&spoken(code)).count() >= 2;
    if is_enough { text } else { format!("{text} {text}") }
}

/// One character at a time, with the pause that a voice makes at a comma.
#[must_use]
pub fn spoken(code: &Code) -> String {
    let characters: Vec<String> = code.expose().chars().map(String::from).collect();
    characters.join(", ")
}

fn finish(result: Result<String, minijinja::Error>, part: Part) -> Result<String, RenderError> {
    let raw = result.map_err(|error| RenderError::Engine {
        part,
        line: error.line().unwrap_or(0),
        // The kind only: its details may repeat what stands in the template.
        problem: error.kind().to_string(),
    })?;
    let text = match part {
        Part::Subject => one_line(&raw),
        Part::Text => tidy(&raw),
        Part::Html => raw.trim().to_owned(),
    };
    if text.is_empty() { Err(RenderError::Empty { part }) } else { Ok(text) }
}

/// A text without line breaks, control characters and characters that only change how others look.
pub(crate) fn one_line(text: &str) -> String {
    let visible = text.chars().filter(|character| !is_invisible(*character));
    let spaced: String = visible.map(|character| if character.is_control() { ' ' } else { character }).collect();
    spaced.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Zero-width characters and those that turn the direction of writing (Unicode, "General Punctuation").
const fn is_invisible(character: char) -> bool {
    matches!(character, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

/// What an empty variable leaves behind is cleared away: double blanks, blanks at the end of a line, more than one
/// empty line.
fn tidy(text: &str) -> String {
    let mut tidied = String::with_capacity(text.len());
    let mut empty = 0;
    for line in text.lines() {
        let line = line.split([' ', '\t']).filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ");
        empty = if line.is_empty() { empty + 1 } else { 0 };
        if empty < 2 {
            tidied.push_str(&line);
            tidied.push('\n');
        }
    }
    tidied.trim().to_owned()
}

#[cfg(test)]
mod tests;
