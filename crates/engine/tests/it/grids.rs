//! Image grids: the link in the message, taps by whoever has it, and what is left of one that has ended.

use crate::{ANA, Acts, start_to};
use countersign_engine::{
    Error,
    commands::{GridChoice, OwnText, ResendCode, StartVerification, TapTile, Target},
    jobs::Expire,
    testing::Harness,
};
use countersign_model::{Checked, Right, State, Tapped, VerificationId, verification::NotPossible};
use countersign_store::{Role, Settings, Store};
use std::{collections::BTreeSet, fs, time::Duration};

fn grid(enrolled: Option<Vec<u16>>) -> StartVerification {
    let mut command = start_to(ANA);
    command.overrides.grid = Some(GridChoice { screens: 2, tiles: 6, pool: 100, enrolled, logo: None });
    command.overrides.text = Some(OwnText::around("Tap: ", "."));
    command.overrides.max_checks = Some(2);
    command
}

/// A grid whose message has left, and its link's token.
async fn sent(harness: &Harness, command: &StartVerification) -> (VerificationId, String) {
    let id = harness.start(command).await.unwrap().verification.id;
    harness.deliver().await;
    let sent = harness.first.take().pop().unwrap();
    assert_eq!((sent.text, sent.code), (format!("Tap: {}.", sent.link), String::new()));
    (id, sent.link.strip_prefix("https://verify.example.com/c/").unwrap().to_owned())
}

async fn tap(harness: &Harness, token: &str, is_right: bool) -> Tapped {
    let seen = harness.engine.grid(token).await.unwrap().unwrap();
    let screen = seen.grid.present(&seen.screens).unwrap();
    let tile = screen.tiles.iter().find(|tile| (tile.category == screen.wanted) == is_right).unwrap();
    harness.engine.tap(token, &tile.value).await.unwrap().unwrap().tapped
}

#[tokio::test]
async fn whoever_has_the_link_solves_it_and_nobody_else() {
    let harness = Harness::new().await;
    let (id, token) = sent(&harness, &grid(None)).await;
    assert!(token.len() == 26 && token.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit()));
    assert_eq!(tap(&harness, &token, true).await, Tapped::Next);
    assert_eq!(tap(&harness, &token, true).await, Tapped::Judged(Checked::Approved));
    let ended = harness.engine.verification(&harness.caller, id).await.unwrap().verification;
    assert_eq!(ended.state, State::Approved);
    assert!(harness.engine.grid("nobody").await.unwrap().is_none());
    assert!(harness.engine.tap("nobody", "x").await.unwrap().is_none());
}

#[tokio::test]
async fn tokens_are_drawn_and_do_not_follow_from_what_the_caller_knows() {
    let harness = Harness::new().await;
    let mut seen = BTreeSet::new();
    for _ in 0..4 {
        let mut command = grid(None);
        command.to = countersign_model::Address::parse(countersign_model::Channel::Sms, "+34666666112").unwrap();
        harness.clock.pass(Duration::from_hours(1));
        let (id, token) = sent(&harness, &command).await;
        assert!(!token.contains(&id.to_string()[4..]) && seen.insert(token));
    }
}

#[tokio::test]
async fn a_code_cannot_be_checked_against_a_grid_and_costs_nothing() {
    let harness = Harness::new().await;
    let (id, token) = sent(&harness, &grid(None)).await;
    for code in ["000000", "", &token] {
        let refused = harness.check(id, code).await;
        assert!(matches!(refused, Err(Error::NotPossible(NotPossible::NoCode))));
    }
    assert_eq!(harness.engine.verification(&harness.caller, id).await.unwrap().verification.wrong_checks, 0);
}

#[tokio::test]
async fn sent_again_it_is_the_same_link() {
    let harness = Harness::new().await;
    let (id, token) = sent(&harness, &grid(None)).await;
    harness.clock.pass(Duration::from_secs(61));
    let again = ResendCode { target: Target::Id(id), channel: None, text: None };
    harness.engine.run(&harness.caller, None, &again).await.unwrap();
    harness.deliver().await;
    assert!(harness.first.take().pop().unwrap().link.ends_with(&token));
}

#[tokio::test]
async fn a_failed_pass_counts_for_the_destination_too() {
    let harness = Harness::new().await;
    let (id, token) = sent(&harness, &grid(None)).await;
    tap(&harness, &token, false).await;
    assert_eq!(tap(&harness, &token, true).await, Tapped::Judged(Checked::Wrong { left: Some(1) }));
    let verification = harness.engine.verification(&harness.caller, id).await.unwrap().verification;
    let destination = harness.store.destination(verification.tenant, verification.service, verification.to_index);
    assert!(serde_json::to_string(&destination.await.unwrap()).unwrap().contains("\"failed_checks\":1"));
    let history = harness.engine.history(&harness.caller, id).await.unwrap();
    assert_eq!(history.events.len(), 3, "started, accepted, rejected");
}

#[tokio::test]
async fn another_tenants_caller_cannot_tap() {
    let harness = Harness::new().await;
    let (id, _) = sent(&harness, &grid(None)).await;
    let other = countersign_engine::Caller::operator(countersign_model::TenantId::from_bytes([9; 16]));
    let tap = TapTile { verification: id, value: "x".into() };
    assert!(matches!(harness.engine.run(&other, None, &tap).await, Err(Error::NotFound(_))));
}

#[tokio::test]
async fn enrolled_categories_and_tokens_never_rest_in_the_clear_and_the_first_go_with_the_end() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("countersign.db");
    let store = Store::open(Settings::Sqlite { path, role: Role::Server }).await.unwrap();
    let harness = Harness::on(store).await;
    let enrolled = vec![12_345, 23_456];
    let (id, token) = sent(&harness, &grid(Some(enrolled))).await;
    let right = async || {
        let found = harness.engine.verification(&harness.caller, id).await.unwrap().verification;
        (found.state, found.grid.unwrap().right)
    };
    assert!(matches!(right().await, (State::Pending, Right::Remembered(Some(_)))));
    harness.clock.pass(Duration::from_hours(1));
    Expire(harness.engine.clone()).run_once().await.unwrap();
    assert_eq!(right().await, (State::Expired, Right::Remembered(None)));
    assert!(harness.engine.grid(&token).await.unwrap().unwrap().screens.is_empty());
    harness.store.close().await;
    let mut all = Vec::new();
    for entry in fs::read_dir(folder.path()).unwrap() {
        all.extend(fs::read(entry.unwrap().path()).unwrap());
    }
    for secret in [token.as_str(), "12345,23456", "verify.example.com/c/"] {
        assert!(!all.windows(secret.len()).any(|window| window == secret.as_bytes()), "{secret}");
    }
}
