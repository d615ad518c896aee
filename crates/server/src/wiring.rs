//! The one place where store, keys, providers, engine and web are put together.

use crate::{Failure, config::Settings};
use axum::Router;
use std::path::Path;

/// The running product: what answers requests, and what must be ended after the last one.
pub struct Product {
    /// Answers every request.
    pub router: Router,
}

impl std::fmt::Debug for Product {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Product")
    }
}

impl Product {
    /// For `serve`: the operator's store, keys and providers.
    ///
    /// # Errors
    /// When one of them cannot be used, in one line that says what to do.
    pub async fn open(_settings: &Settings) -> Result<Self, Failure> {
        Ok(Self { router: Router::new() })
    }

    /// For `dev`: everything in one folder, the sandbox in place of providers, two tenants with credentials. `ca_file` is
    /// what `/sandbox/credentials` tells.
    ///
    /// # Errors
    /// When the folder cannot be used, in one line that says what to do.
    pub async fn open_dev(_dir: &Path, _ca_file: Option<&Path>) -> Result<Self, Failure> {
        Ok(Self { router: Router::new() })
    }

    /// Ends the jobs at their next step and closes the store. To be called when no request runs any more.
    pub async fn close(self) {}
}
