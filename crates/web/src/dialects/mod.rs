//! The APIs that this server speaks, one folder each. A dialect knows the engine and its own vendor's words, and no other
//! dialect. To add one: a folder, and its line in [`DIALECTS`].

pub mod native;

use crate::Web;
use axum::Router;
use countersign_engine::{reports::ReportFormat, sandbox::Credentials};

/// One API.
pub struct Dialect {
    /// Its name for machines, which is also its folder's.
    pub name: &'static str,
    /// Its name for people.
    pub title: &'static str,
    /// Its paths.
    pub routes: fn() -> Router<Web>,
    /// How it words delivery reports; none if it has none.
    pub reports: Option<fn() -> ReportFormat>,
    /// What a newcomer pastes into a shell to try it in dev mode: label and command.
    pub examples: fn(&Credentials, &str) -> Vec<(&'static str, String)>,
}

/// All of them.
pub const DIALECTS: &[Dialect] = &[native::DIALECT];
