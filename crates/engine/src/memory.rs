//! What is remembered of a user, of a transaction, or of somebody who tries passwords: what they have spent of their limits.
//! It is kept where the same is kept of addresses, under a service that does not exist.

use crate::{Engine, Error};
use countersign_model::{BlindIndex, Destination, ServiceId, TenantId, UserId};
use countersign_store::Change;
use std::net::IpAddr;

/// Of whom, and what.
#[derive(Clone, Debug)]
pub(crate) struct Memory {
    tenant: TenantId,
    index: BlindIndex,
    /// What they have spent.
    pub spent: Destination,
}

/// A service with this id is never made: ids begin with the time.
const NO_SERVICE: ServiceId = ServiceId::from_bytes([0; 16]);

impl Memory {
    /// To be written in the same batch as what it allows.
    pub fn change(self) -> Change {
        Change::PutDestination { tenant: self.tenant, service: NO_SERVICE, index: self.index, destination: self.spent }
    }
}

impl Engine {
    /// Of a user.
    pub(crate) async fn memory_of_user(&self, tenant: TenantId, user: UserId) -> Result<Memory, Error> {
        self.memory(tenant, self.keys().memory_index(tenant, "user", &user.to_bytes())).await
    }

    /// Of a log-in that waits for its second factor.
    pub(crate) async fn memory_of_transaction(&self, tenant: TenantId, id: &[u8; 16]) -> Result<Memory, Error> {
        self.memory(tenant, self.keys().memory_index(tenant, "transaction", id)).await
    }

    /// Of whoever tries to log in as somebody from some address. Whether there is such a user makes no difference.
    pub(crate) async fn memory_of_log_in(
        &self,
        tenant: TenantId,
        name: &str,
        peer: Option<IpAddr>,
    ) -> Result<Memory, Error> {
        let name = self.keys().name_index(tenant, name).0;
        let peer = peer.map_or_else(Vec::new, |peer| peer.to_canonical().to_string().into_bytes());
        self.memory(tenant, self.keys().memory_index(tenant, "log-in", &[name.as_slice(), &peer].concat())).await
    }

    async fn memory(&self, tenant: TenantId, index: BlindIndex) -> Result<Memory, Error> {
        let spent = self.store().destination(tenant, NO_SERVICE, index).await?;
        Ok(Memory { tenant, index, spent })
    }
}
