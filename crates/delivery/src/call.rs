//! A call that a provider has placed, while it lasts: the vendor asks step by step what it is to say, and is answered in its own
//! form. What is asked for is read here, by the provider; what is said is the engine's business. So nothing of a code is known to
//! the vendor before it is to be said.

use crate::receipt::ReceiptAnswer;

/// What a vendor asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CallStep {
    /// Somebody or something has picked up: it is to be asked for a key. A voice mail presses none.
    Ask,
    /// The code is to be said.
    Say,
    /// Nobody has pressed a key: there is nothing more to say.
    End,
}

/// What is to be said next.
#[derive(Clone, Copy)]
pub struct Line<'a> {
    /// In which step.
    pub step: CallStep,
    /// The words; none at the end. They may hold the code, so there is no `Debug`.
    pub text: &'a str,
    /// In which language they are (see [`crate::Provider::languages`]).
    pub language: &'a str,
    /// The call's own address, which the vendor asks next.
    pub call_url: &'a str,
}

/// Why nothing can be said, in words without values.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("what is to be said cannot be put into the vendor's form: {0}")]
pub struct Unsaid(pub String);

/// What the vendor is told.
pub type Told = Result<ReceiptAnswer, Unsaid>;
