//! Nobody learns from how long an answer takes whether there is such a user, or how much of a code was right. The figure that is
//! printed is Welch's t of two kinds of requests, asked by turns; far from zero would mean that they can be told apart.

use super::*;
use std::time::Duration;

/// What a difference would have to reach that could be put to use over a network: with so few samples on a shared machine a
/// few units mean nothing.
const SUSPICIOUS: f64 = 10.0;

async fn time(auth0: &Auth0, ask: impl Future<Output = Answer>) -> f64 {
    let began = auth0.server.harness.engine.monotonic();
    ask.await;
    auth0.server.harness.engine.monotonic().saturating_sub(began).as_secs_f64()
}

/// Without the slowest tenth, which is the machine's.
fn welch(first: &mut [f64], second: &mut [f64]) -> f64 {
    let figures = |samples: &mut [f64]| {
        samples.sort_by(f64::total_cmp);
        let (kept, _) = samples.split_at(samples.len() * 9 / 10);
        let count = kept.len() as f64;
        let mean = kept.iter().sum::<f64>() / count;
        let variance = kept.iter().map(|it| (it - mean).powi(2)).sum::<f64>() / (count - 1.0);
        (mean, variance / count)
    };
    let ((mean, error), (other, other_error)) = (figures(first), figures(second));
    (mean - other) / (error + other_error).sqrt()
}

#[tokio::test]
async fn known_and_unknown_users_take_as_long() {
    let mut auth0 = Auth0::new().await;
    let person = auth0.person(MfaRule::Off).await;
    let (mut known, mut unknown) = (Vec::new(), Vec::new());
    for round in 0..80 {
        // Each from an address of its own, so that nobody is blocked.
        let ask = async |name: &str| {
            let body = json!({ "grant_type": "password", "username": name, "password": "wrong" });
            let request = Request::post("/oauth/token").header("auth0-forwarded-for", format!("203.0.113.{round}"));
            auth0.server.send(request.body(Body::from(merged(auth0.credentials(), body).to_string())).unwrap()).await
        };
        // Each of them is first as often as second: what comes second finds the memory that the first has left.
        if round % 2 == 0 {
            known.push(time(&auth0, ask(&person.name)).await);
            unknown.push(time(&auth0, ask("nobody@example.com")).await);
        } else {
            unknown.push(time(&auth0, ask("nobody@example.com")).await);
            known.push(time(&auth0, ask(&person.name)).await);
        }
    }
    let t = welch(&mut known, &mut unknown);
    println!("known and unknown users: t = {t:.2}");
    assert!(t.abs() < SUSPICIOUS, "{t}");
}

#[tokio::test]
async fn right_and_wrong_first_digits_take_as_long() {
    let mut auth0 = Auth0::new().await;
    let (person, secret, _) = auth0.with_app().await;
    let (mut near, mut far) = (Vec::new(), Vec::new());
    for round in 0..100 {
        // The bucket of wrong codes is full again.
        auth0.server.harness.clock.pass(Duration::from_hours(2));
        let token = auth0.mfa_token(&person).await;
        let code = auth0.shown_by_app(&secret);
        let last = if code.ends_with('0') { '1' } else { '0' };
        let right_first = format!("{}{last}", code.split_at(5).0);
        let other: String = code.chars().map(|digit| if digit == '9' { '0' } else { '9' }).collect();
        // Each of them is first as often as second: what comes first after a pause costs a little more.
        if round % 2 == 0 {
            near.push(time(&auth0, auth0.with_otp(&token, &right_first)).await);
            far.push(time(&auth0, auth0.with_otp(&token, &other)).await);
        } else {
            far.push(time(&auth0, auth0.with_otp(&token, &other)).await);
            near.push(time(&auth0, auth0.with_otp(&token, &right_first)).await);
        }
    }
    let t = welch(&mut near, &mut far);
    println!("right and wrong first digits: t = {t:.2}");
    assert!(t.abs() < SUSPICIOUS, "{t}");
}
