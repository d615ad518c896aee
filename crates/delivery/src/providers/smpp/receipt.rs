//! Reads the receipts that peers hand over (SMPP 3.4, appendix B, which is a custom and no rule): a text of names and values in
//! any order, any of them missing, and optional parameters that say it better where there are any.

use super::{
    names::spellings,
    octets::from_latin1,
    pdu::{ShortMessage, tag},
};
use countersign_model::message::Receipt;

/// What a receipt says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// What may be the name that the message was taken under, the likeliest first.
    pub names: Vec<String>,
    /// Where the message went, in digits.
    pub to: String,
    /// Our own number for the message, if the peer repeats it.
    pub own_reference: Option<u16>,
    /// What became of it; none: it is on its way yet.
    pub outcome: Option<Receipt>,
}

const KIND: u8 = 0b0011_1100;
const RECEIPT: u8 = 0b0000_0100;
const INTERMEDIATE: u8 = 0b0010_0000;
const UCS2: u8 = 8;

/// Reads what a peer handed over; none: it is no receipt, but a person's message.
#[must_use]
pub fn read(message: &ShortMessage) -> Option<Report> {
    let kind = message.esm_class & KIND;
    let parameter = message.parameter(tag::RECEIPTED_MESSAGE_ID).map(super::pdu::Parameter::as_text);
    // Some peers forget to say what it is, and name the message all the same.
    if kind != RECEIPT && kind != INTERMEDIATE && parameter.is_none() {
        return None;
    }
    let text = text_of(message);
    let written = field(&text, "id").map(str::to_owned);
    let state = message.parameter(tag::MESSAGE_STATE).and_then(|state| state.value.first()).copied();
    let of_state = state.and_then(by_number);
    let of_text = field(&text, "stat").or_else(|| field(&text, "status")).and_then(by_word);
    let mut names = Vec::new();
    for name in parameter.into_iter().chain(written) {
        for spelling in spellings(name.trim()) {
            if !names.contains(&spelling) {
                names.push(spelling);
            }
        }
    }
    let reference = message.parameter(tag::USER_MESSAGE_REFERENCE).map(|found| found.value.clone());
    Some(Report {
        names,
        to: digits(&message.source.address),
        own_reference: reference.and_then(|octets| octets.try_into().ok()).map(u16::from_be_bytes),
        outcome: if kind == INTERMEDIATE { None } else { of_state.or(of_text) },
    })
}

/// The digits of an address.
pub(super) fn digits(address: &str) -> String {
    address.chars().filter(char::is_ascii_digit).collect()
}

fn text_of(message: &ShortMessage) -> String {
    let octets = message.content();
    if message.data_coding != UCS2 {
        return from_latin1(octets);
    }
    let units = octets.chunks_exact(2).filter_map(|pair| pair.try_into().ok().map(u16::from_be_bytes));
    char::decode_utf16(units).map(|unit| unit.unwrap_or(char::REPLACEMENT_CHARACTER)).collect()
}

/// The value behind `name:`, up to the next space. The words of the message itself stand at the end, and may say anything.
fn field<'t>(text: &'t str, name: &str) -> Option<&'t str> {
    let lower = text.to_ascii_lowercase();
    let end = lower.find("text:").unwrap_or(lower.len());
    let mut from = 0;
    while let Some(at) = lower.get(from..end)?.find(name) {
        let start = from + at;
        let behind = start + name.len();
        let stands_alone =
            !lower.get(..start)?.ends_with(|before: char| before.is_ascii_alphanumeric() || before == '_');
        if stands_alone && lower.get(behind..end)?.starts_with(':') {
            let value = text.get(behind + 1..end)?.trim_start_matches(' ');
            // An empty value is followed by the next name.
            let value =
                value.split(char::is_whitespace).next().filter(|value| !value.is_empty() && !value.contains(':'));
            return value;
        }
        from = behind;
    }
    None
}

fn by_number(state: u8) -> Option<Receipt> {
    match state {
        2 => Some(Receipt::Delivered),
        // Expired, deleted, undeliverable, rejected, skipped.
        3 | 4 | 5 | 8 | 9 => Some(Receipt::Undelivered),
        _ => None,
    }
}

fn by_word(word: &str) -> Option<Receipt> {
    let word = word.to_ascii_uppercase();
    let begins = |beginnings: &[&str]| beginnings.iter().any(|beginning| word.starts_with(beginning));
    if begins(&["DELIV", "DELVRD"]) {
        Some(Receipt::Delivered)
    } else if begins(&["UNDELIV", "EXPIR", "DELET", "REJECT", "FAIL", "SKIP"]) {
        Some(Receipt::Undelivered)
    } else {
        // ENROUTE, ACCEPTD, BUFFERED, SCHEDULED, UNKNOWN: nothing is decided.
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::providers::smpp::pdu::{Parameter, Party};
    use proptest::prelude::*;

    fn receipt(text: &str) -> ShortMessage {
        ShortMessage {
            esm_class: 4,
            source: Party { ton: 1, npi: 1, address: "+34666666111".into() },
            text: text.as_bytes().to_vec(),
            ..ShortMessage::default()
        }
    }

    fn outcome(text: &str) -> (Option<String>, Option<Receipt>) {
        let report = read(&receipt(text)).unwrap();
        (report.names.first().cloned(), report.outcome)
    }

    #[test]
    fn the_fields_may_stand_in_any_order_and_be_missing() {
        let (id, delivered) = (Some("abc-1".to_owned()), Some(Receipt::Delivered));
        let usual = "id:abc-1 sub:001 dlvrd:001 submit date:2601011200 done date:2601011200 stat:DELIVRD err:000 text:id:9 stat:UNDELIV";
        assert_eq!(outcome(usual), (id.clone(), delivered));
        assert_eq!(outcome("stat:DELIVRD id:abc-1"), (id.clone(), delivered));
        assert_eq!(outcome("STAT: delivered ID: abc-1"), (id.clone(), delivered));
        assert_eq!(outcome("id:abc-1 err:005 stat:UNDELIV"), (id.clone(), Some(Receipt::Undelivered)));
        for waiting in ["ENROUTE", "ACCEPTD", "UNKNOWN", ""] {
            assert_eq!(outcome(&format!("id:abc-1 stat:{waiting} err:000")), (id.clone(), None), "{waiting}");
        }
        assert_eq!(outcome("sub:001 stat:EXPIRED"), (None, Some(Receipt::Undelivered)));
        assert_eq!(outcome(""), (None, None));
    }

    #[test]
    fn what_stands_among_the_parameters_comes_first() {
        let mut message = receipt("id:17 stat:ENROUTE");
        message.parameters = vec![
            Parameter::text(tag::RECEIPTED_MESSAGE_ID, "A1"),
            Parameter { tag: tag::MESSAGE_STATE, value: vec![2] },
            Parameter::number16(tag::USER_MESSAGE_REFERENCE, 7),
        ];
        let report = read(&message).unwrap();
        assert_eq!(
            (report.names[0].as_str(), report.outcome, report.own_reference),
            ("a1", Some(Receipt::Delivered), Some(7))
        );
        assert!(report.names.contains(&"17".to_owned()));
        assert_eq!(report.to, "34666666111");
        // Without its kind it is one all the same; a person's message is none; an interim one decides nothing.
        assert!(read(&ShortMessage { esm_class: 0, ..message.clone() }).is_some());
        assert_eq!(read(&ShortMessage { esm_class: 0, ..receipt("id:1 stat:DELIVRD") }), None);
        assert_eq!(read(&ShortMessage { esm_class: 0x20, ..message }).unwrap().outcome, None);
    }

    #[test]
    fn a_receipt_in_ucs2_or_with_its_text_elsewhere_is_read() {
        let text: Vec<u8> = "id:5 stat:DELIVRD".encode_utf16().flat_map(u16::to_be_bytes).collect();
        let ucs2 = ShortMessage { data_coding: 8, text: text.clone(), ..receipt("") };
        assert_eq!(read(&ucs2).unwrap().outcome, Some(Receipt::Delivered));
        let payload = Parameter { tag: tag::MESSAGE_PAYLOAD, value: b"id:5 stat:DELIVRD".to_vec() };
        let elsewhere = ShortMessage { parameters: vec![payload], ..receipt("") };
        assert_eq!(read(&elsewhere).unwrap().names[0], "5");
    }

    proptest! {
        #[test]
        fn any_text_can_be_read(octets in prop::collection::vec(any::<u8>(), 0..200), data_coding in any::<u8>()) {
            let _ = read(&ShortMessage { text: octets, data_coding, ..receipt("") });
        }
    }
}
