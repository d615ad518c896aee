//! Decisions: which rule, in which order, and that each choice is accounted for.

use super::*;
use proptest::prelude::*;

/// Thursday, 2026-01-01T00:00:00Z, and so many hours more.
fn hour(hours: i64) -> Timestamp {
    Timestamp::from_ms(1_767_225_600_000 + hours * 3_600_000)
}

fn routes(json: &str) -> Routes {
    let routes: Routes = serde_json::from_str(json).unwrap();
    routes.check().unwrap();
    routes
}

fn to(e164: &str) -> Destination {
    Destination::from(&Address::parse(Channel::Sms, e164).unwrap())
}

fn free(_: &str) -> Standing {
    Standing::Free
}

fn decided(routes: &Routes, e164: &str, now: Timestamp, standing: &dyn Fn(&str) -> Standing) -> Decision {
    routes.decide(&Asked { channel: Channel::Sms, to: &to(e164), only: None, now, chance: 0, standing })
}

fn order(decision: &Decision) -> Vec<&str> {
    decision.candidates.iter().map(|candidate| candidate.provider.as_str()).collect()
}

const SPAIN: &str = "+34666666111";
const FRANCE: &str = "+33612345678";

const MAP: &str = r#"{
    "sms": ["anywhere"],
    "operators": {"movistar": ["+34609"]},
    "rules": {
        "spain": {"channel": "sms", "countries": ["ES"], "providers": ["spain"]},
        "spain-night": {"channel": "sms", "countries": ["ES"], "hours": "22:00-08:00", "providers": ["night"]},
        "movistar": {"channel": "sms", "operators": ["movistar"], "providers": ["movistar"]},
        "six": {"channel": "sms", "prefixes": ["+346"], "providers": ["six"]},
        "sixty-six": {"channel": "sms", "prefixes": ["+3466", "+3467"], "providers": ["sixty-six"]},
        "calls": {"channel": "voice", "providers": ["calls"]}
    }
}"#;

#[test]
fn the_longest_prefix_decides_then_the_operator_then_the_country_then_the_list() {
    let routes = routes(MAP);
    let next = |e164, now| decided(&routes, e164, now, &free).next().unwrap().provider.clone();
    assert_eq!(next(SPAIN, hour(12)), "sixty-six");
    assert_eq!(next("+34609123456", hour(12)), "six", "a prefix is more exact than an operator");
    assert_eq!(next("+34712345678", hour(12)), "spain");
    assert_eq!(next("+34712345678", hour(23)), "night", "its hours make it more exact");
    assert_eq!(next(FRANCE, hour(12)), "anywhere");
    let mut without_prefixes = routes.clone();
    without_prefixes.rules.retain(|_, rule| rule.prefixes.is_empty());
    let decision = decided(&without_prefixes, "+34609123456", hour(12), &free);
    assert_eq!(decision.source, Source::Rule("movistar".into()));
}

#[test]
fn each_rule_of_the_channel_is_accounted_for() {
    let routes = routes(MAP);
    let judged = routes.judge(Channel::Sms, &to("+34712345678"), hour(12));
    let told: Vec<String> = judged.into_iter().map(|(name, judged)| format!("{name} {judged}")).collect();
    assert_eq!(
        told,
        [
            "movistar is for other operators",
            "six is for numbers that begin otherwise",
            "sixty-six is for numbers that begin otherwise",
            "spain decides",
            "spain-night is for another time: it is Thu 12:00 in UTC",
        ]
    );
    let judged = routes.judge(Channel::Sms, &to("+34712345678"), hour(23));
    assert!(judged.contains(&("spain", Judged::LessExact)));
}

const MARKET: &str = r#"{
    "prices": {"sms": {"dear": {"other": 0.05}, "cheap": {"other": 0.02}, "gold": {"other": 0.5}}},
    "rules": {"all": {"channel": "sms", "providers": ["dear", "cheap", "gold", "friend"], "order": "price"}}
}"#;

#[test]
fn by_price_the_cheapest_is_first_and_an_unknown_price_last() {
    let decision = decided(&routes(MARKET), SPAIN, hour(0), &free);
    assert_eq!(order(&decision), ["cheap", "dear", "gold", "friend"]);
    assert_eq!(decision.why(), "rule all, cheapest at 0.02");
}

#[test]
fn a_highest_price_passes_over_who_asks_for_more_and_says_so() {
    let mut routes: Routes = serde_json::from_str(MARKET).unwrap();
    routes.rules.get_mut("all").unwrap().highest_price = Some(Price::from_millionths(60_000));
    let decision = decided(&routes, SPAIN, hour(0), &free);
    assert_eq!(decision.possible(), ["cheap", "dear"]);
    assert_eq!(
        decision.why(),
        "rule all, cheapest at 0.02; passed over gold: it asks 0.50, and 0.06 is the highest price; \
         passed over friend: nobody knows what it asks, and there is a highest price"
    );
}

#[test]
fn a_provider_that_rests_is_passed_over_and_one_on_trial_keeps_its_place() {
    let routes = routes(MARKET);
    let resting = |name: &str| match name {
        "cheap" => Standing::PassedOver(PassedOver::Resting { until: hour(1) }),
        _ => Standing::Free,
    };
    assert_eq!(
        decided(&routes, SPAIN, hour(0), &resting).why(),
        "rule all, cheapest at 0.05; passed over cheap: its breaker is open until 2026-01-01T01:00:00Z"
    );
    let on_trial = |name: &str| if name == "cheap" { Standing::Trial } else { Standing::Free };
    assert_eq!(decided(&routes, SPAIN, hour(0), &on_trial).why(), "rule all, cheapest at 0.02, on trial");
    let none = |_: &str| Standing::PassedOver(PassedOver::OnTrial);
    let decision = decided(&routes, SPAIN, hour(0), &none);
    assert!(decision.next().is_none());
    assert_eq!(decision.possible().len(), 4, "they may take it later");
    assert!(decision.why().starts_with("rule all: nobody can be asked; passed over dear: its breaker is half open"));
}

#[test]
fn a_message_that_names_its_provider_has_no_choice() {
    let asked = Asked {
        channel: Channel::Email,
        to: &Destination::default(),
        only: Some("relay"),
        now: hour(0),
        chance: 7,
        standing: &free,
    };
    let decision = routes(MAP).decide(&asked);
    assert_eq!((order(&decision), decision.why()), (vec!["relay"], "its one provider".to_owned()));
}

const DRAWN: &str = r#"{"rules": {"all": {"channel": "sms", "providers": ["a", "b", "c", "spare"], "order": "weights",
    "weights": {"a": 60, "b": 30, "c": 10, "spare": 0}}}}"#;

#[test]
fn each_is_drawn_as_often_as_its_weight_says_and_the_heaviest_is_next() {
    let routes = routes(DRAWN);
    let to = to(SPAIN);
    let mut first = std::collections::BTreeMap::new();
    for chance in 0..1000 {
        let asked = Asked { channel: Channel::Sms, to: &to, only: None, now: hour(0), chance, standing: &free };
        let decision = routes.decide(&asked);
        *first.entry(decision.next().unwrap().provider.clone()).or_insert(0) += 1;
        assert_eq!(order(&decision).last(), Some(&"spare"), "a spare one is never first");
    }
    assert_eq!(first.into_values().collect::<Vec<_>>(), [600, 300, 100]);
}

fn standing() -> impl Strategy<Value = Standing> {
    prop_oneof![
        Just(Standing::Free),
        Just(Standing::Trial),
        Just(Standing::PassedOver(PassedOver::Tried)),
        Just(Standing::PassedOver(PassedOver::Refused)),
        Just(Standing::PassedOver(PassedOver::Resting { until: hour(1) })),
    ]
}

proptest! {
    #[test]
    fn everybody_is_accounted_for_and_nobody_is_asked_who_may_not(
        standings in prop::collection::vec(standing(), 4),
        chance: u32,
        by in prop_oneof![Just(Order::Listed), Just(Order::Weights), Just(Order::Price)],
    ) {
        let mut routes: Routes = serde_json::from_str(DRAWN).unwrap();
        let rule = routes.rules.get_mut("all").unwrap();
        rule.order = by;
        let names = rule.providers.clone();
        let of = |name: &str| standings[names.iter().position(|it| it == name).unwrap()];
        let asked = Asked { channel: Channel::Sms, to: &to(SPAIN), only: None, now: hour(0), chance, standing: &of };
        let decision = routes.decide(&asked);
        let mut listed = order(&decision);
        listed.sort_unstable();
        prop_assert_eq!(listed, ["a", "b", "c", "spare"]);
        let may = |name: &str| matches!(of(name), Standing::Free | Standing::Trial);
        let someone = names.iter().any(|name| may(name));
        prop_assert_eq!(decision.next().map(|next| may(&next.provider)), someone.then_some(true));
        // Those who may be asked come first, and the line names everybody else.
        let first_closed = decision.candidates.iter().position(|it| !may(&it.provider)).unwrap_or(4);
        for (at, candidate) in decision.candidates.iter().enumerate() {
            prop_assert_eq!(at < first_closed, may(&candidate.provider));
            if !may(&candidate.provider) {
                let told = format!("passed over {}: ", candidate.provider);
                prop_assert!(decision.why().contains(&told));
            }
        }
    }

    #[test]
    fn whichever_rules_hold_one_decides_and_the_same_one_each_time(number in 600_000_000u32..799_999_999, hours in 0..48i64) {
        let routes = routes(MAP);
        let to = Destination { e164: Some(format!("+34{number}")), country: Some("ES".into()), operator: None };
        let judged = routes.judge(Channel::Sms, &to, hour(hours));
        let deciding: Vec<&str> =
            judged.iter().filter(|(_, it)| *it == Judged::Decides).map(|(name, _)| *name).collect();
        let asked = Asked { channel: Channel::Sms, to: &to, only: None, now: hour(hours), chance: 0, standing: &free };
        prop_assert_eq!(deciding.len(), 1, "Spain has a rule for all its numbers");
        prop_assert_eq!(routes.decide(&asked).source, Source::Rule(deciding[0].to_owned()));
    }
}
