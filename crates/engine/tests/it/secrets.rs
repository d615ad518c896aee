//! What rests in the store must tell nothing to whoever steals only the store.

use crate::{ANA, payment, start_to};
use countersign_delivery::{Routes, providers::Providers};
use countersign_engine::{
    Engine, Error, Parts,
    clock::Clock,
    keys::{KeyFileError, Keys},
    testing::{BEGINNING, CallRecorder, Harness, SeededChance},
};
use countersign_model::{Address, Channel, Code, TenantId};
use countersign_store::{Role, Settings, Store};
use std::{collections::BTreeMap, fs, sync::Arc, time::Duration};

fn parts(store: Store, seed: u8) -> Parts {
    Parts {
        store,
        keys: Arc::new(Keys::from_seed(seed)),
        providers: Providers::default(),
        routes: Routes::default(),
        lookup: None,
        callbacks: Arc::new(CallRecorder::default()),
        report_formats: BTreeMap::new(),
        public_url: None,
        clock: Arc::new(Clock::set_to(BEGINNING)),
        random: Arc::new(SeededChance::default()),
        retention: Duration::from_hours(24),
    }
}

#[tokio::test]
async fn a_store_is_not_opened_with_the_keys_of_another() {
    let harness = Harness::new().await;
    assert!(Engine::new(parts(harness.store.clone(), 7)).await.is_ok());
    let other = Engine::new(parts(harness.store.clone(), 8)).await;
    assert!(matches!(other, Err(Error::Internal(why)) if why.contains("another key file")));
}

#[tokio::test]
async fn no_address_code_payment_or_key_rests_in_the_clear() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("countersign.db");
    let store = Store::open(Settings::Sqlite { path, role: Role::Server }).await.unwrap();
    let harness = Harness::on(store).await;
    let mut command = start_to(ANA);
    command.payment = Some(payment("1234567.89"));
    command.code = Some(Code::own("OWNCODE98765").unwrap());
    let key = crate::idempotency("my-idempotency-key", "request");
    harness.engine.run(&harness.caller, Some(&key), &command).await.unwrap();
    harness.deliver().await;
    harness.store.close().await;
    let mut all = Vec::new();
    for entry in fs::read_dir(folder.path()).unwrap() {
        all.extend(fs::read(entry.unwrap().path()).unwrap());
    }
    assert!(all.len() > 10_000);
    for secret in ["34666666111", "666666111", "OWNCODE98765", "1234567.89", "Books & Co", "my-idempotency-key"] {
        assert!(!all.windows(secret.len()).any(|window| window == secret.as_bytes()), "{secret}");
    }
    assert!(all.windows(4).any(|window| window == b"acme"), "the search would find what is there");
}

#[test]
fn equal_addresses_have_equal_indexes_only_within_a_tenant() {
    let keys = Keys::from_seed(7);
    let ana = Address::parse(Channel::Email, "ana@example.com").unwrap();
    let same = Address::parse(Channel::Email, "Ana@Example.com").unwrap();
    let (one, two) = (TenantId::from_bytes([1; 16]), TenantId::from_bytes([2; 16]));
    assert_eq!(keys.blind_index(one, &ana), keys.blind_index(one, &same));
    assert_ne!(keys.blind_index(one, &ana), keys.blind_index(two, &ana));
}

#[test]
fn what_was_sealed_opens_only_in_its_own_place_and_untouched() {
    let (keys, chance) = (Keys::from_seed(7), SeededChance::default());
    let mut sealed = keys.seal("text", b"here", &chance).unwrap();
    assert_eq!(keys.open(&sealed, b"here").unwrap().as_str(), "text");
    assert!(keys.open(&sealed, b"there").is_err());
    assert!(Keys::from_seed(8).open(&sealed, b"here").is_err());
    *sealed.bytes.last_mut().unwrap() ^= 1;
    assert!(keys.open(&sealed, b"here").is_err());
}

#[test]
fn the_key_file_is_made_once_for_its_owner_only_and_reads_back() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("keys.json");
    let chance = SeededChance::default();
    let made = Keys::load_or_create(&path, &chance).unwrap();
    assert_eq!(std::os::unix::fs::PermissionsExt::mode(&fs::metadata(&path).unwrap().permissions()) & 0o777, 0o600);
    assert_eq!(Keys::load_or_create(&path, &chance).unwrap().fingerprint(), made.fingerprint());
}

#[test]
fn a_damaged_key_file_is_refused_and_never_overwritten() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("keys.json");
    for text in ["", "{}", "not json", r#"{"warning":"","lasting":"AA==","current":1,"roots":{}}"#] {
        fs::write(&path, text).unwrap();
        let refused = Keys::load_or_create(&path, &SeededChance::default());
        assert!(matches!(refused, Err(KeyFileError::Damaged { .. })), "{text}");
        assert_eq!(fs::read_to_string(&path).unwrap(), text);
    }
}
