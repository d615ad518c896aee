//! The built-in messages: one file of words for each language in `templates/`, whole, or this does not compile. What an HTML
//! mail looks like is said once, in `templates/mail.html` and [`STYLES`]; its text part is the same words without elements.

use super::{CallWords, locale};
use countersign_model::{Channel, message::Purpose};

/// The texts of one language, as they stand in its file.
struct Language {
    tag: &'static str,
    verification: Texts,
    payment: Texts,
    call_ask: &'static str,
    call_over: &'static str,
}

/// The texts of one purpose.
struct Texts {
    sms: &'static str,
    voice: &'static str,
    subject: &'static str,
    mail: &'static str,
}

macro_rules! languages {
    ($($tag:literal)*) => {
        /// The languages in which every built-in message exists.
        pub const LANGUAGES: [&str; FILES.len()] = [$($tag),*];
        const FILES: &[Language] =
            &[$(const { Language::read($tag, include_str!(concat!("../../templates/", $tag, ".txt"))) }),*];
    };
}

languages! {
    "af" "ar" "bg" "bn" "ca" "cs" "da" "de" "el" "en" "es" "et" "fa" "fi" "fil" "fr" "he" "hi" "hr" "hu" "id" "it" "ja" "ko"
    "lt" "lv" "ms" "nb" "nl" "pl" "pt" "ro" "ru" "sk" "sl" "sr" "sr-Latn" "sv" "sw" "th" "tr" "uk" "ur" "vi" "zh" "zh-Hant"
}

impl Language {
    const fn read(tag: &'static str, file: &'static str) -> Self {
        let (sms, rest) = after("[verification sms]", file);
        let (voice, rest) = after("[verification voice]", rest);
        let (subject, rest) = after("[verification subject]", rest);
        let (mail, rest) = after("[verification mail]", rest);
        let verification = Texts { sms, voice, subject, mail };
        let (sms, rest) = after("[payment sms]", rest);
        let (voice, rest) = after("[payment voice]", rest);
        let (subject, rest) = after("[payment subject]", rest);
        let (mail, rest) = after("[payment mail]", rest);
        let payment = Texts { sms, voice, subject, mail };
        let (call_ask, rest) = after("[call ask]", rest);
        let (call_over, rest) = after("[call over]", rest);
        assert!(rest.is_empty(), "a language has a text too many");
        Self { tag, verification, payment, call_ask, call_over }
    }

    const fn texts(&self, purpose: Purpose) -> &Texts {
        match purpose {
            Purpose::Verification => &self.verification,
            Purpose::Payment => &self.payment,
        }
    }
}

/// The text below a heading that stands in the first line, and what follows it. Runs when this is compiled.
const fn after(heading: &str, file: &'static str) -> (&'static str, &'static str) {
    let (line, below) = first_line(file);
    assert!(is_same(line.as_bytes(), heading.as_bytes()), "a language lacks a text, or has it in another place");
    let mut rest = below;
    while !matches!(rest.as_bytes(), [] | [b'[', ..]) {
        (_, rest) = first_line(rest);
    }
    let (text, _) = below.split_at(below.len() - rest.len());
    let text = text.trim_ascii();
    assert!(!text.is_empty(), "a language has an empty text");
    (text, rest)
}

const fn first_line(text: &str) -> (&str, &str) {
    let (mut length, mut rest) = (0, text.as_bytes());
    while let [byte, behind @ ..] = rest {
        if *byte == b'\n' {
            let (line, below) = text.split_at(length);
            return (line, below.split_at(1).1);
        }
        length += 1;
        rest = behind;
    }
    (text, "")
}

const fn is_same(mut one: &[u8], mut other: &[u8]) -> bool {
    while let ([a, one_behind @ ..], [b, other_behind @ ..]) = (one, other) {
        if *a != *b {
            return false;
        }
        (one, other) = (one_behind, other_behind);
    }
    one.is_empty() && other.is_empty()
}

const FRAME: &str = include_str!("../../templates/mail.html");

/// Many mail readers throw style sheets away, so every element carries its own look. What is bold has a direction of its own, and
/// a code is always read from the left, also where the text runs from the right.
const STYLES: [(&str, &str); 5] = [
    ("h1", "margin:0 0 16px;font-size:20px;line-height:1.3;font-weight:600;color:#16191d;"),
    ("p", "margin:0 0 16px;font-size:16px;line-height:1.5;color:#16191d;"),
    (
        "code",
        "display:block;margin:8px 0 24px;padding:16px 8px;border-radius:8px;background:#f3f4f6;color:#16191d;text-align:center;\
         font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;font-size:32px;line-height:1.25;font-weight:700;\
         letter-spacing:4px;word-break:break-all;direction:ltr;unicode-bidi:isolate;",
    ),
    ("b", "color:#16191d;unicode-bidi:plaintext;"),
    ("small", "display:block;margin:24px 0 0;font-size:13px;line-height:1.5;color:#5b6470;"),
];

/// One built-in message: the words before any value is put in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BuiltIn {
    /// What it is for.
    pub message: Purpose,
    /// On which channel.
    pub channel: Channel,
    /// In which language.
    pub locale: &'static str,
    /// The subject, for mail.
    pub subject: Option<String>,
    /// The text.
    pub text: String,
    /// The whole HTML page, for mail.
    pub html: Option<String>,
}

/// All of them, language by language.
pub fn all() -> impl Iterator<Item = BuiltIn> {
    let kinds = || Purpose::ALL.into_iter().flat_map(|purpose| Channel::WITH_WORDS.map(|channel| (purpose, channel)));
    FILES.iter().flat_map(move |language| kinds().map(|(purpose, channel)| of(language, purpose, channel)))
}

/// What calls in a language say besides their messages.
pub fn calls(tag: &str) -> impl Iterator<Item = (CallWords, &'static str)> {
    let of = |language: &'static Language| [(CallWords::Ask, language.call_ask), (CallWords::Over, language.call_over)];
    FILES.iter().filter(move |language| language.tag == tag).flat_map(of)
}

fn of(language: &Language, purpose: Purpose, channel: Channel) -> BuiltIn {
    let texts = language.texts(purpose);
    let (subject, text, html) = match channel {
        Channel::Sms | Channel::Whatsapp | Channel::Telegram => (None, texts.sms.to_owned(), None),
        Channel::Voice => (None, texts.voice.to_owned(), None),
        Channel::Email => (Some(texts.subject.to_owned()), plain(texts.mail), Some(page(language.tag, texts))),
    };
    BuiltIn { message: purpose, channel, locale: language.tag, subject, text, html }
}

fn page(tag: &str, texts: &Texts) -> String {
    // A brand that ends in a point keeps it at its end, whichever way the text around it runs.
    let mut content = texts.mail.replace("{{ brand }}", "<bdi>{{ brand }}</bdi>");
    for (element, style) in STYLES {
        content = content.replace(&format!("<{element}>"), &format!("<{element} style=\"{style}\">"));
    }
    let direction = if locale::is_right_to_left(tag) { "rtl" } else { "ltr" };
    FRAME
        .replace("%LANGUAGE%", tag)
        .replace("%DIRECTION%", direction)
        .replace("%TITLE%", texts.subject)
        .replace("%CONTENT%", &content)
}

/// The words of a mail without its elements: one paragraph for each line but the heading, which the subject says already.
fn plain(mail: &str) -> String {
    let paragraphs = mail.lines().filter(|line| !line.starts_with("<h1>"));
    let mut text = paragraphs.collect::<Vec<_>>().join("\n\n").replace("<br>", "\n");
    for (element, _) in STYLES {
        text = text.replace(&format!("<{element}>"), "").replace(&format!("</{element}>"), "");
    }
    text
}
