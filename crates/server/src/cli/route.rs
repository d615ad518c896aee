//! `countersign route explain`: who would carry a message, and why nobody else. It asks the functions that the server asks for
//! each message, so what it tells is what happens.

use super::ConfigFile;
use crate::{Failure, config::Settings, out};
use clap::{Args, Subcommand};
use countersign_delivery::{providers, routing};
use countersign_engine::clock::Clock;
use countersign_model::{
    Address, Channel, Timestamp,
    address::LineType,
    routing::{Asked, Decision, Destination, NextCode, Order, PassedOver, Routes, Source, Standing, hours::utc},
};
use std::{collections::BTreeMap, time::Duration};

/// Explain who carries a message
#[derive(Debug, Args)]
pub(super) struct Route {
    #[command(flatten)]
    file: ConfigFile,
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Tell which providers would be asked to carry a message, in which order, and why
    ///
    /// Reads the configuration and sends nothing. Breakers are in the memory of a running server: with --server it is asked for
    /// them, without it everybody is taken to be well.
    Explain {
        /// Where the message goes: a phone number such as +34666666111, or an e-mail address
        to: String,
        /// By which channel: sms, voice, email, whatsapp or telegram; without it sms for a number, and email for an address
        #[arg(long, value_parser = channel)]
        channel: Option<Channel>,
        /// At which moment, such as 2026-01-01T23:00:00Z; without it now
        #[arg(long, value_parser = moment)]
        at: Option<Timestamp>,
        /// The running server whose breakers count, such as http://127.0.0.1:8080
        #[arg(long, value_name = "URL")]
        server: Option<String>,
        /// What a look-up calls the number's operator, such as 21407
        #[arg(long, value_name = "NAME")]
        operator: Option<String>,
        /// Take this provider to have a rest; may be given several times
        #[arg(long, value_name = "PROVIDER")]
        without: Vec<String>,
    },
}

fn channel(text: &str) -> Result<Channel, String> {
    let known = Channel::ALL.map(Channel::name).join(", ");
    Channel::parse(text).ok_or_else(|| format!("there is {known}"))
}

fn moment(text: &str) -> Result<Timestamp, String> {
    let parsed = text.parse::<jiff::Timestamp>();
    parsed
        .map(|moment| Timestamp::from_ms(moment.as_millisecond()))
        .map_err(|_| format!("`{text}` is not a moment, such as 2026-01-01T23:00:00Z or 2026-01-02T00:00:00+01:00"))
}

/// What is asked, parsed.
struct Question {
    address: Address,
    channel: Channel,
    to: Destination,
    now: Timestamp,
    rests: Rests,
}

impl Route {
    pub(super) async fn run(self) -> Result<(), Failure> {
        let settings = self.file.load()?.settings;
        let providers = providers::build(&settings.providers).map_err(usage)?;
        routing::check(&settings.routes, &providers).map_err(usage)?;
        let Action::Explain { to, channel, at, server, operator, without } = self.action;
        if let Some(unknown) = without.iter().find(|name| providers.get(name).is_none()) {
            return Err(usage(format!("there is no provider {unknown}; `countersign providers list` shows all")));
        }
        let channel = channel.unwrap_or(if to.contains('@') { Channel::Email } else { Channel::Sms });
        let address = Address::parse(channel, &to).map_err(|bad| usage(format!("the address {bad}")))?;
        let mut rests = match &server {
            Some(url) => Rests::of(url).await?,
            None => Rests::default(),
        };
        rests.without = without;
        let to = Destination { operator, ..Destination::from(&address) };
        let question = Question { address, channel, to, now: at.unwrap_or_else(|| Clock::system().wall()), rests };
        explain(&settings, &question, server.is_some())
    }
}

fn explain(settings: &Settings, question: &Question, asked_server: bool) -> Result<(), Failure> {
    let routes = &settings.routes;
    let Question { channel, to, now, .. } = question;
    tell("to", &described(routes, question))?;
    tell("time", &utc(*now))?;
    let health = if asked_server { "breakers as the server has them" } else { "no server asked: everybody is well" };
    tell("health", health)?;
    tell("channel", channel.name())?;
    for (name, judged) in routes.judge(*channel, to, *now) {
        tell("rule", &format!("{name} {judged}"))?;
    }
    let decision = decided(routes, question, *channel);
    if matches!(decision.source, Source::List(_)) {
        tell("list", &format!("routes.{} decides, since no rule does", channel.name()))?;
    }
    list(routes, &decision)?;
    if let Some(sender) = routes.sender(*channel, to.country.as_deref()) {
        let kept = sender.also.join(" or ");
        let kept = if kept.is_empty() { kept } else { format!(", or {kept} where the service has it") };
        let dlt = if sender.dlt.is_some() { ", with DLT ids" } else { "" };
        tell("sender", &format!("{}{kept}{dlt}", sender.from))?;
    }
    take_over(routes, question, &decision)
}

fn described(routes: &Routes, question: &Question) -> String {
    let Address::Phone(number) = &question.address else { return "an e-mail address".to_owned() };
    let line = match number.traits().line {
        LineType::Mobile => "mobile",
        LineType::Fixed => "fixed",
        LineType::FixedOrMobile => "fixed or mobile",
        LineType::Voip => "VoIP",
        LineType::Special => "special",
        LineType::Unknown => "unknown to the numbering plan",
    };
    let country = question.to.country.as_deref().unwrap_or("no country");
    let operator = routes.operator_of(&question.to);
    let operator = operator.map_or_else(|| "no operator in the settings".to_owned(), |name| format!("operator {name}"));
    format!("{}: {country}, {line}, {operator}", number.e164())
}

fn decided(routes: &Routes, question: &Question, channel: Channel) -> Decision {
    let country = question.to.country.as_deref();
    let standing = |name: &str| question.rests.standing(name, channel, country, question.now);
    let asked = Asked { channel, to: &question.to, only: None, now: question.now, chance: 0, standing: &standing };
    routes.decide(&asked)
}

fn list(routes: &Routes, decision: &Decision) -> Result<(), Failure> {
    let order = match decision.order {
        Order::Listed => "as they are listed",
        Order::Weights => "drawn by weight; the heaviest is shown first",
        Order::Price => "by price, the cheapest first",
    };
    tell("order", order)?;
    let total: u64 = decision.candidates.iter().filter_map(|it| it.weight).map(u64::from).sum();
    for (at, candidate) in decision.candidates.iter().enumerate() {
        let price = candidate.price.map(|price| format!("{price} {}", routes.currency).trim().to_owned());
        let weight = candidate.weight.map(|weight| format!("weight {weight} of {total}"));
        let (place, reason) = match candidate.standing {
            Standing::Free => ((at + 1).to_string(), None),
            Standing::Trial => ((at + 1).to_string(), Some("on trial".to_owned())),
            Standing::PassedOver(why) => ("-".to_owned(), Some(format!("passed over: {why}"))),
        };
        let known: Vec<String> = [price, weight, reason].into_iter().flatten().collect();
        let line = format!("{:<16}{}", candidate.provider, known.join(", "));
        tell(&place, line.trim_end())?;
    }
    if decision.next().is_none() {
        tell("nobody", "the message waits, and is tried again while its code lives")?;
    }
    Ok(())
}

fn take_over(routes: &Routes, question: &Question, decision: &Decision) -> Result<(), Failure> {
    let rule = &decision.take_over;
    let Some(after) = rule.after else {
        return tell("take-over", "never: the next provider is asked only if one does not take the message");
    };
    let code = match rule.code {
        NextCode::Same => "the same code",
        NextCode::New => "a new code",
    };
    let after = after.as_secs();
    tell("take-over", &format!("after {after} s without a receipt the next provider, with {code}"))?;
    for channel in &rule.fall_back {
        let next = decided(routes, question, *channel);
        let next = next.next().map_or("nobody", |candidate| candidate.provider.as_str());
        tell("then", &format!("{} by {next}", channel.name()))?;
    }
    Ok(())
}

/// Which providers have a rest.
#[derive(Default)]
struct Rests {
    without: Vec<String>,
    /// By provider, channel and country.
    known: BTreeMap<(String, String, String), Standing>,
}

/// A server that does not answer by then is not there.
const PATIENCE: Duration = Duration::from_secs(5);

impl Rests {
    /// As a running server has them.
    async fn of(url: &str) -> Result<Self, Failure> {
        let address = format!("{}/metrics", url.trim_end_matches('/'));
        let cannot = |why: reqwest::Error| Failure::other(format!("cannot ask {address}: {}", why.without_url()));
        let client = reqwest::Client::builder().timeout(PATIENCE).no_proxy().build().map_err(cannot)?;
        let answer = client.get(&address).send().await.and_then(reqwest::Response::error_for_status);
        let text = answer.map_err(cannot)?.text().await.map_err(cannot)?;
        Ok(Self { without: Vec::new(), known: standings(&text) })
    }

    fn standing(&self, provider: &str, channel: Channel, country: Option<&str>, now: Timestamp) -> Standing {
        if self.without.iter().any(|name| name == provider) {
            return Standing::PassedOver(PassedOver::Excluded);
        }
        let line = (provider.to_owned(), channel.name().to_owned(), country.unwrap_or_default().to_owned());
        match self.known.get(&line) {
            // Its next message is the trial that shows it.
            Some(Standing::PassedOver(PassedOver::Resting { until })) if *until <= now => Standing::Trial,
            Some(known) => *known,
            None => Standing::Free,
        }
    }
}

/// What the metrics tell of breakers that are not closed.
fn standings(metrics: &str) -> BTreeMap<(String, String, String), Standing> {
    let until = "countersign_breaker_rest_until_seconds{";
    let state = "countersign_breaker_state{";
    let mut known = BTreeMap::new();
    for line in metrics.lines() {
        if let Some((of, 1)) = line.strip_prefix(state).and_then(labelled) {
            known.insert(of, Standing::Trial);
        }
        if let Some((of, seconds @ 1..)) = line.strip_prefix(until).and_then(labelled) {
            let until = Timestamp::from_ms(seconds.saturating_mul(1000));
            known.insert(of, Standing::PassedOver(PassedOver::Resting { until }));
        }
    }
    known
}

/// `provider="a",channel="sms",country="ES"} 2`
fn labelled(rest: &str) -> Option<((String, String, String), i64)> {
    let (labels, value) = rest.split_once("} ")?;
    let label = |name: &str| {
        let (_, after) = labels.split_once(&format!("{name}=\""))?;
        Some(after.split('"').next()?.to_owned())
    };
    Some(((label("provider")?, label("channel")?, label("country")?), value.trim().parse().ok()?))
}

fn tell(title: &str, text: &str) -> Result<(), Failure> {
    out::line(&format!("{title:<12}{text}"))
}

fn usage(error: impl std::fmt::Display) -> Failure {
    Failure::usage(vec![error.to_string()])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn breakers_that_are_not_closed_are_read_from_the_metrics() {
        let metrics = "# TYPE countersign_breaker_state gauge\n\
            countersign_breaker_state{provider=\"a\",channel=\"sms\",country=\"ES\"} 2\n\
            countersign_breaker_state{provider=\"b\",channel=\"sms\",country=\"ES\"} 1\n\
            countersign_breaker_state{provider=\"c\",channel=\"email\",country=\"\"} 0\n\
            countersign_breaker_rest_until_seconds{provider=\"a\",channel=\"sms\",country=\"ES\"} 1767225600\n\
            countersign_breaker_rest_until_seconds{provider=\"b\",channel=\"sms\",country=\"ES\"} 0\n";
        let rests = Rests { without: vec!["d".into()], known: standings(metrics) };
        let until = Timestamp::from_ms(1_767_225_600_000);
        let before = Timestamp::from_ms(until.as_ms() - 1);
        let told = |name: &str| rests.standing(name, Channel::Sms, Some("ES"), before);
        assert_eq!(told("a"), Standing::PassedOver(PassedOver::Resting { until }));
        assert_eq!(rests.standing("a", Channel::Sms, Some("ES"), until), Standing::Trial);
        assert_eq!(told("b"), Standing::Trial);
        assert_eq!(told("d"), Standing::PassedOver(PassedOver::Excluded));
        assert_eq!(rests.standing("a", Channel::Voice, Some("ES"), before), Standing::Free);
        assert_eq!(rests.standing("c", Channel::Email, None, before), Standing::Free);
    }
}
