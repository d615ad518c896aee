//! The session against a peer that is written down octet by octet.

use super::*;
use crate::providers::smpp::pdu::{BindAnswer, Parameter, Party};
use proptest::prelude::*;

const LIMITS: Limits =
    Limits { window: 2, enquire_after: Duration::from_secs(30), answer_within: Duration::from_secs(5) };

fn at(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn octets(pdu: &Pdu) -> Vec<u8> {
    let mut octets = Vec::new();
    pdu.write(&mut octets);
    octets
}

fn answer(status: Status, sequence: u32, body: Body) -> Vec<u8> {
    octets(&Pdu::response(status, sequence, body))
}

fn said(session: &mut Session) -> Vec<Pdu> {
    let mut frames = Frames::default();
    frames.push(session.output());
    session.sent(session.output().len());
    let pdu = |framed| if let Framed::Pdu(pdu) = framed { pdu } else { panic!("we said {framed:?}") };
    std::iter::from_fn(|| frames.next()).map(pdu).collect()
}

fn happened(session: &mut Session) -> Vec<Happened> {
    std::iter::from_fn(|| session.poll()).collect()
}

fn begun(role: Role) -> Session {
    Session::new(LIMITS, role, Bind { system_id: "acme".into(), ..Bind::default() }, at(0))
}

fn bound() -> Session {
    let mut session = begun(Role::Transceiver);
    said(&mut session);
    session.receive(&answer(Status::ESME_ROK, 1, Body::BindResp(Role::Transceiver, BindAnswer::default())), at(0));
    assert_eq!(happened(&mut session), [Happened::Bound]);
    session
}

fn message() -> Box<ShortMessage> {
    Box::new(ShortMessage { destination: Party { ton: 1, npi: 1, address: "34666".into() }, ..ShortMessage::default() })
}

fn accepted(sequence: u32, id: &str) -> Vec<u8> {
    answer(Status::ESME_ROK, sequence, Body::SubmitSmResp { message_id: id.into() })
}

#[test]
fn a_bind_comes_first_and_no_message_before_its_answer() {
    let mut session = begun(Role::Transmitter);
    assert!(matches!(said(&mut session).as_slice(), [Pdu { body: Body::Bind(Role::Transmitter, _), sequence: 1, .. }]));
    assert!(!session.has_room() && session.submit(1, message(), at(0)).is_err());
}

#[test]
fn a_refused_bind_and_one_without_an_answer_end_the_session() {
    let mut session = begun(Role::Receiver);
    session.receive(&answer(Status::ESME_RINVPASWD, 1, Body::BindResp(Role::Receiver, BindAnswer::default())), at(0));
    assert_eq!(happened(&mut session), [Happened::Ended(End::Refused(Status::ESME_RINVPASWD))]);
    let mut session = begun(Role::Receiver);
    assert_eq!(session.next_moment(), Some(at(5)));
    session.tick(at(5));
    assert_eq!(happened(&mut session), [Happened::Ended(End::Silent)]);
}

#[test]
fn the_window_holds_back_and_an_answer_opens_it() {
    let mut session = bound();
    session.submit(10, message(), at(1)).unwrap();
    session.submit(11, message(), at(1)).unwrap();
    assert!(session.submit(12, message(), at(1)).is_err());
    // Answers may come in any order.
    session.receive(&accepted(3, "b"), at(2));
    assert!(session.has_room());
    session.receive(&accepted(2, "a"), at(2));
    let answered = |ticket, id: &str| Happened::Answered { ticket, status: Status::ESME_ROK, message_id: id.into() };
    assert_eq!(happened(&mut session), [answered(11, "b"), answered(10, "a")]);
    assert_eq!(session.in_window(), 0);
}

#[test]
fn an_answer_that_comes_late_still_counts_and_a_second_one_does_not() {
    let mut session = bound();
    session.submit(10, message(), at(1)).unwrap();
    session.tick(at(6));
    assert_eq!(happened(&mut session), [Happened::Overdue { ticket: 10 }]);
    assert_eq!(session.in_window(), 0);
    session.receive(&[accepted(2, "a"), accepted(2, "a")].concat(), at(7));
    let answered = Happened::Answered { ticket: 10, status: Status::ESME_ROK, message_id: "a".into() };
    assert_eq!(happened(&mut session), [answered]);
}

#[test]
fn a_silent_peer_is_asked_and_then_given_up() {
    let mut session = bound();
    assert_eq!(session.next_moment(), Some(at(30)));
    session.tick(at(30));
    let asked = said(&mut session);
    assert_eq!(asked.first().map(|pdu| &pdu.body), Some(&Body::EnquireLink));
    session.receive(&answer(Status::ESME_ROK, asked[0].sequence, Body::EnquireLinkResp), at(31));
    assert_eq!(session.next_moment(), Some(at(61)));
    session.tick(at(61));
    session.tick(at(66));
    assert_eq!(happened(&mut session), [Happened::Ended(End::Silent)]);
}

#[test]
fn a_peer_that_works_and_does_not_answer_enquiries_is_kept() {
    let mut session = bound();
    session.tick(at(30));
    session.receive(&octets(&Pdu::request(9, Body::EnquireLink)), at(32));
    session.tick(at(35));
    assert_eq!(happened(&mut session), []);
}

#[test]
fn a_generic_nack_for_a_message_is_an_answer_and_never_a_good_one() {
    let mut session = bound();
    session.submit(10, message(), at(1)).unwrap();
    session.receive(&answer(Status::ESME_ROK, 2, Body::GenericNack), at(1));
    let answered = Happened::Answered { ticket: 10, status: Status::ESME_RSYSERR, message_id: String::new() };
    assert_eq!(happened(&mut session), [answered]);
}

#[test]
fn what_is_handed_over_is_acknowledged_only_when_we_say_so() {
    let mut session = bound();
    session.receive(&octets(&Pdu::request(77, Body::DeliverSm(message()))), at(1));
    session.receive(&octets(&Pdu::request(78, Body::DataSm(message()))), at(1));
    assert_eq!(said(&mut session), []);
    for happened in happened(&mut session) {
        let Happened::Delivered { receipt_of, .. } = happened else { panic!("{happened:?}") };
        session.acknowledge(receipt_of, Status::ESME_RX_T_APPN);
    }
    let told = said(&mut session);
    assert_eq!((told[0].sequence, told[0].status, &told[0].body), (77, Status::ESME_RX_T_APPN, &Body::DeliverSmResp));
    assert_eq!((told[1].sequence, told[1].body.is_response()), (78, true));
}

#[test]
fn a_flood_of_receipts_is_told_to_wait() {
    let mut session = bound();
    for sequence in 1..=1001 {
        session.receive(&octets(&Pdu::request(sequence, Body::DeliverSm(message()))), at(1));
    }
    assert_eq!(happened(&mut session).len(), 1000);
    assert_eq!(said(&mut session).iter().map(|pdu| pdu.status).collect::<Vec<_>>(), [Status::ESME_RMSGQFUL]);
}

#[test]
fn garbage_is_answered_with_a_generic_nack_and_the_session_goes_on() {
    let mut session = bound();
    let unknown = octets(&Pdu::request(5, Body::Other { command: 0x0777, octets: vec![1, 2, 3] }));
    let garbled = b"\0\0\0\x12\0\0\0\x05\0\0\0\0\0\0\0\x09\0\0";
    session.receive(&unknown, at(1));
    session.receive(garbled, at(1));
    session.receive(b"\r\n\r\nHTTP/1.1 400 Bad Request\r\n\r\n", at(1));
    session.receive(&octets(&Pdu::request(6, Body::EnquireLink)), at(1));
    let told: Vec<(u32, Status, bool)> =
        said(&mut session).iter().map(|pdu| (pdu.sequence, pdu.status, pdu.body == Body::GenericNack)).collect();
    assert_eq!(
        told,
        [
            (5, Status::ESME_RINVCMDID, true),
            (9, Status::ESME_RINVCMDLEN, true),
            (0, Status::ESME_RINVCMDLEN, true),
            (6, Status::ESME_ROK, false)
        ]
    );
    assert!(session.has_room() && session.nacks() == 3 && happened(&mut session).is_empty());
}

#[test]
fn endless_noise_ends_it() {
    let mut session = bound();
    session.receive(&vec![0xff; 70_000], at(1));
    assert_eq!(happened(&mut session), [Happened::Ended(End::Noise)]);
}

#[test]
fn a_peer_that_asks_and_asks_and_takes_no_answer_is_given_up() {
    let mut session = bound();
    let asked = octets(&Pdu::request(6, Body::EnquireLink)).repeat(1000);
    while session.state == State::Bound {
        assert!(session.output().len() <= MOST_OUTPUT);
        session.receive(&asked, at(1));
    }
    assert_eq!(happened(&mut session), [Happened::Ended(End::Deaf)]);
}

#[test]
fn a_peer_that_takes_nothing_yet_is_given_no_whole_window() {
    let limits = Limits { window: 1000, ..LIMITS };
    let mut session = Session { limits, ..bound() };
    let long = || {
        Box::new(ShortMessage { parameters: vec![Parameter { tag: 0x0424, value: vec![b'a'; 40_000] }], ..*message() })
    };
    let mut sent = 0;
    while session.submit(sent, long(), at(1)).is_ok() {
        sent += 1;
    }
    assert_eq!(sent, 7);
    session.sent(session.output().len());
    assert!(session.has_room());
}

#[test]
fn either_side_may_end_it() {
    let mut session = bound();
    session.receive(&octets(&Pdu::request(5, Body::Unbind)), at(1));
    assert_eq!(said(&mut session)[0].body, Body::UnbindResp);
    assert_eq!(happened(&mut session), [Happened::Ended(End::ByPeer)]);
    let mut session = bound();
    session.unbind(at(1));
    assert!(!session.has_room());
    let asked = said(&mut session);
    session.receive(&answer(Status::ESME_ROK, asked[0].sequence, Body::UnbindResp), at(1));
    assert_eq!(happened(&mut session), [Happened::Ended(End::ByUs)]);
}

#[test]
fn sequences_begin_again_at_one() {
    let mut session = bound();
    session.next_sequence = LAST_SEQUENCE;
    session.submit(1, message(), at(0)).unwrap();
    session.submit(2, message(), at(0)).unwrap();
    assert_eq!(said(&mut session).iter().map(|pdu| pdu.sequence).collect::<Vec<_>>(), [LAST_SEQUENCE, 1]);
}

/// What may happen to a session.
#[derive(Clone, Debug)]
enum Move {
    Submit,
    Answer(u8, u32),
    Octets(Vec<u8>),
    Wait(u8),
}

fn moves() -> impl Strategy<Value = Vec<Move>> {
    let one = prop_oneof![
        3 => Just(Move::Submit),
        3 => (any::<u8>(), prop::sample::select(vec![0, 0x58, 0x0b, 0x08])).prop_map(|(which, status)| Move::Answer(which, status)),
        1 => prop::collection::vec(any::<u8>(), 0..60).prop_map(Move::Octets),
        2 => (0..8_u8).prop_map(Move::Wait),
    ];
    prop::collection::vec(one, 0..80)
}

proptest! {
    /// Each message is answered for or overdue at most once each, the window is never passed, and nothing is answered that was not sent.
    #[test]
    fn whatever_the_peer_does_the_books_are_right(moves in moves()) {
        let (mut session, mut now, mut sent) = (bound(), at(1), 0_u64);
        let mut answers = BTreeMap::<Ticket, usize>::new();
        let mut overdue = BTreeMap::<Ticket, usize>::new();
        for step in moves {
            match step {
                Move::Submit => if session.submit(sent, message(), now).is_ok() { sent += 1 },
                Move::Answer(which, status) => {
                    let octets = answer(Status(status), 2 + u32::from(which) % 40, Body::SubmitSmResp { message_id: "x".into() });
                    session.receive(&octets, now);
                }
                Move::Octets(octets) => session.receive(&octets, now),
                Move::Wait(seconds) => now += at(seconds.into()),
            }
            session.tick(now);
            prop_assert!(session.in_window() <= LIMITS.window);
            prop_assert!(session.next_moment().is_none_or(|moment| moment > now));
            for happened in happened(&mut session) {
                match happened {
                    Happened::Answered { ticket, .. } => *answers.entry(ticket).or_default() += 1,
                    Happened::Overdue { ticket } => *overdue.entry(ticket).or_default() += 1,
                    Happened::Bound | Happened::Delivered { .. } | Happened::Ended(_) => {}
                }
            }
        }
        for (ticket, times) in answers.iter().chain(&overdue) {
            prop_assert!(*times == 1 && *ticket < sent);
        }
    }
}
