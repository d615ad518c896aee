//! A PostgreSQL server for tests, which `scripts/postgres` starts and ends.

use super::execute;
use std::{
    env, fs,
    io::{BufRead as _, BufReader},
    process::{Child, Command, Stdio},
};
use tempfile::TempDir;
use tokio_postgres::NoTls;

const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../scripts/postgres");

/// A server of one's own; it ends with this value.
pub struct Server {
    /// Where it is, as its owner.
    pub url: String,
    folder: Option<TempDir>,
    script: Option<Child>,
}

impl Server {
    /// A fresh one.
    ///
    /// # Panics
    /// When it does not start.
    #[must_use]
    pub fn start() -> Self {
        Self::run(&[])
    }

    /// A fresh one whose commits wait for the disk, and with more memory: for measuring.
    ///
    /// # Panics
    /// When it does not start.
    #[must_use]
    pub fn start_durable() -> Self {
        Self::of(Command::new(SCRIPT).env("FSYNC", "on").env("SHARED_BUFFERS", "512MB"))
    }

    /// A copy of this one that follows it.
    ///
    /// # Panics
    /// When it does not start.
    #[must_use]
    pub fn standby(&self) -> Self {
        Self::run(&["--standby-of", self.port()])
    }

    /// `kill -9`, all of it.
    ///
    /// # Panics
    /// When it cannot be killed.
    #[expect(clippy::expect_used, reason = "only tests call it")]
    pub fn kill(mut self) {
        let data = self.folder.as_ref().expect("it is one's own").path().join("data");
        let file = fs::read_to_string(data.join("postmaster.pid")).expect("it runs");
        let id = file.lines().next().unwrap_or_default();
        assert!(Command::new("kill").args(["-KILL", id]).status().is_ok_and(|status| status.success()), "{id}");
        self.end();
    }

    /// From now on it can be written to, whatever it followed before.
    pub async fn promote(&self) {
        execute(&self.url, "SELECT pg_promote()").await;
    }

    /// From now on it takes new connections with TLS only, and shows this certificate (both as PEM).
    ///
    /// # Panics
    /// When it refuses that.
    pub async fn demand_tls(&self, certificate: &str, key: &str) {
        // Written by the server itself, in its folder: so the files are its own, as it wants its key to be.
        for (file, text) in
            [("server.crt", certificate), ("server.key", key), ("pg_hba.conf", "hostssl all all 127.0.0.1/32 trust")]
        {
            let write = format!(
                "COPY (SELECT unnest(string_to_array('{text}', E'\\n'))) TO PROGRAM 'umask 077; rm -f {file}; cat > {file}'"
            );
            execute(&self.url, &write).await;
        }
        execute(&self.url, "ALTER SYSTEM SET ssl = on").await;
        execute(&self.url, "SELECT pg_reload_conf()").await;
        while tokio_postgres::connect(&self.url, NoTls).await.is_ok() {
            tokio::task::yield_now().await;
        }
    }

    /// Its port on this machine.
    #[must_use]
    pub fn port(&self) -> &str {
        self.url.rsplit_once('/').and_then(|(server, _)| server.rsplit(':').next()).unwrap_or_default()
    }

    /// The one that all tests of this process share. A static is never dropped: its script sees the end of the process, and
    /// removes the data.
    pub(super) fn shared() -> Self {
        match env::var("COUNTERSIGN_TEST_POSTGRES") {
            Ok(url) => Self { url, folder: None, script: None },
            Err(_) => Self::of(&mut Command::new(SCRIPT)),
        }
    }

    #[expect(clippy::expect_used, reason = "only tests call it")]
    fn run(options: &[&str]) -> Self {
        let folder = TempDir::new().expect("a temporary folder can be made");
        let mut command = Command::new(SCRIPT);
        command.args(options).arg(folder.path());
        let mut server = Self::of(&mut command);
        server.folder = Some(folder);
        server
    }

    #[expect(clippy::expect_used, reason = "only tests call it")]
    fn of(command: &mut Command) -> Self {
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut script = command.spawn().expect("scripts/postgres starts");
        let mut url = String::new();
        let out = script.stdout.as_mut().expect("it has a standard output");
        BufReader::new(out).read_line(&mut url).expect("it can be read");
        assert!(
            !url.is_empty(),
            "scripts/postgres did not start a server; is Debian's package `postgresql` installed?"
        );
        Self { url: url.trim().to_owned(), folder: None, script: Some(script) }
    }

    /// The script ends its server when its standard input does.
    fn end(&mut self) {
        if let Some(mut script) = self.script.take() {
            drop(script.stdin.take());
            // Whatever became of it, it is gone.
            let _ = script.wait();
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.end();
    }
}
