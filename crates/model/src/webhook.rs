//! Events for a tenant's own servers: who is told of what, in which words, and how long it is tried. How a call is signed is
//! `countersign-engine`'s business, how it is made `countersign-delivery`'s.

mod delivery;
mod endpoint;
mod event_type;
mod payload;

pub use delivery::{DeliveryState, PAUSES, WebhookDelivery};
pub use endpoint::{BadEndpoint, DisabledBecause, OLD_SECRET_SIGNS_FOR, WebhookEndpoint};
pub use event_type::EventType;
pub use payload::{About, Payload};
