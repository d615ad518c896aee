//! Whom a mail comes from: the provider's own address, under the name that the service wishes. The address is the service's to
//! choose only where the operator has let it: a provider may send for one domain only.

use super::BadSetting;
use crate::{Outgoing, SendError, render::one_line};
use lettre::message::{
    Mailbox, Mailboxes,
    header::{self, Headers},
};

/// The longest name that a service's sender can give to a mail.
const LONGEST_NAME: usize = 64;

/// The setting `from` of a provider that carries mail: `no-reply@acme.example` or `Acme <no-reply@acme.example>`.
///
/// # Errors
/// When it is no address.
pub(super) fn mailbox(setting: &str) -> Result<Mailbox, BadSetting> {
    let parsed: Result<Mailbox, _> = setting.parse();
    parsed
        .ok()
        .filter(|_| !setting.contains(char::is_control))
        .ok_or_else(|| BadSetting::new("from", "must be an e-mail address, such as \"Acme <no-reply@acme.example>\""))
}

/// The sender of one mail. A name that looks like an address would deceive, and is left out.
///
/// # Errors
/// When the address that the service chose cannot stand in a mail.
pub(super) fn of(message: &Outgoing, own: &Mailbox) -> Result<Mailbox, SendError> {
    let name: String = one_line(message.from.as_deref().unwrap_or_default()).chars().take(LONGEST_NAME).collect();
    let name = (!name.is_empty() && !name.contains('@')).then_some(name);
    let Some(address) = &message.from_address else {
        return Ok(match name {
            Some(name) => Mailbox::new(Some(name), own.email.clone()),
            None => own.clone(),
        });
    };
    let unwritable = |_| SendError::Refused("the sender's address cannot be written into a mail".to_owned());
    Ok(Mailbox::new(name, address.as_str().parse().map_err(unwritable)?))
}

/// A sender as it stands in a mail's header, in ASCII and in one line (RFC 5322, section 3.4; RFC 2047).
pub(super) fn in_header(sender: &Mailbox) -> String {
    let mut headers = Headers::new();
    headers.set(header::From::from(Mailboxes::from(sender.clone())));
    let written = headers.to_string();
    written.strip_prefix("From: ").unwrap_or(&written).replace("\r\n", "").trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::outgoing;
    use countersign_model::EmailAddress;

    fn own() -> Mailbox {
        mailbox("Relay <no-reply@acme.example>").unwrap()
    }

    #[test]
    fn a_sender_is_a_name_and_never_an_address() {
        let name = |wish: Option<&str>| of(&Outgoing { from: wish.map(Into::into), ..outgoing() }, &own()).unwrap();
        assert_eq!(name(Some("GOOD\r\nPIZZA")).to_string(), "GOOD PIZZA <no-reply@acme.example>");
        for wish in [None, Some(""), Some(" \r\n"), Some("ceo@bank.example"), Some("x <a@b.example>")] {
            assert_eq!(name(wish).to_string(), "Relay <no-reply@acme.example>");
        }
    }

    #[test]
    fn an_address_that_the_operator_lets_a_service_use_replaces_the_providers_own() {
        let address = EmailAddress::parse("me@my-company.example").unwrap();
        let message = Outgoing { from_address: Some(address), from: Some("Shop".into()), ..outgoing() };
        assert_eq!(of(&message, &own()).unwrap().to_string(), "Shop <me@my-company.example>");
    }

    #[test]
    fn a_header_is_one_line_of_ascii_whatever_the_name_is() {
        let header = |name: &str| in_header(&Mailbox::new(Some(name.to_owned()), own().email));
        assert_eq!(header("Acme"), "Acme <no-reply@acme.example>");
        assert_eq!(header("Acme, Inc."), "=?utf-8?b?QWNtZSwgSW5jLg==?= <no-reply@acme.example>");
        assert_eq!(header("Café"), "=?utf-8?b?Q2Fmw6k=?= <no-reply@acme.example>");
        let long = header(&"אבג דהו ".repeat(8));
        assert!(long.is_ascii() && !long.contains(char::is_control), "{long}");
        assert!(long.ends_with(" <no-reply@acme.example>"), "{long}");
    }

    #[test]
    fn what_is_no_address_is_no_sender() {
        for bad in ["", "Acme", "Acme <>", "a@b.example, c@d.example", "Acme <a@b.example>\r\nBcc: c@d.example"] {
            assert!(mailbox(bad).is_err(), "{bad}");
        }
    }
}
