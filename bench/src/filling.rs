//! A store with many verifications in it, for asking how much slower the last one is than the first. It is filled directly: ten
//! million starts over HTTP would take an hour and measure nothing.

use crate::Outcome;
use countersign_engine::keys::Keys;
use countersign_model::{
    Address, Channel, Destination, Event, EventId, EventKind, Message, MessageId, Sealed, Service, State, Timestamp,
    Verification, VerificationId,
    address::{LineType, PhoneTraits},
    message::MessageState,
    verification::CodeSource,
};
use countersign_store::{Batch, Change, Role, Settings, Store};
use std::{collections::BTreeMap, path::Path};

/// Verifications of one write.
const AT_ONCE: usize = 250;
/// One of them began so long after the one before.
const APART_MS: i64 = 5;

/// Stores so many approved verifications of the default service of the tenant `dev`, each of a number of its own, with
/// what else a start, its delivery and a right check leave behind.
pub async fn fill(dir: &Path, count: usize) -> Outcome<()> {
    let store = open(dir).await?;
    let tenant = store.tenant_named("dev").await?.ok_or("no tenant")?;
    let service = store.service_named(tenant.id, "default").await?.ok_or("no service")?;
    let keys = Keys::load(&dir.join("keys.json"))?;
    let last_ms = tenant.created_at.as_ms();
    let mut left = count;
    while left > 0 {
        let many = left.min(AT_ONCE);
        let changes = (0..many).map(|place| {
            let number = left - place;
            let at = Timestamp::from_ms(last_ms - i64::try_from(number).unwrap_or(0) * APART_MS);
            stored(&service, &keys, number as u64, at)
        });
        store.write(Batch::of(changes.collect::<Outcome<Vec<_>>>()?.into_iter().flatten())).await?;
        left -= many;
    }
    store.close().await;
    Ok(())
}

/// The store in the folder of a server that has stopped.
pub async fn open(dir: &Path) -> Outcome<Store> {
    let settings = Settings::Sqlite { path: dir.join("countersign.sqlite"), role: Role::Tool };
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

fn stored(service: &Service, keys: &Keys, number: u64, at: Timestamp) -> Outcome<Vec<Change>> {
    let to = Address::from_normalised(&format!("+34{}", 700_000_000 + number))?;
    let verification = approved(service, keys, &to, id(at, number), at);
    let mut message = Message::of_code(MessageId::from_bytes(id(at, number)), &verification, 0, at);
    (message.state, message.due_at) = (MessageState::Delivered, None);
    let started = EventKind::Started { message: message.id, channel: Channel::Sms };
    let (tenant, index) = (service.tenant, verification.to_index);
    let event =
        Event { id: EventId::from_bytes(id(at, number)), tenant, verification: verification.id, at, kind: started };
    let mut destination = Destination::default();
    destination.count_send(&service.policy.limits, at).map_err(|_| "a first message was refused")?;
    Ok(vec![
        Change::PutDestination { tenant, service: service.id, index, destination },
        Change::InsertMessage(message),
        Change::InsertEvent(event),
        Change::InsertVerification(verification),
    ])
}
