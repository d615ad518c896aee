//! The breaker: single steps, and what holds whatever happens.

use super::*;
use proptest::prelude::*;

const RULES: BreakerRules = BreakerRules {
    failures: 3,
    percent: 50,
    window_seconds: 60,
    rest_seconds: 10,
    longest_rest_seconds: 40,
    trials: 2,
    successes: 2,
    trial_seconds: 30,
};

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_ms(seconds * 1000)
}

fn message(number: u8) -> MessageId {
    MessageId::from_bytes([number; 16])
}

fn opened_at(seconds: i64) -> Breaker {
    let mut breaker = Breaker::default();
    for number in 0..3 {
        breaker.note(message(number), Outcome::Failure, &RULES, at(seconds));
    }
    assert_eq!(breaker.state_at(at(seconds)), BreakerState::Open { until: at(seconds + 10) });
    breaker
}

#[test]
fn it_opens_at_enough_failures_that_are_a_great_enough_share() {
    let mut breaker = Breaker::default();
    for number in 0..4 {
        breaker.note(message(number), Outcome::Success, &RULES, at(0));
    }
    for number in 0..3 {
        breaker.note(message(number), Outcome::Failure, &RULES, at(1));
    }
    assert_eq!(breaker.state_at(at(1)), BreakerState::Closed, "three of seven");
    breaker.note(message(9), Outcome::Failure, &RULES, at(1));
    assert!(matches!(breaker.state_at(at(1)), BreakerState::Open { .. }), "four of eight");
}

#[test]
fn what_lies_before_the_window_does_not_count() {
    let mut breaker = Breaker::default();
    for second in [0, 1, 61] {
        breaker.note(message(0), Outcome::Failure, &RULES, at(second));
    }
    assert_eq!(breaker.state_at(at(61)), BreakerState::Closed);
}

#[test]
fn a_message_that_the_provider_refuses_says_nothing_of_it() {
    let mut breaker = Breaker::default();
    for number in 0..100 {
        breaker.note(message(number), Outcome::Nothing, &RULES, at(0));
    }
    assert_eq!(breaker.state_at(at(0)), BreakerState::Closed);
}

#[test]
fn after_its_rest_it_takes_trials_and_after_enough_of_them_it_closes() {
    let mut breaker = opened_at(0);
    assert_eq!(breaker.state_at(at(10)), BreakerState::HalfOpen);
    breaker.begin(message(1), &RULES, at(10));
    assert!(breaker.has_place(&RULES, at(10)));
    breaker.begin(message(2), &RULES, at(10));
    assert!(!breaker.has_place(&RULES, at(10)));
    breaker.note(message(1), Outcome::Success, &RULES, at(11));
    assert_eq!(breaker.state_at(at(11)), BreakerState::HalfOpen);
    breaker.note(message(2), Outcome::Success, &RULES, at(12));
    assert_eq!(breaker.state_at(at(12)), BreakerState::Closed);
}

#[test]
fn each_trial_that_fails_doubles_the_rest_up_to_the_longest() {
    let mut breaker = opened_at(0);
    let mut now = 10;
    for span in [20, 40, 40] {
        breaker.begin(message(1), &RULES, at(now));
        breaker.note(message(1), Outcome::Failure, &RULES, at(now));
        assert_eq!(breaker.state_at(at(now)), BreakerState::Open { until: at(now + span) });
        now += span;
    }
}

#[test]
fn news_of_messages_that_were_no_trials_is_old_news() {
    let mut breaker = opened_at(0);
    breaker.begin(message(1), &RULES, at(10));
    for number in 2..50 {
        breaker.note(message(number), Outcome::Success, &RULES, at(11));
        breaker.note(message(number), Outcome::Failure, &RULES, at(11));
    }
    assert_eq!(breaker.state_at(at(11)), BreakerState::HalfOpen);
}

#[test]
fn a_trial_of_which_nothing_is_heard_leaves_its_place() {
    let mut breaker = opened_at(0);
    breaker.begin(message(1), &RULES, at(10));
    breaker.begin(message(2), &RULES, at(10));
    assert!(!breaker.has_place(&RULES, at(39)) && breaker.has_place(&RULES, at(40)));
}

#[test]
fn rules_that_make_no_sense_are_named() {
    assert_eq!(RULES.problem(), None);
    assert_eq!(BreakerRules::default().problem(), None, "it never opens");
    assert_eq!(BreakerRules { percent: 0, ..RULES }.problem().unwrap().0, "percent");
    assert_eq!(BreakerRules { trials: 0, ..RULES }.problem().unwrap().0, "trials");
    assert_eq!(BreakerRules { longest_rest_seconds: 9, ..RULES }.problem().unwrap().0, "longest_rest_seconds");
}

/// One thing that happens: time passes, a message wants to go, or something is heard of one.
#[derive(Clone, Copy, Debug)]
enum Step {
    Wait(u8),
    Send(u8),
    Hear(u8, Outcome),
}

fn step() -> impl Strategy<Value = Step> {
    let outcome = prop_oneof![Just(Outcome::Success), Just(Outcome::Failure), Just(Outcome::Nothing)];
    prop_oneof![
        any::<u8>().prop_map(|seconds| Step::Wait(seconds % 20)),
        (0..20u8).prop_map(Step::Send),
        (0..20u8, outcome).prop_map(|(number, outcome)| Step::Hear(number, outcome)),
    ]
}

proptest! {
    #[test]
    fn whatever_happens_nothing_passes_an_open_one_and_no_more_than_its_trials_a_half_open_one(
        steps in prop::collection::vec(step(), 0..300),
    ) {
        let (mut breaker, mut now) = (Breaker::default(), at(0));
        // Of the present rest: who is on trial, as seen from outside.
        let mut trials: Vec<(u8, Timestamp)> = Vec::new();
        for step in steps {
            match step {
                Step::Wait(seconds) => now = now.plus_seconds(u32::from(seconds)),
                Step::Send(number) => {
                    let state = breaker.state_at(now);
                    if matches!(state, BreakerState::Open { .. }) || !breaker.has_place(&RULES, now) {
                        continue;
                    }
                    breaker.begin(message(number), &RULES, now);
                    trials.retain(|(_, until)| now < *until);
                    if state == BreakerState::HalfOpen {
                        trials.push((number, now.plus_seconds(RULES.trial_seconds)));
                    }
                    prop_assert!(trials.len() <= RULES.trials as usize);
                }
                Step::Hear(number, outcome) => {
                    let before = breaker.state_at(now);
                    let was_trial = trials.iter().any(|(trial, _)| *trial == number);
                    breaker.note(message(number), outcome, &RULES, now);
                    trials.retain(|(trial, _)| *trial != number);
                    let after = breaker.state_at(now);
                    if before != after && before != BreakerState::Closed {
                        prop_assert!(was_trial, "only a trial moves it");
                        trials.clear();
                    }
                    if let BreakerState::Open { until } = after {
                        let longest = Duration::from_secs(u64::from(RULES.longest_rest_seconds));
                        prop_assert!(until.since(now) <= longest);
                    }
                }
            }
        }
    }

    #[test]
    fn a_provider_that_works_again_is_used_again(failures in 3..50u8) {
        let mut breaker = Breaker::default();
        let mut now = at(0);
        for number in 0..failures {
            breaker.note(message(number), Outcome::Failure, &RULES, now);
        }
        for _ in 0..RULES.successes {
            if let BreakerState::Open { until } = breaker.state_at(now) {
                now = until;
            }
            breaker.begin(message(200), &RULES, now);
            breaker.note(message(200), Outcome::Success, &RULES, now);
        }
        prop_assert_eq!(breaker.state_at(now), BreakerState::Closed);
    }

    #[test]
    fn a_provider_that_works_is_never_passed_over(outcomes in prop::collection::vec(0..3u8, 0..500)) {
        // At most one in three fails, and one half would be too many.
        let mut breaker = Breaker::default();
        for (number, outcome) in outcomes.into_iter().enumerate() {
            let fails = outcome == 0 && number % 3 == 2;
            breaker.note(message(0), if fails { Outcome::Failure } else { Outcome::Success }, &RULES, at(0));
            prop_assert_eq!(breaker.state_at(at(0)), BreakerState::Closed);
        }
    }
}
