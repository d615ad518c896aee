//! Which language a message is in, and what it ends with.

use crate::{ANA, Acts, start_to};
use countersign_engine::{
    commands::{PutService, ResendCode, ServiceRef, ServiceWrite, Target},
    testing::Harness,
};
use countersign_model::{AppHash, LastLine, Policy, Profile, Service, WebOtp};

fn site(host: &str) -> LastLine {
    LastLine::WebOtp(WebOtp::new(host, None).unwrap())
}

/// Makes or changes the service `shop`, whose own language is French.
async fn put(
    harness: &Harness,
    write: ServiceWrite,
    language_of_country: bool,
    last_line: Option<LastLine>,
) -> Service {
    let mut policy = Policy::of(Profile::Compat);
    policy.life_seconds = 0;
    let command = PutService {
        name: "shop".into(),
        write,
        brand: None,
        sender: None,
        default_locale: "fr".into(),
        language_of_country,
        last_line,
        policy,
    };
    harness.engine.run(&harness.caller, None, &command).await.unwrap();
    harness.engine.service(&harness.caller, "shop").await.unwrap()
}

#[tokio::test]
async fn the_caller_is_asked_then_the_country_then_the_service() {
    let harness = Harness::new().await;
    let service = put(&harness, ServiceWrite::Create, true, None).await;
    let chosen = async |to: &str, asked: Option<&str>| {
        let mut start = start_to(to);
        start.service = ServiceRef::Named("shop".into());
        start.locale = asked.map(str::to_owned);
        harness.start(&start).await.unwrap().verification.locale
    };
    assert_eq!(chosen("+34666666111", Some("sv")).await, "sv");
    assert_eq!(chosen("+34666666111", None).await, "es-ES");
    assert_eq!(chosen("+201001234567", None).await, "ar-EG");
    assert_eq!(chosen("+886912345678", None).await, "zh-TW");
    assert_eq!(chosen("+12025550123", None).await, "en-US");
    assert_eq!(chosen("+3546111234", None).await, "fr", "there is no Icelandic text");
    put(&harness, ServiceWrite::Replace { version: service.version }, false, None).await;
    assert_eq!(chosen("+34666666111", None).await, "fr");
}

#[tokio::test]
async fn the_services_of_dialects_keep_the_language_of_their_vendor() {
    let harness = Harness::new().await;
    let mut start = start_to(ANA);
    start.service = ServiceRef::Dialect("test");
    assert_eq!(harness.start(&start).await.unwrap().verification.locale, "en");
    assert_eq!(harness.start(&start_to("+34666666112")).await.unwrap().verification.locale, "es-ES");
}

#[tokio::test]
async fn a_verification_keeps_the_last_line_it_started_with() {
    let harness = Harness::new().await;
    let service = put(&harness, ServiceWrite::Create, false, Some(site("example.com"))).await;
    let mut start = start_to(ANA);
    start.service = ServiceRef::Named("shop".into());
    let id = harness.start(&start).await.unwrap().verification.id;
    put(&harness, ServiceWrite::Replace { version: service.version }, false, Some(site("other.example"))).await;
    harness.deliver().await;
    let first = harness.first.take().pop().unwrap();
    assert!(first.text.ends_with(&format!(".\n@example.com #{}", first.code)), "{}", first.text);
    let resend = ResendCode { target: Target::Id(id), channel: None, text: None };
    harness.engine.run(&harness.caller, None, &resend).await.unwrap();
    harness.deliver().await;
    assert_eq!(harness.first.take().pop().unwrap().text, first.text);

    start.overrides.last_line = Some(LastLine::AppHash(AppHash::new("FA+9qCX9VSu").unwrap()));
    harness.start(&start).await.unwrap();
    harness.deliver().await;
    let second = harness.first.take().pop().unwrap();
    assert!(second.text.ends_with(".\nFA+9qCX9VSu"), "{}", second.text);
}

#[tokio::test]
async fn languages_in_which_the_last_line_costs_a_part_are_known() {
    let harness = Harness::new().await;
    let without = put(&harness, ServiceWrite::Create, false, None).await;
    assert_eq!(harness.engine.languages_of_several_parts(&without).await.unwrap(), Vec::<String>::new());
    let long = format!("{}.example.com", "a".repeat(60));
    let with = put(&harness, ServiceWrite::Replace { version: without.version }, false, Some(site(&long))).await;
    let languages = harness.engine.languages_of_several_parts(&with).await.unwrap();
    assert!(languages.contains(&"ru".to_owned()) && !languages.contains(&"en".to_owned()), "{languages:?}");
}
