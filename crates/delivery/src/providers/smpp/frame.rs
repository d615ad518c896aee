//! Where a PDU begins and ends in a stream of octets. A peer that loses its step is not given up: what cannot be the head of a
//! PDU is passed over, octet by octet, up to something that can.

use super::pdu::{Garbled, HEAD, Head, Pdu};

/// The longest PDU that is taken: a text of 64 KiB in an optional parameter, and all fields.
pub const LONGEST: usize = 70_000;
/// A command that the standard does not have is believed only with a length below this.
const LONGEST_UNKNOWN: usize = 1024;

/// Sequences and statuses of the standard, vendors' own statuses included, end here.
const LAST_SEQUENCE: u32 = 0x7fff_ffff;
const LAST_STATUS: u32 = 0x0fff;

/// Octets that came, and the PDUs in them.
#[derive(Debug, Default)]
pub struct Frames {
    octets: Vec<u8>,
    read: usize,
    noise: usize,
}

/// What stands next in a stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Framed {
    /// A PDU.
    Pdu(Pdu),
    /// The octets of one, which cannot be understood.
    Garbled(Garbled),
    /// Octets that are no PDU at all: reported once, however many they are.
    Noise,
}

impl Frames {
    /// More octets.
    pub fn push(&mut self, octets: &[u8]) {
        self.octets.drain(..self.read);
        self.read = 0;
        self.octets.extend_from_slice(octets);
    }

    /// How many octets were passed over since the last PDU.
    #[must_use]
    pub const fn noise(&self) -> usize {
        self.noise
    }

    /// What stands next. None: more octets are needed.
    #[expect(clippy::should_implement_trait, reason = "it ends now and goes on after the next `push`")]
    pub fn next(&mut self) -> Option<Framed> {
        let before = self.noise;
        loop {
            let rest = self.octets.get(self.read..)?;
            let Some(head) = Head::read(rest) else {
                return (before == 0 && self.noise > 0).then_some(Framed::Noise);
            };
            let length = usize::try_from(head.length).unwrap_or(usize::MAX);
            if !self.is_plausible(head, length) {
                self.read += 1;
                self.noise += 1;
                continue;
            }
            if before == 0 && self.noise > 0 {
                // Told before the PDU behind it, which is found again at the next call.
                return Some(Framed::Noise);
            }
            let octets = rest.get(..length)?;
            let framed = match Pdu::read(octets) {
                Ok(pdu) => Framed::Pdu(pdu),
                Err(garbled) => Framed::Garbled(garbled),
            };
            self.read += length;
            self.noise = 0;
            return Some(framed);
        }
    }

    /// Amid noise only what the standard has is believed: zeros in a row look like many things.
    fn is_plausible(&self, head: Head, length: usize) -> bool {
        let longest = if head.is_known() { LONGEST } else { LONGEST_UNKNOWN };
        let fits = (HEAD..=longest).contains(&length);
        fits && (self.noise == 0 || head.is_known() && head.sequence <= LAST_SEQUENCE && head.status.0 <= LAST_STATUS)
    }
}

#[cfg(test)]
mod tests {
    use super::{super::pdu::Body, *};
    use proptest::prelude::*;

    fn enquire(sequence: u32) -> Vec<u8> {
        let mut octets = Vec::new();
        Pdu::request(sequence, Body::EnquireLink).write(&mut octets);
        octets
    }

    fn all(frames: &mut Frames) -> Vec<Framed> {
        std::iter::from_fn(|| frames.next()).collect()
    }

    fn sequences(framed: &[Framed]) -> Vec<u32> {
        framed
            .iter()
            .filter_map(|framed| if let Framed::Pdu(pdu) = framed { Some(pdu.sequence) } else { None })
            .collect()
    }

    #[test]
    fn after_noise_the_next_pdu_is_found() {
        let mut frames = Frames::default();
        frames.push(&enquire(1));
        frames.push(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n");
        frames.push(&enquire(2));
        let found = all(&mut frames);
        assert_eq!(sequences(&found), [1, 2]);
        assert_eq!(found.iter().filter(|framed| **framed == Framed::Noise).count(), 1);
        assert_eq!(frames.noise(), 0);
    }

    #[test]
    fn a_length_below_the_head_is_noise() {
        let mut frames = Frames::default();
        frames.push(&[0, 0, 0, 3, 0, 0, 0, 0x15, 0, 0, 0, 0, 0, 0, 0, 1]);
        frames.push(&enquire(7));
        assert_eq!(sequences(&all(&mut frames)), [7]);
    }

    proptest! {
        #[test]
        fn it_does_not_matter_how_a_stream_is_cut(cuts in prop::collection::vec(1..40_usize, 1..40)) {
            let stream: Vec<u8> = (1..=20).flat_map(enquire).collect();
            let (mut frames, mut found, mut rest) = (Frames::default(), Vec::new(), stream.as_slice());
            for cut in cuts.into_iter().cycle() {
                if rest.is_empty() { break }
                let (now, later) = rest.split_at(cut.min(rest.len()));
                frames.push(now);
                found.extend(all(&mut frames));
                rest = later;
            }
            prop_assert_eq!(sequences(&found), (1..=20).collect::<Vec<u32>>());
        }

        #[test]
        fn any_octets_come_to_an_end(octets in prop::collection::vec(any::<u8>(), 0..2000)) {
            let mut frames = Frames::default();
            frames.push(&octets);
            prop_assert!(all(&mut frames).len() <= octets.len() + 1);
        }
    }
}
