use crate::{ANA, Acts, start_to};
use countersign_engine::{
    Caller, Error, Thing,
    commands::{
        CreateKey, CreateTenant, DEFAULT_SERVICE, DeleteService, DeleteTemplate, KeyForm, PutService, PutTemplate,
        RevokeKey, ServiceRef, ServiceWrite,
    },
    testing::Harness,
};
use countersign_model::{Channel, Policy, Profile, Scope, message::Purpose};

fn service(name: &str, write: ServiceWrite) -> PutService {
    PutService {
        name: name.into(),
        write,
        brand: Some("Acme".into()),
        sender: None,
        default_locale: "es".into(),
        language_of_country: false,
        last_line: None,
        policy: Policy::of(Profile::Compat),
    }
}

fn template(locale: &str, text: &str) -> PutTemplate {
    PutTemplate {
        message: Purpose::Verification,
        channel: Channel::Sms,
        locale: locale.into(),
        subject: None,
        text: text.into(),
        html: None,
    }
}

#[tokio::test]
async fn a_key_works_until_it_is_revoked_and_allows_only_its_scopes() {
    let harness = Harness::new().await;
    let command = CreateKey {
        name: "shop".into(),
        scopes: vec![Scope::VerificationsRead],
        form: KeyForm::Native,
        allowed_from: vec![],
        test: false,
    };
    let made = harness.engine.run(&harness.caller, None, &command).await.unwrap();
    let caller = harness.engine.authenticate(&made.secret, None).await.unwrap().unwrap();
    assert_eq!(caller.tenant(), harness.tenant.id);
    let refused = harness.engine.run(&caller, None, &start_to(ANA)).await;
    assert!(matches!(refused, Err(Error::Forbidden(Scope::VerificationsWrite))));

    harness.engine.run(&harness.caller, None, &RevokeKey { id: made.key.id }).await.unwrap();
    assert_eq!(harness.engine.authenticate(&made.secret, None).await.unwrap(), None);
    assert_eq!(harness.engine.authenticate("cs_nobody", None).await.unwrap(), None);
}

#[tokio::test]
async fn a_key_of_another_tenant_cannot_be_revoked() {
    let harness = Harness::new().await;
    let made = harness
        .engine
        .run(
            &harness.caller,
            None,
            &CreateKey { name: "n".into(), scopes: vec![], form: KeyForm::Native, allowed_from: vec![], test: false },
        )
        .await
        .unwrap();
    let other = harness.engine.run(&harness.caller, None, &CreateTenant { name: "other".into() }).await.unwrap();
    let revoked = harness.engine.run(&Caller::operator(other.id), None, &RevokeKey { id: made.key.id }).await;
    assert!(matches!(revoked, Err(Error::NotFound(Thing::Key))));
}

#[tokio::test]
async fn names_are_unique_and_plain() {
    let harness = Harness::new().await;
    let taken = harness.engine.run(&harness.caller, None, &CreateTenant { name: "acme".into() }).await;
    assert!(matches!(taken, Err(Error::NameTaken(Thing::Tenant))));
    let bad = harness.engine.run(&harness.caller, None, &CreateTenant { name: "Acme Inc".into() }).await;
    assert!(matches!(bad, Err(Error::BadName)));
}

#[tokio::test]
async fn a_changed_service_does_not_touch_what_is_on_its_way() {
    let harness = Harness::new().await;
    let made = harness.engine.run(&harness.caller, None, &service("s", ServiceWrite::Create)).await.unwrap();
    assert_eq!(made.version, 0);
    let mut start = start_to(ANA);
    start.service = ServiceRef::Named("s".into());
    let id = harness.start(&start).await.unwrap().verification.id;
    let now = harness.engine.service(&harness.caller, "s").await.unwrap();
    let mut change = service("s", ServiceWrite::Replace { version: now.version });
    change.policy.max_checks = 9;
    harness.engine.run(&harness.caller, None, &change).await.unwrap();
    let stale = harness.engine.run(&harness.caller, None, &change).await;
    assert!(matches!(stale, Err(Error::Busy)), "it was made on an older version");
    let verification = harness.engine.verification(&harness.caller, id).await.unwrap().verification;
    assert_eq!(verification.policy.max_checks, 3);
}

#[tokio::test]
async fn the_default_service_stays_and_others_go() {
    let harness = Harness::new().await;
    let default = DeleteService { name: DEFAULT_SERVICE.into() };
    assert!(matches!(harness.engine.run(&harness.caller, None, &default).await, Err(Error::DefaultService)));
    harness.engine.run(&harness.caller, None, &service("s", ServiceWrite::Create)).await.unwrap();
    harness.engine.run(&harness.caller, None, &DeleteService { name: "s".into() }).await.unwrap();
    assert!(matches!(harness.engine.service(&harness.caller, "s").await, Err(Error::NotFound(Thing::Service))));
}

#[tokio::test]
async fn without_a_lookup_the_numbering_plan_tells_which_numbers_exist() {
    let harness = Harness::new().await;
    let mut command = service("s", ServiceWrite::Create);
    command.policy.number_lookup = true;
    command.policy.limits.send_gap_seconds = 60;
    harness.engine.run(&harness.caller, None, &command).await.unwrap();
    for (to, exists) in [(ANA, true), ("+34555555555", false)] {
        let mut start = start_to(to);
        start.service = ServiceRef::Named("s".into());
        let started = harness.start(&start).await;
        assert_eq!(started.is_ok(), exists, "{to}");
        assert!(exists || matches!(started, Err(Error::NumberUnknown)), "{to}");
        assert!(matches!(harness.start(&start).await, Err(Error::Limited(_))), "asking counts as a send: {to}");
    }
}

#[tokio::test]
async fn an_own_template_is_used_in_its_language_and_regions_of_it() {
    let harness = Harness::new().await;
    let put = template("PT", "{{ code }} Acme!");
    harness.engine.run(&harness.caller, None, &put).await.unwrap();
    for (locale, to, is_own) in [("pt-BR", ANA, true), ("es", "+34666666112", false)] {
        let mut start = start_to(to);
        start.locale = Some(locale.into());
        harness.start(&start).await.unwrap();
        harness.deliver().await;
        let sent = harness.first.take().pop().unwrap();
        assert_eq!(sent.text == format!("{} Acme!", sent.code), is_own, "{locale}");
    }
    let delete = DeleteTemplate { message: Purpose::Verification, channel: Channel::Sms, locale: "pt".into() };
    harness.engine.run(&harness.caller, None, &delete).await.unwrap();
    assert!(matches!(harness.engine.run(&harness.caller, None, &delete).await, Err(Error::NotFound(Thing::Template))));
}

#[tokio::test]
async fn a_template_that_the_linter_refuses_is_not_kept() {
    let harness = Harness::new().await;
    for text in ["no code here", "{{ code }} and {{ code }}", "{{ code }} {{ nobody }}", "{{ code"] {
        let refused = harness.engine.run(&harness.caller, None, &template("en", text)).await;
        assert!(matches!(refused, Err(Error::BadTemplate(findings)) if !findings.is_empty()), "{text}");
    }
    assert!(harness.engine.own_templates(&harness.caller).await.unwrap().is_empty());
}
