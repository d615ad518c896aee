//! `countersign keys`: the API keys of a tenant.

use super::ConfigFile;
use crate::Failure;
use clap::{Args, Subcommand};

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
        /// Whose key: the tenant's name or id
        #[arg(long)]
        tenant: String,
        /// What it is for, so that you know it again in the list
        #[arg(long)]
        name: String,
        /// What it may do; may be given more than once. Without it: everything the native API offers to a backend
        #[arg(long = "scope", value_name = "SCOPE")]
        scopes: Vec<String>,
    },
    /// List a tenant's keys, without the keys themselves
    List {
        /// Whose keys: the tenant's name or id
        #[arg(long)]
        tenant: String,
    },
    /// Revoke a key: from now on it opens nothing
    Revoke {
        /// Whose key: the tenant's name or id
        #[arg(long)]
        tenant: String,
        /// The key's id, as the list shows it
        id: String,
    },
}

impl Keys {
    pub(super) async fn run(self) -> Result<(), Failure> {
        let _settings = self.file.load()?.settings;
        match self.action {
            Action::Create { .. } | Action::List { .. } | Action::Revoke { .. } => Err(Failure::other("not wired yet")),
        }
    }
}
