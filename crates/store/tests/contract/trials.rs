//! The table of trials, and the counts beside it, which must never say anything else.

use crate::{
    backend,
    backend::{batch, write},
    samples::*,
};
use countersign_model::{Channel, Timestamp, Trial};
use countersign_store::{Batch, Change, Error, Page, Slice, Store, TrialFilter, TrialTotals};

const DAY_MS: i64 = 86_400_000;

const fn ms(ms: i64) -> Timestamp {
    Timestamp::from_ms(ms)
}

fn totals(successful: u64, unsuccessful: u64) -> TrialTotals {
    TrialTotals { successful, unsuccessful }
}

#[tokio::test]
async fn a_trial_succeeds_once_and_counts_on_the_other_side_then() {
    for place in backend::each() {
        let store = place.open().await;
        write(&store, [Change::InsertTrial(trial(1, 5)), Change::InsertTrial(trial(2, 6))]).await;
        assert_eq!(store.write(batch([Change::InsertTrial(trial(1, 5))])).await, Err(Error::Conflict));
        let all = TrialFilter::default();
        assert_eq!(store.trial_totals(ours(), &all).await, Ok(totals(0, 2)));
        let succeed = || Change::TrialSucceeded { tenant: ours(), id: trial(1, 5).id, at: at(50) };
        write(&store, [succeed()]).await;
        assert_eq!(store.write(batch([succeed()])).await, Err(Error::Conflict));
        let succeeded = Trial { successful: true, updated_at: at(50), ..trial(1, 5) };
        assert_eq!(store.trial(ours(), succeeded.id).await, Ok(Some(succeeded)));
        assert_eq!(store.trial_totals(ours(), &all).await, Ok(totals(1, 1)));
        assert_eq!(store.trial(tenant_id(1), trial(1, 5).id).await, Ok(None));
        assert_eq!(store.trial_totals(tenant_id(1), &all).await, Ok(totals(0, 0)));
        assert_eq!(store.trials(tenant_id(1), &all, Slice { skip: 0, take: 9 }).await, Ok(Page::empty()));
    }
}

#[tokio::test]
async fn trials_go_with_their_verification_and_are_counted_no_more() {
    for place in backend::each() {
        let store = place.open().await;
        write(&store, [Change::InsertVerification(ended(1, at(1))), Change::InsertVerification(verification(2))]).await;
        write(&store, [Change::InsertTrial(trial(1, 5)), Change::InsertTrial(trial(2, 6))]).await;
        write(&store, [Change::PurgeVerifications { before: at(9), limit: 10 }]).await;
        let page = store.trials(ours(), &TrialFilter::default(), Slice { skip: 0, take: 9 }).await;
        assert_eq!(page, Ok(Page { total: 1, items: vec![trial(2, 6)] }));
        assert_eq!(store.trial_totals(ours(), &TrialFilter::default()).await, Ok(totals(0, 1)));
    }
}

/// Some hundred trials over five days, crowded around the borders of days, in many kinds.
fn many() -> Vec<Trial> {
    let made = |number: u32| {
        let day = i64::from(number % 5);
        let within = [0, 1, 1, DAY_MS / 2, DAY_MS - 1][(number / 5 % 5) as usize];
        let made_at = day * DAY_MS + within;
        let (channel, country) = if number.is_multiple_of(7) {
            (Channel::Email, None)
        } else {
            (Channel::Sms, Some(["CM", "FR"][(number % 2) as usize].to_owned()))
        };
        Trial {
            verification: verification_id(number / 2),
            service: service_id(number % 3),
            to: address(u8::try_from(number % 11).unwrap()),
            channel,
            country,
            ..trial(number, made_at)
        }
    };
    (0..300).map(made).collect()
}

/// Some filters of each sort, alone and together.
fn filters() -> Vec<TrialFilter> {
    let base = TrialFilter::default;
    let mut filters = vec![
        base(),
        TrialFilter { service: Some(service_id(1)), ..base() },
        TrialFilter { service: Some(service_id(99)), ..base() },
        TrialFilter { channel: Some(Channel::Email), ..base() },
        TrialFilter { country: Some("FR".to_owned()), ..base() },
        TrialFilter { successful: Some(true), ..base() },
        TrialFilter { successful: Some(false), service: Some(service_id(2)), ..base() },
        TrialFilter { verification: Some(verification_id(20)), ..base() },
        TrialFilter { to: Some(address(3)), ..base() },
        TrialFilter { to: Some(address(3)), country: Some("CM".to_owned()), successful: Some(true), ..base() },
        TrialFilter { to: Some(address(3)), service: Some(service_id(0)), channel: Some(Channel::Sms), ..base() },
    ];
    for (from, until) in [
        (Some(1), None),
        (None, Some(DAY_MS)),
        (Some(DAY_MS), Some(2 * DAY_MS)),
        (Some(DAY_MS + 1), Some(3 * DAY_MS + 1)),
        (Some(2 * DAY_MS - 1), Some(2 * DAY_MS)),
        (Some(2 * DAY_MS), Some(DAY_MS)),
        (Some(i64::MIN), Some(i64::MAX)),
    ] {
        let (from, until) = (from.map(ms), until.map(ms));
        filters.push(TrialFilter { from, until, ..base() });
        filters.push(TrialFilter { from, until, service: Some(service_id(0)), successful: Some(false), ..base() });
        filters.push(TrialFilter { from, until, to: Some(address(4)), ..base() });
    }
    filters
}

fn lets_through(filter: &TrialFilter, trial: &Trial) -> bool {
    filter.service.is_none_or(|service| trial.service == service)
        && filter.verification.is_none_or(|verification| trial.verification == verification)
        && filter.to.is_none_or(|to| trial.to == to)
        && filter.channel.is_none_or(|channel| trial.channel == channel)
        && filter.country.as_ref().is_none_or(|country| trial.country.as_ref() == Some(country))
        && filter.successful.is_none_or(|successful| trial.successful == successful)
        && filter.from.is_none_or(|from| trial.made_at() >= from)
        && filter.until.is_none_or(|until| trial.made_at() < until)
}

async fn filled(store: &Store) -> Vec<Trial> {
    let mut trials = many();
    let mut batch = trials.iter().cloned().map(Change::InsertTrial).fold(Batch::new(), Batch::with);
    for trial in trials.iter_mut().step_by(3) {
        batch.push(Change::TrialSucceeded { tenant: ours(), id: trial.id, at: at(50) });
        (trial.successful, trial.updated_at) = (true, at(50));
    }
    store.write(batch).await.unwrap();
    trials
}

#[tokio::test]
async fn every_page_and_every_sum_is_what_reading_all_rows_would_give() {
    for place in backend::each() {
        let store = place.open().await;
        let all = filled(&store).await;
        for filter in filters() {
            // Sorted by age and, since the sort is stable, by the order of writing: both backwards.
            let mut wanted: Vec<&Trial> = all.iter().rev().filter(|trial| lets_through(&filter, trial)).collect();
            wanted.sort_by_key(|trial| std::cmp::Reverse(trial.made_at()));
            let successful = wanted.iter().filter(|trial| trial.successful).count() as u64;
            let sums = totals(successful, wanted.len() as u64 - successful);
            assert_eq!(store.trial_totals(ours(), &filter).await, Ok(sums), "{filter:?}");
            for (skip, take) in [(0, 1000), (0, 7), (7, 7), (60, 20), (123, 50), (299, 5), (5000, 5), (u64::MAX, 5)] {
                let page = store.trials(ours(), &filter, Slice { skip, take }).await.unwrap();
                let skip = usize::try_from(skip).unwrap();
                let part: Vec<Trial> = wanted.iter().skip(skip).take(take as usize).map(|it| (*it).clone()).collect();
                assert_eq!(page, Page { total: wanted.len() as u64, items: part }, "{filter:?} {skip} {take}");
            }
        }
    }
}
