//! Of a question to a device: what the client holds that waits for the answer, and what the device holds that may register or
//! answer. The latter is short, since it goes into a picture and a push; it is bound by a keyed hash, and hides nothing.

use super::{
    Unreadable,
    transaction::{read_id, write_id},
};
use crate::{Engine, Error};
use aws_lc_rs::constant_time;
use countersign_model::{FactorId, TenantId, Timestamp};
use data_encoding::{BASE64URL_NOPAD, HEXLOWER};
use serde::{Deserialize, Serialize};

/// What a client waits for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PushOnItsWay {
    /// In which transaction.
    #[serde(rename = "x", serialize_with = "write_id", deserialize_with = "read_id")]
    pub transaction: [u8; 16],
    /// Whose.
    #[serde(rename = "t")]
    pub tenant: TenantId,
    /// Which factor it proves.
    #[serde(rename = "f")]
    pub factor: FactorId,
    /// Which question; none: the device is to register.
    #[serde(rename = "p")]
    pub push: Option<String>,
}

/// A device's right to register, or to answer one question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeviceTicket {
    /// Whose.
    pub tenant: TenantId,
    /// Which factor it is.
    pub factor: FactorId,
    /// Which question; none: it may register.
    pub push: Option<String>,
    /// Until when.
    pub ends_at: Timestamp,
}

const PUSH: &str = "push on its way";
const TICKET: &str = "device ticket";
const NO_PUSH: [u8; 16] = [0; 16];
const BODY: usize = 16 + 16 + 16 + 8;

impl Engine {
    /// The token that stands for a question, until `ends_at`.
    ///
    /// # Errors
    /// Only if the cryptography library refuses to work.
    pub fn seal_push_on_its_way(&self, push: &PushOnItsWay, ends_at: Timestamp) -> Result<String, Error> {
        self.seal_token(PUSH, push, ends_at)
    }

    /// The opposite.
    ///
    /// # Errors
    /// When it is none of ours, or has ended.
    pub fn open_push_on_its_way(&self, token: &str) -> Result<PushOnItsWay, Unreadable> {
        self.open_token(PUSH, token)
    }

    /// The text that gives a device its right.
    #[must_use]
    pub fn device_ticket(&self, ticket: &DeviceTicket) -> String {
        let push = ticket.push.as_deref().and_then(|push| HEXLOWER.decode(push.as_bytes()).ok());
        let push: [u8; 16] = push.and_then(|push| push.try_into().ok()).unwrap_or(NO_PUSH);
        let ends_at = ticket.ends_at.as_ms().to_be_bytes();
        let body = [&ticket.tenant.to_bytes()[..], &ticket.factor.to_bytes(), &push, &ends_at].concat();
        let tag = self.keys().hash(TICKET, &body);
        BASE64URL_NOPAD.encode(&[body.as_slice(), &tag].concat())
    }

    /// The opposite. None: it was not made here, or has ended.
    #[must_use]
    pub fn open_device_ticket(&self, text: &str) -> Option<DeviceTicket> {
        let bytes = BASE64URL_NOPAD.decode(text.as_bytes()).ok()?;
        let (body, tag) = bytes.split_at_checked(BODY)?;
        constant_time::verify_slices_are_equal(&self.keys().hash(TICKET, body), tag).ok()?;
        let (tenant, rest) = body.split_first_chunk::<16>()?;
        let (factor, rest) = rest.split_first_chunk::<16>()?;
        let (push, rest) = rest.split_first_chunk::<16>()?;
        let ends_at = Timestamp::from_ms(i64::from_be_bytes(rest.try_into().ok()?));
        let ticket = DeviceTicket {
            tenant: TenantId::from_bytes(*tenant),
            factor: FactorId::from_bytes(*factor),
            push: (*push != NO_PUSH).then(|| HEXLOWER.encode(push)),
            ends_at,
        };
        (self.now() < ends_at).then_some(ticket)
    }

    /// What a device must repeat when it answers a question, and only whoever got the question knows.
    #[must_use]
    pub fn challenge_of_push(&self, push: &str) -> String {
        BASE64URL_NOPAD.encode(&self.keys().hash("push challenge", push.as_bytes()))
    }
}
