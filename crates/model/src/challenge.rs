//! The image grid: a few screens, each with some pictures, one of them right; behind a link that only the person's phone has.
//!
//! ```text
//! screen 1 ──tap──▶ screen 2 ──tap──▶ … ──tap──▶ judged: all right ──▶ approved
//!    ▲                                             └── else one attempt is spent ──▶ fresh screens, or exhausted
//!    └── (a tap that is not of the present screen changes nothing)
//! ```
//! Nothing is judged before the last tap, so nobody learns which screen was wrong. What the screens show is not kept: it is drawn
//! anew, the same each time, from a keyed stream of the attempt's number. Where the pictures come from is `countersign-web`'s
//! business; here a picture is the number of its category.

use crate::{BlindIndex, Checked, Proof, Sealed, State, Timestamp, Verification};
use data_encoding::BASE32_NOPAD_NOCASE;
use serde::{Deserialize, Serialize};

/// How many screens a grid may have.
pub const SCREENS: std::ops::RangeInclusive<u8> = 1..=3;
/// How many pictures a screen may have; an even number, since they stand in two columns.
pub const TILES: std::ops::RangeInclusive<u8> = 2..=8;

/// A grid that a verification waits for, and how far the person has come.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Grid {
    /// Keyed hash of its link's token, under which it is found.
    pub link: BlindIndex,
    /// That token, for the message.
    pub token: Sealed,
    /// From which server key its screens are drawn.
    pub key_version: u16,
    /// How many screens.
    pub screens: u8,
    /// How many pictures on each.
    pub tiles: u8,
    /// From how many categories.
    pub pool: u16,
    /// A picture of the caller's for the head of the page.
    pub logo: Option<String>,
    /// Who knows which picture is right.
    pub right: Right,
    /// The present attempt: 1 is the first.
    pub attempt: u32,
    /// Which picture was tapped on each screen of it so far, from 0 on.
    pub taps: Vec<u8>,
}

/// Who knows which picture of a screen is right.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Right {
    /// The page tells.
    Told,
    /// Only the person: one enrolled category for each screen, sealed. They are a secret, and go with the end.
    Remembered(Option<Sealed>),
}

/// One screen of an attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Screen {
    /// The category of the right picture.
    pub wanted: u16,
    /// The pictures, all of different categories.
    pub tiles: Vec<Tile>,
}

/// One picture of a screen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tile {
    /// What it shows.
    pub category: u16,
    /// What a tap on it sends: 80 random bits, of no use on any other screen.
    pub value: String,
    /// Under which name its picture is fetched: 80 random bits.
    pub picture: String,
    /// A random number that says how it is drawn.
    pub look: u32,
}

/// What became of a tap.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Tapped {
    /// There is another screen.
    Next,
    /// Nothing: it is no picture of the present screen.
    Stale,
    /// It was the last one.
    Judged(Checked),
    /// Nothing: it had ended before.
    NotPending(State),
}

impl Grid {
    /// The screens of the present attempt, from pseudo-random blocks: `block(0)`, `block(1)`, … are asked for as long as they are
    /// needed. `enrolled` are the person's own categories, one for each screen; empty where the page tells what is right.
    pub fn draw(&self, enrolled: &[u16], block: impl FnMut(u32) -> [u8; 32]) -> Vec<Screen> {
        let mut stream = Stream { block, counter: 0, rest: Vec::new() };
        let wanted = match self.right {
            Right::Told => stream.some_of((0..self.pool).collect(), self.screens.into()),
            Right::Remembered(_) => enrolled.to_vec(),
        };
        wanted.into_iter().map(|wanted| self.screen(wanted, enrolled, &mut stream)).collect()
    }

    /// An enrolled category stands on its own screen only: where two of them stood, the person could not tell which is meant.
    fn screen<B: FnMut(u32) -> [u8; 32]>(&self, wanted: u16, enrolled: &[u16], stream: &mut Stream<B>) -> Screen {
        let others = (0..self.pool).filter(|other| *other != wanted && !enrolled.contains(other)).collect();
        let mut categories = stream.some_of(others, usize::from(self.tiles).saturating_sub(1));
        let place = stream.below(u16::try_from(categories.len() + 1).unwrap_or(1));
        categories.insert(usize::from(place).min(categories.len()), wanted);
        let tile = |category| Tile { category, value: stream.name(), picture: stream.name(), look: stream.number() };
        Screen { wanted, tiles: categories.into_iter().map(tile).collect() }
    }

    /// The screen that the person sees now.
    #[must_use]
    pub fn present<'s>(&self, screens: &'s [Screen]) -> Option<&'s Screen> {
        screens.get(self.taps.len())
    }

    /// Notes a tap. Tells whether it was the last one; none: it is of no use.
    fn tap(&mut self, value: &str, screens: &[Screen]) -> Option<bool> {
        let place = self.present(screens)?.tiles.iter().position(|tile| tile.value == value)?;
        self.taps.push(u8::try_from(place).ok()?);
        Some(self.taps.len() == screens.len())
    }

    fn is_right(&self, screens: &[Screen]) -> bool {
        let right = |(tap, screen): (&u8, &Screen)| {
            screen.tiles.get(usize::from(*tap)).is_some_and(|tile| tile.category == screen.wanted)
        };
        self.taps.len() == screens.len() && self.taps.iter().zip(screens).all(right)
    }

    /// What is of no use any more once it has ended.
    pub(crate) fn forget(&mut self) {
        self.taps.clear();
        if let Right::Remembered(enrolled) = &mut self.right {
            *enrolled = None;
        }
    }
}

impl Verification {
    /// Takes a tap on a picture of the present attempt's `screens`. The last one judges them all, and spends an attempt if it is
    /// not the end.
    #[must_use]
    pub fn tap(mut self, value: &str, screens: &[Screen], now: Timestamp) -> (Self, Tapped) {
        let state = self.state_at(now);
        if state != State::Pending {
            return (self, Tapped::NotPending(state));
        }
        let Some(grid) = &mut self.grid else { return (self, Tapped::Stale) };
        match grid.tap(value, screens) {
            None => (self, Tapped::Stale),
            Some(false) => (self, Tapped::Next),
            Some(true) => {
                let is_right = grid.is_right(screens);
                grid.attempt = grid.attempt.saturating_add(1);
                grid.taps.clear();
                let generation = self.newest_generation();
                let proof = Proof { matches: is_right.then_some(generation), payment_matches: true };
                let (judged, checked) = self.check(proof, now);
                (judged, Tapped::Judged(checked))
            }
        }
    }
}

/// Pseudo-random bytes, one after the other.
struct Stream<B> {
    block: B,
    counter: u32,
    rest: Vec<u8>,
}

impl<B: FnMut(u32) -> [u8; 32]> Stream<B> {
    fn byte(&mut self) -> u8 {
        loop {
            if let Some(byte) = self.rest.pop() {
                return byte;
            }
            self.rest = (self.block)(self.counter).to_vec();
            self.counter += 1;
        }
    }

    /// A number from 0 up to, but not including, `end`; each is equally likely. 0 if there is none.
    fn below(&mut self, end: u16) -> u16 {
        let Some(surplus) = u16::MAX.checked_rem(end).map(|rest| (rest + 1) % end) else { return 0 };
        loop {
            let number = u16::from_be_bytes([self.byte(), self.byte()]);
            if number <= u16::MAX - surplus {
                return number % end;
            }
        }
    }

    fn number(&mut self) -> u32 {
        u32::from_be_bytes([self.byte(), self.byte(), self.byte(), self.byte()])
    }

    fn name(&mut self) -> String {
        let bytes: Vec<u8> = (0..10).map(|_| self.byte()).collect();
        BASE32_NOPAD_NOCASE.encode(&bytes).to_lowercase()
    }

    /// So many of them, each choice and each order equally likely.
    fn some_of(&mut self, mut all: Vec<u16>, count: usize) -> Vec<u16> {
        let mut taken = Vec::with_capacity(count);
        while taken.len() < count && !all.is_empty() {
            let place = self.below(u16::try_from(all.len()).unwrap_or(u16::MAX));
            taken.push(all.swap_remove(usize::from(place)));
        }
        taken
    }
}

#[cfg(test)]
mod tests;
