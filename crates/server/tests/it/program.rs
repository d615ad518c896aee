//! The real binary: what it prints, where, and how it ends.

use std::{
    fs,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::TcpStream,
    path::Path,
    process::{Child, Command, Output, Stdio},
};

pub fn countersign(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_countersign"));
    command.args(arguments).env_clear().stdin(Stdio::null());
    command
}

pub fn run(arguments: &[&str]) -> (Option<i32>, String, String) {
    told(&countersign(arguments).output().unwrap())
}

pub fn told(output: &Output) -> (Option<i32>, String, String) {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    (output.status.code(), text(&output.stdout), text(&output.stderr))
}

/// A configuration that `serve` takes, in a folder of its own.
pub fn good(dir: &Path) -> String {
    let shown = dir.display();
    format!(
        "[server]\nlisten = '127.0.0.1:0'\n[store]\npath = '{shown}/countersign.sqlite'\n[keys]\nfile = '{shown}/keys.json'\n\
         [providers.smtp.main]\nhost = 'localhost'\ntls = 'none'\nfrom = 'a@b.example'\n[routes]\nemail = ['main']\n"
    )
}

pub fn written(dir: &Path, text: &str) -> String {
    let path = dir.join("c.toml");
    fs::write(&path, text).unwrap();
    path.display().to_string()
}

#[test]
fn a_good_configuration_is_printed_with_its_origins() {
    let dir = tempfile::tempdir().unwrap();
    let file = written(dir.path(), &good(dir.path()));
    let output =
        countersign(&["check-config", "--config", &file]).env("COUNTERSIGN__LOG__LEVEL", "debug").output().unwrap();
    let (status, out, err) = told(&output);
    assert_eq!((status, err.as_str()), (Some(0), ""));
    let line = |name: &str| {
        let line = out.lines().find(|line| line.starts_with(&format!("{name} = "))).unwrap();
        line.split_whitespace().collect::<Vec<_>>().join(" ")
    };
    assert_eq!(line("server.listen"), format!("server.listen = \"127.0.0.1:0\" # {file}:2"));
    assert_eq!(line("log.level"), "log.level = \"debug\" # COUNTERSIGN__LOG__LEVEL");
    assert_eq!(line("retention.days"), "retention.days = 90 # default");
    out.parse::<toml::Table>().expect("what is printed can be read as a configuration again");
}

#[test]
fn a_bad_line_is_named_with_file_line_and_column() {
    let dir = tempfile::tempdir().unwrap();
    let file = written(dir.path(), "[server]\nlisten = '127.0.0.1:0'\n  listen_tls = ''\n");
    for command in ["check-config", "serve", "tenants"] {
        let arguments = [command, "--config", &file, "list"];
        let arguments = if command == "tenants" { &arguments[..] } else { &arguments[..3] };
        let (status, out, err) = run(arguments);
        assert_eq!((status, out.as_str()), (Some(2), ""), "{command}");
        assert!(
            err.starts_with(&format!("countersign: {file}:3:3: server: unknown setting `listen_tls`, expected")),
            "{err}"
        );
        assert_eq!(err.lines().count(), 1);
    }
}

#[test]
fn a_weak_setting_is_refused_by_serve_and_told_by_check_config() {
    let dir = tempfile::tempdir().unwrap();
    // Nothing can be kept there, so that a server that would start all the same ends nevertheless.
    let nowhere = dir.path().join("c.toml");
    let file = written(dir.path(), &good(&nowhere).replace("127.0.0.1:0", "0.0.0.0:0"));
    for command in ["check-config", "serve"] {
        let (status, _, err) = run(&[command, "--config", &file]);
        assert_eq!(status, Some(2), "{command}");
        assert!(err.starts_with(&format!("countersign: {file}:2:10: server.listen: other machines")), "{err}");
    }
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1, "nothing is made before everything was checked");
}

#[test]
fn dev_mode_shows_its_codes_to_this_machine_only() {
    let (status, out, err) = run(&["dev", "--listen", "0.0.0.0:0", "--data", "/dev/null/x"]);
    assert_eq!((status, out.as_str()), (Some(2), ""));
    assert!(err.ends_with("0.0.0.0:0 needs --allow-remote\n"), "{err}");
    let (status, _, err) = run(&["dev", "--store-url", "mysql://me:hunter2@localhost/x", "--data", "/dev/null/x"]);
    assert!(status == Some(2) && err.contains("postgres://") && !err.contains("hunter2"), "{err}");
}

#[test]
fn help_names_every_command() {
    let (status, out, err) = run(&["--help"]);
    assert_eq!((status, err.as_str()), (Some(0), ""));
    for command in [
        "dev",
        "serve",
        "check-config",
        "tenants",
        "keys",
        "clients",
        "users",
        "signing-keys",
        "providers",
        "migrate-store",
        "completions",
    ] {
        assert!(out.contains(&format!("\n  {command} ")), "{command}");
        let (status, help, _) = run(&[command, "--help"]);
        assert!(status == Some(0) && help.contains(&format!("Usage: countersign {command}")), "{command}: {help}");
    }
    assert_eq!(run(&["--nonsense"]).0, Some(2));
}

#[test]
fn each_shell_gets_a_completion_script() {
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let (status, out, err) = run(&["completions", shell]);
        assert_eq!((status, err.as_str()), (Some(0), ""), "{shell}");
        assert!(out.contains("check-config"), "{shell}");
    }
}

#[test]
fn a_reader_that_goes_away_is_no_failure() {
    let mut child =
        countersign(&["completions", "bash"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let (status, _, err) = told(&child.wait_with_output().unwrap());
    assert_eq!((status, err.as_str()), (Some(0), ""));
}

#[test]
fn a_key_is_made_listed_and_revoked() {
    let dir = tempfile::tempdir().unwrap();
    let file = written(dir.path(), &good(dir.path()));
    let of = |arguments: &[&str]| run(&[arguments, &["--config", &file]].concat());
    let (status, tenant, _) = of(&["tenants", "create", "acme"]);
    assert_eq!(status, Some(0));
    assert_eq!(of(&["tenants", "list"]).1, format!("{}  acme\n", tenant.trim()));
    let (_, secret, _) = of(&["keys", "create", "--tenant", "acme", "--name", "the shop", "--scope", "admin"]);
    assert!(secret.starts_with("cs_"), "{secret}");
    let (_, listed, _) = of(&["keys", "list", "--tenant", "acme"]);
    let id = listed.split_whitespace().next().unwrap();
    assert_eq!(listed, format!("{id}  active   admin  the shop\n"));
    assert_eq!(of(&["keys", "revoke", "--tenant", "acme", id]), (Some(0), String::new(), String::new()));
    assert!(of(&["keys", "list", "--tenant", "acme"]).1.contains("  revoked  "));
}

#[test]
fn a_key_is_bound_to_networks_and_has_the_form_that_is_asked_for() {
    let dir = tempfile::tempdir().unwrap();
    let file = written(dir.path(), &good(dir.path()));
    let of = |arguments: &[&str]| run(&[arguments, &["--config", &file]].concat());
    of(&["tenants", "create", "acme"]);
    let create = ["keys", "create", "--tenant", "acme", "--name", "x", "--form", "hex32", "--allow-from"];
    let (_, secret, _) = of(&[&create[..], &["203.0.113.7/24", "--allow-from", "2001:db8::1"]].concat());
    let secret = secret.trim();
    assert!(secret.len() == 32 && secret.bytes().all(|byte| byte.is_ascii_hexdigit()), "{secret}");
    let (_, listed, _) = of(&["keys", "list", "--tenant", "acme"]);
    assert!(listed.ends_with("  x  from 203.0.113.0/24  from 2001:db8::1/128\n"), "{listed}");
    let (status, _, err) = of(&[&create[..], &["everywhere"]].concat());
    assert!(status == Some(2) && err.contains("this is no network, such as 203.0.113.0/24"), "{err}");
}

#[test]
fn clients_and_users_are_made_changed_and_deleted() {
    let dir = tempfile::tempdir().unwrap();
    let file = written(dir.path(), &good(dir.path()));
    let of = |arguments: &[&str]| run(&[arguments, &["--config", &file]].concat());
    let fed = |arguments: &[&str], input: &str| {
        let mut child = countersign(&[arguments, &["--config", &file]].concat())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
        told(&child.wait_with_output().unwrap())
    };
    let nothing = (Some(0), String::new(), String::new());
    of(&["tenants", "create", "acme"]);
    let create = ["clients", "create", "--tenant", "acme", "--name", "the shop"];
    let api = "https://api.example.com/ read:things";
    let (status, made, _) = of(&[&create[..], &["--grant", "password", "--grant", "mfa", "--api", api]].concat());
    let words: Vec<&str> = made.split_whitespace().collect();
    assert_eq!(
        (status, words[0], words[1].len(), words[2], words[3].len()),
        (Some(0), "client_id", 32, "client_secret", 64)
    );
    let listed = format!("{}  secret  password,mfa  the shop\n", words[1]);
    assert_eq!(of(&["clients", "list", "--tenant", "acme"]).1, listed);
    assert_eq!(of(&["clients", "delete", "--tenant", "acme", words[1]]), nothing);
    assert_eq!(of(&["clients", "list", "--tenant", "acme"]).1, "");
    assert_eq!(of(&[&create[..], &["--public"]].concat()).1.lines().count(), 1);
    assert_eq!(of(&[&create[..], &["--return-to", "javascript:x"]].concat()).0, Some(2));

    let user = |action: &'static str| ["users", action, "--tenant", "acme", "ana@example.com"];
    let (status, id, _) = fed(&["users", "create", "--tenant", "acme", "Ana@example.com"], "correct horse\n");
    assert!(status == Some(0) && id.starts_with("usr_"), "{id}");
    assert_eq!(fed(&user("create"), "x").0, Some(1), "there is one");
    let secret = dir.path().join("password");
    fs::write(&secret, "battery staple\n").unwrap();
    assert_eq!(of(&[&user("password")[..], &["--password-file", secret.to_str().unwrap()]].concat()), nothing);
    assert_eq!(of(&[&user("mfa")[..], &["off"]].concat()), nothing);
    assert_eq!(of(&[&user("unblock")[..], &["--from", "203.0.113.7"]].concat()).1, format!("unblocked {id}"));
    assert!(of(&user("show")).1.starts_with(id.trim()));
    assert_eq!(of(&[&user("language")[..], &["pt_br"]].concat()), nothing);
    assert_eq!(of(&user("show")).1.lines().nth(1), Some("reads pt-BR"));
    assert_eq!(of(&[&user("language")[..], &["español"]].concat()).0, Some(2));
    assert_eq!(of(&user("language")), nothing);
    assert_eq!(of(&user("show")).1.lines().nth(1), None);
    assert_eq!(of(&user("delete")), nothing);
    assert_eq!(of(&user("delete")).0, Some(1));

    let keys = of(&["signing-keys", "list"]).1;
    let names: Vec<&str> = keys.split_whitespace().step_by(2).collect();
    assert_eq!(of(&["signing-keys", "rotate"]).1.trim(), names[1], "the next one signs");
    assert_eq!(of(&["signing-keys", "list"]).1.lines().count(), 3);
}

#[test]
fn what_a_tenant_may_spend_is_set_and_shown() {
    let dir = tempfile::tempdir().unwrap();
    let file = written(dir.path(), &good(dir.path()));
    let of = |arguments: &[&str]| run(&[arguments, &["--config", &file]].concat());
    of(&["tenants", "create", "acme"]);
    let told = |text: &str| (Some(0), format!("{text}\n"), String::new());
    let nothing = told("balance 0.0000 EUR, price of a message 0.0000 EUR");
    assert_eq!(of(&["tenants", "balance", "acme"]), nothing);
    let set = of(&["tenants", "balance", "acme", "--set", "12.5", "--price", "0.05", "--currency", "USD"]);
    assert_eq!(set, told("balance 12.5000 USD, price of a message 0.0500 USD"));
    let kept = told("balance 12.5000 USD, price of a message 0.0000 USD");
    assert_eq!(of(&["tenants", "balance", "acme", "--price", "0"]), kept);
    assert_eq!(of(&["tenants", "balance", "acme"]), kept);
    for bad in [["--set", "much"], ["--price", "0.00001"], ["--currency", "euro"]] {
        assert_eq!(of(&[&["tenants", "balance", "acme"][..], &bad].concat()).0, Some(2), "{bad:?}");
    }
    let unknown = "countersign: nobody: no such tenant; `countersign tenants list` shows all\n";
    assert_eq!(of(&["tenants", "balance", "nobody"]), (Some(1), String::new(), unknown.to_owned()));
}

#[test]
fn what_cannot_be_done_to_tenants_and_keys_is_told_in_one_line() {
    let dir = tempfile::tempdir().unwrap();
    let file = written(dir.path(), &good(dir.path()));
    let of = |arguments: &[&str]| {
        let (status, out, err) = run(&[arguments, &["--config", &file]].concat());
        assert_eq!((out.as_str(), err.lines().count()), ("", 1), "{err}");
        (status, err)
    };
    assert_eq!(run(&["tenants", "create", "acme", "--config", &file]).0, Some(0));
    let again = "countersign: cannot make the tenant acme: there is a tenant of this name already\n";
    assert_eq!(of(&["tenants", "create", "acme"]), (Some(1), again.to_owned()));
    assert_eq!(of(&["tenants", "create", "A b"]).0, Some(1));
    let unknown = "countersign: nobody: no such tenant; `countersign tenants list` shows all\n";
    assert_eq!(of(&["keys", "list", "--tenant", "nobody"]), (Some(1), unknown.to_owned()));
    fs::write(dir.path().join("countersign.sqlite"), "not a database, and long enough to be looked at as one").unwrap();
    assert_eq!(of(&["tenants", "list"]).0, Some(1));
}

/// A server that runs until it is told to stop.
struct Server {
    child: Child,
    url: String,
}

impl Server {
    fn start(arguments: &[&str]) -> Self {
        let mut child = countersign(arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
        let Some(url) = line.strip_prefix("ready ") else {
            let mut why = String::new();
            child.stderr.as_mut().unwrap().read_to_string(&mut why).unwrap();
            panic!("not ready: {line:?} {why}");
        };
        Self { url: url.trim().to_owned(), child }
    }

    fn signal(&self, name: &str) {
        let sent = Command::new("kill").args(["-s", name, &self.child.id().to_string()]).status().unwrap();
        assert!(sent.success());
    }

    fn stop(self) -> (Option<i32>, String) {
        self.signal("TERM");
        let (status, _, err) = told(&self.child.wait_with_output().unwrap());
        (status, err)
    }
}

async fn get(url: &str, path: &str) -> (u16, String) {
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let answer = client.get(format!("{url}{path}")).send().await.unwrap();
    (answer.status().as_u16(), answer.text().await.unwrap())
}

#[tokio::test]
async fn dev_mode_is_ready_when_it_says_so_and_leaves_nothing_behind() {
    let dir = tempfile::tempdir().unwrap();
    let mut command = countersign(&["dev", "--listen", "127.0.0.1:0"]);
    command.env("TMPDIR", dir.path());
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
    let server = Server { url: line.strip_prefix("ready ").unwrap().trim().to_owned(), child };
    assert_eq!(get(&server.url, "/healthz/ready").await.0, 200);
    let (status, err) = server.stop();
    assert_eq!(status, Some(0));
    assert!(err.contains("/v1/verifications") && err.contains("/sandbox\n"), "{err}");
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0, "the temporary folder stayed");
}

#[test]
fn a_second_signal_ends_everything_at_once() {
    let mut server = Server::start(&["dev", "--listen", "127.0.0.1:0"]);
    let mut client = TcpStream::connect(server.url.strip_prefix("http://").unwrap()).unwrap();
    let head = "POST /sandbox/clock HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: 9\r\nexpect: 100-continue\r\n\r\n";
    client.write_all(head.as_bytes()).unwrap();
    let mut first = [0; 12];
    client.read_exact(&mut first).unwrap();
    assert_eq!(&first, b"HTTP/1.1 100", "the request is in flight: its body is waited for");
    server.signal("TERM");
    let mut log = BufReader::new(server.child.stderr.take().unwrap()).lines().map(Result::unwrap);
    assert!(log.any(|line| line.contains("stopping")));
    server.signal("INT");
    assert_eq!(server.child.wait().unwrap().code(), Some(1));
}

#[tokio::test]
async fn the_credentials_of_dev_mode_survive_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().display().to_string();
    let arguments = ["dev", "--listen", "127.0.0.1:0", "--data", &data];
    let mut seen = Vec::new();
    for _ in 0..2 {
        let server = Server::start(&arguments);
        let (status, body) = get(&server.url, "/sandbox/credentials").await;
        seen.push((status, crate::running::without_port(&server.url, &body.into())));
        assert_eq!(server.stop().0, Some(0));
    }
    assert_eq!(seen[0], seen[1]);
}

#[tokio::test]
async fn serve_has_no_sandbox_and_logs_json() {
    let dir = tempfile::tempdir().unwrap();
    let file = written(dir.path(), &good(dir.path()));
    let server = Server::start(&["serve", "--config", &file]);
    assert_eq!(get(&server.url, "/healthz/ready").await.0, 200);
    for path in ["/sandbox", "/sandbox/messages", "/sandbox/credentials", "/sandbox/clock"] {
        assert_eq!(get(&server.url, path).await.0, 404, "{path}");
    }
    let (status, err) = server.stop();
    assert_eq!(status, Some(0));
    for line in err.lines() {
        serde_json::from_str::<serde_json::Value>(line).unwrap_or_else(|_| panic!("no JSON: {line}"));
    }
    assert!(err.contains("\"stopped\""), "{err}");
}

#[test]
fn a_port_that_is_taken_is_told() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let (status, out, err) = run(&["dev", "--listen", &address]);
    let line = format!("cannot listen on {address}: another program has this port; stop it, or choose another port");
    assert_eq!((status, out.as_str(), err), (Some(1), "", format!("countersign: {line}\n")));
}

#[test]
fn a_data_folder_that_cannot_be_made_is_told() {
    let (status, out, err) = run(&["dev", "--listen", "127.0.0.1:0", "--data", "/dev/null/x"]);
    assert_eq!((status, out.as_str()), (Some(1), ""));
    assert!(err.starts_with("countersign: cannot make the data folder /dev/null/x: "), "{err}");
    assert_eq!(err.lines().count(), 1);
}
