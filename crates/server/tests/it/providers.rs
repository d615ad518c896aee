//! `countersign providers`, and the shipped descriptions of aggregators in a real configuration: the real binary, and a
//! vendor that answers what it is told to.

use std::{
    fs,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{TcpListener, TcpStream},
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    thread::{self, JoinHandle},
};
use tempfile::TempDir;

const TO: &str = "+34666666111";

fn run(arguments: &[&str]) -> (Option<i32>, String, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_countersign"));
    let output = command.args(arguments).env_clear().stdin(Stdio::null()).output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    (output.status.code(), text(&output.stdout), text(&output.stderr))
}

/// A vendor that answers one request, and returns it.
fn vendor(status: &'static str, body: &'static str) -> (u16, JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let served = thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let request = read(&stream);
        let answer = format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\n\r\n{body}", body.len());
        stream.write_all(answer.as_bytes()).unwrap();
        request
    });
    (port, served)
}

fn read(stream: &TcpStream) -> String {
    let mut reader = BufReader::new(stream);
    let (mut head, mut length) = (String::new(), 0);
    loop {
        let start = head.len();
        reader.read_line(&mut head).unwrap();
        let line = head[start..].to_lowercase();
        if let Some(found) = line.strip_prefix("content-length:") {
            length = found.trim().parse().unwrap();
        }
        if line.trim().is_empty() {
            break;
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).unwrap();
    head + &String::from_utf8(body).unwrap()
}

/// A configuration with one aggregator, on this port.
fn configured(port: u16) -> (TempDir, String) {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("token"), "s3cret\n").unwrap();
    let text = format!(
        "[providers.smtp.relay]\nhost = 'localhost'\ntls = 'none'\nfrom = 'a@b.example'\n\
         [routes]\nsms = ['sky']\n\
         [providers.http.sky]\nchannels = ['sms', 'voice']\nfrom = 'Acme'\n\
         request.url = 'http://127.0.0.1:{port}/send'\nrequest.auth.bearer.token_file = '{}'\n\
         request.json = {{ to = '{{{{ to }}}}', text = '{{{{ text }}}}', account = '{{{{ secrets.account }}}}' }}\n\
         request.secrets.account = 's3cret'\n\
         answer.accept = [{{ json = '/id', exists = true }}]\nanswer.reference = {{ json = '/id' }}\n",
        dir.path().join("token").display()
    );
    let path = dir.path().join("c.toml");
    fs::write(&path, text).unwrap();
    let path = path.display().to_string();
    (dir, path)
}

#[test]
fn the_list_shows_names_kinds_channels_and_routes() {
    let (_dir, file) = configured(1);
    let (status, out, err) = run(&["providers", "list", "--config", &file]);
    assert_eq!((status, err.as_str()), (Some(0), ""));
    assert_eq!(out, "relay  smtp  email  no route\nsky  http  sms,voice  routes sms\n");
}

#[test]
fn a_message_that_is_taken_is_told_step_by_step_without_secrets() {
    let (port, served) = vendor("200 OK", r#"{"id": "sky-1"}"#);
    let (_dir, file) = configured(port);
    let (status, out, err) = run(&["providers", "test", "sky", TO, "--config", &file]);
    assert_eq!((status, err.as_str()), (Some(0), ""), "{out}");
    let request = served.join().unwrap();
    assert!(request.contains("authorization: Bearer s3cret") && request.contains(r#""account":"s3cret""#), "{request}");
    assert!(request.contains(TO) && request.contains("000000"), "{request}");
    assert!(!out.contains("s3cret"), "{out}");
    for line in [
        "provider    sky, by sms\n".to_owned(),
        format!("request     POST http://127.0.0.1:{port}/send\n"),
        "header      authorization: ********\n".to_owned(),
        format!("connection  to 127.0.0.1:{port}, HTTP/1.1\n"),
        "status      200 OK\n".to_owned(),
        "answer      {\"id\": \"sky-1\"}\n".to_owned(),
        "rule        answer.accept, condition 1\n".to_owned(),
        "reference   sky-1\n".to_owned(),
        "accepted    after ".to_owned(),
    ] {
        assert!(out.contains(&line), "{line} in {out}");
    }
}

#[test]
fn a_message_that_is_not_taken_ends_with_1_and_says_why() {
    let (port, served) = vendor("400 Bad Request", "no such number");
    let (_dir, file) = configured(port);
    let (status, out, err) = run(&["providers", "test", "sky", TO, "--channel", "voice", "--config", &file]);
    served.join().unwrap();
    assert_eq!(status, Some(1), "{out}");
    assert!(err.contains("the provider refused the message (400)"), "{err}");
    assert!(out.contains("rule        no condition holds; the status 400 decides\n"), "{out}");
}

#[test]
fn what_cannot_be_tried_is_told_in_one_line() {
    let (_dir, file) = configured(1);
    for (arguments, expected) in [
        (["nobody", TO], "there is no provider nobody; `countersign providers list` shows all\n"),
        (["sky", "666"], "the address must be a phone number in international form, such as +34666666111\n"),
        (["relay", TO], "the address must be an e-mail address, such as ana@example.com\n"),
    ] {
        let [name, to] = arguments;
        let (status, out, err) = run(&["providers", "test", name, to, "--config", &file]);
        assert_eq!((status, out.as_str()), (Some(2), ""));
        assert!(err.ends_with(expected), "{err}");
    }
}

fn aggregators() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../delivery/aggregators")
}

/// The file of an aggregator as an operator has it: its secrets in files, and on its channel.
fn in_use(name: &str, dir: &Path) -> String {
    let shipped = fs::read_to_string(aggregators().join(format!("{name}.toml"))).unwrap();
    let mut text = shipped.clone();
    for secret in shipped.split("\"/run/secrets/").skip(1).map(|rest| rest.split('"').next().unwrap()) {
        let path = dir.join(secret);
        let is_key = secret.ends_with("private-key");
        let content = if is_key { rsa_key() } else { format!("s3cret-{secret}\n") };
        fs::write(&path, content).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        text = text.replace(&format!("\"/run/secrets/{secret}\""), &format!("\"{}\"", path.display()));
    }
    assert!(!text.contains("/run/secrets"), "a secret of {name} has another name");
    let keys = dir.join("keys.json");
    let channel = shipped.split("channels = [\"").nth(1).and_then(|rest| rest.split('"').next()).unwrap();
    format!(
        "[server]\npublic_url = 'https://verify.acme.example'\n[keys]\nfile = '{}'\n[routes]\n{channel} = ['{name}']\n{text}",
        keys.display()
    )
}

fn rsa_key() -> String {
    rcgen::KeyPair::generate_for(&rcgen::PKCS_RSA_SHA256).unwrap().serialize_pem()
}

#[test]
fn every_shipped_aggregator_is_a_configuration_that_serve_takes_and_its_secrets_are_masked() {
    let mut names = Vec::new();
    for entry in fs::read_dir(aggregators()).unwrap() {
        let file = entry.unwrap().file_name().into_string().unwrap();
        let name = file.strip_suffix(".toml").unwrap().to_owned();
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("c.toml");
        fs::write(&path, in_use(&name, dir.path())).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        let (status, out, err) = run(&["check-config", "--config", path.to_str().unwrap()]);
        assert_eq!((status, err.as_str()), (Some(0), ""), "{name}");
        assert!(out.contains("\"********\"") && !out.contains("s3cret"), "{out}");
        names.push(name);
    }
    assert_eq!(names.len(), 18);
}

#[test]
fn calls_without_an_address_of_ours_are_refused_before_anything_starts() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("c.toml");
    let whole = in_use("twilio-voice", dir.path());
    for (url, told) in [
        ("", "nobody could ask what to say in a call: set server.public_url"),
        ("public_url = 'http://verify.acme.example'\n", "codes would be told in the clear: server.public_url must"),
    ] {
        fs::write(&path, whole.replace("public_url = 'https://verify.acme.example'\n", url)).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        let (status, _, err) = run(&["check-config", "--config", path.to_str().unwrap()]);
        assert_eq!(status, Some(2), "{err}");
        let told = format!("providers.http.twilio-voice.call: {told}");
        assert!(err.contains(&told) && err.lines().count() == 1, "{err}");
    }
}

#[test]
fn a_description_with_a_mistake_is_named_with_its_place() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("c.toml");
    let complaint = |lines: &str| {
        let head =
            "[keys]\nfile = '/nowhere/keys.json'\n[routes]\nsms = ['sky']\n[providers.http.sky]\nchannels = ['sms']\n";
        fs::write(&path, format!("{head}{lines}")).unwrap();
        let (status, _, err) = run(&["check-config", "--config", path.to_str().unwrap()]);
        assert_eq!(status, Some(2), "{err}");
        err.replace(&format!("{}/", dir.path().display()), "")
    };
    let url = "request.url = 'https://sms.example/{{ nmae }}'";
    let told = complaint(url);
    assert!(told.contains("c.toml:7:15: providers.http.sky.request.url: there is no variable \"nmae\" here"), "{told}");
    let told = complaint("request.url = 'https://sms.example/'\nrequest.body = 'x'\n");
    assert!(told.contains("c.toml:8:9: providers.http.sky.request: unknown setting `body`"), "{told}");
    let lookup = "request.url = 'https://sms.example/'\n[lookup]\nhttp.request.url = 'https://hlr.example/'\nhttp.exists = []\nhttp.missing = []\n";
    let told = complaint(lookup);
    assert!(
        told.contains("c.toml:10:15: lookup.http.exists: exists and missing need at least one condition each"),
        "{told}"
    );
}
