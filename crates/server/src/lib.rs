//! How Countersign is *started*: configuration, command line, logs, TLS, the listener, the stop, and in `wiring.rs` the one
//! place where store, providers, engine and web are put together. No rule of the product lives here.
//!
//! It is a library so that its tests reach it; the only user is `main.rs`. Entry point: [`main`], which reads the command
//! line (`cli.rs`) and ends with 0, with 2 if the command line or the configuration is wrong, or with 1.

pub mod cli;
pub mod config;
mod failure;
pub mod listen;
pub mod out;
pub mod shutdown;
pub mod telemetry;
pub mod tls;
pub mod wiring;

pub use failure::Failure;

use clap::Parser as _;
use std::process::ExitCode;

/// Runs the program.
#[must_use]
pub fn main() -> ExitCode {
    let command = cli::Cli::parse();
    // Fails only if a provider is installed already, and then there is one.
    _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    match command.run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            let lines: Vec<String> = failure.lines().iter().map(|line| format!("countersign: {line}")).collect();
            out::complain(&lines.join("\n"));
            ExitCode::from(failure.status())
        }
    }
}
