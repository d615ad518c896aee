//! What a mail looks like: text, or text and HTML as alternatives (RFC 2046), marked as written by a machine (RFC 3834).
//! All that changes from one attempt to the next would make a repeated mail look new; so its Message-ID, its date and its
//! boundary come from the message's id, and the same message is the same mail to the byte.

use crate::{Outgoing, SendError, providers::sender, render::one_line};
use countersign_model::MessageId;
use lettre::{
    Address, Message,
    message::{
        Mailbox, MultiPart, SinglePart,
        header::{HeaderName, HeaderValue},
    },
};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// A mail and its envelope.
pub(super) struct Mail {
    pub from: Address,
    pub to: Address,
    pub bytes: Vec<u8>,
}

/// 1 January 9999: dates of mail have four digits for the year.
const END_OF_DATES_MS: u64 = 253_370_764_800_000;

/// Writes the mail. The envelope keeps the relay's own address, whomever the mail comes from, so bounces come back to it.
/// Whatever stands in names, subjects and texts stays there: the library encodes it, and none of it has line breaks when it
/// comes to a header.
pub(super) fn compose(message: &Outgoing, from: &Mailbox) -> Result<Mail, SendError> {
    let unwritable = || SendError::Refused("the address cannot be written on an envelope".to_owned());
    let to: Address = message.to.as_str().parse().map_err(|_| unwritable())?;
    let mut builder = Message::builder().from(sender::of(message, from)?);
    if message.from_address.is_some() {
        // RFC 5322, section 3.6.2: who really sends, where that is not whom it comes from.
        builder = builder.sender(from.clone());
    }
    let builder = builder
        .to(Mailbox::new(None, to.clone()))
        .subject(one_line(message.content.subject.as_deref().unwrap_or_default()))
        .date(made_at(message.id))
        .message_id(Some(format!("<{}@{}>", message.id, from.email.domain())))
        .raw_header(HeaderValue::new(HeaderName::new_from_ascii_str("Auto-Submitted"), "auto-generated".to_owned()));
    let text = SinglePart::plain(message.content.text.clone());
    let mail = match &message.content.html {
        None => builder.singlepart(text),
        Some(html) => builder.multipart(
            MultiPart::alternative()
                .boundary(format!("alternative_{}", message.id))
                .singlepart(text)
                .singlepart(SinglePart::html(html.clone())),
        ),
    };
    let mail = mail.map_err(|_| unwritable())?;
    Ok(Mail { from: from.email.clone(), to, bytes: mail.formatted() })
}

/// When the message was made: the first 48 bits of its id are milliseconds (RFC 9562, section 5.7).
fn made_at(id: MessageId) -> SystemTime {
    let ms = id.to_bytes().iter().take(6).fold(0, |ms, byte| ms << 8 | u64::from(*byte));
    UNIX_EPOCH + Duration::from_millis(ms.min(END_OF_DATES_MS))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Rendered, testing::outgoing};
    use countersign_model::{EmailAddress, Timestamp};

    struct Zeros;

    impl countersign_model::Random for Zeros {
        fn fill(&self, bytes: &mut [u8]) {
            bytes.fill(0);
        }
    }

    fn from() -> Mailbox {
        "Relay <no-reply@acme.example>".parse().unwrap()
    }

    fn written(message: &Outgoing) -> String {
        String::from_utf8(compose(message, &from()).unwrap().bytes).unwrap()
    }

    #[test]
    fn a_repeated_attempt_is_the_same_mail_to_the_byte() {
        assert_eq!(written(&outgoing()), written(&outgoing()));
    }

    #[test]
    fn the_date_is_when_the_message_was_made() {
        let id = MessageId::generate(Timestamp::from_ms(1_767_225_600_000), &Zeros);
        let mail = written(&Outgoing { id, ..outgoing() });
        assert!(mail.contains("Date: Thu, 01 Jan 2026 00:00:00 +0000\r\n"), "{mail}");
        let mail = written(&Outgoing { id: MessageId::from_bytes([255; 16]), ..outgoing() });
        assert!(mail.contains("Date: Fri, 01 Jan 9999 "), "an impossible date is no panic: {mail}");
    }

    #[test]
    fn no_text_becomes_a_header_of_its_own() {
        let evil = "Acme\r\nBcc: eve@evil.example\r\n\r\n<script>";
        let content = Rendered { subject: Some(evil.into()), text: evil.into(), html: Some(evil.into()) };
        let mail = written(&Outgoing { from: Some(evil.into()), content, ..outgoing() });
        let (head, _) = mail.split_once("\r\n\r\n").unwrap();
        let headers = head.split("\r\n").filter(|line| !line.starts_with([' ', '\t']));
        let names: Vec<&str> = headers.map(|line| line.split(':').next().unwrap()).collect();
        assert_eq!(
            names,
            ["From", "To", "Subject", "Date", "Message-ID", "Auto-Submitted", "MIME-Version", "Content-Type"]
        );
    }

    #[test]
    fn an_address_that_the_operator_lets_a_service_use_is_whom_it_comes_from_and_the_relay_sends_it() {
        let address = EmailAddress::parse("me@my-company.example").unwrap();
        let message = Outgoing { from_address: Some(address), from: Some("Shop".into()), ..outgoing() };
        let mail = compose(&message, &from()).unwrap();
        assert_eq!(mail.from.to_string(), "no-reply@acme.example", "the envelope is the relay's own");
        let text = String::from_utf8(mail.bytes).unwrap();
        assert!(text.contains("From: Shop <me@my-company.example>\r\n"), "{text}");
        assert!(text.contains("Sender: Relay <no-reply@acme.example>\r\n"), "{text}");
    }
}
