//! `countersign users`: people who prove themselves with a phone, and what stops them from doing so.

use super::ConfigFile;
use crate::{Failure, out, wiring::Tool};
use clap::{Args, Subcommand};
use countersign_engine::{Caller, Engine, Error, UserRef, commands::ReleaseUser};
use countersign_model::{Factor, FactorKind, User, UserId};

/// Look at a tenant's users, and unblock one
#[derive(Debug, Args)]
pub(super) struct Users {
    #[command(flatten)]
    file: ConfigFile,
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Show a user: its id, its factors, and until when it is blocked
    Show {
        /// Whose user: the tenant's name
        #[arg(long)]
        tenant: String,
        /// The user's name, or its id as `show` prints it or as a UUID
        user: String,
    },
    /// Let a user who was blocked by too many messages or wrong codes try again, at once
    Unblock {
        /// Whose user: the tenant's name
        #[arg(long)]
        tenant: String,
        /// The user's name, or its id as `show` prints it or as a UUID
        user: String,
    },
}

impl Users {
    pub(super) async fn run(self) -> Result<(), Failure> {
        let tool = Tool::open(&self.file.load()?.settings).await?;
        let done = match self.action {
            Action::Show { tenant, user } => show(&tool.engine, &tenant, &user).await,
            Action::Unblock { tenant, user } => unblock(&tool.engine, &tenant, &user).await,
        };
        tool.close().await;
        done
    }
}

async fn operator_of(engine: &Engine, tenant: &str) -> Result<Caller, Failure> {
    let found = engine.tenant_named(tenant).await;
    let told = |error| Failure::other(format!("{tenant}: {error}; `countersign tenants list` shows all"));
    Ok(Caller::operator(found.map_err(told)?.id))
}

/// A name is tried first: somebody may be called like an id.
async fn found(engine: &Engine, operator: &Caller, user: &str) -> Result<User, Failure> {
    let told = |error| Failure::other(format!("{user}: {error} in this tenant"));
    let id = user.parse::<UserId>().ok().or_else(|| UserId::from_uuid(user));
    match (engine.user(operator, &UserRef::Named(user.to_owned())).await, id) {
        (Err(Error::NotFound(_)), Some(id)) => engine.user(operator, &UserRef::Id(id)).await.map_err(told),
        (found, _) => found.map_err(told),
    }
}

async fn show(engine: &Engine, tenant: &str, user: &str) -> Result<(), Failure> {
    let operator = operator_of(engine, tenant).await?;
    let user = found(engine, &operator, user).await?;
    let told = |error| Failure::other(format!("{}: {error}", user.id));
    let factors = engine.factors_of(&operator, user.id).await.map_err(told)?;
    out::line(&format!("{}  {}", user.id, user.id.to_uuid()))?;
    for factor in &factors {
        out::line(&format!("{}  {}", factor.id, shown(factor)))?;
    }
    for service in engine.services(&operator).await.map_err(told)? {
        let held = engine.held_until(&operator, &service.name, user.id, &factors).await.map_err(told)?;
        if let Some(until) = held {
            let minutes = until.since(engine.now()).as_secs().div_ceil(60);
            out::line(&format!("blocked in {} for {minutes} more minutes", service.name))?;
        }
    }
    Ok(())
}

fn shown(factor: &Factor) -> String {
    let kind = match &factor.kind {
        FactorKind::Phone { .. } => "phone".to_owned(),
        FactorKind::Email { .. } => "mailbox".to_owned(),
        FactorKind::Totp { .. } => "app".to_owned(),
        FactorKind::RecoveryCodes { left, .. } => format!("{} recovery codes", left.len()),
    };
    format!("{kind}, {}", if factor.is_active() { "active" } else { "pending" })
}

async fn unblock(engine: &Engine, tenant: &str, user: &str) -> Result<(), Failure> {
    let operator = operator_of(engine, tenant).await?;
    let user = found(engine, &operator, user).await?.id;
    let released = engine.run(&operator, None, &ReleaseUser { user: UserRef::Id(user) }).await;
    released.map_err(|error| Failure::other(format!("{user}: {error}")))?;
    out::line(&format!("unblocked {user}"))
}
