//! `countersign signing-keys`: what tokens are signed with.

use super::ConfigFile;
use crate::{Failure, out};
use clap::{Args, Subcommand};
use countersign_engine::{Caller, Engine, commands::RotateSigningKeys};

/// List the keys that sign tokens, and let the next one sign
#[derive(Debug, Args)]
pub(super) struct SigningKeys {
    #[command(flatten)]
    file: ConfigFile,
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// List the keys that are published: name and state
    List,
    /// Let the next key sign from now on; the one before stays published for a week
    Rotate,
}

impl SigningKeys {
    pub(super) async fn run(self) -> Result<(), Failure> {
        let Self { file, action } = self;
        file.with_engine(async move |engine: &Engine| match action {
            Action::List => list(engine).await,
            Action::Rotate => rotate(engine).await,
        })
        .await
    }
}

async fn list(engine: &Engine) -> Result<(), Failure> {
    let keys = engine.published_keys().await;
    for key in keys.map_err(|error| Failure::other(format!("cannot list the keys: {error}")))? {
        out::line(&format!("{}  {}", key.kid, key.state.name()))?;
    }
    Ok(())
}

async fn rotate(engine: &Engine) -> Result<(), Failure> {
    let rotated = engine.run(&Caller::installation(), None, &RotateSigningKeys).await;
    let rotated = rotated.map_err(|error| Failure::other(format!("cannot change the keys: {error}")))?;
    out::line(&rotated.current)
}
