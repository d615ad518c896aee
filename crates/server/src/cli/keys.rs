//! `countersign keys`: the API keys of a tenant.

use super::ConfigFile;
use crate::{Failure, out};
use clap::{Args, Subcommand};
use countersign_engine::{
    Caller, Engine,
    commands::{CreateKey, KeyForm, RevokeKey},
};
use countersign_model::{
    ApiKey, KeyId, Scope,
    tenant::{IpNet, parse_network},
};

/// Make, list and revoke a tenant's API keys
#[derive(Debug, Args)]
pub(super) struct Keys {
    #[command(flatten)]
    file: ConfigFile,
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Make a key and print it, this once: only its hash is kept
    Create {
        /// Whose key: the tenant's name
        #[arg(long)]
        tenant: String,
        /// What it is for, so that you know it again in the list
        #[arg(long)]
        name: String,
        /// What it may do: verifications:write, verifications:read or admin; may be given more than once. Without it: write
        /// and read verifications
        #[arg(long = "scope", value_name = "SCOPE", value_parser = scope)]
        scopes: Vec<Scope>,
        /// What it looks like: `native`; or, for the clients of vendors that take no other, `hex32` (32 hexadecimal characters)
        /// or `jws` (a compact JWS)
        #[arg(long, value_name = "FORM", default_value = "native", value_parser = form)]
        form: KeyForm,
        /// From where it may be used: a network such as 203.0.113.0/24, or an address; may be given more than once. Without it:
        /// from anywhere
        #[arg(long = "allow-from", value_name = "NETWORK", value_parser = network)]
        allowed_from: Vec<IpNet>,
        /// For trying things out: its messages do not leave, and cost nothing
        #[arg(long)]
        test: bool,
    },
    /// List a tenant's keys, without the keys themselves
    List {
        /// Whose keys: the tenant's name
        #[arg(long)]
        tenant: String,
    },
    /// Revoke a key: from now on it opens nothing
    Revoke {
        /// Whose key: the tenant's name
        #[arg(long)]
        tenant: String,
        /// The key's id, as the list shows it
        id: KeyId,
    },
}

fn scope(text: &str) -> Result<Scope, String> {
    let known = Scope::ALL.map(Scope::name).join(", ");
    Scope::parse(text).ok_or_else(|| format!("there is {known}"))
}

fn network(text: &str) -> Result<IpNet, String> {
    parse_network(text).ok_or_else(|| "this is no network, such as 203.0.113.0/24, and no address".to_owned())
}

fn form(text: &str) -> Result<KeyForm, String> {
    let known = KeyForm::ALL.map(KeyForm::name).join(", ");
    KeyForm::parse(text).ok_or_else(|| format!("there is {known}"))
}

impl Keys {
    pub(super) async fn run(self) -> Result<(), Failure> {
        let Self { file, action } = self;
        file.with_engine(async move |engine: &Engine| action.run(engine).await).await
    }
}

impl Action {
    async fn run(self, engine: &Engine) -> Result<(), Failure> {
        match self {
            Self::Create { tenant, name, scopes, form, allowed_from, test } => {
                let scopes = if scopes.is_empty() { USUAL.to_vec() } else { scopes };
                let command = CreateKey { name, scopes, form, allowed_from, test };
                create(engine, &operator_of(engine, &tenant).await?, &command).await
            }
            Self::List { tenant } => list(engine, &operator_of(engine, &tenant).await?).await,
            Self::Revoke { tenant, id } => revoke(engine, &operator_of(engine, &tenant).await?, id).await,
        }
    }
}

pub(super) async fn operator_of(engine: &Engine, name: &str) -> Result<Caller, Failure> {
    match engine.tenant_named(name).await {
        Ok(tenant) => Ok(Caller::operator(tenant.id)),
        Err(error) => Err(Failure::other(format!("{name}: {error}; `countersign tenants list` shows all"))),
    }
}

/// What a key may do when nobody says.
const USUAL: [Scope; 2] = [Scope::VerificationsWrite, Scope::VerificationsRead];

async fn create(engine: &Engine, operator: &Caller, command: &CreateKey) -> Result<(), Failure> {
    match engine.run(operator, None, command).await {
        Ok(created) => out::line(&created.secret),
        Err(error) => Err(Failure::other(format!("cannot make the key: {error}"))),
    }
}

async fn list(engine: &Engine, operator: &Caller) -> Result<(), Failure> {
    let keys = engine.api_keys(operator).await;
    for key in keys.map_err(|error| Failure::other(format!("cannot list the keys: {error}")))? {
        out::line(&shown(&key))?;
    }
    Ok(())
}

fn shown(key: &ApiKey) -> String {
    let scopes: Vec<&str> = key.scopes.iter().map(|scope| scope.name()).collect();
    let state = if key.revoked_at.is_some() { "revoked" } else { "active" };
    let networks: Vec<String> = key.allowed_from.iter().map(|network| format!("  from {network}")).collect();
    let test = if key.test { "  test" } else { "" };
    format!("{}  {state:7}  {}  {}{}{test}", key.id, scopes.join(","), key.name, networks.concat())
}

async fn revoke(engine: &Engine, operator: &Caller, id: KeyId) -> Result<(), Failure> {
    let revoked = engine.run(operator, None, &RevokeKey { id }).await;
    revoked.map_err(|error| Failure::other(format!("cannot revoke {id}: {error}; `countersign keys list` shows all")))
}
