//! What dev mode keeps.

use crate::{backend, backend::write, samples::*};
use countersign_model::Channel;
use countersign_store::{
    Change, Store,
    sandbox::{self, InboxFilter, InboxMessage, Lookup, Outcome, PlannedOutcome},
};

fn arrived(number: u32, to: &str, channel: Channel) -> InboxMessage {
    InboxMessage {
        seq: 0,
        message: message_id(number),
        tenant: ours(),
        tenant_name: "dev".to_owned(),
        channel,
        to: to.to_owned(),
        from: Some("GOOD PIZZA".to_owned()),
        subject: Some("Your code".to_owned()),
        text: "123456 is your \u{1f355} code".to_owned(),
        html: Some("<p>".to_owned()),
        code: Some("123456".to_owned()),
        link: Some("https://example.com/?a=b".to_owned()),
        verification: Some(verification_id(1)),
        at: at(1),
    }
}

fn deliver(message: InboxMessage) -> Change {
    Change::Sandbox(sandbox::Change::Deliver(message))
}

async fn places(store: &Store, filter: InboxFilter) -> Vec<u64> {
    store.inbox(&filter).await.unwrap().into_iter().map(|message| message.seq).collect()
}

fn all() -> InboxFilter {
    InboxFilter { limit: 100, ..InboxFilter::default() }
}

#[tokio::test]
async fn a_message_arrives_once_however_often_it_is_written_and_the_first_stays() {
    for place in backend::each() {
        let store = place.open().await;
        let first = arrived(1, "+34666666111", Channel::Sms);
        let again = InboxMessage { text: "again".to_owned(), ..first.clone() };
        write(&store, [deliver(first.clone()), deliver(again.clone())]).await;
        write(&store, [deliver(again)]).await;
        assert_eq!(store.inbox(&all()).await, Ok(vec![InboxMessage { seq: 1, ..first }]));
    }
}

#[tokio::test]
async fn the_inbox_shows_what_is_asked_for_oldest_first() {
    for place in backend::each() {
        let store = place.open().await;
        for (number, to, channel) in [(9, "+1", Channel::Sms), (8, "a@b.cc", Channel::Email), (7, "+1", Channel::Voice)]
        {
            write(&store, [deliver(arrived(number, to, channel))]).await;
        }
        let to = Some("+1".to_owned());
        assert_eq!(places(&store, all()).await, [1, 2, 3]);
        assert_eq!(places(&store, InboxFilter { to: to.clone(), ..all() }).await, [1, 3]);
        assert_eq!(places(&store, InboxFilter { to: to.clone(), after: 1, ..all() }).await, [3]);
        assert_eq!(places(&store, InboxFilter { to: to.clone(), limit: 1, ..all() }).await, [1]);
        assert_eq!(places(&store, InboxFilter { to, channel: Some(Channel::Sms), ..all() }).await, [1]);
        assert_eq!(places(&store, InboxFilter { channel: Some(Channel::Email), ..all() }).await, [2]);
        assert_eq!(places(&store, InboxFilter { after: 1, limit: 1, ..all() }).await, [2]);
        assert!(places(&store, InboxFilter { after: u64::MAX, ..all() }).await.is_empty());
    }
}

#[tokio::test]
async fn a_place_in_the_inbox_is_never_given_twice() {
    for place in backend::each() {
        let store = place.open().await;
        write(&store, [deliver(arrived(1, "+1", Channel::Sms)), deliver(arrived(2, "+1", Channel::Sms))]).await;
        write(&store, [Change::Sandbox(sandbox::Change::Empty)]).await;
        assert!(places(&store, all()).await.is_empty());
        write(&store, [deliver(arrived(3, "+1", Channel::Sms))]).await;
        assert_eq!(places(&store, InboxFilter { after: 2, ..all() }).await.len(), 1);
    }
}

#[tokio::test]
async fn the_last_plan_for_an_address_counts_and_without_one_all_goes_well() {
    for place in backend::each() {
        let store = place.open().await;
        let to = || "+1".to_owned();
        assert_eq!(store.planned_outcome("+1").await, Ok(PlannedOutcome::default()));
        assert_eq!(store.planned_lookup("+1").await, Ok(Lookup::Valid));
        for (outcome, lookup) in [(Outcome::Lose, Lookup::Valid), (Outcome::Reject, Lookup::Invalid)] {
            let plan = PlannedOutcome { outcome, delay_ms: 250 };
            let plan_outcome = Change::Sandbox(sandbox::Change::PlanOutcome { to: to(), plan });
            let plan_lookup = Change::Sandbox(sandbox::Change::PlanLookup { to: to(), lookup });
            write(&store, [plan_outcome, plan_lookup]).await;
            assert_eq!(store.planned_outcome("+1").await, Ok(plan));
            assert_eq!(store.planned_lookup("+1").await, Ok(lookup));
        }
        assert_eq!(store.planned_outcome("+2").await, Ok(PlannedOutcome::default()));
        assert_eq!(store.planned_lookup("+2").await, Ok(Lookup::Valid));
    }
}

#[tokio::test]
async fn the_clock_moves_forward_and_stops_at_the_end_of_time() {
    for place in backend::each() {
        let store = place.open().await;
        let advance = |by_ms| Change::Sandbox(sandbox::Change::AdvanceClock { by_ms });
        assert_eq!(store.clock_offset_ms().await, Ok(0));
        write(&store, [advance(5), advance(7)]).await;
        assert_eq!(store.clock_offset_ms().await, Ok(12));
        write(&store, [advance(u64::MAX), advance(1)]).await;
        assert_eq!(store.clock_offset_ms().await, Ok(i64::MAX.cast_unsigned()));
    }
}
