//! Who carries a message, and who takes over when nothing is heard of it: plain functions of the settings, the number, the
//! moment, a random number and the health of the providers. `countersign-engine` asks them for each attempt, and
//! `countersign route explain` asks the same ones, so that what is explained is what happens.
//!
//! `settings.rs`: what can be set · `place.rs`, `hours.rs`, `price.rs`: where, when and at what price a rule holds ·
//! `decision.rs`: which rule, which provider, and why · `breaker.rs`: when a provider gets a rest · `sender.rs`: whom
//! messages to a country come from.

pub mod breaker;
pub mod decision;
pub mod hours;
pub mod place;
pub mod price;
pub mod sender;
pub mod settings;

pub use breaker::{Breaker, BreakerRules, BreakerState, Outcome};
pub use decision::{Asked, Candidate, Decision, Destination, PassedOver, Source, Standing};
pub use place::{Country, Prefix};
pub use price::Price;
pub use sender::{CountrySender, Dlt, RegisteredText};
pub use settings::{NextCode, Order, Routes, Rule, TakeOver};
