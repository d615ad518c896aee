//! What the engine does, for the tests of the provider alone: it sends until somebody takes a message, notes under which name that was,
//! and matches receipts to messages by name and number.

use async_trait::async_trait;
use countersign_delivery::{
    About, NotTaken, Opening, Outgoing, Provider, ReceiptNote, ReceiptSink, Rendered, SendError,
    providers::smpp::{Settings, Smpp},
};
use countersign_model::{Address, Channel, MessageId, Random, TenantId, Timestamp, message::Receipt};
use serde_json::{Value, json};
use std::{
    collections::{BTreeMap, HashMap},
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
};
use tokio::sync::watch;

/// Chance that repeats itself.
#[derive(Default)]
pub struct Counted(AtomicU64);

impl Random for Counted {
    fn fill(&self, bytes: &mut [u8]) {
        for byte in bytes {
            *byte = u8::try_from(self.0.fetch_add(0x9e37, Ordering::Relaxed) % 251).unwrap();
        }
    }
}

/// Names and receipts.
#[derive(Default)]
pub struct Desk {
    named: Mutex<HashMap<String, String>>,
    told: Mutex<BTreeMap<String, Vec<Receipt>>>,
    count: watch::Sender<usize>,
}

impl Desk {
    /// Notes under which name a message to this number was taken.
    pub fn note(&self, name: String, to: &str) {
        self.named.lock().unwrap().insert(name, to.to_owned());
    }

    /// The receipts of each number.
    pub fn told(&self) -> BTreeMap<String, Vec<Receipt>> {
        self.told.lock().unwrap().clone()
    }

    /// Waits until there are receipts for so many numbers.
    pub async fn wait_for(&self, numbers: usize) {
        self.count.subscribe().wait_for(|count| *count >= numbers).await.unwrap();
    }
}

#[async_trait]
impl ReceiptSink for Desk {
    async fn take(&self, _: &str, note: &ReceiptNote) -> Result<(), NotTaken> {
        let About::Names { names, to } = &note.about else { panic!("{note:?}") };
        let named = self.named.lock().unwrap();
        let found = names.iter().filter_map(|name| named.get(name)).find(|number| number.ends_with(to.as_str()));
        let number = found.ok_or(NotTaken::NoSuchMessage)?;
        let mut told = self.told.lock().unwrap();
        told.entry(number.clone()).or_default().push(note.receipt);
        self.count.send_replace(told.len());
        Ok(())
    }
}

/// A carrier on this machine, opened.
pub fn carrier(port: u16, more: &Value) -> (Arc<Smpp>, Arc<Desk>) {
    let mut settings = json!({"host": "127.0.0.1", "port": port, "tls": "none", "system_id": "countersign",
        "password": "s3cret", "from": "Acme"});
    settings.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let settings: Settings = serde_json::from_value(settings).unwrap();
    let (smpp, desk) = (Arc::new(Smpp::new(&settings).unwrap()), Arc::new(Desk::default()));
    let receipts: Arc<dyn ReceiptSink> = Arc::<Desk>::clone(&desk);
    smpp.open(Opening { name: "carrier".into(), receipts, random: Arc::new(Counted::default()) });
    (smpp, desk)
}

/// A message to a number of its own.
pub fn message(number: u32, text: &str) -> Outgoing {
    let mut id = [7; 16];
    id[12..].copy_from_slice(&number.to_be_bytes());
    Outgoing {
        id: MessageId::from_bytes(id),
        tenant: TenantId::from_bytes([2; 16]),
        tenant_name: "acme".into(),
        verification: None,
        channel: Channel::Sms,
        to: Address::parse(Channel::Sms, &format!("+346{number:08}")).unwrap(),
        from: None,
        from_address: None,
        dlt: None,
        content: Rendered { subject: None, text: text.into(), html: None },
        code: None,
        link: None,
        receipt_url: None,
        call_url: None,
        language: "en".into(),
        life_seconds: Some(300),
        life_minutes: Some(5),
        now: Timestamp::from_ms(1_767_225_600_000),
    }
}

/// Sends as the outbox does: until it is taken. How often it had to be sent again without knowing.
pub async fn send(smpp: &Smpp, desk: &Desk, message: &Outgoing) -> u32 {
    let mut unknown = 0;
    loop {
        match smpp.send(message).await {
            Ok(accepted) => {
                desk.note(accepted.reference.expect("a name"), message.to.as_str());
                return unknown;
            }
            Err(SendError::Retry(_)) => {}
            Err(SendError::Unknown(_)) => unknown += 1,
            Err(SendError::Refused(why)) => panic!("{why}"),
        }
    }
}
