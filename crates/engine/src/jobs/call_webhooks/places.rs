//! How many lines are told at once: so many at one endpoint, and no more, so that a slow receiver holds up nobody but itself.

use countersign_model::WebhookEndpointId;
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};
use tokio::sync::Notify;

/// At one endpoint.
pub(super) const OF_AN_ENDPOINT: usize = 8;
/// In this process.
pub(super) const OF_ALL: usize = 256;

/// Which places are taken.
#[derive(Clone, Default)]
pub(super) struct Places(Arc<Inner>);

#[derive(Default)]
struct Inner {
    taken: Mutex<HashMap<WebhookEndpointId, usize>>,
    freed: Notify,
}

impl Places {
    /// A place for a line at an endpoint; none if there is none left.
    pub(super) fn take(&self, endpoint: WebhookEndpointId) -> Option<Place> {
        let mut taken = self.taken();
        if taken.values().sum::<usize>() >= OF_ALL {
            return None;
        }
        let of_it = taken.entry(endpoint).or_default();
        if *of_it >= OF_AN_ENDPOINT {
            return None;
        }
        *of_it += 1;
        Some(Place { places: self.clone(), endpoint })
    }

    /// Endpoints that have no place left.
    pub(super) fn full(&self) -> Vec<WebhookEndpointId> {
        let full = |(endpoint, count): (&WebhookEndpointId, &usize)| (*count >= OF_AN_ENDPOINT).then_some(*endpoint);
        self.taken().iter().filter_map(full).collect()
    }

    /// Whether this process has no place left.
    pub(super) fn is_full(&self) -> bool {
        self.taken().values().sum::<usize>() >= OF_ALL
    }

    /// Returns once a place was freed since it last returned.
    pub(super) async fn freed(&self) {
        self.0.freed.notified().await;
    }

    fn taken(&self) -> MutexGuard<'_, HashMap<WebhookEndpointId, usize>> {
        self.0.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A place that is taken, until it is dropped.
pub(super) struct Place {
    places: Places,
    endpoint: WebhookEndpointId,
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = self.places.taken();
        if let Some(count) = taken.get_mut(&self.endpoint) {
            *count -= 1;
            if *count == 0 {
                taken.remove(&self.endpoint);
            }
        }
        drop(taken);
        self.places.0.freed.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_endpoint_has_so_many_places_and_no_more_and_another_one_has_its_own() {
        let (places, one, other) = (Places::default(), id(1), id(2));
        let mut held: Vec<Place> = (0..OF_AN_ENDPOINT).map(|_| places.take(one).unwrap()).collect();
        assert!(places.take(one).is_none() && places.full() == [one]);
        held.push(places.take(other).unwrap());
        held.remove(0);
        assert!(places.full().is_empty() && places.take(one).is_some());
    }

    #[test]
    fn a_process_has_so_many_places_and_no_more() {
        let places = Places::default();
        let held: Vec<Place> = (0..OF_ALL).map(|number| places.take(id(number)).unwrap()).collect();
        assert!(places.is_full() && places.take(id(OF_ALL)).is_none());
        drop(held);
        assert!(!places.is_full() && places.take(id(0)).is_some());
    }

    fn id(number: usize) -> WebhookEndpointId {
        WebhookEndpointId::from_bytes((number as u128).to_be_bytes())
    }
}
