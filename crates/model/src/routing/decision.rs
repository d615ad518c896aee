//! Which rule a message falls under, who is asked to carry it, and why nobody else.

use super::{
    hours::{is_within, utc},
    place::{Country, Prefix},
    price::Price,
    settings::{Order, Routes, Rule, TakeOver},
};
use crate::{Address, Channel, Timestamp, address::PhoneTraits};
use std::{cmp::Reverse, fmt};

/// Where a message goes, as far as routes care.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Destination {
    /// The number; none for mail.
    pub e164: Option<String>,
    /// ISO 3166-1 alpha-2; none for mail, and for numbers of no country.
    pub country: Option<String>,
    /// Whose the number is, as far as a look-up has told, in its words.
    pub operator: Option<String>,
}

impl Destination {
    /// An address, and what was noted of it when the verification began; without that the numbering plan is asked.
    #[must_use]
    pub fn of(address: &Address, noted: Option<&PhoneTraits>) -> Self {
        let Address::Phone(number) = address else { return Self::default() };
        let PhoneTraits { country, operator, .. } = noted.cloned().unwrap_or_else(|| number.traits());
        Self { e164: Some(number.e164().to_owned()), country, operator }
    }
}

impl From<&Address> for Destination {
    fn from(address: &Address) -> Self {
        Self::of(address, None)
    }
}

/// What is asked.
pub struct Asked<'a> {
    /// The message's way.
    pub channel: Channel,
    /// Where it goes.
    pub to: &'a Destination,
    /// The one provider that carries it, whatever the routes say.
    pub only: Option<&'a str>,
    /// The moment.
    pub now: Timestamp,
    /// Any random number.
    pub chance: u32,
    /// What is known of each provider: of its health, and of what it did with this message.
    pub standing: &'a dyn Fn(&str) -> Standing,
}

/// Whether a provider may be asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It may.
    Free,
    /// It may, to see whether it works again.
    Trial,
    /// It may not.
    PassedOver(PassedOver),
}

/// Why a provider is not asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PassedOver {
    /// It was asked in this round, in vain.
    Tried,
    /// It has refused this message for good.
    Refused,
    /// It had a message with this code before, and nothing came of it.
    Spent,
    /// Its breaker is open.
    Resting {
        /// Until then.
        until: Timestamp,
    },
    /// Its breaker is half open, and as many trials run as may.
    OnTrial,
    /// It asks for too much.
    TooDear {
        /// What it asks.
        price: Price,
        /// What the rule allows.
        highest: Price,
    },
    /// Nobody knows what it asks, and the rule has a highest price.
    Unpriced,
    /// Whoever asks wants to know what happens without it.
    Excluded,
}

impl PassedOver {
    /// Whether it may take the message at another time.
    #[must_use]
    pub const fn passes(self) -> bool {
        match self {
            Self::Tried | Self::Resting { .. } | Self::OnTrial => true,
            Self::Refused | Self::Spent | Self::TooDear { .. } | Self::Unpriced | Self::Excluded => false,
        }
    }
}

impl fmt::Display for PassedOver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tried => f.write_str("it was asked just now, in vain"),
            Self::Refused => f.write_str("it has refused this message"),
            Self::Spent => f.write_str("nothing came of the message that it had"),
            Self::Resting { until } => write!(f, "its breaker is open until {}", utc(*until)),
            Self::OnTrial => f.write_str("its breaker is half open, and its trials are running"),
            Self::TooDear { price, highest } => write!(f, "it asks {price}, and {highest} is the highest price"),
            Self::Excluded => f.write_str("it was left out"),
            Self::Unpriced => f.write_str("nobody knows what it asks, and there is a highest price"),
        }
    }
}

/// Somebody who could be asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// Who.
    pub provider: String,
    /// What it asks, if that is known.
    pub price: Option<Price>,
    /// Its weight, where the rule goes by weights.
    pub weight: Option<u32>,
    /// Whether it is asked.
    pub standing: Standing,
}

impl Candidate {
    const fn may_be_asked(&self) -> bool {
        match self.standing {
            Standing::Free | Standing::Trial => true,
            Standing::PassedOver(_) => false,
        }
    }
}

/// Where a list of providers comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// The message names its provider.
    Only,
    /// The list of the channel.
    List(Channel),
    /// A rule.
    Rule(String),
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Only => f.write_str("its one provider"),
            Self::List(channel) => write!(f, "list {}", channel.name()),
            Self::Rule(name) => write!(f, "rule {name}"),
        }
    }
}

/// Who is asked, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    /// Where the list comes from.
    pub source: Source,
    /// In which order it is gone through.
    pub order: Order,
    /// Everybody in it: first those who may be asked, in the order of asking, then the others.
    pub candidates: Vec<Candidate>,
    /// What happens when nothing is heard of the message.
    pub take_over: TakeOver,
}

impl Decision {
    /// Who is asked next.
    #[must_use]
    pub fn next(&self) -> Option<&Candidate> {
        self.candidates.first().filter(|candidate| candidate.may_be_asked())
    }

    /// Everybody who may take the message, now or later.
    #[must_use]
    pub fn possible(&self) -> Vec<String> {
        let possible = self.candidates.iter().filter(|candidate| match candidate.standing {
            Standing::Free | Standing::Trial => true,
            // Who has refused it belongs to the route: once all have, the message has failed.
            Standing::PassedOver(why) => why.passes() || why == PassedOver::Refused,
        });
        possible.map(|candidate| candidate.provider.clone()).collect()
    }

    /// Why the next one is asked, in one line without an address; or why nobody is.
    #[must_use]
    pub fn why(&self) -> String {
        let chosen = self.next().map_or_else(|| ": nobody can be asked".to_owned(), |next| self.reason_of(next));
        let others = self.candidates.iter().filter_map(|candidate| match candidate.standing {
            Standing::PassedOver(reason) => Some(format!("; passed over {}: {reason}", candidate.provider)),
            Standing::Free | Standing::Trial => None,
        });
        [self.source.to_string(), chosen].into_iter().chain(others).collect()
    }

    /// Why one of those who may be asked stands where it stands.
    fn reason_of(&self, candidate: &Candidate) -> String {
        let trial = if candidate.standing == Standing::Trial { ", on trial" } else { "" };
        let place = match (self.order, candidate.weight, candidate.price) {
            (Order::Listed, ..) => String::new(),
            (Order::Weights, weight, _) => format!(", drawn by weight {}", weight.unwrap_or(0)),
            (Order::Price, _, Some(price)) => format!(", cheapest at {price}"),
            (Order::Price, _, None) => ", at an unknown price".to_owned(),
        };
        place + trial
    }
}

/// How exactly a rule fits: the longest prefix first, then an operator, then a country, then hours or days.
type Exactness = (usize, bool, bool, bool);

/// What became of a rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Judged {
    /// It decides.
    Decides,
    /// It holds, and another one is more exact.
    LessExact,
    /// No prefix of it begins the number.
    OtherNumber,
    /// The number is of another country.
    OtherCountry,
    /// The number is of another operator.
    OtherOperator,
    /// It is for another time; this is the present one there.
    OtherTime(String),
}

impl fmt::Display for Judged {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Decides => f.write_str("decides"),
            Self::LessExact => f.write_str("holds, and another one is more exact"),
            Self::OtherNumber => f.write_str("is for numbers that begin otherwise"),
            Self::OtherCountry => f.write_str("is for other countries"),
            Self::OtherOperator => f.write_str("is for other operators"),
            Self::OtherTime(present) => write!(f, "is for another time: it is {present}"),
        }
    }
}

impl Rule {
    /// How exactly it fits, or why not.
    fn fits(&self, to: &Destination, operator: Option<&str>, now: Timestamp) -> Result<Exactness, Judged> {
        let longest = match (&to.e164, self.prefixes.is_empty()) {
            (_, true) => 0,
            (None, false) => return Err(Judged::OtherNumber),
            (Some(e164), false) => {
                let fitting = self.prefixes.iter().filter(|prefix| prefix.begins(e164));
                fitting.map(Prefix::digits).max().ok_or(Judged::OtherNumber)?
            }
        };
        let is_one_of = |names: &[&str], name: Option<&str>| name.is_some_and(|name| names.contains(&name));
        let countries: Vec<&str> = self.countries.iter().map(Country::as_str).collect();
        if !countries.is_empty() && !is_one_of(&countries, to.country.as_deref()) {
            return Err(Judged::OtherCountry);
        }
        let operators: Vec<&str> = self.operators.iter().map(String::as_str).collect();
        if !operators.is_empty() && !is_one_of(&operators, operator) {
            return Err(Judged::OtherOperator);
        }
        if !is_within(self.hours, &self.days, &self.time_zone, now) {
            return Err(Judged::OtherTime(self.time_zone.shown(now)));
        }
        let is_timed = self.hours.is_some() || !self.days.is_empty();
        Ok((longest, !operators.is_empty(), !countries.is_empty(), is_timed))
    }
}

impl Routes {
    /// What becomes of each rule of a channel, by name.
    #[must_use]
    pub fn judge(&self, channel: Channel, to: &Destination, now: Timestamp) -> Vec<(&str, Judged)> {
        let deciding = self.deciding(channel, to, now).map(|(name, _)| name);
        let operator = self.operator_of(to);
        let rules = self.rules.iter().filter(|(_, rule)| rule.channel == channel);
        let judged = rules.map(|(name, rule)| match rule.fits(to, operator, now) {
            Ok(_) if deciding == Some(name.as_str()) => (name.as_str(), Judged::Decides),
            Ok(_) => (name.as_str(), Judged::LessExact),
            Err(why) => (name.as_str(), why),
        });
        judged.collect()
    }

    /// The most exact of the rules that hold; of two that are equally exact the first by name.
    fn deciding(&self, channel: Channel, to: &Destination, now: Timestamp) -> Option<(&str, &Rule)> {
        let operator = self.operator_of(to);
        let rules = self.rules.iter().filter(|(_, rule)| rule.channel == channel);
        let fitting = rules.filter_map(|(name, rule)| Some((rule.fits(to, operator, now).ok()?, name.as_str(), rule)));
        fitting.min_by_key(|(exactness, name, _)| (Reverse(*exactness), *name)).map(|(_, name, rule)| (name, rule))
    }

    /// Whether somebody could carry such a message, if everybody were well.
    #[must_use]
    pub fn has_way(&self, channel: Channel, to: &Destination, now: Timestamp) -> bool {
        let standing = |_: &str| Standing::Free;
        self.decide(&Asked { channel, to, only: None, now, chance: 0, standing: &standing }).next().is_some()
    }

    /// What happens when nothing is heard of a message.
    #[must_use]
    pub fn take_over(&self, channel: Channel, to: &Destination, now: Timestamp) -> TakeOver {
        self.deciding(channel, to, now).map(|(_, rule)| rule.take_over()).unwrap_or_default()
    }

    /// Who is asked to carry a message, and why.
    #[must_use]
    pub fn decide(&self, asked: &Asked<'_>) -> Decision {
        if let Some(only) = asked.only {
            let candidate =
                Candidate { provider: only.to_owned(), price: None, weight: None, standing: (asked.standing)(only) };
            let (order, take_over) = (Order::Listed, TakeOver::default());
            return Decision { source: Source::Only, order, candidates: vec![candidate], take_over };
        }
        let deciding = self.deciding(asked.channel, asked.to, asked.now);
        let (source, listed) = match deciding {
            Some((name, rule)) => (Source::Rule(name.to_owned()), rule.providers.as_slice()),
            None => (Source::List(asked.channel), self.list(asked.channel)),
        };
        let rule = deciding.map(|(_, rule)| rule);
        let order = rule.map(|rule| rule.order).unwrap_or_default();
        let candidates = listed.iter().map(|provider| self.candidate(provider, rule, asked)).collect();
        let take_over = rule.map(Rule::take_over).unwrap_or_default();
        Decision { source, order, candidates: ordered(candidates, order, asked.chance), take_over }
    }

    fn candidate(&self, provider: &str, rule: Option<&Rule>, asked: &Asked<'_>) -> Candidate {
        let (e164, country) = (asked.to.e164.as_deref(), asked.to.country.as_deref());
        let price = self.prices.find(asked.channel, provider, e164, country);
        let standing = match (rule.and_then(|rule| rule.highest_price), price) {
            (Some(highest), Some(price)) if price > highest => {
                Standing::PassedOver(PassedOver::TooDear { price, highest })
            }
            (Some(_), None) => Standing::PassedOver(PassedOver::Unpriced),
            (Some(_), Some(_)) | (None, _) => (asked.standing)(provider),
        };
        let weight = rule.filter(|rule| rule.order == Order::Weights).and_then(|rule| rule.weights.get(provider));
        Candidate { provider: provider.to_owned(), price, weight: weight.copied(), standing }
    }
}

/// Those who may be asked in the order of asking, then the others as they are listed.
fn ordered(mut candidates: Vec<Candidate>, order: Order, chance: u32) -> Vec<Candidate> {
    // Sorting is stable: where nothing else decides, the list does.
    candidates.sort_by_key(|candidate| {
        let by_order = match order {
            Order::Listed => 0,
            Order::Weights => u64::from(u32::MAX - candidate.weight.unwrap_or(0)),
            Order::Price => candidate.price.map_or(u64::MAX, Price::millionths),
        };
        (!candidate.may_be_asked(), if candidate.may_be_asked() { by_order } else { 0 })
    });
    if order == Order::Weights {
        draw_first(&mut candidates, chance);
    }
    candidates
}

/// Moves one of those who may be asked to the front, each as often as its weight says.
fn draw_first(candidates: &mut [Candidate], chance: u32) {
    let weights = || candidates.iter().map(|it| if it.may_be_asked() { u64::from(it.weight.unwrap_or(0)) } else { 0 });
    let total: u64 = weights().sum();
    let mut drawn = u64::from(chance) % total.max(1);
    let position = weights().position(|weight| {
        let is_here = drawn < weight;
        drawn = drawn.saturating_sub(weight);
        is_here
    });
    if let Some(front) = position.and_then(|position| candidates.get_mut(..=position)) {
        front.rotate_right(1);
    }
}

#[cfg(test)]
mod tests;
