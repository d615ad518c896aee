//! The built-in messages: one table of the files in `templates/`, complete for every language. What an HTML mail looks
//! like is said once, in `templates/mail.html` and [`STYLES`]; the files of a language hold words only.

use countersign_model::{Channel, message::Purpose};

/// The texts of one purpose in one language, as they stand in their files.
struct Texts {
    purpose: Purpose,
    language: &'static str,
    sms: &'static str,
    voice: &'static str,
    subject: &'static str,
    email: &'static str,
    html: &'static str,
}

macro_rules! texts {
    ($($language:literal),*) => {
        [$(texts!(Purpose::Verification, "verification", $language), texts!(Purpose::Payment, "payment", $language)),*]
    };
    ($purpose:expr, $folder:literal, $language:literal) => {
        Texts {
            purpose: $purpose,
            language: $language,
            sms: include_str!(concat!("../../templates/", $folder, "/sms.", $language, ".txt")),
            voice: include_str!(concat!("../../templates/", $folder, "/voice.", $language, ".txt")),
            subject: include_str!(concat!("../../templates/", $folder, "/email.", $language, ".subject.txt")),
            email: include_str!(concat!("../../templates/", $folder, "/email.", $language, ".txt")),
            html: include_str!(concat!("../../templates/", $folder, "/email.", $language, ".html")),
        }
    };
}

/// The languages in which every built-in message exists.
pub const LANGUAGES: [&str; 7] = ["en", "es", "de", "fr", "pt", "it", "nl"];
const TEXTS: [Texts; 14] = texts!("en", "es", "de", "fr", "pt", "it", "nl");

const FRAME: &str = include_str!("../../templates/mail.html");

/// Many mail readers throw style sheets away, so every element carries its own look.
const STYLES: [(&str, &str); 5] = [
    ("h1", "margin:0 0 16px;font-size:20px;line-height:1.3;font-weight:600;color:#16191d;"),
    ("p", "margin:0 0 16px;font-size:16px;line-height:1.5;color:#16191d;"),
    (
        "code",
        "display:block;margin:8px 0 24px;padding:16px 8px;border-radius:8px;background:#f3f4f6;color:#16191d;text-align:center;\
         font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;font-size:32px;line-height:1.25;font-weight:700;\
         letter-spacing:4px;word-break:break-all;",
    ),
    ("b", "color:#16191d;"),
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

/// All of them.
pub fn all() -> impl Iterator<Item = BuiltIn> {
    TEXTS.iter().flat_map(|texts| Channel::ALL.into_iter().map(|channel| of(texts, channel)))
}

fn of(texts: &Texts, channel: Channel) -> BuiltIn {
    let owned = |text: &str| text.trim_end().to_owned();
    let (subject, text, html) = match channel {
        Channel::Sms => (None, texts.sms, None),
        Channel::Voice => (None, texts.voice, None),
        Channel::Email => (Some(owned(texts.subject)), texts.email, Some(page(texts))),
    };
    BuiltIn { message: texts.purpose, channel, locale: texts.language, subject, text: owned(text), html }
}

fn page(texts: &Texts) -> String {
    let mut content = texts.html.trim().to_owned();
    for (element, style) in STYLES {
        content = content.replace(&format!("<{element}>"), &format!("<{element} style=\"{style}\">"));
    }
    FRAME.replace("%LANGUAGE%", texts.language).replace("%TITLE%", texts.subject.trim()).replace("%CONTENT%", &content)
}
