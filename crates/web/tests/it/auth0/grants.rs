//! Clients, the other grants, and what is published.

use super::*;
use countersign_engine::{
    clients::PublicKey,
    commands::{ClientKind, RotateSigningKeys},
};
use countersign_model::Grant;
use data_encoding::BASE64;

#[tokio::test]
async fn cases_5_44_and_45_clients_that_may_not() {
    let mut auth0 = Auth0::new().await;
    let person = auth0.person(MfaRule::Off).await;
    for bad in [json!({ "client_secret": "wrong" }), json!({ "client_secret": null }), json!({ "client_id": "nobody" })]
    {
        let answer = auth0.log_in(&person, bad.clone()).await;
        assert_eq!((answer.status, text(&answer.json(), "error").as_str()), (401, "invalid_client"), "{bad}");
    }
    let (id, secret) = auth0.server.application(ClientKind::Secret, &[Grant::Password]).await;
    let of_other = json!({ "client_id": id, "client_secret": secret });
    let mfa = merged(json!({ "grant_type": MFA_OTP, "mfa_token": "x", "otp": "1" }), of_other);
    let text_of = format!("Grant type '{MFA_OTP}' not allowed for the client.");
    assert_eq!(refusal(&auth0.token(mfa).await), is(403, "unauthorized_client", &text_of));
    let unknown = auth0.token(json!({ "grant_type": "urn:nothing" })).await;
    assert_eq!((unknown.status, text(&unknown.json(), "error").as_str()), (501, "unsupported_grant_type"));
    let without = auth0.token(json!({})).await;
    assert_eq!(refusal(&without), is(400, "invalid_request", "Missing required parameter: grant_type"));
}

#[tokio::test]
async fn basic_credentials_are_as_good_as_those_in_the_body() {
    let mut auth0 = Auth0::new().await;
    let person = auth0.person(MfaRule::Off).await;
    let form = format!("grant_type=password&username={}&password=correct+horse", person.name);
    let send = async |credentials: &str| {
        let request = Request::post("/oauth/token")
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded;charset=UTF-8")
            .header(AUTHORIZATION, format!("Basic {}", BASE64.encode(credentials.as_bytes())));
        auth0.server.send(request.body(Body::from(form.clone())).unwrap()).await
    };
    let (id, secret) = (auth0.server.named("client_id"), auth0.server.named("client_secret"));
    assert_eq!(send(&format!("{id}:{secret}")).await.status, 200);
    let refused = send(&format!("{id}:wrong")).await;
    assert_eq!((refused.status, refused.header("www-authenticate")), (401, "Basic realm=\"oauth\""));
}

#[tokio::test]
async fn case_46_a_token_in_a_form_comes_with_its_stars_or_encoded() {
    let mut auth0 = Auth0::new().await;
    let (person, secret, _) = auth0.with_app().await;
    for encoded in [false, true] {
        let token = auth0.mfa_token(&person).await;
        let token = if encoded { token.replace('*', "%2A") } else { token };
        let (id, key) = (auth0.server.named("client_id"), auth0.server.named("client_secret"));
        let form = format!(
            "grant_type={MFA_OTP}&mfa_token={token}&otp={}&client_id={id}&client_secret={key}",
            auth0.shown_by_app(&secret)
        );
        let request =
            Request::post("/oauth/token").header(CONTENT_TYPE, "application/x-www-form-urlencoded;charset=UTF-8");
        let answer = auth0.server.send(request.body(Body::from(form)).unwrap()).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        auth0.pass(30);
    }
}

#[tokio::test]
async fn case_48_pages_of_known_origins_may_call() {
    let auth0 = Auth0::new().await;
    let ask = async |origin: &str| {
        let request = Request::options("/mfa/challenge")
            .header("origin", origin)
            .header("access-control-request-method", "POST")
            .header("access-control-request-headers", "authorization,content-type,auth0-client,dpop");
        auth0.server.send(request.body(Body::empty()).unwrap()).await
    };
    for origin in ["http://localhost:3000", "https://verify.example.com"] {
        let answer = ask(origin).await;
        assert_eq!((answer.status, answer.header("access-control-allow-origin")), (204, origin));
        assert!(answer.header("access-control-allow-methods").contains("POST"));
        for header in ["authorization", "content-type", "auth0-client", "dpop"] {
            assert!(answer.header("access-control-allow-headers").contains(header), "{header}");
        }
    }
    assert_eq!(ask("https://evil.example").await.header("access-control-allow-origin"), "");
}

#[tokio::test]
async fn cases_49_and_50_what_is_published_reads_old_and_new_tokens() {
    let mut auth0 = Auth0::new().await;
    let person = auth0.person(MfaRule::Off).await;
    let found = auth0.call(Method::GET, "/.well-known/openid-configuration", None, None).await.json();
    assert_eq!(found["issuer"], "https://verify.example.com/");
    assert_eq!(found["mfa_challenge_endpoint"], "https://verify.example.com/mfa/challenge");
    let kids = async || {
        let keys = auth0.call(Method::GET, "/.well-known/jwks.json", None, None).await.json();
        let keys = keys["keys"].as_array().unwrap().clone();
        keys.iter().map(|key| text(key, "kid")).collect::<Vec<_>>()
    };
    let kid = |answer: &Answer| {
        let token = text(&answer.json(), "access_token");
        let head = data_encoding::BASE64URL_NOPAD.decode(token.split('.').next().unwrap().as_bytes()).unwrap();
        text(&serde_json::from_slice(&head).unwrap(), "kid")
    };
    let before = auth0.log_in(&person, json!({ "scope": "openid profile email" })).await;
    assert_eq!(kids().await.len(), 2);
    auth0.server.harness.engine.run(&auth0.server.harness.caller, None, &RotateSigningKeys).await.unwrap();
    let after = auth0.log_in(&person, json!({})).await;
    let published = kids().await;
    assert!(kid(&before) != kid(&after) && published.contains(&kid(&before)) && published.contains(&kid(&after)));
    let told = auth0.call(Method::GET, "/userinfo", None, Some(&text(&before.json(), "access_token"))).await;
    assert_eq!(told.json()["email"], person.name.as_str(), "an old token is as good as before");
    let not_asked = auth0.call(Method::GET, "/userinfo", None, Some(&text(&after.json(), "access_token"))).await;
    assert_eq!((not_asked.status, text(&not_asked.json(), "error").as_str()), (403, "insufficient_scope"));
    auth0.pass(8 * 86_400);
    assert_eq!(kids().await.len(), 2);
    let late = auth0.call(Method::GET, "/userinfo", None, Some(&text(&before.json(), "access_token"))).await;
    assert_eq!(late.status, 401);
}

#[tokio::test]
async fn case_51_refresh_tokens_and_a_second_factor_that_is_asked_for_later() {
    let mut auth0 = Auth0::new().await;
    let (person, secret, _) = auth0.with_app().await;
    let easy = auth0.person(MfaRule::Off).await;
    let scope = json!({ "scope": "openid offline_access read:things", "audience": "https://api.example.com/" });
    let token = text(&auth0.log_in(&person, scope.clone()).await.json(), "mfa_token");
    let answer = auth0.with_otp(&token, &auth0.shown_by_app(&secret)).await.json();
    assert_eq!(answer["scope"], "openid offline_access read:things");
    let audience = json!(["https://api.example.com/", "https://verify.example.com/userinfo"]);
    assert_eq!(claims(&text(&answer, "access_token"))["aud"], audience);
    let refresh = text(&answer, "refresh_token");
    let ask = async |token: &str| auth0.token(json!({ "grant_type": "refresh_token", "refresh_token": token })).await;
    assert_eq!(
        claims(&text(&ask(&refresh).await.json(), "access_token"))["scope"],
        "openid offline_access read:things"
    );
    let unknown = ask("v1.nothing").await;
    assert_eq!((unknown.status, text(&unknown.json(), "error").as_str()), (403, "invalid_grant"));

    // A log-in without a second factor, and then the tenant asks everybody for one.
    let token = text(&auth0.log_in(&easy, scope).await.json(), "refresh_token");
    assert_eq!(ask(&token).await.status, 200);
    let own = auth0
        .token(json!({ "grant_type": "client_credentials", "audience": "https://verify.example.com/api/v2/" }))
        .await;
    let own = text(&own.json(), "access_token");
    let put =
        auth0.call(Method::PUT, "/api/v2/guardian/policies", Some(&json!(["all-applications"])), Some(&own)).await;
    assert_eq!(put.status, 200, "{}", put.body);
    let answer = ask(&token).await;
    assert_eq!(refusal(&answer), is(403, "mfa_required", "Multifactor authentication required"));
    let waiting = text(&answer.json(), "mfa_token");
    let secret = text(&auth0.associate(&waiting, json!({ "authenticator_types": ["otp"] })).await.json(), "secret");
    assert_eq!(auth0.with_otp(&waiting, &auth0.shown_by_app(&secret)).await.status, 200);
    assert_eq!(ask(&token).await.status, 200, "it has been through the second factor now");

    let revoke = merged(auth0.credentials(), json!({ "token": token }));
    let gone = auth0.call(Method::POST, "/oauth/revoke", Some(&revoke), None).await;
    assert_eq!((gone.status, gone.body.as_str()), (200, ""));
    assert_eq!(ask(&token).await.status, 403);
    auth0.pass(31 * 86_400);
    assert_eq!(ask(&refresh).await.status, 403);
}

#[tokio::test]
async fn an_audience_or_a_scope_that_nobody_gave_is_not_got() {
    let mut auth0 = Auth0::new().await;
    let person = auth0.person(MfaRule::Off).await;
    let unknown = auth0.log_in(&person, json!({ "audience": "https://other.example.com/" })).await;
    assert_eq!((unknown.status, text(&unknown.json(), "error").as_str()), (403, "access_denied"));
    let management = auth0.log_in(&person, json!({ "audience": "https://verify.example.com/api/v2/" })).await;
    assert_eq!(management.status, 403);
    let more = json!({ "audience": "https://api.example.com/", "scope": "read:things delete:things" });
    assert_eq!(auth0.log_in(&person, more).await.json()["scope"], "read:things");
    let own = auth0.token(json!({ "grant_type": "client_credentials" })).await;
    assert_eq!((own.status, text(&own.json(), "error").as_str()), (403, "access_denied"));
    let own = auth0.token(json!({ "grant_type": "client_credentials", "audience": "https://api.example.com/" })).await;
    let told = claims(&text(&own.json(), "access_token"));
    assert_eq!(
        (told["gty"].as_str(), told["scope"].as_str()),
        (Some("client-credentials"), Some("read:things write:things"))
    );
}

#[tokio::test]
async fn a_client_signs_what_it_is_and_each_signature_is_good_once() {
    use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
    let auth0 = Auth0::new().await;
    let pair = rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).unwrap();
    let (id, _) =
        auth0.server.application(ClientKind::Key(PublicKey::parse(&pair.public_key_pem()).unwrap()), &Grant::ALL).await;
    let key = EncodingKey::from_ec_pem(pair.serialize_pem().as_bytes()).unwrap();
    let now = auth0.now().as_ms() / 1000;
    let signed = |claims: Value| encode(&Header::new(Algorithm::ES256), &claims, &key).unwrap();
    let good = json!({ "iss": id, "sub": id, "aud": "https://verify.example.com/", "exp": now + 60, "jti": "1" });
    let ask = async |assertion: String| {
        let body = json!({
            "grant_type": "client_credentials", "audience": "https://api.example.com/", "client_assertion": assertion,
            "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
        });
        auth0.call(Method::POST, "/oauth/token", Some(&body), None).await.status
    };
    assert_eq!(ask(signed(good.clone())).await, 200);
    assert_eq!(ask(signed(good.clone())).await, 401, "it was used");
    for bad in [
        json!({ "jti": "2", "aud": "https://other.example.com/" }),
        json!({ "jti": "3", "exp": now - 61 }),
        json!({ "jti": "4", "exp": now + 86_400 }),
        json!({ "jti": "5", "iss": "somebody" }),
        json!({ "jti": "6", "nbf": now + 120 }),
    ] {
        assert_eq!(ask(signed(merged(good.clone(), bad.clone()))).await, 401, "{bad}");
    }
    assert_eq!(ask(signed(merged(good, json!({ "jti": "7" })))).await, 200);
}
