//! Makes a client, and ends one. Its secret is in the outcome and nowhere else.

use super::{Command, make_recovery_codes::drawn};
use crate::{Caller, Engine, Error, Thing, clients::PublicKey};
use countersign_model::text::is_plain_line;
use countersign_model::{Api, Client, ClientProof, Grant, Scope, Timestamp};
use countersign_store::{Batch, Change};
use serde::{Deserialize, Serialize};
use std::fmt;

/// "A new client."
#[derive(Clone, Debug)]
pub struct CreateClient {
    /// What its owner calls it.
    pub name: String,
    /// How it will prove to be itself.
    pub kind: ClientKind,
    /// In which ways it may get tokens.
    pub grants: Vec<Grant>,
    /// For which APIs.
    pub apis: Vec<Api>,
    /// What it may do in the management API.
    pub management: Vec<String>,
    /// Where a hosted page may send the browser back to.
    pub return_to: Vec<String>,
    /// The origins whose pages may call with it.
    pub origins: Vec<String>,
}

/// How a client will prove to be itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ClientKind {
    /// Not at all.
    Public,
    /// With a secret, which is made here.
    Secret,
    /// With assertions that fit this public key.
    Key(PublicKey),
}

/// A client, and its secret if it has one.
#[derive(Serialize, Deserialize)]
pub struct ClientCreated {
    /// The client.
    pub client: Client,
    /// Its secret.
    pub secret: Option<String>,
}

impl fmt::Debug for ClientCreated {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ClientCreated({}, …)", self.client.id)
    }
}

impl Command for CreateClient {
    type Outcome = ClientCreated;
    const NEEDS: Scope = Scope::Admin;

    async fn decide(&self, engine: &Engine, caller: &Caller, now: Timestamp) -> Result<(ClientCreated, Batch), Error> {
        if !is_plain_line(&self.name, 64) {
            return Err(Error::BadLabel);
        }
        let secret = (self.kind == ClientKind::Secret).then(|| drawn(LETTERS_AND_DIGITS, 64, engine.random()));
        let proof = match &self.kind {
            ClientKind::Public => ClientProof::Public,
            ClientKind::Secret => ClientProof::Secret(engine.client_secret_hash(secret.as_deref().unwrap_or_default())),
            ClientKind::Key(key) => ClientProof::Key(key.pem().to_owned()),
        };
        let client = Client {
            id: drawn(LETTERS_AND_DIGITS, 32, engine.random()),
            tenant: caller.tenant(),
            version: 0,
            name: self.name.clone(),
            proof,
            grants: self.grants.clone(),
            apis: self.apis.clone(),
            management: self.management.clone(),
            return_to: self.return_to.clone(),
            origins: self.origins.clone(),
            created_at: now,
        };
        let batch = Batch::new().with(Change::PutClient(client.clone()));
        Ok((ClientCreated { client, secret }, batch))
    }
}

/// "This client is no more."
#[derive(Debug)]
pub struct DeleteClient {
    /// Which.
    pub id: String,
}

impl Command for DeleteClient {
    type Outcome = ();
    const NEEDS: Scope = Scope::Admin;

    async fn decide(&self, engine: &Engine, caller: &Caller, _: Timestamp) -> Result<((), Batch), Error> {
        let client = engine.store().client(&self.id).await?.filter(|client| client.tenant == caller.tenant());
        let client = client.ok_or(Error::NotFound(Thing::Client))?;
        Ok(((), Batch::new().with(Change::DeleteClient { tenant: client.tenant, id: client.id })))
    }
}

const LETTERS_AND_DIGITS: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
