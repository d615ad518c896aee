//! A text as the octets of one or several short messages (3GPP TS 23.038 and 23.040): one octet for each septet of the default
//! alphabet, or UCS-2 (UTF-16 in network order). What is too long is cut into parts that say so themselves.

use super::{
    octets::to_latin1,
    pdu::{Parameter, tag},
    settings::{Alphabet, LongMessages},
};
use crate::gsm7;

/// One short message's worth of a text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Part {
    /// `data_coding` of the PDU: 0 for the peer's default alphabet, 8 for UCS-2.
    pub data_coding: u8,
    /// Whether the text begins with a user data header.
    pub has_header: bool,
    /// The octets of the text field.
    pub text: Vec<u8>,
    /// What must stand among the optional parameters.
    pub parameters: Vec<Parameter>,
}

const DEFAULT_ALPHABET: u8 = 0;
const UCS2: u8 = 8;
/// A short message holds so many octets once they are packed; a header in several parts takes six of them.
const ROOM: usize = 140;
const HEADER: usize = 6;
/// No number of parts goes into one octet beyond this.
const MOST_PARTS: usize = 255;

/// The parts of a text; the reference is what they have in common. None: it takes more than 255 of them.
pub(super) fn parts(text: &str, alphabet: Alphabet, long: LongMessages, reference: u16) -> Option<Vec<Part>> {
    let (data_coding, units) = encode(text, alphabet);
    let single = room(data_coding, ROOM);
    let length: usize = units.iter().map(Vec::len).sum();
    if length <= single {
        return Some(vec![Part { data_coding, text: units.concat(), ..Part::default() }]);
    }
    if long == LongMessages::Payload {
        let parameters = vec![Parameter { tag: tag::MESSAGE_PAYLOAD, value: units.concat() }];
        return Some(vec![Part { data_coding, parameters, ..Part::default() }]);
    }
    let pieces = cut(&units, room(data_coding, ROOM - HEADER));
    let total = u8::try_from(pieces.len()).ok().filter(|_| pieces.len() <= MOST_PARTS)?;
    let part = |(number, piece): (u8, Vec<u8>)| {
        let bare = Part { data_coding, ..Part::default() };
        if long == LongMessages::Sar {
            let parameters = vec![
                Parameter::number16(tag::SAR_MSG_REF_NUM, reference),
                Parameter::number8(tag::SAR_TOTAL_SEGMENTS, total),
                Parameter::number8(tag::SAR_SEGMENT_SEQNUM, number),
            ];
            return Part { text: piece, parameters, ..bare };
        }
        // 3GPP TS 23.040, 9.2.3.24.1: the reference has eight bits.
        let [_, reference] = reference.to_be_bytes();
        let text = [vec![5, 0, 3, reference, total, number], piece].concat();
        Part { has_header: true, text, ..bare }
    };
    Some((1..=total).zip(pieces).map(part).collect())
}

/// The characters, each as the octets that must stay together.
fn encode(text: &str, alphabet: Alphabet) -> (u8, Vec<Vec<u8>>) {
    let default: Option<Vec<Vec<u8>>> = match alphabet {
        Alphabet::Gsm => text.chars().map(septets).collect(),
        Alphabet::Latin1 => {
            text.chars().all(is_latin1_letter).then(|| to_latin1(text).into_iter().map(|octet| vec![octet]).collect())
        }
    };
    default.map_or_else(
        || {
            let units = |character: char| {
                let mut buffer = [0; 2];
                character.encode_utf16(&mut buffer).iter().flat_map(|unit| unit.to_be_bytes()).collect()
            };
            (UCS2, text.chars().map(units).collect())
        },
        |units| (DEFAULT_ALPHABET, units),
    )
}

fn septets(character: char) -> Option<Vec<u8>> {
    gsm7::septets(character).map(|(escape, code)| escape.into_iter().chain([code]).collect())
}

/// Beyond both: what the phone gets is in the network's alphabet in the end, which must have the character too.
fn is_latin1_letter(character: char) -> bool {
    u32::from(character) < 0x100 && gsm7::septets(character).is_some_and(|(escape, _)| escape.is_none())
}

/// Units of an alphabet that go into octets: eight septets into seven of them.
const fn room(data_coding: u8, octets: usize) -> usize {
    if data_coding == UCS2 { octets } else { octets * 8 / 7 }
}

fn cut(units: &[Vec<u8>], room: usize) -> Vec<Vec<u8>> {
    let mut pieces = vec![Vec::new()];
    for unit in units {
        match pieces.last_mut() {
            Some(last) if last.len() + unit.len() <= room => last.extend(unit),
            _ => pieces.push(unit.clone()),
        }
    }
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn udh(text: &str) -> Vec<Part> {
        parts(text, Alphabet::Gsm, LongMessages::Udh, 0x1234).unwrap()
    }

    #[test]
    fn a_short_text_is_one_part_in_the_shortest_alphabet() {
        assert_eq!(udh("@a€"), [Part { text: vec![0, 0x61, 0x1b, 0x65], ..Part::default() }]);
        assert_eq!(udh("ó"), [Part { data_coding: 8, text: vec![0, 0xf3], ..Part::default() }]);
        assert_eq!(udh("😀")[0].text, [0xd8, 0x3d, 0xde, 0x00]);
        let latin1 = parts("ñ@", Alphabet::Latin1, LongMessages::Udh, 0).unwrap();
        assert_eq!(latin1, [Part { text: vec![0xf1, 0x40], ..Part::default() }]);
        assert_eq!(parts("€", Alphabet::Latin1, LongMessages::Udh, 0).unwrap()[0].data_coding, 8);
    }

    #[test]
    fn a_long_text_says_of_each_part_which_it_is() {
        let [first, second] = &udh(&"a".repeat(161))[..] else { panic!() };
        assert!(first.has_header && second.has_header);
        assert_eq!((first.text.len(), &first.text[..7]), (6 + 153, &[5, 0, 3, 0x34, 2, 1, b'a'][..]));
        assert_eq!((second.text.len(), &second.text[..6]), (6 + 8, &[5, 0, 3, 0x34, 2, 2][..]));
        let sar = parts(&"ó".repeat(71), Alphabet::Gsm, LongMessages::Sar, 0x1234).unwrap();
        assert_eq!((sar.len(), sar[0].text.len(), sar[0].has_header), (2, 134, false));
        assert_eq!(sar[1].parameters[0], Parameter { tag: 0x020c, value: vec![0x12, 0x34] });
        assert_eq!(sar[1].parameters[2], Parameter { tag: 0x020f, value: vec![2] });
        let payload = parts(&"a".repeat(500), Alphabet::Gsm, LongMessages::Payload, 1).unwrap();
        assert_eq!((payload.len(), payload[0].parameters[0].value.len()), (1, 500));
    }

    #[test]
    fn a_text_without_an_end_is_not_sent() {
        assert_eq!(parts(&"a".repeat(153 * 255 + 1), Alphabet::Gsm, LongMessages::Udh, 1), None);
        assert_eq!(
            parts(&"a".repeat(153 * 255), Alphabet::Gsm, LongMessages::Udh, 1).map(|parts| parts.len()),
            Some(255)
        );
    }

    proptest! {
        #[test]
        fn there_are_as_many_parts_as_were_counted_and_nothing_is_lost(text in "[a-z€\\[ó😀]{1,400}") {
            let found = udh(&text);
            prop_assert_eq!(found.len(), gsm7::size(&text).parts);
            let skip = if found.len() > 1 { 6 } else { 0 };
            let joined: Vec<u8> = found.iter().flat_map(|part| part.text.iter().skip(skip).copied()).collect();
            let whole: Vec<u8> = encode(&text, Alphabet::Gsm).1.concat();
            prop_assert_eq!(joined, whole);
            prop_assert!(found.iter().all(|part| part.text.len() <= 160));
        }
    }
}
