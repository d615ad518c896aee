//! Which language a message is in, and what it ends with.

use crate::{ANA, Acts, start_to};
use countersign_engine::{
    Caller, Identity, UserRef,
    commands::{
        ChangeUser, CheckCode, CreateUser, EnrolFactor, KnownLanguage, Overrides, PutService, ResendCode,
        SendFactorCode, ServiceRef, ServiceWrite, Target,
    },
    testing::Harness,
};
use countersign_model::{
    Address, AppHash, Channel, Code, LastLine, MfaRule, Policy, Profile, Service, Typed, UserId, WebOtp, policy::Limits,
};

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

/// A user who reads this, as it was said of her.
async fn user_reading(harness: &Harness, name: &str, language: Option<&str>) -> UserId {
    let identity = Identity { name: Some(name.into()), email: None, language: language.map(str::to_owned) };
    let command = CreateUser { identity, password: None, mfa: MfaRule::Required };
    harness.engine.run(&harness.caller, None, &command).await.unwrap().id
}

/// Under the service `shop`, as often as it is wanted.
fn overrides() -> Overrides {
    let limits = Limits { send_gap_seconds: 0, sends: Vec::new(), ..Policy::of(Profile::Compat).limits };
    Overrides { limits: Some(limits), ..Overrides::default() }
}

#[tokio::test]
async fn a_users_language_stands_between_what_is_asked_for_and_what_the_number_says() {
    let harness = Harness::new().await;
    put(&harness, ServiceWrite::Create, true, None).await;
    let service = || ServiceRef::Named("shop".into());
    let enrol = async |user: UserId, asked: Option<&str>| {
        let command = EnrolFactor {
            user: UserRef::Id(user),
            service: service(),
            channel: Channel::Sms,
            to: Address::parse(Channel::Sms, "+34666666111").unwrap(),
            name: None,
            locale: asked.map(str::to_owned),
            overrides: overrides(),
            replaces_pending: true,
        };
        let enrolling = harness.engine.run(&harness.caller, None, &command).await.unwrap();
        enrolling.started.verification
    };
    let ana = user_reading(&harness, "ana", Some("PT_br")).await;
    let eve = user_reading(&harness, "eve", None).await;
    assert_eq!(enrol(eve, None).await.locale, "es-ES", "nothing is known of her but her number");
    assert_eq!(enrol(ana, Some("sv")).await.locale, "sv");
    let enrolled = enrol(ana, None).await;
    assert_eq!(enrolled.locale, "pt-BR");

    harness.deliver().await;
    let first = harness.first.take().pop().unwrap();
    assert!(first.text.contains("para confirmar a sua identidade"), "{}", first.text);
    let code = Typed::Text(Code::typed(&first.code));
    let check = CheckCode { target: Target::Id(enrolled.id), code, payment: None };
    harness.engine.run(&harness.caller, None, &check).await.unwrap();
    let send = async |asked: Option<&str>| {
        let command = SendFactorCode {
            user: UserRef::Id(ana),
            factor: None,
            service: service(),
            channel: Channel::Sms,
            locale: asked.map(str::to_owned),
            overrides: overrides(),
            replaces_pending: true,
        };
        harness.engine.run(&harness.caller, None, &command).await.unwrap().started.verification.locale
    };
    let known = async |language: Option<KnownLanguage>| {
        let command = ChangeUser { user: UserRef::Id(ana), password: None, mfa: None, language };
        harness.engine.run(&Caller::operator(harness.caller.tenant()), None, &command).await.unwrap();
    };
    assert_eq!(send(Some("sv")).await, "sv");
    assert_eq!(send(None).await, "pt-BR");
    known(Some(KnownLanguage::Is("is".to_owned()))).await;
    assert_eq!(send(None).await, "is", "what nobody has written is looked for all the same, and found in English");
    known(None).await;
    assert_eq!(send(None).await, "is", "another change leaves it as it is");
    known(Some(KnownLanguage::Unknown)).await;
    assert_eq!(send(None).await, "es-ES");
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
