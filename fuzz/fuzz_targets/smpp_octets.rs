//! Any octets from a carrier: however they are cut, framing comes to an end, finds the same PDUs, and what was read can be written
//! and read again. What a carrier hands over is looked at as a receipt, too.

#![no_main]

use countersign_delivery::providers::smpp::{
    frame::{Framed, Frames},
    pdu::{Body, Pdu},
    receipt,
};
use libfuzzer_sys::fuzz_target;

fn framed(octets: &[u8], at_once: usize) -> Vec<Framed> {
    let (mut frames, mut found) = (Frames::default(), Vec::new());
    for piece in octets.chunks(at_once) {
        frames.push(piece);
        while let Some(framed) = frames.next() {
            found.push(framed);
            assert!(found.len() <= octets.len() + 1);
        }
    }
    found
}

/// Where a run of noise is reported depends on the cut; what is said between does not.
fn without_noise(found: &[Framed]) -> Vec<&Framed> {
    found.iter().filter(|framed| **framed != Framed::Noise).collect()
}

fuzz_target!(|octets: &[u8]| {
    let Some((cut, octets)) = octets.split_first() else { return };
    let whole = framed(octets, octets.len().max(1));
    let cut = framed(octets, usize::from(*cut).max(1));
    assert_eq!(without_noise(&whole), without_noise(&cut));
    for framed in whole {
        let Framed::Pdu(pdu) = framed else { continue };
        let mut again = Vec::new();
        pdu.write(&mut again);
        if let Body::DeliverSm(message) | Body::DataSm(message) = &pdu.body {
            let _ = receipt::read(message);
        }
        assert_eq!(Pdu::read(&again), Ok(pdu));
    }
});
