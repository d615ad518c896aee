//! Who is told of events, and what is on its way there: in the order of writing for each line, by one worker at a time, on the
//! clock that nobody moves.

use crate::{backend, samples::*};
use countersign_model::{WebhookDelivery, WebhookEndpoint, WebhookEndpointId, webhook::DeliveryState};
use countersign_store::{Batch, Change, DeliveryFilter, Error, Store, Topic};

async fn write(store: &Store, change: Change) -> Result<(), Error> {
    store.write(Batch::new().with(change)).await
}

async fn due(store: &Store, now: i64, wall: i64) -> Vec<WebhookDelivery> {
    store.due_webhook_deliveries(at(now), at(wall), &[], 100).await.unwrap()
}

async fn listed(store: &Store, filter: DeliveryFilter) -> Vec<u32> {
    let found = store.webhook_deliveries(ours(), &filter).await.unwrap();
    (0..100).filter(|number| found.iter().any(|it| it.id == webhook_delivery_id(*number))).collect()
}

fn endpoint(number: u32) -> WebhookEndpointId {
    webhook_endpoint(number).id
}

const DEAD: DeliveryFilter = DeliveryFilter { state: DeliveryState::Dead, endpoint: None, before: None, limit: 100 };

#[tokio::test]
async fn an_endpoint_comes_back_whole_and_is_changed_and_removed_as_it_was_read() {
    for place in backend::each() {
        let store = place.open().await;
        let mut news = store.waiter(Topic::WebhookEndpoints);
        write(&store, Change::PutWebhookEndpoint(webhook_endpoint(1))).await.unwrap();
        news.changed().await;
        assert_eq!(write(&store, Change::PutWebhookEndpoint(webhook_endpoint(1))).await, Err(Error::Conflict));
        let kept = WebhookEndpoint { version: 1, ..webhook_endpoint(1) };
        assert_eq!(store.webhook_endpoint(ours(), endpoint(1)).await, Ok(Some(kept.clone())));
        assert_eq!(store.webhook_endpoint(tenant_id(99), endpoint(1)).await, Ok(None));
        let changed = WebhookEndpoint { whole_address: false, ..kept };
        assert_eq!(write(&store, Change::PutWebhookEndpoint(changed.clone())).await, Ok(()));
        news.changed().await;
        assert_eq!(write(&store, Change::PutWebhookEndpoint(changed.clone())).await, Err(Error::Conflict));
        assert_eq!(store.webhook_endpoints().await, Ok(vec![WebhookEndpoint { version: 2, ..changed }]));
        let gone = |version| Change::DeleteWebhookEndpoint { tenant: ours(), id: endpoint(1), version };
        assert_eq!(write(&store, gone(1)).await, Err(Error::Conflict));
        assert_eq!(write(&store, gone(2)).await, Ok(()));
        news.changed().await;
        assert_eq!(store.webhook_endpoints().await, Ok(vec![]));
    }
}

#[tokio::test]
async fn a_delivery_comes_back_whole_when_it_is_due_and_not_for_an_endpoint_that_is_busy() {
    for place in backend::each() {
        let store = place.open().await;
        write(&store, Change::InsertWebhookDelivery(webhook_delivery(1, 1, at(20)))).await.unwrap();
        write(&store, Change::InsertWebhookDelivery(webhook_delivery(2, 2, at(10)))).await.unwrap();
        assert_eq!(
            write(&store, Change::InsertWebhookDelivery(webhook_delivery(2, 2, at(10)))).await,
            Err(Error::Conflict)
        );
        assert!(due(&store, 9, 0).await.is_empty());
        let whole = |number, seconds| WebhookDelivery { version: 1, ..webhook_delivery(number, number, at(seconds)) };
        assert_eq!(due(&store, 20, 0).await, [whole(2, 10), whole(1, 20)]);
        assert_eq!(store.webhook_delivery(ours(), webhook_delivery_id(1)).await, Ok(Some(whole(1, 20))));
        assert_eq!(store.webhook_delivery(tenant_id(99), webhook_delivery_id(1)).await, Ok(None));
        let except = async |busy: &[WebhookEndpointId]| {
            let due = store.due_webhook_deliveries(at(20), at(0), busy, 100).await.unwrap().len();
            (due, store.next_webhook_due(at(0), busy).await.unwrap())
        };
        assert_eq!(except(&[endpoint(2)]).await, (2, Some(at(10))));
        assert_eq!(except(&[endpoint(2), endpoint(1)]).await, (0, None));
    }
}

#[tokio::test]
async fn of_two_workers_one_takes_a_line_until_its_lease_is_over() {
    for place in backend::each() {
        let store = place.open().await;
        write(&store, Change::InsertWebhookDelivery(webhook_delivery(1, 1, at(10)))).await.unwrap();
        assert_eq!(store.next_webhook_lease_end(at(100)).await, Ok(None));
        let seen = due(&store, 10, 100).await.remove(0);
        let taken = WebhookDelivery { leased_until: at(160), ..seen };
        assert_eq!(write(&store, Change::UpdateWebhookDelivery(taken.clone())).await, Ok(()));
        assert_eq!(write(&store, Change::UpdateWebhookDelivery(taken)).await, Err(Error::Conflict));
        assert!(due(&store, 1_000_000, 159).await.is_empty(), "moving the rules' clock takes nothing away");
        assert_eq!(store.next_webhook_due(at(159), &[]).await, Ok(None));
        assert_eq!(store.next_webhook_lease_end(at(159)).await, Ok(Some(at(160))));
        assert_eq!(due(&store, 10, 160).await.len(), 1);
        assert_eq!(store.next_webhook_due(at(160), &[]).await, Ok(Some(at(10))));
        assert_eq!(store.next_webhook_lease_end(at(160)).await, Ok(None));
    }
}

#[tokio::test]
async fn what_is_added_to_a_line_that_somebody_is_at_is_found_when_that_one_is_done_with_it() {
    for place in backend::each() {
        let store = place.open().await;
        write(&store, Change::InsertWebhookDelivery(webhook_delivery(2, 1, at(10)))).await.unwrap();
        let seen = due(&store, 10, 100).await.remove(0);
        let taken = WebhookDelivery { leased_until: at(160), ..seen };
        write(&store, Change::UpdateWebhookDelivery(taken)).await.unwrap();
        // Of the same line, of another one, and of the same verification at another endpoint.
        let elsewhere = WebhookDelivery { endpoint: endpoint(2), ..webhook_delivery(4, 1, at(12)) };
        let added = [webhook_delivery(1, 1, at(9)), webhook_delivery(3, 2, at(11)), elsewhere];
        store.write(Batch::of(added.map(Change::InsertWebhookDelivery))).await.unwrap();
        let found = async |wall| due(&store, 20, wall).await.iter().map(|it| it.id).collect::<Vec<_>>();
        assert_eq!(found(159).await, [3, 4].map(webhook_delivery_id));
        assert_eq!(store.next_webhook_due(at(159), &[]).await, Ok(Some(at(11))));
        assert_eq!(found(160).await, [1, 2, 3, 4].map(webhook_delivery_id));
        let told = Change::DeleteWebhookDelivery { tenant: ours(), id: webhook_delivery_id(2) };
        write(&store, told).await.unwrap();
        assert_eq!(found(159).await, [1, 3, 4].map(webhook_delivery_id));
        assert_eq!(store.next_webhook_due(at(159), &[]).await, Ok(Some(at(9))));
    }
}

#[tokio::test]
async fn a_line_is_in_the_order_of_writing_and_knows_no_other_endpoint_and_no_dead_letter() {
    for place in backend::each() {
        let store = place.open().await;
        let elsewhere = WebhookDelivery { endpoint: endpoint(2), ..webhook_delivery(7, 1, at(1)) };
        let mut dead = webhook_delivery(8, 1, at(1));
        dead.give_up("gone", at(30));
        let all = [9, 5, 6].map(|number| webhook_delivery(number, 1, at(1)));
        let insert = all.into_iter().chain([elsewhere, dead, webhook_delivery(4, 2, at(1))]);
        store.write(Batch::of(insert.map(Change::InsertWebhookDelivery))).await.unwrap();
        let line = webhook_delivery(1, 1, at(1)).line();
        let waiting = store.pending_webhook_deliveries(endpoint(1), &line).await.unwrap();
        assert_eq!(waiting.iter().map(|it| it.id).collect::<Vec<_>>(), [9, 5, 6].map(webhook_delivery_id));
    }
}

#[tokio::test]
async fn dead_letters_are_listed_the_newest_first_and_one_that_is_asked_for_again_wakes_whoever_tells() {
    for place in backend::each() {
        let store = place.open().await;
        for number in 1..=4 {
            let mut delivery = webhook_delivery(number, number, at(1));
            if number > 1 {
                delivery.give_up("status 500", at(30));
            }
            write(&store, Change::InsertWebhookDelivery(delivery)).await.unwrap();
        }
        assert_eq!(listed(&store, DEAD).await, [2, 3, 4]);
        assert_eq!(listed(&store, DeliveryFilter { state: DeliveryState::Pending, ..DEAD }).await, [1]);
        assert_eq!(listed(&store, DeliveryFilter { limit: 2, ..DEAD }).await, [3, 4]);
        assert_eq!(listed(&store, DeliveryFilter { before: Some(webhook_delivery_id(4)), ..DEAD }).await, [2, 3]);
        assert_eq!(listed(&store, DeliveryFilter { endpoint: Some(endpoint(2)), ..DEAD }).await, [0_u32; 0]);
        assert_eq!(listed(&store, DeliveryFilter { endpoint: Some(endpoint(1)), ..DEAD }).await, [2, 3, 4]);
        assert_eq!(store.webhook_deliveries(tenant_id(99), &DEAD).await, Ok(vec![]));
        assert_eq!(due(&store, 100, 100).await.len(), 1, "nobody tells dead letters");

        let mut again = store.webhook_delivery(ours(), webhook_delivery_id(3)).await.unwrap().unwrap();
        assert_eq!(
            (again.state, again.due_at, again.reason.as_deref()),
            (DeliveryState::Dead, at(30), Some("status 500"))
        );
        again.replay(at(40));
        let mut news = store.waiter(Topic::WebhookDeliveries);
        write(&store, Change::UpdateWebhookDelivery(again)).await.unwrap();
        news.changed().await;
        assert_eq!(listed(&store, DEAD).await, [2, 4]);
        assert_eq!(due(&store, 100, 100).await.len(), 2);
    }
}

#[tokio::test]
async fn what_was_told_is_gone_and_dead_letters_go_by_age() {
    for place in backend::each() {
        let store = place.open().await;
        write(&store, Change::InsertWebhookDelivery(webhook_delivery(1, 1, at(1)))).await.unwrap();
        let told = Change::DeleteWebhookDelivery { tenant: ours(), id: webhook_delivery_id(1) };
        assert_eq!(write(&store, told.clone()).await, Ok(()));
        assert_eq!(write(&store, told).await, Ok(()), "somebody else has told it");
        assert!(due(&store, 100, 100).await.is_empty());

        write(&store, Change::InsertWebhookDelivery(webhook_delivery(2, 1, at(1)))).await.unwrap();
        for number in 3..=6 {
            let mut delivery = webhook_delivery(number, number, at(1));
            delivery.give_up("status 500", at(number.into()));
            write(&store, Change::InsertWebhookDelivery(delivery)).await.unwrap();
        }
        let purge = |before, limit| Change::PurgeWebhookDeliveries { before: at(before), limit };
        write(&store, purge(6, 2)).await.unwrap();
        assert_eq!(listed(&store, DEAD).await, [5, 6], "the oldest first");
        write(&store, purge(6, 10)).await.unwrap();
        assert_eq!(listed(&store, DEAD).await, [6]);
        assert_eq!(due(&store, 100, 100).await.len(), 1, "one that waits stays, however old it is");
    }
}

#[tokio::test]
async fn a_new_delivery_wakes_whoever_tells() {
    for place in backend::each() {
        let store = place.open().await;
        let mut waiter = store.waiter(Topic::WebhookDeliveries);
        write(&store, Change::InsertWebhookDelivery(webhook_delivery(1, 1, at(10)))).await.unwrap();
        waiter.changed().await;
    }
}
