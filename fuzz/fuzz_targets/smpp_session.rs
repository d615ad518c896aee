//! A session with a peer that does anything: it never sends more than its window, and answers for each message at most once.

#![no_main]

use countersign_delivery::providers::smpp::{
    pdu::{Bind, BindAnswer, Body, Pdu, Role, ShortMessage},
    session::{Happened, Limits, Session},
    status::Status,
};
use libfuzzer_sys::fuzz_target;
use std::{collections::BTreeSet, time::Duration};

const LIMITS: Limits =
    Limits { window: 3, enquire_after: Duration::from_secs(30), answer_within: Duration::from_secs(5) };

fuzz_target!(|octets: &[u8]| {
    let mut now = Duration::ZERO;
    let mut session = Session::new(LIMITS, Role::Transceiver, Bind::default(), now);
    let mut welcome = Vec::new();
    Pdu::response(Status::ESME_ROK, 1, Body::BindResp(Role::Transceiver, BindAnswer::default())).write(&mut welcome);
    session.receive(&welcome, now);
    let (mut sent, mut answered, mut overdue) = (0, BTreeSet::new(), BTreeSet::new());
    let mut rest = octets;
    while let Some((step, behind)) = rest.split_first() {
        rest = behind;
        match step & 3 {
            0 => now += Duration::from_millis(u64::from(*step) * 40),
            1 => sent += u64::from(session.submit(sent, Box::new(ShortMessage::default()), now).is_ok()),
            2 => session.sent(usize::from(*step)),
            _ => {
                let (said, behind) = rest.split_at(usize::from(*step).min(rest.len()));
                rest = behind;
                session.receive(said, now);
            }
        }
        session.tick(now);
        assert!(session.in_window() <= LIMITS.window);
        assert!(session.next_moment().is_none_or(|moment| moment > now));
        while let Some(happened) = session.poll() {
            match happened {
                Happened::Answered { ticket, .. } => assert!(ticket < sent && answered.insert(ticket)),
                Happened::Overdue { ticket } => assert!(ticket < sent && overdue.insert(ticket)),
                Happened::Delivered { receipt_of, .. } => session.acknowledge(receipt_of, Status::ESME_ROK),
                Happened::Bound | Happened::Ended(_) => {}
            }
        }
    }
});
