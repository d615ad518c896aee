//! A real Kannel between an HTTP port and an SMSC of its own, a foreign one under node. The tests of the server start it too.

use crate::peer::Peer;
use serde_json::json;
use std::{fs, net::TcpListener as StdListener, path::Path, process::Stdio, time::Duration};
use tempfile::TempDir;
use tokio::{
    io::{AsyncBufReadExt as _, BufReader},
    process::{Child, Command},
    time::timeout,
};

/// A test that waits longer than this has failed.
const PATIENCE: Duration = Duration::from_mins(1);

/// Everything from its HTTP port to the SMSC; it ends with this value.
pub struct Kannel {
    /// The SMSC.
    pub smsc: Peer,
    /// Where messages are taken (`/cgi-bin/sendsms`), from the user `countersign`.
    pub port: u16,
    _boxes: Boxes,
}

impl Kannel {
    /// One whose SMSC's receipts say this.
    pub async fn start(password: &str, state: &str) -> Self {
        let orders = json!({"user": SYSTEM_ID, "password": SMSC_PASSWORD, "state": state});
        let mut smsc = Peer::start_smsc(orders).await;
        let boxes = Boxes::start(password, smsc.port, "").await;
        assert_eq!(smsc.wait_for("bound").await["right"], true);
        Self { smsc, port: boxes.port, _boxes: boxes }
    }
}

/// As whom Kannel binds.
pub const SYSTEM_ID: &str = "kannel";
/// Its password at the SMSC.
pub const SMSC_PASSWORD: &str = "smpp";

/// Kannel's two programs in front of an SMSC on this machine; they end with this value.
pub struct Boxes {
    /// Where messages are taken.
    pub port: u16,
    _programs: [Child; 2],
    _folder: TempDir,
}

impl Boxes {
    /// Starts them, with further lines on the SMSC. Whether it lets them in is not waited for.
    pub async fn start(password: &str, smsc: u16, more: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let [admin, inner, port] = free_ports();
        let file = folder.path().join("kannel.conf");
        fs::write(&file, configuration(password, (smsc, more), [admin, inner, port])).unwrap();
        let bearerbox = run("bearerbox", &file, "entering mainloop").await;
        let smsbox = run("smsbox", &file, "Connected to bearerbox").await;
        Self { port, _programs: [bearerbox, smsbox], _folder: folder }
    }
}

fn configuration(password: &str, (smsc, more): (u16, &str), [admin, inner, sendsms]: [u16; 3]) -> String {
    format!(
        "group = core\nadmin-port = {admin}\nadmin-password = admin\nadmin-interface = 127.0.0.1\nsmsbox-port = {inner}\n\
         smsbox-interface = 127.0.0.1\nbox-allow-ip = \"127.0.0.1\"\ndlr-storage = internal\nsms-resend-freq = 1\n\n\
         group = smsc\nsmsc = smpp\nsmsc-id = smsc\nhost = 127.0.0.1\nport = {smsc}\nsmsc-username = {SYSTEM_ID}\n\
         smsc-password = {SMSC_PASSWORD}\nsystem-type = \"\"\ntransceiver-mode = true\nreconnect-delay = 1\n\
         max-pending-submits = 50\n{more}\n\
         group = smsbox\nbearerbox-host = 127.0.0.1\nsendsms-port = {sendsms}\nsendsms-interface = 127.0.0.1\n\
         sendsms-chars = \"0123456789 +-\"\n\n\
         group = sendsms-user\nusername = countersign\npassword = \"{password}\"\nmax-messages = 10\nconcatenation = true\n"
    )
}

/// Ports that nobody uses at this moment.
fn free_ports() -> [u16; 3] {
    let listeners = [(); 3].map(|()| StdListener::bind("127.0.0.1:0").unwrap());
    listeners.each_ref().map(|listener| listener.local_addr().unwrap().port())
}

/// Starts one of Kannel's programs, and waits for a line that says that it works.
async fn run(program: &str, configuration: &Path, ready: &str) -> Child {
    let mut process = Command::new(format!("/usr/sbin/{program}"))
        // No more than what is told to operators: its dumps of all octets take longer than its work.
        .args(["-v", "1"])
        .arg(configuration)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .expect("Kannel is not installed: run ./scripts/test, which installs it");
    let mut lines = BufReader::new(process.stderr.take().unwrap()).lines();
    let found = timeout(PATIENCE, async {
        let mut before = Vec::new();
        while let Some(line) = lines.next_line().await.unwrap() {
            if line.contains(ready) {
                return;
            }
            before.push(line);
        }
        panic!("{program} ended: {before:#?}");
    });
    found.await.unwrap_or_else(|_| panic!("{program} does not get ready"));
    // Whoever does not read what it says stops it when the pipe is full.
    tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
    process
}
