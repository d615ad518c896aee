//! The page behind the link of a grid, asked as a program would: fetch, read, post.

use crate::{
    clickatell::{started, status},
    wire::{Answer, Server},
};
use axum::{
    body::Body,
    http::{Request, header::ACCEPT_LANGUAGE},
};
use futures_util::future::join_all;
use serde_json::{Value, json};
use std::time::Duration;

/// A server on which a grid waits: its id, and the path of its link.
async fn with_grid(more: Value) -> (Server, String, String) {
    let mut server = Server::new().await;
    let mut body = json!({"authType": "grid"});
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let id = started(&mut server, body).await;
    let path = server.link().strip_prefix("https://verify.example.com").expect("a link to this server").to_owned();
    (server, id, path)
}

async fn post(server: &Server, path: &str, form: &str) -> Answer {
    let request = Request::post(path).header("content-type", "application/x-www-form-urlencoded");
    server.send(request.body(Body::from(form.to_owned())).unwrap()).await
}

/// What stands between two texts, each time.
fn between<'a>(text: &'a str, before: &'a str, after: &'a str) -> Vec<&'a str> {
    text.split(before).skip(1).filter_map(|rest| rest.split(after).next()).collect()
}

/// A screen: what is asked for, and each tile's value and name.
fn tiles(page: &str) -> (String, Vec<(String, String)>) {
    let prompt = between(page, "<h1 id=\"prompt\">", "</h1>")[0].to_owned();
    let values = between(page, "name=\"tile\" value=\"", "\"");
    let names = between(page, ".png\" alt=\"", "\"");
    (prompt, values.into_iter().zip(names).map(|(value, name)| (value.to_owned(), name.to_owned())).collect())
}

/// The value of the right picture, or of a wrong one.
async fn value(server: &Server, path: &str, is_right: bool) -> String {
    let page = server.get(&format!("{path}/screen")).await;
    assert_eq!(page.status, 200);
    let (prompt, tiles) = tiles(&page.body);
    let wanted = prompt.strip_prefix("Tap the ").expect("the prompt names what to tap").to_owned();
    tiles.into_iter().find(|(_, name)| (*name == wanted) == is_right).unwrap().0
}

async fn tap(server: &Server, path: &str, is_right: bool) -> Answer {
    let value = value(server, path, is_right).await;
    post(server, path, &format!("tile={value}")).await
}

#[tokio::test]
async fn c25_and_c40_a_grid_is_solved_however_often_its_link_was_opened_before() {
    let (server, id, path) = with_grid(json!({})).await;
    for _ in 0..20 {
        let start = server.get(&path).await;
        assert_eq!((start.status, start.body.contains("<form method=\"post\"")), (200, true));
        assert!(!start.body.contains("name=\"tile\""), "the start page shows no picture");
    }
    let begun = post(&server, &path, "").await;
    assert_eq!((begun.status, begun.header("location")), (303, format!("{path}/screen").as_str()));
    for screen in 1..=3 {
        let page = server.get(&format!("{path}/screen")).await.body;
        assert!(page.contains(&format!("{screen} of 3")), "{page}");
        assert_eq!(tiles(&page).1.len(), 6);
        assert_eq!(status(&server, &id).await, "010");
        let answer = tap(&server, &path, true).await;
        assert_eq!(answer.status, if screen == 3 { 200 } else { 303 });
    }
    assert_eq!(status(&server, &id).await, "020");
}

#[tokio::test]
async fn c26_the_last_wrong_pass_is_the_end_of_the_link() {
    let (server, id, path) = with_grid(json!({"numberOfChallenges": 2})).await;
    tap(&server, &path, false).await;
    assert_eq!(status(&server, &id).await, "010", "nothing is judged before the last screen");
    let last = tap(&server, &path, true).await;
    assert_eq!((last.status, last.body.contains("Not confirmed"), last.body.contains("<form")), (200, true, false));
    assert_eq!(status(&server, &id).await, "040");
    let over = [server.get(&path).await, server.get(&format!("{path}/screen")).await, post(&server, &path, "").await];
    let unknown = server.get("/c/aaaaaaaaaaaaaaaaaaaaaaaaaa").await;
    assert_eq!(unknown.status, 404);
    for page in over {
        assert_eq!((page.status, page.body.as_str()), (410, unknown.body.as_str()), "one neutral page for all");
    }
}

#[tokio::test]
async fn c27_a_wrong_pass_is_forgiven_where_there_are_two() {
    let (server, id, path) = with_grid(json!({"maximumRetries": 2, "numberOfChallenges": 2})).await;
    let stale = value(&server, &path, true).await;
    tap(&server, &path, true).await;
    let wrong = tap(&server, &path, false).await;
    assert!(wrong.status == 200 && wrong.body.contains("Try again") && !wrong.body.contains("of 2"), "{}", wrong.body);
    assert_eq!(status(&server, &id).await, "010");
    for _ in 0..3 {
        assert_eq!(post(&server, &path, &format!("tile={stale}")).await.status, 303, "of the first attempt");
    }
    assert!(server.get(&format!("{path}/screen")).await.body.contains("1 of 2"));
    tap(&server, &path, true).await;
    assert_eq!(tap(&server, &path, true).await.status, 200);
    assert_eq!(status(&server, &id).await, "020");
    assert_eq!(post(&server, &path, &format!("tile={stale}")).await.status, 410);
    assert_eq!(status(&server, &id).await, "020");
}

#[tokio::test]
async fn c28_time_ends_it_between_two_taps() {
    let (server, id, path) = with_grid(json!({"numberOfChallenges": 1})).await;
    let right = value(&server, &path, true).await;
    server.harness.clock.pass(Duration::from_secs(299));
    assert_eq!(server.get(&path).await.status, 200);
    server.harness.clock.pass(Duration::from_secs(1));
    assert_eq!(post(&server, &path, &format!("tile={right}")).await.status, 410);
    assert_eq!(status(&server, &id).await, "050");
}

#[tokio::test]
async fn c38_grid_plus_hints_at_nothing_and_is_solved_by_who_remembers() {
    let enrolled = ["dog", "tree"];
    let (server, id, path) = with_grid(json!({"authType": "gridplus", "numberOfChallenges": enrolled})).await;
    for name in enrolled {
        let page = server.get(&format!("{path}/screen")).await.body;
        let (prompt, tiles) = tiles(&page);
        assert!(tiles.iter().all(|(_, name)| !prompt.contains(name.as_str())), "{prompt}");
        assert_eq!(tiles.iter().filter(|(_, shown)| enrolled.contains(&shown.as_str())).count(), 1);
        let value = &tiles.iter().find(|(_, shown)| shown == name).unwrap().0;
        post(&server, &path, &format!("tile={value}")).await;
    }
    assert_eq!(status(&server, &id).await, "020");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_fifty_parallel_last_taps_one_solves_and_of_fifty_wrong_ones_one_counts() {
    let (server, id, path) = with_grid(json!({"numberOfChallenges": 1})).await;
    let form = format!("tile={}", value(&server, &path, true).await);
    let answers = join_all((0..50).map(|_| post(&server, &path, &form))).await;
    assert_eq!(answers.iter().filter(|answer| answer.body.contains("Sign-in confirmed")).count(), 1);
    assert_eq!(status(&server, &id).await, "020");

    let (server, id, path) = with_grid(json!({"numberOfChallenges": 1, "maximumRetries": 10})).await;
    let form = format!("tile={}", value(&server, &path, false).await);
    join_all((0..50).map(|_| post(&server, &path, &form))).await;
    assert!(server.get(&path).await.body.contains("Attempts left: 9"));
    assert_eq!(status(&server, &id).await, "010");
}

#[tokio::test]
async fn every_page_keeps_the_link_to_itself() {
    let logo = "https://cdn.bank.example/logo.png?a=1;b=2";
    let (server, _, path) = with_grid(json!({"companyImageUrl": logo})).await;
    for page in [path.clone(), format!("{path}/screen"), "/c/nobody".to_owned()] {
        let answer = server.get(&page).await;
        assert_eq!(answer.header("cache-control"), "no-store");
        assert_eq!(answer.header("referrer-policy"), "no-referrer");
        assert_eq!(answer.header("x-robots-tag"), "noindex, nofollow");
        let policy = answer.header("content-security-policy");
        assert!(policy.contains("default-src 'none'") && policy.contains("frame-ancestors 'none'"), "{policy}");
        assert_eq!(policy.contains("https://cdn.bank.example;"), page != "/c/nobody", "{policy}");
        assert!(!answer.body.contains("<script") && !policy.contains("logo.png"));
    }
    let screen = server.get(&format!("{path}/screen")).await.body;
    assert_eq!(screen.matches("<img").count(), 7);
    assert!(screen.contains("src=\"https://cdn.bank.example/logo.png?a=1;b=2\""), "{screen}");
}

#[tokio::test]
async fn pictures_have_addresses_of_their_own_that_end_with_their_screen() {
    let (server, _, path) = with_grid(json!({"numberOfImagesPerChallenge": 8, "maximumRetries": 2})).await;
    let page = server.get(&format!("{path}/screen")).await.body;
    let pictures: Vec<&str> =
        between(&page, "<img src=\"/c/", "\"").into_iter().filter(|it| it.contains("/p/")).collect();
    assert_eq!(pictures.len(), 8);
    for picture in &pictures {
        let fetched = server.fetch(&format!("/c/{picture}")).await;
        assert_eq!((fetched.status, fetched.kind.as_str()), (200, "image/png"));
    }
    tap(&server, &path, true).await;
    assert_eq!(server.fetch(&format!("/c/{}", pictures[0])).await.status, 404);
    for nothing in ["/p/", "/p/x.png", "/p/house.png", "/p/1"] {
        assert_eq!(server.fetch(&format!("{path}{nothing}")).await.status, 404, "{nothing}");
    }
}

#[tokio::test]
async fn the_browser_is_spoken_to_in_its_language() {
    let (server, _, path) = with_grid(json!({})).await;
    let page = async |language: &str| {
        let request = Request::get(format!("{path}/screen")).header(ACCEPT_LANGUAGE, language);
        server.send(request.body(Body::empty()).unwrap()).await
    };
    let arabic = page("ar-EG,en;q=0.5").await;
    assert!(arabic.body.contains("<html lang=\"ar\" dir=\"rtl\">"));
    assert_eq!((arabic.header("content-language"), arabic.header("vary")), ("ar", "accept-language"));
    assert!(page("de-CH").await.body.contains("Tippen Sie auf: "));
    assert!(page("fi").await.body.contains("<html lang=\"en\" dir=\"ltr\">"));
}

#[tokio::test]
async fn what_makes_no_sense_changes_nothing() {
    let (server, id, path) = with_grid(json!({})).await;
    let long = format!("tile={}", "a".repeat(5000));
    for form in ["tile=", "tile=nobody", "x=y", "%%%", "tile=%ff", &long] {
        assert_eq!(post(&server, &path, form).await.status, 303, "{form}");
    }
    for nothing in ["/c/", "/c/%ff", "/c/..", "/c/a/b", &format!("{path}/"), &format!("{path}/screen/x")] {
        assert_eq!(server.get(nothing).await.status, 404, "{nothing}");
    }
    assert_eq!(server.get(&path.to_uppercase().replace("/C/", "/c/")).await.status, 200, "typed by hand");
    assert_eq!(status(&server, &id).await, "010");
}

#[tokio::test]
async fn a_destination_that_failed_too_often_rests() {
    let mut server = Server::new().await;
    for _ in 0..10 {
        started(&mut server, json!({"authType": "grid", "numberOfChallenges": 1, "maximumRetries": 10})).await;
        let path = server.link().strip_prefix("https://verify.example.com").unwrap().to_owned();
        for _ in 0..10 {
            assert_eq!(tap(&server, &path, false).await.status, 200);
        }
    }
    let body = r#"{"authType":"grid","to":"2799900001"}"#;
    let request =
        Request::post("/rest/auth").header("x-version", "1").header("authorization", format!("Bearer {}", server.key));
    let answer = server.send(request.body(Body::from(body)).unwrap()).await;
    assert_eq!(answer.status, 429);
}
