//! Which webhook deliveries are wanted, and how a list of endpoints reaches SQL.

use countersign_model::{WebhookDeliveryId, WebhookEndpointId, webhook::DeliveryState};

/// Which webhook deliveries of a tenant are wanted; the newest come first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DeliveryFilter {
    /// Only those that stand so.
    pub state: DeliveryState,
    /// Only those for this endpoint.
    pub endpoint: Option<WebhookEndpointId>,
    /// Only those older than this one: none, from the newest on.
    pub before: Option<WebhookDeliveryId>,
    /// At most so many.
    pub limit: u32,
}

/// As a JSON list of hexadecimal texts, which both databases can take apart.
pub(crate) fn hex_list(endpoints: &[WebhookEndpointId]) -> String {
    let hex = |id: &WebhookEndpointId| format!("\"{:032x}\"", u128::from_be_bytes(id.to_bytes()));
    format!("[{}]", endpoints.iter().map(hex).collect::<Vec<_>>().join(","))
}
