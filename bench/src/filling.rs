//! A store with many verifications in it, for asking how much slower the last one is than the first. It is filled directly: ten
//! million starts over HTTP would take an hour and measure nothing.

use crate::Outcome;
use countersign_engine::keys::Keys;
use countersign_model::{
    Address, BlindIndex, Channel, Destination, Event, EventId, EventKind, Message, MessageId, Sealed, Service, State,
    Timestamp, Verification, VerificationId,
    address::{LineType, PhoneTraits},
    message::MessageState,
    verification::CodeSource,
};
use countersign_store::{Batch, Change, Role, Settings, Store};
use rusqlite::Connection;
use std::{collections::BTreeMap, path::Path};

/// Verifications of one write.
const AT_ONCE: usize = 1000;
/// One of them began so long after the one before.
const APART_MS: i64 = 5;

/// Stores so many approved verifications of the default service of the tenant `dev`, each of a number of its own, with
/// what else a start, its delivery and a right check leave behind. What has its place by a keyed hash is written in the order of
/// that hash, and the index of it afterwards: else most of the time would go into reading and writing pages again.
pub async fn fill(dir: &Path, count: usize) -> Outcome<()> {
    let by_address = without_index(dir, "verification_of_address")?;
    let store = open(dir).await?;
    let tenant = store.tenant_named("dev").await?.ok_or("no tenant")?;
    let service = store.service_named(tenant.id, "default").await?.ok_or("no service")?;
    let keys = Keys::load(&dir.join("keys.json"))?;
    let last_ms = tenant.created_at.as_ms();
    let began = |number: usize| Timestamp::from_ms(last_ms - i64::try_from(number).unwrap_or(0) * APART_MS);
    let numbers: Vec<usize> = (1..=count).rev().collect();
    let mut destinations = Vec::with_capacity(count);
    for some in numbers.chunks(AT_ONCE) {
        let mut batch = Batch::new();
        for number in some {
            let (index, changes) = stored(&service, &keys, *number as u64, began(*number))?;
            destinations.push((index.0, *number));
            batch.extend(Batch::of(changes));
        }
        store.write(batch).await?;
    }
    destinations.sort_unstable();
    for some in destinations.chunks(AT_ONCE) {
        let changes = some.iter().map(|(index, number)| {
            let mut destination = Destination::default();
            destination
                .count_send(&service.policy.limits, began(*number))
                .map_err(|_| "a first message was refused")?;
            Ok(Change::PutDestination {
                tenant: tenant.id,
                service: service.id,
                index: BlindIndex(*index),
                destination,
            })
        });
        store.write(Batch::of(changes.collect::<Outcome<Vec<_>>>()?)).await?;
    }
    store.close().await;
    Ok(file_of(dir)?.execute_batch(&by_address)?)
}

/// Takes an index away, and tells the statement that makes it.
fn without_index(dir: &Path, name: &str) -> Outcome<String> {
    let file = file_of(dir)?;
    let sql = file.query_row("SELECT sql FROM sqlite_schema WHERE name = ?1", [name], |row| row.get(0))?;
    file.execute_batch(&format!("DROP INDEX {name}"))?;
    Ok(sql)
}

fn file_of(dir: &Path) -> Outcome<Connection> {
    Ok(Connection::open(dir.join(FILE))?)
}

const FILE: &str = "countersign.sqlite";

/// The store in the folder of a server that has stopped.
pub async fn open(dir: &Path) -> Outcome<Store> {
    let settings = Settings::Sqlite { path: dir.join(FILE), role: Role::Tool };
    Ok(Store::open(settings).await?)
}

/// An identifier of a moment: never two of one number.
pub fn id(at: Timestamp, number: u64) -> [u8; 16] {
    (u128::try_from(at.as_ms()).unwrap_or(0) << 80 | u128::from(number)).to_be_bytes()
}

/// An approved verification as a start makes it.
pub fn approved(service: &Service, keys: &Keys, to: &Address, id: [u8; 16], at: Timestamp) -> Verification {
    Verification {
        id: VerificationId::from_bytes(id),
        tenant: service.tenant,
        version: 0,
        service: service.id,
        service_name: service.name.clone(),
        channel: Channel::Sms,
        to: Sealed { key_version: 1, bytes: vec![0; 40] },
        to_index: keys.blind_index(service.tenant, to),
        phone: Some(PhoneTraits { country: Some("ES".to_owned()), line: LineType::Mobile, operator: None }),
        grid: None,
        policy: service.policy.clone(),
        code: CodeSource::Derived { key_version: 1 },
        codes: vec![Verification::first_code(&service.policy, at)],
        brand: service.brand.clone(),
        sender: None,
        locale: "en".to_owned(),
        last_line: None,
        metadata: BTreeMap::new(),
        payment: None,
        text: None,
        report: None,
        for_factor: None,
        via: None,
        trial: None,
        state: State::Approved,
        wrong_checks: 0,
        sends: 1,
        created_at: at,
        touched_at: None,
        decided_at: Some(at),
    }
}

fn stored(service: &Service, keys: &Keys, number: u64, at: Timestamp) -> Outcome<(BlindIndex, [Change; 3])> {
    let to = Address::from_normalised(&format!("+34{}", 700_000_000 + number))?;
    let verification = approved(service, keys, &to, id(at, number), at);
    let mut message = Message::of_code(MessageId::from_bytes(id(at, number)), &verification, 0, at);
    (message.state, message.due_at) = (MessageState::Delivered, None);
    let started = EventKind::Started { message: message.id, channel: Channel::Sms };
    let (tenant, index) = (service.tenant, verification.to_index);
    let event =
        Event { id: EventId::from_bytes(id(at, number)), tenant, verification: verification.id, at, kind: started };
    let changes =
        [Change::InsertMessage(message), Change::InsertEvent(event), Change::InsertVerification(verification)];
    Ok((index, changes))
}
