//! `countersign check-config`: what is in force, and from where.

use super::ConfigFile;
use crate::{Failure, config::Line, out, tls};
use clap::Args;

/// Print every setting in force and where it came from, and say what `serve` would refuse
///
/// Secrets are masked. Ends with 0 if `serve` would start with these settings, with 2 if not.
#[derive(Debug, Args)]
pub(super) struct CheckConfig {
    #[command(flatten)]
    file: ConfigFile,
}

impl CheckConfig {
    pub(super) fn run(self) -> Result<(), Failure> {
        let loaded = self.file.load()?;
        for line in table(&loaded.lines()) {
            out::line(&line)?;
        }
        loaded.refuse_problems()?;
        let server = &loaded.settings.server;
        if let (Some(certificate), Some(key)) = (&server.tls_certificate, &server.tls_key) {
            tls::from_files(certificate, key)?;
        }
        Ok(())
    }
}

/// Readable as TOML again: the origins are comments.
fn table(lines: &[Line]) -> Vec<String> {
    let settings: Vec<String> = lines.iter().map(|line| format!("{} = {}", line.name, line.value)).collect();
    // A long list does not push all origins to the right.
    let width = settings.iter().map(|text| text.chars().count()).filter(|width| *width <= 60).max().unwrap_or(0);
    settings.iter().zip(lines).map(|(text, line)| format!("{text:width$}  # {}", line.origin)).collect()
}
