//! What rests in the store must tell nothing to whoever steals only the store.

use crate::{ANA, payment, start_to};
use countersign_delivery::{Routes, providers::Providers};
use countersign_engine::{
    Engine, Error, Parts,
    clock::{Clock, SystemChance},
    keys::{KeyFileError, Keys},
    testing::{BEGINNING, CallRecorder, Harness, SeededChance},
};
use countersign_model::{Address, Channel, Code, TenantId};
use countersign_store::{Role, Settings, Store};
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    os::unix::fs::PermissionsExt as _,
    path::Path,
    sync::{Arc, Barrier},
    thread,
    time::Duration,
};

pub fn parts(store: Store, seed: u8) -> Parts {
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
        random: Arc::new(SeededChance::of_another()),
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
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(Keys::load_or_create(&path, &chance).unwrap().fingerprint(), made.fingerprint());
    assert_eq!(Keys::load(&path).unwrap().fingerprint(), made.fingerprint());
    assert_eq!(names_in(folder.path()), ["keys.json"], "nothing is left beside it");
}

fn names_in(folder: &Path) -> Vec<String> {
    fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

/// Several at once, each with chance of its own; the fingerprints of the keys they have.
fn made_at_once(path: &Path) -> BTreeSet<String> {
    let start = Barrier::new(6);
    thread::scope(|scope| {
        let make = || {
            start.wait();
            Keys::load_or_create(path, &SystemChance::default()).unwrap().fingerprint()
        };
        let makers: Vec<_> = (0..6).map(|_| scope.spawn(make)).collect();
        makers.into_iter().map(|maker| maker.join().unwrap()).collect()
    })
}

#[test]
fn several_that_make_a_key_file_at_once_have_the_same_keys() {
    for _ in 0..20 {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("keys.json");
        let made = made_at_once(&path);
        assert_eq!(made, BTreeSet::from([Keys::load(&path).unwrap().fingerprint()]));
        assert_eq!(names_in(folder.path()), ["keys.json"]);
    }
}

#[test]
fn an_empty_key_file_of_a_new_store_is_replaced_once() {
    for _ in 0..20 {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("keys.json");
        written_private(&path, "");
        assert!(matches!(Keys::load(&path), Err(KeyFileError::Damaged { .. })), "the keys of an older store are not");
        let made = made_at_once(&path);
        assert_eq!(made, BTreeSet::from([Keys::load(&path).unwrap().fingerprint()]));
        assert_eq!(names_in(folder.path()), ["keys.json"]);
    }
}

#[test]
fn the_key_file_of_an_older_store_is_not_made_anew() {
    let folder = tempfile::tempdir().unwrap();
    let refused = Keys::load(&folder.path().join("keys.json")).unwrap_err();
    assert!(matches!(refused, KeyFileError::Missing { .. }));
    assert!(refused.to_string().contains("is missing") && !refused.to_string().contains('\n'), "{refused}");
    assert!(names_in(folder.path()).is_empty());
}

#[test]
fn a_key_file_that_others_can_read_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("keys.json");
    Keys::load_or_create(&path, &SeededChance::default()).unwrap();
    for mode in [0o640, 0o604, 0o610] {
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        for refused in [Keys::load(&path), Keys::load_or_create(&path, &SeededChance::default())] {
            let why = refused.unwrap_err().to_string();
            assert!(why.ends_with(&format!("run: chmod 600 {}", path.display())), "{why}");
        }
    }
}

fn written_private(path: &Path, text: &str) {
    fs::write(path, text).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o600)).unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn several_engines_on_a_new_store_agree_on_its_keys() {
    for _ in 0..20 {
        let store = Store::open(Settings::Memory).await.unwrap();
        assert!(!Engine::has_keys(&store).await.unwrap());
        let start = Arc::new(tokio::sync::Barrier::new(6));
        let open = |_| {
            let (store, start) = (store.clone(), Arc::clone(&start));
            tokio::spawn(async move {
                start.wait().await;
                Engine::new(parts(store, 7)).await.map(drop)
            })
        };
        for opened in (0..6).map(open).collect::<Vec<_>>() {
            opened.await.unwrap().unwrap();
        }
        assert!(Engine::has_keys(&store).await.unwrap());
        assert!(Engine::new(parts(store, 8)).await.is_err());
    }
}

#[test]
fn a_damaged_key_file_is_refused_and_never_overwritten() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("keys.json");
    for text in ["{}", "not json", r#"{"warning":"","lasting":"AA==","current":1,"roots":{}}"#] {
        written_private(&path, text);
        let refused = Keys::load_or_create(&path, &SeededChance::default());
        assert!(matches!(refused, Err(KeyFileError::Damaged { .. })), "{text}");
        assert_eq!(fs::read_to_string(&path).unwrap(), text);
    }
}
