//! The page of a second factor, asked as a program would: fetch, read, post.

use crate::wire::{Answer, Server};
use axum::{
    body::Body,
    http::{Request, header::ACCEPT_LANGUAGE},
};
use countersign_engine::{Caller, commands::CreateTenant};
use countersign_model::{Timestamp, Totp};
use futures_util::future::join_all;
use serde_json::{Value, json};
use std::time::Duration;

const RETURN_TO: &str = "https://shop.example.com/done";

struct Page {
    server: Server,
    users: u32,
}

impl Page {
    async fn new() -> Self {
        Self { server: Server::with_applications().await, users: 0 }
    }

    fn fresh_user(&mut self) -> String {
        self.users += 1;
        format!("customer-{}", self.users)
    }

    /// A log-in of a user that waits: its answer, and the path of its page.
    async fn begin(&self, user: &str) -> (Value, String) {
        self.begin_reading(user, None).await
    }

    /// The same, where it is said what the user reads.
    async fn begin_reading(&self, user: &str, language: Option<&str>) -> (Value, String) {
        let body = json!({
            "client_id": self.server.named("client_id"), "user": user, "return_to": RETURN_TO, "state": "s",
            "language": language,
        });
        let answer = self.server.post("/v1/mfa-tokens", &body.to_string()).await;
        assert_eq!(answer.status, 201, "{}", answer.body);
        let begun = answer.json();
        let path = begun["page_url"].as_str().unwrap().strip_prefix("https://verify.example.com").unwrap().to_owned();
        (begun, path)
    }

    async fn look(&self, path: &str) -> Answer {
        self.server.send(Request::get(path).body(Body::empty()).unwrap()).await
    }

    /// Sends a form: where that leads.
    async fn press(&self, path: &str, form: &str) -> String {
        let answer = self.send(path, form, "same-origin").await;
        assert_eq!(answer.status, 303, "{}", answer.body);
        answer.header("location").to_owned()
    }

    async fn send(&self, path: &str, form: &str, site: &str) -> Answer {
        let request = Request::post(path)
            .header("content-type", "application/x-www-form-urlencoded")
            .header("sec-fetch-site", site);
        self.server.send(request.body(Body::from(form.to_owned())).unwrap()).await
    }

    fn now(&self) -> Timestamp {
        self.server.harness.clock.now()
    }

    fn pass(&self, seconds: u64) {
        self.server.harness.clock.pass(Duration::from_secs(seconds));
    }

    fn shown_by_app(&self, key: &str) -> String {
        let secret = data_encoding::BASE32_NOPAD.decode(key.replace(' ', "").as_bytes()).unwrap();
        Totp::USUAL.code(&secret, Totp::USUAL.step_at(self.now())).to_string()
    }

    /// The secret or the recovery code that a page shows.
    async fn key_on(&self, path: &str) -> String {
        let page = self.look(path).await.body;
        between(&page, "translate=\"no\" dir=\"ltr\">", "</p>").expect("there is something to keep").to_owned()
    }

    /// A user with an app: its secret and its recovery code.
    async fn with_app(&mut self) -> (String, String, String) {
        let user = self.fresh_user();
        let (_, path) = self.begin(&user).await;
        assert_eq!(self.press(&path, "do=app").await, format!("{path}/app"));
        let key = self.key_on(&format!("{path}/app")).await;
        let code = self.shown_by_app(&key);
        assert_eq!(self.press(&path, &format!("do=first-app-code&code={code}")).await, path);
        let recovery_code = self.key_on(&path).await;
        self.press(&path, "do=keep").await;
        self.pass(30);
        (user, key, recovery_code)
    }

    /// Where the page leads back to, and the result that is in it.
    async fn result(&self, path: &str) -> String {
        let answer = self.look(path).await;
        assert_eq!(answer.status, 303, "{}", answer.body);
        let query = answer.header("location").strip_prefix(RETURN_TO).unwrap().strip_prefix("?mfa_result=").unwrap();
        query.strip_suffix("&state=s").unwrap().to_owned()
    }

    async fn redeem(&self, result: &str) -> Answer {
        self.server.post("/v1/mfa-results", &json!({ "result": result }).to_string()).await
    }
}

fn between<'a>(text: &'a str, before: &str, after: &str) -> Option<&'a str> {
    text.split_once(before)?.1.split_once(after).map(|(found, _)| found)
}

#[tokio::test]
async fn looking_changes_nothing_however_often_and_a_form_of_another_site_neither() {
    let mut page = Page::new().await;
    let (user, key, _) = page.with_app().await;
    let (_, path) = page.begin(&user).await;
    for _ in 0..20 {
        assert_eq!(page.look(&format!("{path}?do=app-code&code=000000")).await.status, 200);
    }
    let right = page.shown_by_app(&key);
    for site in ["cross-site", "same-site"] {
        assert_eq!(page.send(&path, &format!("do=app-code&code={right}"), site).await.header("location"), path);
        assert_eq!(page.look(&path).await.status, 200, "it still waits");
    }
    assert_eq!(page.press(&path, &format!("do=app-code&code={right}")).await, path);
    let told = page.redeem(&page.result(&path).await).await.json();
    assert_eq!(
        (told["user"].as_str(), told["factor"].as_str(), told["enrolled"].as_bool()),
        (Some(user.as_str()), Some("totp"), Some(false))
    );
}

#[tokio::test]
async fn a_page_keeps_to_itself_and_its_forms_end_at_the_clients_address_or_here() {
    let page = Page::new().await;
    let (_, path) = page.begin("ana").await;
    let answer = page.look(&path).await;
    assert_eq!(
        answer.header("content-security-policy"),
        "default-src 'none'; style-src 'self'; img-src 'self' ; form-action 'self' https://shop.example.com; \
         base-uri 'none'; frame-ancestors 'none'"
    );
    let headers = ["cache-control", "referrer-policy", "x-robots-tag", "cross-origin-opener-policy"];
    assert_eq!(
        headers.map(|name| answer.header(name)),
        ["no-store", "no-referrer", "noindex, nofollow", "same-origin"]
    );
    assert!(!answer.body.contains("<script") && !answer.body.contains("style="), "{}", answer.body);
    page.press(&path, "do=app").await;
    let picture = page.look(&format!("{path}/qr.svg")).await;
    assert_eq!(
        (picture.status, picture.header("content-type"), picture.header("cache-control")),
        (200, "image/svg+xml", "no-store")
    );
}

#[tokio::test]
async fn of_two_that_hand_in_a_result_at_once_one_gets_it_and_nobody_of_another_tenant() {
    let mut page = Page::new().await;
    let (user, key, _) = page.with_app().await;
    let (begun, path) = page.begin(&user).await;
    let code = page.shown_by_app(&key);
    let presses: Vec<_> = (0..8).map(|_| format!("do=app-code&code={code}")).collect();
    join_all(presses.iter().map(|form| page.press(&path, form))).await;
    let result = page.result(&path).await;
    assert_eq!(page.result(&path).await, result, "whoever goes back is led to the same");
    let harness = &page.server.harness;
    let other = harness.engine.run(&harness.caller, None, &CreateTenant { name: "other".into() }).await.unwrap();
    let theirs = countersign_engine::commands::RedeemMfaResult { result: result.clone() };
    assert!(harness.engine.run(&Caller::client(other.id), None, &theirs).await.is_err());
    let answers = join_all((0..8).map(|_| page.redeem(&result))).await;
    let mut statuses: Vec<u16> = answers.iter().map(|answer| answer.status).collect();
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 409, 409, 409, 409, 409, 409, 409]);
    let told = answers.iter().find(|answer| answer.status == 200).unwrap().json();
    assert_eq!((told["id"].clone(), told["approved_at"].is_string()), (begun["id"].clone(), true));
    assert_eq!(page.look(&path).await.status, 410);
}

#[tokio::test]
async fn what_was_ended_at_the_token_endpoint_is_over_on_the_page_and_the_other_way_round() {
    let mut page = Page::new().await;
    let (user, key, _) = page.with_app().await;
    let token = async |begun: &Value, otp: String| {
        let body = json!({
            "grant_type": "http://auth0.com/oauth/grant-type/mfa-otp", "mfa_token": begun["mfa_token"], "otp": otp,
            "client_id": page.server.named("client_id"), "client_secret": page.server.named("client_secret"),
        });
        page.server.post("/oauth/token", &body.to_string()).await.status
    };
    let (begun, path) = page.begin(&user).await;
    assert_eq!(token(&begun, page.shown_by_app(&key)).await, 200);
    let over = page.look(&path).await;
    assert_eq!(
        (
            over.status,
            over.body.contains("mfa_error=expired&amp;state=s") || over.body.contains("mfa_error=expired&#38;state=s")
        ),
        (410, true)
    );

    page.pass(30);
    let (begun, path) = page.begin(&user).await;
    page.press(&path, &format!("do=app-code&code={}", page.shown_by_app(&key))).await;
    page.pass(30);
    assert_eq!(token(&begun, page.shown_by_app(&key)).await, 403);
}

#[tokio::test]
async fn a_recovery_code_works_once_and_its_successor_is_shown_until_it_was_kept() {
    let mut page = Page::new().await;
    let (user, _, recovery_code) = page.with_app().await;
    let (_, path) = page.begin(&user).await;
    assert_eq!(page.press(&path, "do=recovery&code=WRONG").await, format!("{path}/recovery"));
    assert!(page.look(&format!("{path}/recovery")).await.body.contains("role=\"alert\""));
    let form = format!("do=recovery&code={}", recovery_code.to_lowercase().replace(' ', "+"));
    assert_eq!(page.press(&path, &form).await, path);
    let next = page.key_on(&path).await;
    assert_ne!(next, recovery_code);
    assert_eq!(page.key_on(&format!("{path}/ways")).await, next, "from everywhere");
    page.press(&path, "do=keep").await;
    let told = page.redeem(&page.result(&path).await).await.json();
    assert_eq!(told["factor"].as_str(), Some("recovery_code"));

    let (_, path) = page.begin(&user).await;
    assert_eq!(page.press(&path, &form).await, format!("{path}/recovery"), "the old one is no more");
    let form = format!("do=recovery&code={}", next.replace(' ', ""));
    assert_eq!(page.press(&path, &form).await, path);
}

#[tokio::test]
async fn a_code_that_comes_late_is_told_from_a_wrong_one_and_a_new_one_takes_its_place() {
    let mut page = Page::new().await;
    let user = page.fresh_user();
    let (_, path) = page.begin(&user).await;
    let code_page = format!("{path}/code");
    assert_eq!(page.press(&path, "do=enrol&channel=email&to=ana%40example.com").await, code_page);
    page.server.deliver().await;
    let first = page.server.code().to_owned();
    assert_eq!(page.press(&path, "do=resend").await, code_page);
    assert!(page.look(&code_page).await.body.contains("sent in 30 s"));
    page.pass(300);
    page.press(&path, &format!("do=code&code={first}")).await;
    assert!(page.look(&code_page).await.body.contains("has expired"));
    page.press(&path, "do=resend").await;
    page.server.deliver().await;
    assert_eq!(page.press(&path, &format!("do=code&code={}", page.server.code())).await, path);
    page.press(&path, "do=keep").await;
    let told = page.redeem(&page.result(&path).await).await.json();
    assert_eq!((told["factor"].as_str(), told["enrolled"].as_bool()), (Some("email"), Some(true)));

    // Whoever has a factor is asked for it, and enrols no other one here.
    let (_, path) = page.begin(&user).await;
    for form in ["do=app", "do=enrol&channel=sms&to=%2B12125558730", "do=code&code=1", "do=keep", "do=nonsense", ""] {
        assert_eq!(page.press(&path, form).await, path, "{form}");
    }
    for nothing in ["app", "sms", "code", "nonsense"] {
        assert_eq!(page.look(&format!("{path}/{nothing}")).await.status, 303, "{nothing}");
    }
    assert_eq!(page.look(&format!("{path}/qr.svg")).await.status, 404);
    page.pass(601);
    assert_eq!(page.look(&path).await.status, 410);
    assert_eq!(page.send(&path, "do=keep", "same-origin").await.status, 410);
}

#[tokio::test]
async fn a_link_that_never_was_tells_nothing_in_any_language() {
    let page = Page::new().await;
    for path in ["/a/x", "/a/aaaaaaaaaaaaaaaaaaaaaaaaaa", "/a/%00/code", "/a/x/app", "/a/%ff", "/a/x/ways"] {
        assert_eq!(page.look(path).await.status, 404, "{path}");
    }
    let request = Request::get("/a/x").header(ACCEPT_LANGUAGE, "de").body(Body::empty()).unwrap();
    let german = page.server.send(request).await;
    assert_eq!((german.status, german.header("content-language")), (404, "de"));
    assert!(german.body.contains("Dieser Link gilt nicht mehr"));
}

#[tokio::test]
async fn page_and_codes_are_in_the_users_language_and_without_one_in_the_browsers() {
    let page = Page::new().await;
    let seen = async |user: &str, language: Option<&str>| {
        let (_, path) = page.begin_reading(user, language).await;
        let german = |request: axum::http::request::Builder| request.header(ACCEPT_LANGUAGE, "de-CH, en;q=0.5");
        let look = german(Request::get(&path)).body(Body::empty()).unwrap();
        let shown = page.server.send(look).await.header("content-language").to_owned();
        let form = format!("do=enrol&channel=email&to={user}%40example.com");
        let press = german(Request::post(&path))
            .header("content-type", "application/x-www-form-urlencoded")
            .header("sec-fetch-site", "same-origin")
            .body(Body::from(form))
            .unwrap();
        assert_eq!(page.server.send(press).await.status, 303);
        page.server.harness.deliver().await;
        let (subject, _) = page.server.harness.first.take().pop().unwrap().mail;
        page.pass(3600);
        (shown, subject)
    };
    let told = |shown: &str, subject: &str| (shown.to_owned(), subject.to_owned());
    assert_eq!(seen("ana", None).await, told("de", "Ihr Bestätigungscode"));
    assert_eq!(seen("ana", Some("pt-BR")).await, told("pt", "O seu código de verificação"));
    assert_eq!(seen("ana", None).await, told("pt", "O seu código de verificação"), "it is remembered");
    assert_eq!(
        seen("ana", Some("sv")).await,
        told("de", "Din verifieringskod"),
        "no page speaks Swedish, and messages do"
    );
}
