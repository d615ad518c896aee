//! Applications and users of dev mode: made at the first start, and the same at every later one as long as the key file is.

use super::Sandbox;
use crate::{Caller, Engine, Error, Identity, Thing, keys};
use countersign_model::{Api, Client, ClientProof, Grant, MfaRule, Scope, Tenant, TenantId, User, UserId};
use countersign_store::{Batch, Change, Error as StoreError};
use data_encoding::{BASE64URL_NOPAD, HEXLOWER};
use futures_util::future::{try_join_all, try_join3};
use zeroize::Zeroizing;

/// With what an application gets tokens.
#[derive(Clone, Debug)]
pub struct Application {
    /// One that keeps a secret.
    pub client_id: String,
    /// The secret.
    pub client_secret: Zeroizing<String>,
    /// One that cannot.
    pub public_client_id: String,
    /// The API for which both may have tokens.
    pub audience: String,
}

/// A user of dev mode.
#[derive(Clone)]
pub struct TrialUser {
    /// Its id.
    pub id: UserId,
    /// Its name.
    pub name: String,
    /// Its password.
    pub password: Zeroizing<String>,
    /// Whether that is enough.
    pub mfa: MfaRule,
}

/// The users that are there from the start.
const USERS: [(&str, MfaRule); 2] = [("nomfa@example.com", MfaRule::Off), ("fresh@example.com", MfaRule::Required)];

/// What the client that keeps a secret may do in the management API.
const MANAGEMENT: [&str; 18] = [
    "read:users",
    "update:users",
    "read:authentication_methods",
    "create:authentication_methods",
    "update:authentication_methods",
    "delete:authentication_methods",
    "read:guardian_factors",
    "update:guardian_factors",
    "read:mfa_policies",
    "update:mfa_policies",
    "read:guardian_enrollments",
    "delete:guardian_enrollments",
    "create:guardian_enrollment_tickets",
    "read:logs",
    "read:signing_keys",
    "create:signing_keys",
    "update:signing_keys",
    "read:logs",
];

/// A page of a developer's own, on the port that such pages have by custom.
const DEVELOPERS_PAGE: &str = "http://localhost:3000";

impl Sandbox {
    /// Of a tenant.
    pub(super) fn application(&self, tenant: &str) -> Application {
        let id = |what: &str| HEXLOWER.encode(self.secret(what, tenant).split_at(16).0);
        Application {
            client_id: id("sandbox client"),
            client_secret: Zeroizing::new(BASE64URL_NOPAD.encode(&*self.secret("sandbox client secret", tenant))),
            public_client_id: id("sandbox public client"),
            audience: format!("https://api.{tenant}.example/"),
        }
    }

    /// Of a tenant.
    pub(super) fn trial_users(&self, tenant: &str) -> Vec<TrialUser> {
        USERS.into_iter().map(|(name, mfa)| self.trial_user(tenant, name, mfa)).collect()
    }

    fn trial_user(&self, tenant: &str, name: &str, mfa: MfaRule) -> TrialUser {
        let id = self.secret("sandbox user", &format!("{tenant}/{name}")).first_chunk().copied().unwrap_or([0; 16]);
        let password = BASE64URL_NOPAD.encode(self.secret("sandbox password", tenant).split_at(15).0);
        TrialUser { id: UserId::from_bytes(id), name: name.to_owned(), password: Zeroizing::new(password), mfa }
    }

    fn secret(&self, purpose: &str, of: &str) -> Zeroizing<[u8; 32]> {
        Zeroizing::new(self.engine.keys().hash(purpose, of.as_bytes()))
    }

    /// Makes what is not there yet.
    pub(super) async fn seed_application(&self, tenant: &Tenant) -> Result<(), Error> {
        let application = self.application(&tenant.name);
        let secret = self.engine.client_secret_hash(&application.client_secret);
        let confidential = ClientProof::Secret(secret);
        let seed = |id, proof, management| self.seed_client(tenant.id, &application, id, proof, management);
        let server = seed(&application.client_id, confidential, &MANAGEMENT);
        let page = seed(&application.public_client_id, ClientProof::Public, &[]);
        try_join3(server, page, self.seed_users(tenant)).await.map(drop)
    }

    /// They have one password, which is hashed once: a start should not take long.
    async fn seed_users(&self, tenant: &Tenant) -> Result<(), Error> {
        let mut missing = Vec::new();
        for user in self.trial_users(&tenant.name) {
            if self.engine.store().user(tenant.id, user.id).await?.is_none() {
                missing.push(user);
            }
        }
        let Some(first) = missing.first() else { return Ok(()) };
        let hash = self.engine.hash_password(&first.password).await?;
        let write = async |user: &TrialUser| {
            let user = fresh(&self.engine, tenant.id, user, Some(hash.clone()))?;
            written(self.engine.write(Batch::new().with(Change::InsertUser(user))).await)
        };
        try_join_all(missing.iter().map(write)).await.map(drop)
    }

    async fn seed_client(
        &self,
        tenant: TenantId,
        application: &Application,
        id: &str,
        proof: ClientProof,
        management: &[&str],
    ) -> Result<(), Error> {
        if self.engine.store().client(id).await?.is_some() {
            return Ok(());
        }
        let scopes = ["read:things", "write:things"].map(str::to_owned).to_vec();
        let client = Client {
            id: id.to_owned(),
            tenant,
            version: 0,
            name: "Sandbox".to_owned(),
            proof,
            grants: Grant::ALL.to_vec(),
            apis: vec![Api { audience: application.audience.clone(), scopes }],
            management: management.iter().map(|scope| (*scope).to_owned()).collect(),
            return_to: vec![format!("{DEVELOPERS_PAGE}/")],
            origins: vec![DEVELOPERS_PAGE.to_owned()],
            created_at: self.engine.now(),
        };
        written(self.engine.write(Batch::new().with(Change::PutClient(client))).await)
    }

    /// Makes one more user of a tenant, for a test that wants one of its own.
    ///
    /// # Errors
    /// When there is one of this name, or no such tenant.
    pub async fn add_user(&self, tenant: &str, name: &str, password: &str, mfa: MfaRule) -> Result<TrialUser, Error> {
        let tenant = self.engine.tenant_named(tenant).await?;
        let caller = Caller::operator(tenant.id);
        caller.must_have(Scope::Admin)?;
        if self.engine.find_user(tenant.id, &crate::UserRef::Named(name.to_owned())).await?.is_some() {
            return Err(Error::NameTaken(Thing::User));
        }
        let id = UserId::generate(self.engine.now(), self.engine.random());
        let user = TrialUser { id, name: name.to_owned(), password: Zeroizing::new(password.to_owned()), mfa };
        let hash = self.engine.hash_password(&user.password).await?;
        let fresh = fresh(&self.engine, tenant.id, &user, Some(hash))?;
        match self.engine.write(Batch::new().with(Change::InsertUser(fresh))).await {
            Ok(()) => Ok(user),
            Err(StoreError::Conflict) => Err(Error::NameTaken(Thing::User)),
            Err(error) => Err(error.into()),
        }
    }
}

/// As any other user, but with the id that was said.
fn fresh(engine: &Engine, tenant: TenantId, user: &TrialUser, password: Option<String>) -> Result<User, Error> {
    let identity = Identity { name: Some(user.name.clone()), ..Identity::default() };
    let made = engine.fresh_user(tenant, &identity, engine.now())?;
    let context = keys::context(keys::USER_NAME, tenant, &user.id.to_bytes());
    let name = Some(engine.keys().seal(&user.name, &context, engine.random())?);
    Ok(User { id: user.id, name, password, mfa: user.mfa, ..made })
}

/// Another process on this store may have made it.
fn written(result: Result<(), StoreError>) -> Result<(), Error> {
    match result {
        Ok(()) | Err(StoreError::Conflict) => Ok(()),
        Err(error) => Err(error.into()),
    }
}
