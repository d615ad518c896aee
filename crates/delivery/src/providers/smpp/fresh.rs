//! Which numbers messages are on their way to, or were a moment ago: a receipt for one of them may be about a message whose name is
//! not written down yet, and is worth waiting with. Others' receipts are not: on an account that several systems share, most are.

use super::receipt::digits;
use std::{
    collections::{HashMap, VecDeque},
    time::Duration,
};

/// For so long after it was handed over, the name of a message may not be written down.
const FRESH: Duration = Duration::from_secs(20);
/// Carriers leave out country codes and prefixes: a number is known by so many of its last digits.
const TELLING: usize = 7;

/// Numbers with a message on its way, by their last digits.
#[derive(Debug, Default)]
pub(super) struct Fresh {
    numbers: HashMap<String, usize>,
    done: VecDeque<(Duration, String)>,
}

impl Fresh {
    /// A message to this number is on its way.
    pub fn begin(&mut self, to: &str) {
        *self.numbers.entry(key(to)).or_default() += 1;
    }

    /// It was handed over, or not.
    pub fn end(&mut self, to: &str, now: Duration) {
        self.forget(now);
        self.done.push_back((now, key(to)));
    }

    /// Whether a receipt may be about one of them; some do not say where their message went.
    pub fn may_be_about(&mut self, to: &str, now: Duration) -> bool {
        self.forget(now);
        let key = key(to);
        if key.len() < TELLING { !self.numbers.is_empty() } else { self.numbers.contains_key(&key) }
    }

    fn forget(&mut self, now: Duration) {
        while let Some((_, key)) = self.done.pop_front_if(|(at, _)| *at + FRESH <= now) {
            if let Some(count) = self.numbers.get_mut(&key) {
                *count -= 1;
                if *count == 0 {
                    self.numbers.remove(&key);
                }
            }
        }
    }
}

fn key(to: &str) -> String {
    let digits = digits(to);
    digits.get(digits.len().saturating_sub(TELLING)..).unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_fresh_while_a_message_to_it_is_on_its_way_and_a_little_longer() {
        let (mut fresh, at) = (Fresh::default(), Duration::from_secs);
        fresh.begin("34666000111");
        fresh.begin("34666000111");
        assert!(fresh.may_be_about("0666000111", at(1000)) && !fresh.may_be_about("34666000112", at(1000)));
        assert!(fresh.may_be_about("", at(1000)), "it does not say");
        fresh.end("34666000111", at(1000));
        fresh.end("34666000111", at(1010));
        assert!(fresh.may_be_about("34666000111", at(1029)));
        assert!(!fresh.may_be_about("34666000111", at(1030)) && !fresh.may_be_about("", at(1030)));
        assert!(fresh.numbers.is_empty() && fresh.done.is_empty());
    }
}
