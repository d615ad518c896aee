//! `countersign migrate-store`: from one machine's file to a database that many share.

use crate::{Failure, out};
use clap::Args;
use countersign_store::{
    DatabaseUrl,
    transfer::{Phase, Progress, transfer},
};
use indicatif::{ProgressBar, ProgressStyle};
use std::path::PathBuf;

/// Carry everything over from a SQLite file to an empty PostgreSQL database
///
/// Stop the server first. Every row is read back and compared at the end. When it is interrupted, start it again: it goes on
/// where it was. Until it has ended, no server opens the database. The file stays as it is; the key file belongs to both.
#[derive(Debug, Args)]
pub(super) struct MigrateStore {
    /// The file: sqlite:/var/lib/countersign/countersign.sqlite
    #[arg(long, value_name = "URL", value_parser = file)]
    from: PathBuf,
    /// The database: postgres://user:password@host/database. The variable keeps the password out of the list of processes
    #[arg(long, value_name = "URL", env = "COUNTERSIGN_MIGRATE_TO", hide_env_values = true, value_parser = super::values::database)]
    to: DatabaseUrl,
}

fn file(text: &str) -> Result<PathBuf, String> {
    let path = text.strip_prefix("sqlite:").filter(|path| !path.is_empty());
    path.map(PathBuf::from)
        .ok_or_else(|| "is no file, such as sqlite:/var/lib/countersign/countersign.sqlite".to_owned())
}

impl MigrateStore {
    pub(super) async fn run(self) -> Result<(), Failure> {
        self.to.check().map_err(|bad| Failure::usage(vec![format!("--to: {bad}")]))?;
        let bar = Bar::new();
        let carried = transfer(&self.from, &self.to, |progress| bar.show(progress)).await;
        bar.0.finish_and_clear();
        let rows = carried.map_err(|error| Failure::other(error.to_string()))?;
        out::line(&format!("{rows} rows were carried over and compared"))
    }
}

/// On standard error, and only where that is a terminal.
struct Bar(ProgressBar);

impl Bar {
    fn new() -> Self {
        let style = ProgressStyle::with_template("{prefix} {msg:14} {bar:30} {pos}/{len} rows, {per_sec}, {eta} left");
        let bar = ProgressBar::no_length();
        if let Ok(style) = style {
            bar.set_style(style);
        }
        Self(bar)
    }

    fn show(&self, progress: Progress) {
        self.0.set_prefix(match progress.phase {
            Phase::Copying => "copying  ",
            Phase::Comparing => "comparing",
        });
        self.0.set_message(progress.table);
        self.0.set_length(progress.all);
        self.0.set_position(progress.done);
    }
}
