//! `docs/languages.md` shows every built-in text as it is rendered; `UPDATE=1` writes it.

use countersign_delivery::{
    Templates,
    gsm7::{self, Encoding},
    lint::lint,
    render::{BuiltIn, CallWords, Context, LANGUAGES, TemplateText, built_in, locale::is_right_to_left},
};
use countersign_model::{Channel, Code, Payment, message::Purpose};
use std::{fmt::Write as _, fs, path::Path};

const BEGIN: &str = "<!-- rendered texts: begin -->\n";
const END: &str = "<!-- rendered texts: end -->\n";

#[test]
fn the_page_of_languages_shows_every_text_as_it_is_rendered() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/languages.md");
    let page = fs::read_to_string(&path).unwrap();
    let (before, rest) = page.split_once(BEGIN).unwrap();
    let (_, after) = rest.split_once(END).unwrap();
    let rendered = format!("{before}{BEGIN}{}{END}{after}", table());
    if std::env::var_os("UPDATE").is_some() {
        fs::write(&path, &rendered).unwrap();
    }
    let is_current = fs::read_to_string(&path).unwrap() == rendered;
    assert!(is_current, "write it with UPDATE=1 cargo test -p countersign-delivery --test it languages");
    assert!(before.contains(&format!("{} languages", LANGUAGES.len())), "the page tells another number of languages");
}

fn table() -> String {
    let templates = Templates::builtin();
    let mut table = "| language | message | as it is rendered | alphabet | length | parts | longest |\n|---|---|---|---|--:|--:|--:|\n".to_owned();
    for message in built_in() {
        table.push_str(&row(templates, &message));
    }
    for language in LANGUAGES {
        for (words, name) in [(CallWords::Ask, "before the key"), (CallWords::Over, "after the code's end")] {
            let said = templates.call(words, language, Some("Example Ltd")).unwrap();
            assert!(words == CallWords::Over || said.contains('1'), "{language}: no key is named");
            let direction = if is_right_to_left(language) { "rtl" } else { "ltr" };
            let text = format!("<div lang=\"{language}\" dir=\"{direction}\">{}</div>", cell(&said));
            writeln!(table, "| {language} | call, {name} | {text} | | | | |").unwrap();
        }
    }
    table
}

fn row(templates: &Templates, message: &BuiltIn) -> String {
    let (code, payment) = (Code::own("123456").unwrap(), Payment::new("Books & Co", "12.50", "EUR").unwrap());
    let values = Context {
        code: &code,
        brand: Some("Example Ltd"),
        life_minutes: Some(20),
        payment: Some(&payment),
        last_line: None,
    };
    let (purpose, channel, language) = (message.message, message.channel, message.locale);
    let said = templates.render(None, purpose, channel, language, &values).unwrap();
    let texts =
        TemplateText { subject: message.subject.as_deref(), text: &message.text, html: message.html.as_deref() };
    let report = lint(purpose, channel, &texts).unwrap();
    let subject = said.subject.map_or_else(String::new, |subject| format!("<b>{}</b><br><br>", cell(&subject)));
    let direction = if is_right_to_left(language) { "rtl" } else { "ltr" };
    let mut row = format!("| {language} | {} {} | ", purpose.name(), channel.name());
    write!(row, "<div lang=\"{language}\" dir=\"{direction}\">{subject}{}</div> | ", cell(&said.text)).unwrap();
    match (channel, report.sms) {
        (Channel::Sms, Some(longest)) => {
            let size = gsm7::size(&said.text);
            let alphabet = match size.encoding {
                Encoding::Gsm7 => "GSM-7",
                Encoding::Ucs2 => "UCS-2",
            };
            writeln!(row, "{alphabet} | {} | {} | {} |", size.units, size.parts, longest.parts).unwrap();
            assert!(purpose == Purpose::Payment || size.parts == 1, "{language}: {} {}", size.units, said.text);
        }
        _ => row.push_str("| | | |\n"),
    }
    row
}

fn cell(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('|', "\\|").replace('\n', "<br>")
}
