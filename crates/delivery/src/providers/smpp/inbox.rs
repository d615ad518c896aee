//! What a carrier hands over to us: receipts, mostly. One is acknowledged only when what it says is written down, or will never
//! be: then the carrier need not send it again.

use super::{carrier::Carrier, pdu::ShortMessage, receipt, status::Status};
use crate::{About, NotTaken, ReceiptNote};
use std::{sync::Arc, time::Duration};

const FIRST_PAUSE: Duration = Duration::from_millis(30);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);
/// How long a receipt waits for its message's name to be written down. Below what carriers wait for an acknowledgement (30 s and
/// more).
const PATIENCE: Duration = Duration::from_secs(20);

/// Takes what was handed over; what the carrier is to be told.
pub(super) async fn take(carrier: Arc<Carrier>, message: Box<ShortMessage>) -> Status {
    let provider = &carrier.opening.name;
    let Some(report) = receipt::read(&message) else {
        tracing::info!(provider, "a message came from a person, and is not kept");
        return Status::ESME_ROK;
    };
    let Some(receipt) = report.outcome.filter(|_| !report.names.is_empty()) else {
        carrier.settle_doubt(&report);
        return Status::ESME_ROK;
    };
    let about = About::Names { names: report.names.clone(), to: report.to.clone() };
    let note = ReceiptNote { about, receipt };
    let (until, mut pause) = (carrier.now() + PATIENCE, FIRST_PAUSE);
    loop {
        match carrier.opening.receipts.take(provider, &note).await {
            Ok(()) => return Status::ESME_ROK,
            Err(NotTaken::Unavailable) => return Status::ESME_RX_T_APPN,
            Err(NotTaken::NoSuchMessage) => {}
        }
        carrier.settle_doubt(&report);
        if carrier.now() >= until || !carrier.may_know_soon(&report.to) {
            tracing::info!(provider, "a receipt came for a message that is not known");
            return Status::ESME_ROK;
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}
