//! `countersign tenants`: the customers of this installation.

use super::ConfigFile;
use crate::{Failure, out, wiring::Tool};
use clap::{Args, Subcommand};
use countersign_engine::{Caller, Engine, commands::CreateTenant};
use countersign_model::TenantId;

/// Make and list tenants
///
/// A tenant is a customer of this installation: its keys, its services and its verifications are seen by nobody else.
#[derive(Debug, Args)]
pub(super) struct Tenants {
    #[command(flatten)]
    file: ConfigFile,
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Make a tenant, and print its id
    Create {
        /// Its name, for `countersign keys --tenant`: a-z 0-9 - _ . only
        name: String,
    },
    /// List all tenants: id and name
    List,
}

impl Tenants {
    pub(super) async fn run(self) -> Result<(), Failure> {
        let tool = Tool::open(&self.file.load()?.settings).await?;
        let done = match self.action {
            Action::Create { name } => create(&tool.engine, name).await,
            Action::List => list(&tool.engine).await,
        };
        tool.close().await;
        done
    }
}

async fn create(engine: &Engine, name: String) -> Result<(), Failure> {
    // The new tenant is nobody's: the caller's own plays no part in it.
    let operator = Caller::operator(TenantId::from_bytes([0; 16]));
    let command = CreateTenant { name: name.clone() };
    match engine.run(&operator, None, &command).await {
        Ok(tenant) => out::line(&tenant.id.to_string()),
        Err(error) => Err(Failure::other(format!("cannot make the tenant {name}: {error}"))),
    }
}

async fn list(engine: &Engine) -> Result<(), Failure> {
    let tenants = engine.tenants().await;
    for tenant in tenants.map_err(|error| Failure::other(format!("cannot list the tenants: {error}")))? {
        out::line(&format!("{}  {}", tenant.id, tenant.name))?;
    }
    Ok(())
}
