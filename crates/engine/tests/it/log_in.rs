//! Log-ins with passwords and second factors, where it takes an engine of one's own to show it.

use countersign_engine::{
    Caller, Identity,
    commands::{
        ClientKind, CodeWording, CreateClient, CreateUser, EnrolSecondFactor, LogIn, LoggedIn, NewFactor,
        RedeemTransaction, Redeemed, SecondFactor, SecondFactorEnrolled, SecondFactorRule, ServiceRef, Wanted,
    },
    testing::Harness,
    tokens::{TokenRequest, Transaction},
};
use countersign_model::{Client, Grant, MfaLimits, MfaRule, Totp};
use countersign_store::{Role, Settings, Store};
use data_encoding::BASE32_NOPAD;
use std::{path::Path, time::Duration};

fn wanted() -> Wanted {
    Wanted {
        request: TokenRequest { audience: None, scope: "openid offline_access".to_owned() },
        second_factor: SecondFactorRule::ByUser,
        refresh_life: Duration::from_hours(24),
    }
}

/// An engine of a process of its own, as far as the store can tell.
async fn process(path: &Path) -> Harness {
    Harness::on(Store::open(Settings::Sqlite { path: path.to_owned(), role: Role::Tool }).await.unwrap()).await
}

async fn client(harness: &Harness) -> Client {
    let command = CreateClient {
        name: "shop".to_owned(),
        kind: ClientKind::Public,
        grants: Grant::ALL.to_vec(),
        apis: vec![],
        management: vec![],
        return_to: vec![],
        origins: vec![],
    };
    harness.engine.run(&harness.caller, None, &command).await.unwrap().client
}

async fn log_in(harness: &Harness, client: &Client) -> Transaction {
    let wanted = wanted();
    let log_in =
        LogIn { client, name: "ana", password: "horse", peer: None, wanted: &wanted, limits: &MfaLimits::USUAL };
    let (outcome, _) = harness.engine.log_in(&log_in).await.unwrap();
    let waits = if let LoggedIn::NeedsSecondFactor(transaction) = outcome { Some(transaction) } else { None };
    waits.unwrap()
}

async fn redeem(harness: &Harness, client: &Client, transaction: &Transaction, code: &str) -> Redeemed {
    let (wanted, limits, shown) = (wanted(), &MfaLimits::USUAL, SecondFactor::Totp(code));
    let command = RedeemTransaction { client, transaction, shown, wanted: &wanted, limits, shows_recovery_code: false };
    harness.engine.run(&Caller::client(client.tenant), None, &command).await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_processes_one_redeems() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("countersign.sqlite");
    let first = process(&path).await;
    let client = client(&first).await;
    let password = Some(first.engine.hash_password("horse").await.unwrap());
    let identity = Identity { name: Some("ana".to_owned()), ..Identity::default() };
    let ana = CreateUser { identity, password, mfa: MfaRule::Required };
    first.engine.run(&first.caller, None, &ana).await.unwrap();

    let transaction = log_in(&first, &client).await;
    let wording = CodeWording { service: ServiceRef::Dialect("test"), locale: None, text: None };
    let limits = &MfaLimits::USUAL;
    let enrol = EnrolSecondFactor { transaction: &transaction, factor: NewFactor::Totp, wording, limits };
    let enrolled = first.engine.run(&Caller::client(client.tenant), None, &enrol).await.unwrap();
    let SecondFactorEnrolled::Totp { secret, .. } = enrolled else { panic!("no app was enrolled") };
    let secret = BASE32_NOPAD.decode(secret.as_bytes()).unwrap();
    let second = process(&path).await;
    let shown = |harness: &Harness| Totp::USUAL.code(&secret, Totp::USUAL.step_at(harness.clock.now())).to_string();
    let code = shown(&first);
    let (one, other) =
        tokio::join!(redeem(&first, &client, &transaction, &code), redeem(&second, &client, &transaction, &code));
    let outcomes = [one, other];
    assert_eq!(outcomes.iter().filter(|it| matches!(it, Redeemed::Granted(_))).count(), 1, "{outcomes:?}");
    assert!(outcomes.iter().any(|it| matches!(it, Redeemed::Spent)), "{outcomes:?}");
}
