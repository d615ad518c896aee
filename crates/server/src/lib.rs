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
    let command = match cli::Cli::try_parse() {
        Ok(command) => command,
        Err(error) => return not_understood(&error),
    };
    // Fails only if a provider is installed already, and then there is one.
    _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    match command.run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => ended(&failure),
    }
}

/// One line for a value that is not taken; for everything else what clap says, which may be the help that was asked for.
fn not_understood(error: &clap::Error) -> ExitCode {
    if let Some(line) = cli::refused(error) {
        return ended(&Failure::usage(vec![line]));
    }
    // If it cannot be printed there is nobody to tell.
    _ = error.print();
    ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2))
}

fn ended(failure: &Failure) -> ExitCode {
    let lines: Vec<String> = failure.lines().iter().map(|line| format!("countersign: {line}")).collect();
    out::complain(&lines.join("\n"));
    ExitCode::from(failure.status())
}
