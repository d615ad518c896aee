//! The bytes, written and read.

use super::*;
use proptest::prelude::*;

fn text() -> impl Strategy<Value = String> {
    "[ -~¡-ÿ]{0,20}"
}

fn party() -> impl Strategy<Value = Party> {
    (any::<u8>(), any::<u8>(), text()).prop_map(|(ton, npi, address)| Party { ton, npi, address })
}

fn parameters() -> impl Strategy<Value = Vec<Parameter>> {
    let one = (any::<u16>(), prop::collection::vec(any::<u8>(), 0..300));
    prop::collection::vec(one.prop_map(|(tag, value)| Parameter { tag, value }), 0..4)
}

prop_compose! {
    fn message()(
        texts in [text(), text(), text()], source in party(), destination in party(), octets in any::<[u8; 7]>(),
        text in prop::collection::vec(any::<u8>(), 0..255), parameters in parameters(),
    ) -> ShortMessage {
        let [service_type, schedule, validity] = texts;
        let [esm_class, protocol_id, priority, registered_delivery, replace_if_present, data_coding, default_message] = octets;
        ShortMessage {
            service_type, source, destination, esm_class, protocol_id, priority, schedule, validity,
            registered_delivery, replace_if_present, data_coding, default_message, text, parameters,
        }
    }
}

fn body() -> impl Strategy<Value = Body> {
    let role = prop::sample::select(Role::ALL.to_vec());
    let bind = (text(), text(), text(), any::<u8>(), text()).prop_map(
        |(system_id, password, system_type, interface_version, address_range)| Bind {
            system_id,
            password,
            system_type,
            interface_version,
            address_range,
        },
    );
    prop_oneof![
        (role.clone(), bind).prop_map(|(role, bind)| Body::Bind(role, Box::new(bind))),
        (role, text(), parameters())
            .prop_map(|(role, system_id, parameters)| Body::BindResp(role, BindAnswer { system_id, parameters })),
        message().prop_map(|message| Body::SubmitSm(Box::new(message))),
        message().prop_map(|message| Body::DeliverSm(Box::new(message))),
        text().prop_map(|message_id| Body::SubmitSmResp { message_id }),
        text().prop_map(|message_id| Body::DataSmResp { message_id }),
        prop::sample::select(vec![
            Body::GenericNack,
            Body::Outbind,
            Body::Unbind,
            Body::UnbindResp,
            Body::DeliverSmResp,
            Body::EnquireLink,
            Body::EnquireLinkResp,
            Body::AlertNotification
        ]),
    ]
}

fn written(pdu: &Pdu) -> Vec<u8> {
    let mut octets = Vec::new();
    pdu.write(&mut octets);
    octets
}

proptest! {
    #[test]
    fn what_is_written_is_read_again(body in body(), status in any::<u32>(), sequence in any::<u32>()) {
        let pdu = Pdu { status: Status(status), sequence, body };
        let octets = written(&pdu);
        prop_assert_eq!(Head::read(&octets).unwrap().length as usize, octets.len());
        prop_assert_eq!(Pdu::read(&octets), Ok(pdu));
    }

    #[test]
    fn no_octets_are_too_strange_to_be_read(mut octets in prop::collection::vec(any::<u8>(), 0..400), command in any::<u8>()) {
        if let Some(place) = octets.get_mut(4..8) {
            place.copy_from_slice(&(u32::from(command & 0x1f) | u32::from(command & 0x80) << 24).to_be_bytes());
        }
        if let Ok(pdu) = Pdu::read(&octets) {
            let again = written(&pdu);
            prop_assert_eq!(Pdu::read(&again), Ok(pdu), "what was read can be written and read");
        }
    }
}

#[test]
fn the_octets_are_the_standards() {
    let message = ShortMessage {
        source: Party { ton: 5, npi: 0, address: "Acme".into() },
        destination: Party { ton: 1, npi: 1, address: "34666".into() },
        registered_delivery: 1,
        text: b"hi".to_vec(),
        parameters: vec![Parameter::number16(tag::USER_MESSAGE_REFERENCE, 0x0102)],
        ..ShortMessage::default()
    };
    let octets = written(&Pdu::request(7, Body::SubmitSm(Box::new(message))));
    let expected = b"\0\0\0\x36\0\0\0\x04\0\0\0\0\0\0\0\x07\0\x05\0Acme\0\x01\x0134666\0\0\0\0\0\0\x01\0\0\0\x02hi\x02\x04\0\x02\x01\x02";
    assert_eq!(octets.get(4..), expected.get(4..));
    assert_eq!(octets.get(..4), Some(&u32::try_from(expected.len()).unwrap().to_be_bytes()[..]));
}

#[test]
fn sloppy_peers_are_understood() {
    let no_nul = b"\0\0\0\x13\x80\0\0\x04\0\0\0\0\0\0\0\x01abc";
    assert_eq!(Pdu::read(no_nul).unwrap().body, Body::SubmitSmResp { message_id: "abc".into() });
    let no_body = b"\0\0\0\x10\x80\0\0\x04\0\0\0\x58\0\0\0\x01";
    let pdu = Pdu::read(no_body).unwrap();
    assert_eq!((pdu.status, pdu.body), (Status::ESME_RTHROTTLED, Body::SubmitSmResp { message_id: String::new() }));
    let short = b"\0\0\0\x12\0\0\0\x05\0\0\0\0\0\0\0\x09\0\0";
    assert_eq!(Pdu::read(short), Err(Garbled { status: Status::ESME_RINVCMDLEN, sequence: 9 }));
}
