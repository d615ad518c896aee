//! What a provider calls back with: the request as it came, and what was read from it. Who may call, and how a request is
//! read, is each provider's business; whose message it is and what that changes is the engine's.

use countersign_model::{MessageId, message::Receipt};
use http::{HeaderMap, Method, StatusCode};
use std::fmt;

/// A call from a provider, as it came.
#[derive(Clone, Copy)]
pub struct ReceiptRequest<'a> {
    /// GET or POST, as a rule.
    pub method: &'a Method,
    /// The full address as the caller wrote it, with scheme, host and query: some signatures cover it.
    pub url: &'a str,
    /// What stands behind its question mark, still encoded; empty if there is none.
    pub query: &'a str,
    /// The headers.
    pub headers: &'a HeaderMap,
    /// The body, to the byte.
    pub body: &'a [u8],
    /// The message whose own address was called (see `Outgoing::receipt_url`), after its token was found to be right. None:
    /// the call came by an address that says nothing.
    pub message: Option<MessageId>,
}

/// What was read from a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receipts {
    /// What it says, in its order. Interim reports are left out, so there may be none.
    pub notes: Vec<ReceiptNote>,
    /// What the caller is to be told.
    pub answer: ReceiptAnswer,
}

/// What became of one message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReceiptNote {
    /// Which message.
    pub about: About,
    /// What became of it.
    pub receipt: Receipt,
}

/// A message, by one of its names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum About {
    /// By our name.
    Message(MessageId),
    /// By the provider's name: the `reference` of `Accepted`.
    Reference(String),
    /// By one of several spellings of the provider's name, the likeliest first.
    Names {
        /// The spellings.
        names: Vec<String>,
        /// The digits of the number that it went to; empty if the provider does not tell.
        to: String,
    },
}

/// What a caller is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReceiptAnswer {
    /// The status.
    pub status: StatusCode,
    /// The type of the body; without one there is no body.
    pub content_type: Option<String>,
    /// The body.
    pub body: String,
}

impl Default for ReceiptAnswer {
    fn default() -> Self {
        Self { status: StatusCode::OK, content_type: None, body: String::new() }
    }
}

/// Why a call was not taken. The text holds nothing of what the caller sent.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadReceipt {
    /// This provider does not call back.
    #[error("this provider sends no receipts")]
    NotExpected,
    /// It was not the provider who called.
    #[error("the signature, password or link of this receipt is not right")]
    Forged,
    /// It was, and says nothing that can be understood.
    #[error("the receipt cannot be read: {0}")]
    Malformed(String),
}

impl fmt::Debug for ReceiptRequest<'_> {
    /// Without the address, the headers and the body: they hold tokens and numbers.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReceiptRequest").field("method", self.method).finish_non_exhaustive()
    }
}
