//! `countersign completions`: a script for the shell.

use super::Cli;
use crate::{Failure, out};
use clap::{Args, CommandFactory as _};
use clap_complete::Shell;

/// Print the completion script of a shell
///
/// For bash: countersign completions bash > /etc/bash_completion.d/countersign
#[derive(Debug, Args)]
pub(super) struct Completions {
    /// Which shell
    shell: Shell,
}

impl Completions {
    pub(super) fn run(self) -> Result<(), Failure> {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut Cli::command(), "countersign", &mut script);
        out::bytes(&script)
    }
}
