//! A caller's own words around a code, in place of a template.

use countersign_delivery::{Rendered, render};
use countersign_model::{Code, EmailAddress};
use serde::{Deserialize, Serialize};

/// A caller's own message. It is kept sealed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct OwnText {
    /// What it says.
    pub text: Pieces,
    /// What else a mail has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mail: Option<OwnMail>,
}

/// What a caller's own mail has besides its text.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct OwnMail {
    /// The subject.
    pub subject: Pieces,
    /// The HTML part.
    pub html: Option<Pieces>,
    /// Whom it comes from; none: the relay's own address. That the caller may choose it was made sure of before.
    pub from: Option<String>,
}

/// A text with places for the code: it stands between each two pieces.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Pieces(Vec<String>);

impl OwnText {
    /// One code between two texts.
    #[must_use]
    pub fn around(before: impl Into<String>, after: impl Into<String>) -> Self {
        Self { text: Pieces(vec![before.into(), after.into()]), mail: None }
    }

    /// A text with a placeholder, which stands for the code wherever it occurs; none without one.
    #[must_use]
    pub fn with_placeholder(text: &str, placeholder: &str) -> Option<Self> {
        let pieces: Vec<String> = text.split(placeholder).map(str::to_owned).collect();
        (pieces.len() > 1).then_some(Self { text: Pieces(pieces), mail: None })
    }

    /// The text with something in place of the code.
    #[must_use]
    pub fn filled_with(&self, code: &str) -> String {
        self.text.0.join(code)
    }

    /// The text as it is read out, with the code one character at a time.
    #[must_use]
    pub fn spoken(&self, code: &Code) -> Rendered {
        Rendered { subject: None, text: self.filled_with(&render::spoken(code)), html: None }
    }

    /// The message with its code.
    #[must_use]
    pub fn with(&self, code: &Code) -> Rendered {
        let mail = self.mail.as_ref();
        Rendered {
            subject: mail.map(|mail| mail.subject.with(code)),
            text: self.text.with(code),
            html: mail.and_then(|mail| mail.html.as_ref()).map(|html| html.with(code)),
        }
    }

    /// Whom it comes from, if it is a mail and says so.
    #[must_use]
    pub fn from_address(&self) -> Option<EmailAddress> {
        EmailAddress::parse(self.mail.as_ref()?.from.as_deref()?).ok()
    }
}

impl Pieces {
    /// These pieces, with a code between each two.
    #[must_use]
    pub const fn new(pieces: Vec<String>) -> Self {
        Self(pieces)
    }

    /// The pieces.
    #[must_use]
    pub fn as_slice(&self) -> &[String] {
        &self.0
    }

    fn with(&self, code: &Code) -> String {
        self.0.join(code.expose())
    }
}
