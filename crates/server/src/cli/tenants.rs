//! `countersign tenants`: the customers of this installation.

use super::ConfigFile;
use crate::Failure;
use clap::{Args, Subcommand};

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
    /// Make a tenant
    Create {
        /// Its name: for people, and for `countersign keys --tenant`
        name: String,
    },
    /// List all tenants
    List,
}

impl Tenants {
    pub(super) async fn run(self) -> Result<(), Failure> {
        let _settings = self.file.load()?.settings;
        match self.action {
            Action::Create { name } => create(name).await,
            Action::List => list().await,
        }
    }
}

async fn create(_name: String) -> Result<(), Failure> {
    Err(Failure::other("not wired yet"))
}

async fn list() -> Result<(), Failure> {
    Err(Failure::other("not wired yet"))
}
