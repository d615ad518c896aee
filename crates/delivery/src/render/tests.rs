use super::*;
use crate::gsm7::{self, Encoding};
use countersign_model::{BoundCode, TenantId, Timestamp, WebOtp};
use proptest::prelude::*;

fn code() -> Code {
    Code::own("123456").unwrap()
}

fn payment() -> Payment {
    Payment::new("Books & Co", "12.50", "EUR").unwrap()
}

fn verification(channel: Channel, locale: &str, brand: Option<&str>, life_minutes: Option<u32>) -> Rendered {
    let context = Context { code: &code(), brand, life_minutes, payment: None, last_line: None };
    Templates::builtin().render(None, Purpose::Verification, channel, locale, &context).unwrap()
}

fn own(text: &str, html: Option<&str>) -> Template {
    Template {
        tenant: TenantId::from_bytes([0; 16]),
        message: Purpose::Verification,
        channel: Channel::Email,
        locale: "en".into(),
        subject: Some("{{ brand }} code".into()),
        text: text.into(),
        html: html.map(str::to_owned),
        updated_at: Timestamp::from_ms(0),
    }
}

fn with_own(own: &Template, brand: Option<&str>) -> Result<Rendered, RenderError> {
    let context = Context { code: &code(), brand, life_minutes: Some(5), payment: None, last_line: None };
    Templates::builtin().render(Some(own), Purpose::Verification, Channel::Email, "en", &context)
}

#[test]
fn a_text_message_reads_naturally_with_and_without_a_brand_and_an_end() {
    let text = |brand, minutes| verification(Channel::Sms, "en", brand, minutes).text;
    assert_eq!(text(None, None), "123456 is your verification code. Do not share it with anyone.");
    assert_eq!(
        text(Some("Acme"), Some(5)),
        "123456 is your Acme verification code. It expires in 5 minutes. Do not share it with anyone."
    );
    assert_eq!(
        text(None, Some(1)),
        "123456 is your verification code. It expires in 1 minute. Do not share it with anyone."
    );
    assert_eq!(text(None, Some(0)), text(None, None));
}

#[test]
fn every_language_is_its_own_and_its_region_finds_it() {
    let text = |locale| verification(Channel::Sms, locale, Some("Acme"), Some(5)).text;
    assert_eq!(
        text("pt-BR"),
        "Acme: use o PIN 123456 para confirmar a sua identidade. Expira em 5 minutos. Nunca o revele a outra pessoa."
    );
    assert_eq!(
        text("de-AT"),
        "123456 ist Ihr Bestätigungscode für Acme. Er ist 5 Minuten gültig. Geben Sie ihn an niemanden weiter."
    );
    assert_eq!(text("zh-TW"), "【Acme】您的驗證碼為 123456，5 分鐘內有效。請勿告知他人。");
    assert_eq!(text("is"), text("en"));
    let texts: std::collections::BTreeSet<String> = LANGUAGES.iter().map(|language| text(language)).collect();
    assert_eq!(texts.len(), LANGUAGES.len());
}

/// Languages whose letters GSM-7 does not have; the others are written so that each of their letters is in it.
const IN_UCS_2: [&str; 18] =
    ["ar", "bg", "bn", "el", "fa", "he", "hi", "hu", "ja", "ko", "ru", "sr", "th", "uk", "ur", "vi", "zh", "zh-Hant"];

#[test]
fn each_verification_text_message_is_one_part_and_in_gsm_7_where_the_language_can_be() {
    for language in LANGUAGES {
        let (encoding, brand, longest_life) = if IN_UCS_2.contains(&language) {
            (Encoding::Ucs2, "Eleven Char", 99)
        } else {
            (Encoding::Gsm7, "Twenty Characters Co", 1440)
        };
        for brand in [None, Some(brand)] {
            for minutes in [None, Some(1), Some(longest_life)] {
                let text = verification(Channel::Sms, language, brand, minutes).text;
                let size = gsm7::size(&text);
                assert_eq!((size.encoding, size.parts), (encoding, 1), "{language}: {} {text}", size.units);
            }
        }
    }
}

#[test]
fn a_payment_is_written_in_the_same_alphabet() {
    let context = Context {
        code: &code(),
        brand: Some("Acme"),
        life_minutes: Some(5),
        payment: Some(&payment()),
        last_line: None,
    };
    for language in LANGUAGES {
        let said = Templates::builtin().render(None, Purpose::Payment, Channel::Sms, language, &context).unwrap();
        let is_ucs_2 = gsm7::size(&said.text).encoding == Encoding::Ucs2;
        assert_eq!(is_ucs_2, IN_UCS_2.contains(&language), "{language}: {}", said.text);
    }
}

#[test]
fn a_text_from_the_right_begins_with_a_word_of_its_own() {
    // The first letter says from which side a text message is laid out.
    let context = Context {
        code: &code(),
        brand: Some("Acme"),
        life_minutes: Some(5),
        payment: Some(&payment()),
        last_line: None,
    };
    for language in LANGUAGES.into_iter().filter(|tag| locale::is_right_to_left(tag)) {
        for (purpose, channel) in Purpose::ALL.into_iter().flat_map(|purpose| Channel::ALL.map(|way| (purpose, way))) {
            let said = Templates::builtin().render(None, purpose, channel, language, &context).unwrap();
            for text in [Some(&said.text), said.subject.as_ref()].into_iter().flatten() {
                let first = text.chars().find(|character| character.is_alphabetic());
                assert!(first.is_some_and(|letter| !letter.is_ascii()), "{language}: {text}");
            }
            let is_laid_out = |html: String| html.matches("dir=\"rtl\"").count() == 2;
            assert!(said.html.is_none_or(is_laid_out), "{language}");
        }
    }
}

#[test]
fn the_last_line_is_below_every_text_message_and_in_no_other() {
    let line = LastLine::WebOtp(WebOtp::new("example.com", None).unwrap());
    let context =
        Context { code: &code(), brand: None, life_minutes: None, payment: Some(&payment()), last_line: Some(&line) };
    let own = Template { channel: Channel::Sms, subject: None, ..own("Code {{ code }}\n\n", None) };
    let said = Templates::builtin().render(Some(&own), Purpose::Verification, Channel::Sms, "en", &context).unwrap();
    assert_eq!(said.text, "Code 123456\n@example.com #123456");
    for language in LANGUAGES {
        for purpose in Purpose::ALL {
            let text = |channel| Templates::builtin().render(None, purpose, channel, language, &context).unwrap().text;
            let bound = text(Channel::Sms);
            assert_eq!(BoundCode::parse(&bound).map(|bound| (bound.host, bound.code)), Some(("example.com", "123456")));
            assert!(!text(Channel::Voice).contains("example.com") && !text(Channel::Email).contains("example.com"));
        }
    }
}

#[test]
fn no_built_in_message_has_a_whitespace_mess_or_an_empty_place() {
    let code = code();
    let payment = payment();
    for purpose in Purpose::ALL {
        for channel in Channel::ALL {
            for language in LANGUAGES {
                for (brand, life_minutes) in [(None, None), (Some("Acme"), Some(5))] {
                    let context =
                        Context { code: &code, brand, life_minutes, payment: Some(&payment), last_line: None };
                    let said = Templates::builtin().render(None, purpose, channel, language, &context).unwrap();
                    for text in [Some(&said.text), said.subject.as_ref()].into_iter().flatten() {
                        for mess in
                            ["  ", " .", " ,", " \n", "\n\n\n", "..", ": :", "()", "（）", "【】", "[]", "{", "none"]
                        {
                            assert!(!text.contains(mess), "{purpose:?} {channel:?} {language}: {mess:?} in {text}");
                        }
                        assert!(
                            !text.starts_with(|first: char| first.is_lowercase() || first.is_whitespace()),
                            "{text}"
                        );
                    }
                }
            }
        }
    }
}

#[test]
fn a_call_says_the_code_twice_and_character_by_character() {
    for language in LANGUAGES {
        let text = verification(Channel::Voice, language, None, Some(5)).text;
        assert_eq!(text.matches("1, 2, 3, 4, 5, 6").count(), 2, "{text}");
        assert!(!text.contains("123456"));
    }
}

#[test]
fn a_payment_message_shows_what_is_approved() {
    let context =
        Context { code: &code(), brand: None, life_minutes: None, payment: Some(&payment()), last_line: None };
    for language in LANGUAGES {
        for channel in Channel::ALL {
            let said = Templates::builtin().render(None, Purpose::Payment, channel, language, &context).unwrap();
            assert!(said.text.contains("12.50 EUR") && said.text.contains("Books & Co"), "{}", said.text);
            let html = said.html.unwrap_or_else(|| "12.50 EUR Books &amp; Co".into());
            assert!(html.contains("12.50 EUR") && html.contains("Books &amp; Co"), "{html}");
        }
    }
    let context = Context { payment: None, ..context };
    let nothing = Templates::builtin().render(None, Purpose::Payment, Channel::Sms, "en", &context);
    assert_eq!(nothing, Err(RenderError::NoPayment));
}

#[test]
fn only_mail_has_a_subject_and_html_and_the_page_loads_nothing() {
    let sms = verification(Channel::Sms, "en", None, None);
    assert_eq!((sms.subject, sms.html), (None, None));
    let mail = verification(Channel::Email, "de", Some("Acme"), Some(5));
    assert_eq!(mail.subject.as_deref(), Some("Ihr Bestätigungscode für Acme"));
    let html = mail.html.unwrap();
    assert!(html.contains("<html lang=\"de\" dir=\"ltr\">") && html.contains("Ihr Bestätigungscode für Acme</title>"));
    for remote in ["http:", "https:", "url(", "src=", "href=", "@import", "%LANGUAGE%", "%DIRECTION%", "%CONTENT%"] {
        assert!(!html.contains(remote), "{remote}");
    }
}

#[test]
fn only_html_is_escaped() {
    let own = own("{{ brand }} {{ code }}", Some("<p>{{ brand }} {{ code }}</p>"));
    let said = with_own(&own, Some("<b>A & B</b>")).unwrap();
    assert_eq!(said.text, "<b>A & B</b> 123456");
    assert_eq!(said.html.as_deref(), Some("<p>&lt;b&gt;A &amp; B&lt;&#x2f;b&gt; 123456</p>"));
    let html = verification(Channel::Email, "en", Some("<script>"), None).html.unwrap();
    assert!(!html.contains("<script>"));
}

#[test]
fn an_own_template_stands_in_for_the_built_in_one() {
    let said = with_own(&own("Use  {{ code }}\n\n\n\nYour {{ brand }} team ", None), None).unwrap();
    assert_eq!(said.text, "Use 123456\n\nYour team");
    assert_eq!((said.subject.as_deref(), said.html), (Some("code"), None));
}

#[test]
fn a_brand_brings_no_line_breaks_and_nothing_invisible() {
    let said = with_own(&own("{{ brand }}|{{ code }}", None), Some("A\r\nBcc: x@y.zz\u{202e}\u{200b}\0B")).unwrap();
    assert_eq!(said.subject.as_deref(), Some("A Bcc: x@y.zz B code"));
    assert_eq!(said.text, "A Bcc: x@y.zz B|123456");
}

#[test]
fn a_template_that_was_never_linted_is_still_held_to_the_language() {
    for bad in
        ["{% for a in code %}{{ a }}{% endfor %}", "{{ secret }}", "{% include 'x' %}", "{% set a = code ~ code %}"]
    {
        assert!(matches!(with_own(&own(bad, None), None), Err(RenderError::Tag { .. })), "{bad}");
    }
    let broken = with_own(&own("{{ code }}\n{% if brand %}", None), None).unwrap_err();
    assert!(matches!(broken, RenderError::Engine { part: Part::Text, .. }));
    assert!(!broken.to_string().contains("123456"));
    assert_eq!(with_own(&own("{{ brand }}", None), None), Err(RenderError::Empty { part: Part::Text }));
}

#[test]
fn printing_a_rendered_message_shows_nothing_of_it() {
    let said = verification(Channel::Sms, "en", Some("Acme"), None);
    assert_eq!(format!("{said:?}"), "Rendered(…)");
}

proptest! {
    #[test]
    fn no_template_makes_it_panic(text in "(\\{\\{ (code|brand|minutes|x) \\}\\}|\\{% (if|elif|else|endif|brand) ?(brand|minutes == 1)? %\\}|[ \n\té{}%#a]){0,12}", brand in "\\PC{0,30}") {
        let _ = with_own(&own(&text, Some(&text)), Some(&brand));
    }

    #[test]
    fn any_brand_stays_on_one_line(brand in any::<String>()) {
        prop_assert!(!one_line(&brand).chars().any(char::is_control));
        prop_assert!(!one_line(&brand).contains("  "));
    }
}
