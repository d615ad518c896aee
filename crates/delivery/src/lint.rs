//! What a template must hold before it is kept. The language of templates (`render/tags.rs`) has only conditions on
//! whether a value is there, so a template can say no more than what a few samples show: each is rendered, and the
//! findings are read off the texts.
//!
//! The rules: the code exactly once in each part (in a call once or twice, and only character by character); never in a
//! subject, which a locked screen shows; payee, amount and currency in every part of a payment message; subject and HTML for
//! mail only, and a mail has a subject; no link in a text message, since people who got used to links in messages with codes
//! are easily phished; a line for browsers (`@example.com #123456`) only where they read it.

use crate::{
    gsm7::{self, Size},
    render::{self, Context, Part, RenderError, Templates, tags},
};
use countersign_model::{BoundCode, Channel, Code, Payment, Template, message::Purpose};
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};

pub use crate::render::TemplateText;

/// What is worth knowing of a good template.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Report {
    /// For text messages, how long it can get: a code of 16 characters, a brand of 20, a payee of 64, all of them in the
    /// GSM-7 alphabet. (A name outside of that alphabet turns a message into UCS-2.)
    pub sms: Option<Size>,
}

/// One thing that is wrong with a template.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}: {problem}", part.name())]
pub struct Finding {
    /// In which of its texts.
    pub part: Part,
    /// What.
    pub problem: Problem,
}

/// What can be wrong with a template.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    /// It is not there, or says nothing for some values.
    #[error("must not be empty")]
    Empty,
    /// It is there, and this channel has no place for it.
    #[error("only mail has one")]
    OnlyForMail,
    /// It is too long to be a message.
    #[error("must have at most {0} bytes")]
    TooLong(usize),
    /// It holds something that the language of templates does not have.
    #[error("{0}")]
    Tag(tags::BadTag),
    /// The conditions do not fit together.
    #[error("line {line}: {problem}")]
    Syntax {
        /// In which line, from 1; 0 if that is not known.
        line: usize,
        /// The kind of problem.
        problem: String,
    },
    /// The code is missing, or there too often, for some values.
    #[error("the code must appear {wanted}, and with some values it appears {found} times: {{{{ {variable} }}}}")]
    Code {
        /// How often it must be there.
        wanted: &'static str,
        /// How often it is.
        found: usize,
        /// The variable that holds it.
        variable: &'static str,
    },
    /// The code would be seen on a locked screen.
    #[error("must not hold the code: subjects are shown on locked screens")]
    CodeInSubject,
    /// A header has one line.
    #[error("must be one line")]
    LineBreak,
    /// The person must see what is approved.
    #[error("a payment message must show {{{{ {0} }}}} with all values (Regulation (EU) 2018/389, article 5)")]
    Payment(&'static str),
    /// A text message with a link.
    #[error("a text message with a code must hold no link")]
    Link,
    /// A line for browsers that none will read.
    #[error(
        "`@host #{{{{ code }}}}` is only read in the last line, with nothing before it; a service with `web_otp` adds it there by itself"
    )]
    NotTheLastLine,
    /// A text message of too many parts.
    #[error("could take {0} text messages; at most {max} are possible", max = MAX_PARTS)]
    TooManyParts(usize),
}

const MAX_SUBJECT_BYTES: usize = 400;
const MAX_TEXT_BYTES: usize = 8 * 1024;
const MAX_HTML_BYTES: usize = 64 * 1024;
const MAX_PARTS: usize = 6;

/// What stands for the values: as long as they get, and in no template by chance.
const CODE: &str = "XQ7ZJ4KWV9XP3GTD";
const BRAND: &str = "Qwzxkjvq Xzqkwjvq Xq";
const PAYEE: &str = "Zqxjkvwz Qzxwkjvq Xzqkwjvq Zqxjkvwz Qzxwkjvq Xzqkwjvq Zqxjkvwz Q";
const AMOUNT: &str = "937461852046193.7351";
const CURRENCY: &str = "XQZ";
const LONGEST_LIFE_MINUTES: u32 = 1440;

/// Judges a template.
///
/// # Errors
/// Everything that is wrong with it.
pub fn lint(purpose: Purpose, channel: Channel, template: &TemplateText<'_>) -> Result<Report, Vec<Finding>> {
    let mut findings = Vec::new();
    let mut found = |part, problem| findings.push(Finding { part, problem });
    let is_mail = channel == Channel::Email;
    match template.subject {
        Some(_) if !is_mail => found(Part::Subject, Problem::OnlyForMail),
        None if is_mail => found(Part::Subject, Problem::Empty),
        Some(_) | None => {}
    }
    if template.html.is_some() && !is_mail {
        found(Part::Html, Problem::OnlyForMail);
    }
    let mut longest = None;
    let parts = [(Part::Subject, template.subject), (Part::Text, Some(template.text)), (Part::Html, template.html)];
    for (part, source) in parts.into_iter().filter_map(|(part, source)| Some((part, source?))) {
        let problems = match samples(purpose, channel, part, source) {
            Ok(texts) => {
                if part == Part::Text {
                    longest = texts.iter().map(|text| gsm7::size(text)).max_by_key(|size| (size.parts, size.units));
                }
                judge(purpose, channel, part, &texts)
            }
            Err(problems) => problems,
        };
        for problem in problems {
            found(part, problem);
        }
    }
    let report = Report { sms: longest.filter(|_| channel == Channel::Sms) };
    if findings.is_empty() { Ok(report) } else { Err(findings) }
}

/// The text in every form that it can take.
fn samples(purpose: Purpose, channel: Channel, part: Part, source: &str) -> Result<Vec<String>, Vec<Problem>> {
    let limit = match part {
        Part::Subject => MAX_SUBJECT_BYTES,
        Part::Text => MAX_TEXT_BYTES,
        Part::Html => MAX_HTML_BYTES,
    };
    if source.len() > limit {
        return Err(vec![Problem::TooLong(limit)]);
    }
    if part == Part::Subject && source.trim_end().contains(['\n', '\r']) {
        return Err(vec![Problem::LineBreak]);
    }
    let bad = tags::check(source, render::variables(purpose, channel));
    if !bad.is_empty() {
        return Err(bad.into_iter().map(Problem::Tag).collect());
    }
    let templates = Templates::builtin();
    let code = Code::typed(CODE);
    let payment = Payment::new(PAYEE, AMOUNT, CURRENCY).ok();
    let mut texts = Vec::new();
    for brand in [None, Some(BRAND)] {
        for life_minutes in [None, Some(1), Some(LONGEST_LIFE_MINUTES)] {
            let context = Context { code: &code, brand, life_minutes, payment: payment.as_ref(), last_line: None };
            let text = render::values(purpose, channel, &context)
                .and_then(|values| templates.render_own(source, part, &values))
                .map_err(|error| vec![problem(error)])?;
            texts.push(text);
        }
    }
    Ok(texts)
}

fn problem(error: RenderError) -> Problem {
    match error {
        RenderError::Empty { .. } | RenderError::Missing => Problem::Empty,
        RenderError::Tag { tag, .. } => Problem::Tag(tag),
        RenderError::Engine { line, problem, .. } => Problem::Syntax { line, problem },
        RenderError::NoPayment => Problem::Payment("payee"),
    }
}

fn judge(purpose: Purpose, channel: Channel, part: Part, texts: &[String]) -> Vec<Problem> {
    let mut problems = Vec::new();
    let everywhere = |needle: &str| texts.iter().all(|text| text.contains(needle));
    if part == Part::Subject {
        if texts.iter().any(|text| text.contains(CODE)) {
            problems.push(Problem::CodeInSubject);
        }
        return problems;
    }
    problems.extend(judge_code(channel, texts));
    if purpose == Purpose::Payment {
        let shown = [("payee", PAYEE), ("amount", AMOUNT), ("currency", CURRENCY)];
        problems
            .extend(shown.into_iter().filter(|(_, value)| !everywhere(value)).map(|(name, _)| Problem::Payment(name)));
    }
    if channel == Channel::Sms {
        if texts.iter().any(|text| has_link(text)) {
            problems.push(Problem::Link);
        }
        if texts.iter().any(|text| is_bound_in_vain(text)) {
            problems.push(Problem::NotTheLastLine);
        }
        let parts = texts.iter().map(|text| gsm7::size(text).parts).max().unwrap_or(0);
        problems.extend((parts > MAX_PARTS).then_some(Problem::TooManyParts(parts)));
    }
    problems
}

fn judge_code(channel: Channel, texts: &[String]) -> Option<Problem> {
    let (needle, variable, most, wanted) = match channel {
        Channel::Voice => (render::spoken(&Code::typed(CODE)), "spoken", 2, "once or twice"),
        Channel::Sms | Channel::Email | Channel::Whatsapp | Channel::Telegram => {
            (CODE.to_owned(), "code", 1, "exactly once")
        }
    };
    let counts = texts.iter().map(|text| text.matches(&needle).count());
    let found = counts.into_iter().find(|count| !(1..=most).contains(count))?;
    Some(Problem::Code { wanted, found, variable })
}

fn has_link(text: &str) -> bool {
    let text = text.to_ascii_lowercase();
    ["http://", "https://", "www."].iter().any(|start| text.contains(start))
}

/// The languages in which a text message with these values takes more than one part: built-in ones and `own` ones.
#[must_use]
pub fn languages_of_several_parts(own: &[Template], values: &Context<'_>) -> Vec<String> {
    let templates = Templates::builtin();
    let own: BTreeMap<&str, &Template> = own
        .iter()
        .filter(|own| own.message == Purpose::Verification && own.channel == Channel::Sms)
        .map(|own| (own.locale.as_str(), own))
        .collect();
    let languages: BTreeSet<&str> = render::LANGUAGES.into_iter().chain(own.keys().copied()).collect();
    let takes_several = |language: &&str| {
        let said = templates.render(own.get(language).copied(), Purpose::Verification, Channel::Sms, language, values);
        said.is_ok_and(|said| gsm7::size(&said.text).parts > 1)
    };
    languages.into_iter().filter(takes_several).map(str::to_owned).collect()
}

/// Whether it names a site for the code where browsers do not look: a line break was lost, or something stands around it.
fn is_bound_in_vain(text: &str) -> bool {
    let words: Vec<&str> = text.split_whitespace().collect();
    let names_a_site = words
        .iter()
        .zip(words.iter().skip(1))
        .any(|(host, code)| host.contains('@') && code.contains(&format!("#{CODE}")));
    names_a_site && BoundCode::parse(text).is_none()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gsm7::Encoding;

    fn text(text: &str) -> TemplateText<'_> {
        TemplateText { subject: None, text, html: None }
    }

    fn sms(source: &str) -> Vec<Problem> {
        problems(lint(Purpose::Verification, Channel::Sms, &text(source)))
    }

    fn mail(subject: &str, source: &str, html: Option<&str>) -> Vec<Problem> {
        let template = TemplateText { subject: Some(subject), text: source, html };
        problems(lint(Purpose::Verification, Channel::Email, &template))
    }

    fn problems(result: Result<Report, Vec<Finding>>) -> Vec<Problem> {
        result.err().into_iter().flatten().map(|finding| finding.problem).collect()
    }

    fn is_about_the_code(problems: &[Problem]) -> bool {
        matches!(problems, [Problem::Code { .. }])
    }

    #[test]
    fn every_built_in_template_passes() {
        assert_eq!(
            render::built_in().count(),
            Purpose::ALL.len() * Channel::WITH_WORDS.len() * render::LANGUAGES.len()
        );
        for message in render::built_in() {
            let template = TemplateText {
                subject: message.subject.as_deref(),
                text: &message.text,
                html: message.html.as_deref(),
            };
            assert_eq!(template.html.is_some(), message.channel == Channel::Email);
            let found = lint(message.message, message.channel, &template).err();
            assert_eq!(found, None, "{:?} {:?} {}", message.message, message.channel, message.locale);
        }
    }

    #[test]
    fn the_code_appears_exactly_once_whatever_the_values() {
        assert_eq!(sms("Code {{ code }}"), []);
        for bad in [
            "Code",
            "{{ code }} {{ code }}",
            "{% if brand %}{{ code }}{% endif %} x",
            "{{ code }}{% if minutes == 1 %} {{ code }}{% endif %}",
            "{% if not code %}{{ code }}{% endif %} x",
            "{# {{ code }} #} x",
        ] {
            assert!(is_about_the_code(&sms(bad)), "{bad}: {:?}", sms(bad));
        }
    }

    #[test]
    fn loops_and_assignments_cannot_smuggle_the_code() {
        for bad in [
            "{% for c in code %}{{ c }}{% endfor %}{{ code }}",
            "{% set c = code %}{{ c }}",
            "{{ code }}{{ code|reverse }}",
            "{{ code }}{{ code[0] }}",
        ] {
            assert!(sms(bad).iter().any(|problem| matches!(problem, Problem::Tag(_))), "{bad}");
        }
    }

    #[test]
    fn a_call_says_the_code_once_or_twice_and_never_as_a_number() {
        let voice = |source| problems(lint(Purpose::Verification, Channel::Voice, &text(source)));
        assert_eq!(voice("{{ spoken }}. {{ spoken }}."), []);
        assert!(is_about_the_code(&voice("{{ spoken }} {{ spoken }} {{ spoken }}")));
        assert!(matches!(voice("{{ spoken }} {{ code }}").as_slice(), [Problem::Tag(_)]));
    }

    #[test]
    fn each_part_of_a_mail_holds_the_code_and_its_subject_does_not() {
        assert_eq!(mail("Your code", "{{ code }}", Some("<b>{{ code }}</b>")), []);
        assert_eq!(mail("Code {{ code }}", "{{ code }}", None), [Problem::CodeInSubject]);
        assert!(is_about_the_code(&mail("x", "{{ code }}", Some("<b>hello</b>"))));
        assert_eq!(mail("a\nb", "{{ code }}", None), [Problem::LineBreak]);
        assert_eq!(mail(" ", "{{ code }}", None), [Problem::Empty]);
        assert_eq!(mail("{{ brand }}", "{{ code }}", None), [Problem::Empty], "a subject of nobody is empty");
        let without = lint(Purpose::Verification, Channel::Email, &text("{{ code }}"));
        assert_eq!(problems(without), [Problem::Empty]);
    }

    #[test]
    fn only_mail_has_a_subject_and_html() {
        let template = TemplateText { subject: Some("x"), text: "{{ code }}", html: Some("{{ code }}") };
        let found = problems(lint(Purpose::Verification, Channel::Sms, &template));
        assert_eq!(found, [Problem::OnlyForMail, Problem::OnlyForMail]);
    }

    #[test]
    fn a_payment_shows_payee_amount_and_currency() {
        let pay = |source| problems(lint(Purpose::Payment, Channel::Sms, &text(source)));
        assert_eq!(pay("{{ code }} {{ amount }} {{ currency }} {{ payee }}"), []);
        assert_eq!(pay("{{ code }} {{ amount }} {{ payee }}"), [Problem::Payment("currency")]);
        assert_eq!(
            pay("{{ code }} {{ amount }} {{ currency }}{% if brand %} {{ payee }}{% endif %}"),
            [Problem::Payment("payee")]
        );
        assert!(matches!(sms("{{ code }} {{ payee }}").as_slice(), [Problem::Tag(_)]), "no payee without a payment");
    }

    #[test]
    fn a_text_message_has_no_link() {
        for bad in ["{{ code }} https://x.example", "{{ code }} WWW.x.example"] {
            assert_eq!(sms(bad), [Problem::Link]);
        }
        assert_eq!(mail("x", "{{ code }} https://x.example", None), []);
    }

    #[test]
    fn a_line_for_browsers_is_the_last_one() {
        for good in [
            "Your code:\n@x.example #{{ code }}",
            "Mail us: a@x.example. Code: #{{ code }}",
            "@x.example #{{ code }} @y.example",
        ] {
            assert_eq!(sms(good), [], "{good}");
        }
        for bad in [
            "Your code: @x.example #{{ code }}",
            "@x.example #{{ code }}\nDo not share it.",
            "Your code:\n@x.example\n#{{ code }}",
            "Your code:\n>@x.example #{{ code }}",
        ] {
            assert_eq!(sms(bad), [Problem::NotTheLastLine], "{bad}");
        }
    }

    #[test]
    fn broken_conditions_and_long_or_empty_texts_are_found() {
        assert!(matches!(sms("{% if brand %}{{ code }}").as_slice(), [Problem::Syntax { .. }]));
        assert_eq!(sms(""), [Problem::Empty]);
        assert_eq!(sms(&"a".repeat(MAX_TEXT_BYTES + 1)), [Problem::TooLong(MAX_TEXT_BYTES)]);
        assert_eq!(sms(&format!("{{{{ code }}}}{}", "a".repeat(950))), [Problem::TooManyParts(7)]);
    }

    #[test]
    fn the_report_counts_the_longest_message() {
        let report = |source: &str| lint(Purpose::Verification, Channel::Sms, &text(source)).unwrap().sms.unwrap();
        let plain = report("{{ code }} {{ brand }} {{ minutes }}");
        assert_eq!((plain.encoding, plain.units, plain.parts), (Encoding::Gsm7, 16 + 1 + 20 + 1 + 4, 1));
        let accents = report("Su código: {{ code }}");
        assert_eq!((accents.encoding, accents.units, accents.parts), (Encoding::Ucs2, 11 + 16, 1));
        let mail = TemplateText { subject: Some("x"), text: "{{ code }}", html: None };
        assert_eq!(lint(Purpose::Verification, Channel::Email, &mail).unwrap().sms, None);
    }
}
