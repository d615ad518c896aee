//! What can be set of routes: a list of providers for each channel, and rules for some destinations. Nothing here knows which
//! providers there are; `countersign-delivery`'s `routing.rs` compares the names.

use super::{
    breaker::BreakerRules,
    decision::Destination,
    hours::{Day, Hours, TimeZone},
    place::{Country, Prefix},
    price::{Price, Prices},
    sender::CountrySender,
};
use crate::Channel;
use serde::{Deserialize, Deserializer, de::Error as _};
use std::{collections::BTreeMap, time::Duration};

/// Who carries messages: `[routes]`.
///
/// ```toml
/// [routes]
/// sms = ["main", "spare"]
///
/// [routes.rules.spain]
/// channel = "sms"
/// countries = ["ES"]
/// providers = ["cheap", "main"]
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields, expecting = "a section")]
pub struct Routes {
    /// Text messages for which no rule is.
    pub sms: Vec<String>,
    /// The same for calls.
    pub voice: Vec<String>,
    /// The same for mail.
    pub email: Vec<String>,
    /// The same for messages by WhatsApp.
    pub whatsapp: Vec<String>,
    /// The same for messages by Telegram.
    pub telegram: Vec<String>,
    /// Routes of some destinations, by name.
    pub rules: BTreeMap<String, Rule>,
    /// Operators, by name: how their numbers begin, and how look-ups call them.
    pub operators: BTreeMap<String, Vec<Mark>>,
    /// What providers ask for.
    pub prices: Prices,
    /// The currency of all prices, for people to read.
    pub currency: String,
    /// Whom messages to a country come from.
    pub senders: BTreeMap<Channel, BTreeMap<Country, CountrySender>>,
    /// When a provider gets a rest.
    pub breaker: BreakerRules,
}

/// The route of some destinations. Every condition that is given must hold.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, expecting = "a section")]
pub struct Rule {
    /// For messages of this channel.
    pub channel: Channel,
    /// To numbers that begin with one of these.
    #[serde(default)]
    pub prefixes: Vec<Prefix>,
    /// To numbers of one of these countries.
    #[serde(default)]
    pub countries: Vec<Country>,
    /// To numbers of one of these operators.
    #[serde(default)]
    pub operators: Vec<String>,
    /// At these hours.
    #[serde(default)]
    pub hours: Option<Hours>,
    /// On these days.
    #[serde(default)]
    pub days: Vec<Day>,
    /// Where hours and days are meant.
    #[serde(default)]
    pub time_zone: TimeZone,
    /// Who is asked.
    pub providers: Vec<String>,
    /// In which order.
    #[serde(default)]
    pub order: Order,
    /// How many of all messages each is asked for first; only where [`Self::order`] says so.
    #[serde(default)]
    pub weights: BTreeMap<String, u32>,
    /// Who asks for more gets none.
    #[serde(default)]
    pub highest_price: Option<Price>,
    /// Without a receipt for so long another message takes over; 0 means never.
    #[serde(default)]
    pub takes_over_after_seconds: u32,
    /// Once nobody is left here, these channels take over, one after the other.
    #[serde(default)]
    pub fall_back: Vec<Channel>,
    /// Which code a message has that takes over.
    #[serde(default)]
    pub code: NextCode,
}

/// What tells an operator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Mark {
    /// Its numbers begin so.
    Prefix(Prefix),
    /// Look-ups call it so: MCC and MNC, as a rule.
    Called(String),
}

impl Mark {
    /// How many digits of a number it knows.
    fn fits(&self, e164: &str) -> Option<usize> {
        match self {
            Self::Prefix(prefix) => prefix.begins(e164).then(|| prefix.digits()),
            Self::Called(_) => None,
        }
    }
}

impl<'de> Deserialize<'de> for Mark {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = String::deserialize(from)?;
        if text.starts_with('+') {
            text.parse().map(Self::Prefix).map_err(D::Error::custom)
        } else if text.trim().is_empty() {
            Err(D::Error::custom(
                "an operator is told by the beginning of its numbers, such as +34609, or by a look-up's name",
            ))
        } else {
            Ok(Self::Called(text))
        }
    }
}

/// In which order the providers of a rule are asked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Order {
    /// As they are listed.
    #[default]
    Listed,
    /// The first is drawn, each as often as its weight says; the others follow, the heaviest first.
    Weights,
    /// The cheapest first; those whose price is not known last.
    Price,
}

/// Which code a message has that takes over from another.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum NextCode {
    /// The same: it can be used whichever message arrives.
    #[default]
    Same,
    /// A new one, with a life of its own; the old one can be used until a provider has accepted the new message.
    New,
}

/// What happens when nothing is heard of a message.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TakeOver {
    /// After so long another one takes over; none: never.
    pub after: Option<Duration>,
    /// The channels that do, once no provider of the first one is left.
    pub fall_back: Vec<Channel>,
    /// Its code.
    pub code: NextCode,
}

/// A setting that cannot be: its place below `routes`, and what is wrong with it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("routes.{setting}: {problem}")]
pub struct BadRoute {
    /// `rules.spain.weights`.
    pub setting: String,
    /// What is wrong.
    pub problem: String,
}

impl BadRoute {
    /// A setting, and what is wrong with it.
    #[must_use]
    pub fn new(setting: impl Into<String>, problem: impl Into<String>) -> Self {
        Self { setting: setting.into(), problem: problem.into() }
    }
}

/// A day of waiting is no take-over.
const LONGEST_WAIT_SECONDS: u32 = 86_400;

impl Routes {
    /// Lists by hand and nothing else: the sandbox has some, and tests.
    #[must_use]
    pub fn new(lists: impl IntoIterator<Item = (Channel, Vec<String>)>) -> Self {
        let mut routes = Self::default();
        for (channel, list) in lists {
            match channel {
                Channel::Sms => routes.sms = list,
                Channel::Voice => routes.voice = list,
                Channel::Email => routes.email = list,
                Channel::Whatsapp => routes.whatsapp = list,
                Channel::Telegram => routes.telegram = list,
            }
        }
        routes
    }

    /// Who is asked for messages of a channel that no rule is for.
    #[must_use]
    pub fn list(&self, channel: Channel) -> &[String] {
        match channel {
            Channel::Sms => &self.sms,
            Channel::Voice => &self.voice,
            Channel::Email => &self.email,
            Channel::Whatsapp => &self.whatsapp,
            Channel::Telegram => &self.telegram,
        }
    }

    /// Everybody who may be asked for messages of a channel, each once, with the setting that names them.
    pub fn named(&self, channel: Channel) -> impl Iterator<Item = (String, &str)> {
        let list = self.list(channel).iter().map(move |name| (channel.name().to_owned(), name.as_str()));
        let rules = self.rules.iter().filter(move |(_, rule)| rule.channel == channel);
        list.chain(rules.flat_map(|(name, rule)| {
            rule.providers.iter().map(move |provider| (format!("rules.{name}.providers"), provider.as_str()))
        }))
    }

    /// Whether any message of a channel could leave.
    #[must_use]
    pub fn serves(&self, channel: Channel) -> bool {
        self.named(channel).next().is_some()
    }

    /// Whom messages of a channel to a country come from, if that is set.
    #[must_use]
    pub fn sender(&self, channel: Channel, country: Option<&str>) -> Option<&CountrySender> {
        let senders = self.senders.get(&channel)?;
        let country = country?;
        senders.iter().find(|(place, _)| place.as_str() == country).map(|(_, sender)| sender)
    }

    /// A number's operator: as a look-up calls it, or, where none was asked, the one whose numbers begin like this one, the longest
    /// beginning first. A number that its owner took along to another operator is found there under the old one.
    #[must_use]
    pub fn operator_of(&self, to: &Destination) -> Option<&str> {
        if let Some(told) = &to.operator {
            let is_called_so = |mark: &Mark| matches!(mark, Mark::Called(name) if name == told);
            let found = self.operators.iter().find(|(_, marks)| marks.iter().any(is_called_so));
            return found.map(|(name, _)| name.as_str());
        }
        let e164 = to.e164.as_deref()?;
        let longest = |marks: &[Mark]| marks.iter().filter_map(|mark| mark.fits(e164)).max();
        let found = self.operators.iter().filter_map(|(name, marks)| Some((longest(marks)?, name)));
        found.max_by_key(|(digits, _)| *digits).map(|(_, name)| name.as_str())
    }

    /// Finds the first setting that cannot be, whichever providers there are.
    ///
    /// # Errors
    /// That setting.
    pub fn check(&self) -> Result<(), BadRoute> {
        for channel in Channel::ALL {
            only_once(channel.name(), self.list(channel))?;
        }
        for (name, rule) in &self.rules {
            let at = |setting: &str| format!("rules.{name}.{setting}");
            if !crate::tenant::is_name(name) {
                return Err(BadRoute::new(
                    "rules",
                    format!("`{name}` is no name: use up to 64 of a-z 0-9 - _ . and begin with a letter or digit"),
                ));
            }
            only_once(&at("providers"), &rule.providers)?;
            rule.check().map_err(|(setting, problem)| BadRoute::new(at(setting), problem))?;
            if let Some(unknown) = rule.operators.iter().find(|name| !self.operators.contains_key(*name)) {
                let problem = format!("there is no operator `{unknown}` in routes.operators");
                return Err(BadRoute::new(at("operators"), problem));
            }
            if let Some(channel) = rule.fall_back.iter().find(|channel| !self.serves(**channel)) {
                let problem = format!("no provider serves the channel {}: routes.{0} is empty", channel.name());
                return Err(BadRoute::new(at("fall_back"), problem));
            }
            let unpriced = rule.providers.iter().find(|name| !self.prices.knows(rule.channel, name));
            if let (Some(_), Some(unpriced)) = (rule.highest_price, unpriced) {
                let place = format!("routes.prices.{}.{unpriced}", rule.channel.name());
                let problem = format!("nothing is known of what `{unpriced}` asks: set {place}");
                return Err(BadRoute::new(at("highest_price"), problem));
            }
        }
        self.check_senders()?;
        match self.breaker.problem() {
            Some((setting, problem)) => Err(BadRoute::new(format!("breaker.{setting}"), problem)),
            None => Ok(()),
        }
    }

    fn check_senders(&self) -> Result<(), BadRoute> {
        for (channel, senders) in &self.senders {
            let at = |country: &Country, setting| format!("senders.{}.{country}{setting}", channel.name());
            if *channel == Channel::Email {
                return Err(BadRoute::new("senders.email", "mail goes to no country: set `from` of its provider"));
            }
            for (country, sender) in senders {
                if sender.from.trim().is_empty() {
                    return Err(BadRoute::new(at(country, ".from"), "must not be empty"));
                }
                let Some(dlt) = &sender.dlt else { continue };
                let is_empty = |text: &str| text.trim().is_empty();
                if is_empty(&dlt.entity) {
                    return Err(BadRoute::new(at(country, ".dlt.entity"), "must not be empty"));
                }
                if dlt.templates.is_empty() || dlt.templates.iter().any(|it| is_empty(&it.id) || is_empty(&it.text)) {
                    let problem = "needs at least one text, each with its id: [{ id = \"…\", text = \"…\" }]";
                    return Err(BadRoute::new(at(country, ".dlt.templates"), problem));
                }
            }
        }
        Ok(())
    }
}

impl Rule {
    /// What it does when nothing is heard of a message.
    #[must_use]
    pub fn take_over(&self) -> TakeOver {
        let seconds = u64::from(self.takes_over_after_seconds);
        TakeOver {
            after: (seconds > 0).then_some(Duration::from_secs(seconds)),
            fall_back: self.fall_back.clone(),
            code: self.code,
        }
    }

    fn check(&self) -> Result<(), (&'static str, String)> {
        if self.providers.is_empty() {
            return Err(("providers", "must name somebody".to_owned()));
        }
        let is_mail = self.channel == Channel::Email;
        if is_mail && !(self.prefixes.is_empty() && self.countries.is_empty() && self.operators.is_empty()) {
            return Err(("channel", "mail goes to no country: a rule for it can have hours and days only".to_owned()));
        }
        let by_weight = self.order == Order::Weights;
        if !by_weight && !self.weights.is_empty() {
            return Err(("weights", "nothing uses them: set order = \"weights\"".to_owned()));
        }
        if by_weight {
            let without = self.providers.iter().find(|name| !self.weights.contains_key(*name));
            let unknown = self.weights.keys().find(|name| !self.providers.contains(name));
            if let Some(name) = without {
                return Err(("weights", format!("the weight of `{name}` is missing")));
            }
            if let Some(name) = unknown {
                return Err(("weights", format!("`{name}` is not in the list of providers")));
            }
            if self.weights.values().all(|weight| *weight == 0) || self.weights.values().any(|it| *it > 1_000_000) {
                return Err(("weights", "must be at most 1000000, and one of them above 0".to_owned()));
            }
        }
        if self.takes_over_after_seconds > LONGEST_WAIT_SECONDS {
            return Err(("takes_over_after_seconds", format!("must be at most {LONGEST_WAIT_SECONDS}")));
        }
        if !self.fall_back.is_empty() && self.takes_over_after_seconds == 0 {
            return Err(("fall_back", "needs a time: set takes_over_after_seconds".to_owned()));
        }
        let mut reached = vec![self.channel];
        for channel in &self.fall_back {
            if (*channel == Channel::Email) != is_mail {
                return Err((
                    "fall_back",
                    format!("a message cannot go on by {}: it has another address", channel.name()),
                ));
            }
            if reached.contains(channel) {
                return Err(("fall_back", format!("{} comes twice", channel.name())));
            }
            reached.push(*channel);
        }
        Ok(())
    }
}

fn only_once(setting: &str, names: &[String]) -> Result<(), BadRoute> {
    let twice = names.iter().enumerate().find(|(at, name)| names.iter().take(*at).any(|earlier| earlier == *name));
    twice.map_or(Ok(()), |(_, name)| Err(BadRoute::new(setting, format!("`{name}` is named twice"))))
}

#[cfg(test)]
mod tests {
    use super::*;

    const WHOLE: &str = r#"{
        "sms": ["main"], "voice": ["caller"],
        "rules": {"spain": {"channel": "sms", "countries": ["ES"], "operators": ["movistar"], "hours": "08:00-22:00",
            "days": ["mon"], "time_zone": "Europe/Madrid", "providers": ["cheap", "main"], "order": "weights",
            "weights": {"cheap": 80, "main": 20}, "highest_price": 0.06, "takes_over_after_seconds": 20,
            "fall_back": ["voice"], "code": "new"}},
        "operators": {"movistar": ["+34609", "+3462", "21407"], "vodafone": ["+346", "+346200"]},
        "prices": {"sms": {"cheap": {"ES": 0.02}, "main": {"other": 0.05}}},
        "senders": {"sms": {"IN": {"from": "ACMEIN", "dlt": {"entity": "1", "templates": [{"id": "2", "text": "x"}]}}}}
    }"#;

    fn refusal(change: impl FnOnce(&mut serde_json::Value)) -> String {
        let mut settings = serde_json::from_str(WHOLE).unwrap();
        change(&mut settings);
        let routes: Routes = serde_json::from_value(settings).unwrap();
        routes.check().unwrap_err().to_string()
    }

    #[test]
    fn a_whole_configuration_is_taken() {
        let routes: Routes = serde_json::from_str(WHOLE).unwrap();
        assert_eq!(routes.check(), Ok(()));
        let take_over = routes.rules["spain"].take_over();
        assert_eq!((take_over.after, take_over.code), (Some(Duration::from_secs(20)), NextCode::New));
    }

    #[test]
    fn the_longest_beginning_tells_the_operator_and_a_look_up_knows_better() {
        let routes: Routes = serde_json::from_str(WHOLE).unwrap();
        let of = |e164: &str, told: Option<&str>| {
            let to = Destination { e164: Some(e164.into()), country: None, operator: told.map(Into::into) };
            routes.operator_of(&to).map(str::to_owned)
        };
        assert_eq!(of("+34609123456", None).as_deref(), Some("movistar"));
        assert_eq!(of("+34610123456", None).as_deref(), Some("vodafone"));
        assert_eq!(of("+34620023456", None).as_deref(), Some("vodafone"));
        assert_eq!(of("+34621123456", None).as_deref(), Some("movistar"));
        assert_eq!(of("+33612345678", None), None);
        assert_eq!(of("+34610123456", Some("21407")).as_deref(), Some("movistar"), "it was taken along");
        assert_eq!(of("+34609123456", Some("21401")), None, "an operator that the settings do not know");
    }

    #[test]
    fn what_cannot_be_is_named_with_its_setting() {
        type Break = fn(&mut serde_json::Value);
        let cases: [(Break, &str); 10] = [
            (|it| it["sms"] = ["a", "a"].into(), "routes.sms: `a` is named twice"),
            (
                |it| it["rules"]["spain"]["order"] = "price".into(),
                "routes.rules.spain.weights: nothing uses them: set order = \"weights\"",
            ),
            (
                |it| it["rules"]["spain"]["weights"] = serde_json::json!({"cheap": 1}),
                "routes.rules.spain.weights: the weight of `main` is missing",
            ),
            (
                |it| it["rules"]["spain"]["operators"] = ["orange"].into(),
                "routes.rules.spain.operators: there is no operator `orange` in routes.operators",
            ),
            (
                |it| it["voice"] = serde_json::json!([]),
                "routes.rules.spain.fall_back: no provider serves the channel voice: routes.voice is empty",
            ),
            (
                |it| it["prices"]["sms"] = serde_json::json!({"cheap": {"ES": 1}}),
                "routes.rules.spain.highest_price: nothing is known of what `main` asks: set routes.prices.sms.main",
            ),
            (
                |it| it["rules"]["spain"]["takes_over_after_seconds"] = 0.into(),
                "routes.rules.spain.fall_back: needs a time: set takes_over_after_seconds",
            ),
            (
                |it| it["rules"]["spain"]["fall_back"] = ["email"].into(),
                "routes.rules.spain.fall_back: a message cannot go on by email: it has another address",
            ),
            (|it| it["senders"]["sms"]["IN"]["from"] = "".into(), "routes.senders.sms.IN.from: must not be empty"),
            (|it| it["breaker"] = serde_json::json!({"failures": 1}), "routes.breaker.percent: must be from 1 to 100"),
        ];
        for (change, told) in cases {
            assert_eq!(refusal(change), told);
        }
    }
}
