//! Hands text messages straight to a carrier over SMPP 3.4, which peers of version 5.0 speak too.
//!
//! `settings.rs`: what can be configured · the bytes: `octets.rs`, `pdu.rs`, `status.rs`, `frame.rs` · `session.rs`: what is said when,
//! as a state machine without IO · `link.rs`: the same with a socket (`tls.rs`) and a clock, kept up · `carrier.rs`: what all
//! sessions of a carrier share, the queue, the pace (`pace.rs`) and the messages in doubt · `text.rs`: a text as short
//! messages · `receipt.rs`, `names.rs`: what a receipt says, and of which message · `inbox.rs`, `fresh.rs`: what is done with it, and
//! when it is worth waiting with.
//!
//! Invariants: no error and no log holds an address, a code or a text; a message whose answer came is never sent again; a receipt
//! is acknowledged only when it is written down.

mod carrier;
pub mod frame;
mod fresh;
mod inbox;
mod link;
mod names;
mod octets;
mod pace;
pub mod pdu;
pub mod receipt;
pub mod session;
mod settings;
pub mod status;
mod text;
mod tls;

use super::BadSetting;
use crate::{Accepted, LinkState, LinkStatus, Opening, Outgoing, Provider, SendError, Watch};
use async_trait::async_trait;
use carrier::{Carrier, Deadlines};
use countersign_model::{Channel, message::ReceiptPlan};
use pdu::{Bind, Parameter, ShortMessage, tag};
use status::Meaning;
use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use text::Part;

pub use settings::{Alphabet, Kind, LongMessages, Mode, Settings, Tls, Version};

/// One carrier.
pub struct Smpp {
    settings: Settings,
    bind: Bind,
    carrier: Mutex<Option<Arc<Carrier>>>,
}

/// `esm_class`: the text begins with a user data header.
const HAS_HEADER: u8 = 0x40;
/// How long the sessions have to say goodbye.
const GOODBYE: Duration = Duration::from_secs(2);

impl Smpp {
    /// A carrier with these settings. Reads the files that they name; connects to nobody before [`Provider::open`].
    ///
    /// # Errors
    /// Names the setting that cannot be.
    pub fn new(settings: &Settings) -> Result<Self, BadSetting> {
        settings.check()?;
        tls::Endpoint::new(settings)?;
        Ok(Self { settings: settings.clone(), bind: settings.bind()?, carrier: Mutex::default() })
    }

    fn carrier(&self) -> Option<Arc<Carrier>> {
        self.carrier.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    async fn hand_over(&self, message: &Outgoing, watch: Watch<'_>) -> Result<Accepted, SendError> {
        if message.channel != Channel::Sms {
            return Err(SendError::Refused("this provider carries no such messages".to_owned()));
        }
        let not_open = || SendError::Retry("the connection to the carrier was not opened".to_owned());
        let carrier = self.carrier().ok_or_else(not_open)?;
        let parts = self.parts(message)?;
        watch("connection", &format!("to {}", carrier.endpoint.shown()));
        watch(
            "request",
            &format!(
                "submit_sm, {} of {} octets",
                parts.len(),
                parts.iter().map(|part| part.text.len()).sum::<usize>()
            ),
        );
        let (deadlines, last) = (carrier.deadlines(), parts.len());
        let mut reference = None;
        for (number, part) in (1..).zip(parts) {
            reference = submit(&carrier, part, deadlines, watch).await.inspect_err(|_| {
                if number > 1 {
                    tracing::warn!(message_id = %message.id, number, last, "a part of a long message was not taken");
                }
            })?;
        }
        for link in carrier.links() {
            watch("bind", &format!("{}, {}", link.name, link.state.name()));
        }
        if let Some(reference) = &reference {
            watch("reference", reference);
        }
        let will_report = self.settings.receipts && reference.is_some();
        Ok(Accepted { reference, receipt: if will_report { ReceiptPlan::Expected } else { ReceiptPlan::Never } })
    }

    /// The short messages of a message. A receipt is asked for with the last one: whoever has that one was given the others
    /// before.
    fn parts(&self, message: &Outgoing) -> Result<Vec<ShortMessage>, SendError> {
        let reference = own_reference(message);
        let settings = &self.settings;
        let parts = text::parts(&message.content.text, settings.alphabet, settings.long_messages, reference);
        let parts =
            parts.ok_or_else(|| SendError::Refused("the text takes more than 255 short messages".to_owned()))?;
        let bare = ShortMessage {
            service_type: settings.service_type.clone(),
            source: settings.source(message.from.as_deref()),
            destination: settings.destination(receipt::digits(message.to.as_str())),
            validity: settings.validity(),
            ..ShortMessage::default()
        };
        let last = parts.len();
        let put = |(number, part): (usize, Part)| {
            let mut parameters = part.parameters;
            if settings.receipts && number == last {
                parameters.push(Parameter::number16(tag::USER_MESSAGE_REFERENCE, reference));
            }
            if let Some(ids) = &message.dlt {
                parameters.extend([
                    Parameter { tag: tag::DLT_ENTITY, value: ids.entity.clone().into_bytes() },
                    Parameter { tag: tag::DLT_TEMPLATE, value: ids.template.clone().into_bytes() },
                ]);
            }
            ShortMessage {
                esm_class: if part.has_header { HAS_HEADER } else { 0 },
                registered_delivery: u8::from(settings.receipts && number == last),
                data_coding: part.data_coding,
                text: part.text,
                parameters,
                ..bare.clone()
            }
        };
        Ok((1..).zip(parts).map(put).collect())
    }
}

/// Sixteen bits of the message's name: the same at each attempt, so that a phone that gets a part twice knows it.
fn own_reference(message: &Outgoing) -> u16 {
    let [.., high, low] = message.id.to_bytes();
    u16::from_be_bytes([high, low])
}

/// One short message; the carrier's name for it, if it gave one.
async fn submit(
    carrier: &Carrier,
    part: ShortMessage,
    deadlines: Deadlines,
    watch: Watch<'_>,
) -> Result<Option<String>, SendError> {
    let answer = carrier.submit(part, deadlines).await?;
    watch("answer", &answer.status.to_string());
    let refusal = || format!("the carrier refused the message: {}", answer.status);
    match answer.status.meaning() {
        Meaning::Taken => Ok(Some(names::kept(&answer.message_id)).filter(|name| !name.is_empty())),
        Meaning::Refused => Err(SendError::Refused(refusal())),
        Meaning::Busy | Meaning::Retry => Err(SendError::Retry(refusal())),
    }
}

#[async_trait]
impl Provider for Smpp {
    async fn send(&self, message: &Outgoing) -> Result<Accepted, SendError> {
        self.hand_over(message, &|_, _| ()).await
    }

    fn channels(&self) -> &[Channel] {
        &[Channel::Sms]
    }

    async fn send_watched(&self, message: &Outgoing, watch: Watch<'_>) -> Result<Accepted, SendError> {
        self.hand_over(message, watch).await
    }

    fn open(&self, opening: Opening) {
        let mut place = self.carrier.lock().unwrap_or_else(PoisonError::into_inner);
        // What could go wrong has gone right before, in `new`.
        let Ok(endpoint) = tls::Endpoint::new(&self.settings) else { return };
        if place.is_some() {
            return;
        }
        let carrier = Arc::new(Carrier::new(self.settings.clone(), self.bind.clone(), endpoint, opening));
        for number in 1..=self.settings.binds {
            for role in self.settings.roles() {
                let link = carrier.add_link(format!("{number}-{}", role.name()));
                tokio::spawn(link::run(Arc::clone(&carrier), link, *role));
            }
        }
        *place = Some(carrier);
    }

    async fn close(&self) {
        let Some(carrier) = self.carrier.lock().unwrap_or_else(PoisonError::into_inner).take() else { return };
        let _ = carrier.stop.send(true);
        let all_down = async {
            while carrier.links().iter().any(|link| link.state != LinkState::Down) {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        let _ = tokio::time::timeout(GOODBYE, all_down).await;
    }

    fn links(&self) -> Vec<LinkStatus> {
        self.carrier().map(|carrier| carrier.links()).unwrap_or_default()
    }
}

impl fmt::Debug for Smpp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Smpp").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{DltIds, testing::outgoing};

    #[test]
    fn each_part_names_the_ids_under_which_sender_and_text_are_registered() {
        let settings = r#"{"host": "localhost", "tls": "none", "system_id": "a", "password": "b"}"#;
        let smpp = Smpp::new(&serde_json::from_str(settings).unwrap()).unwrap();
        let mut message = Outgoing { channel: Channel::Sms, ..outgoing() };
        message.content.text = "a".repeat(200);
        let with_ids = |message: &Outgoing| {
            let parts = smpp.parts(message).unwrap();
            assert_eq!(parts.len(), 2);
            let value = |part: &ShortMessage, tag| part.parameter(tag).map(|found| found.value.clone());
            parts.iter().map(|part| (value(part, tag::DLT_ENTITY), value(part, tag::DLT_TEMPLATE))).collect::<Vec<_>>()
        };
        assert_eq!(with_ids(&message), [(None, None), (None, None)]);
        message.dlt = Some(DltIds { entity: "1101".into(), template: "1107".into() });
        let ids = || (Some(b"1101".to_vec()), Some(b"1107".to_vec()));
        assert_eq!(with_ids(&message), [ids(), ids()]);
    }
}
