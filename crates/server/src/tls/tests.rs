//! Certificates of dev mode, and files that hold something else.

use super::{dev::dev_certificate, *};
use countersign_model::Timestamp;
use std::{fs, time::Duration};

fn start() -> Timestamp {
    Timestamp::from_ms(1_800_000_000_000)
}

fn after_days(days: u64) -> Timestamp {
    start().plus(Duration::from_hours(24 * days))
}

#[test]
fn the_authority_and_the_certificate_survive_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let read = |name: &str| fs::read(dir.path().join(name)).unwrap();
    let made = dev_certificate(dir.path(), start()).unwrap();
    let files = ["ca.pem", "ca.key", "server.pem", "server.key"];
    let before = files.map(read);
    dev_certificate(dir.path(), after_days(700)).unwrap();
    assert_eq!(files.map(read), before);
    assert_eq!(made.ca_file, dir.path().join("ca.pem"));
}

#[test]
fn a_certificate_near_its_end_is_issued_anew_by_the_same_authority() {
    let dir = tempfile::tempdir().unwrap();
    let read = |name: &str| fs::read(dir.path().join(name)).unwrap();
    dev_certificate(dir.path(), start()).unwrap();
    let (authority, server) = (read("ca.pem"), read("server.pem"));
    dev_certificate(dir.path(), after_days(769)).unwrap();
    assert_eq!(read("server.pem"), server);
    dev_certificate(dir.path(), after_days(771)).unwrap();
    assert_ne!(read("server.pem"), server);
    assert_eq!(read("ca.pem"), authority);
}

#[cfg(unix)]
#[test]
fn private_keys_are_readable_by_their_owner_only() {
    use std::os::unix::fs::PermissionsExt as _;
    let dir = tempfile::tempdir().unwrap();
    dev_certificate(dir.path(), start()).unwrap();
    for name in ["ca.key", "server.key"] {
        let mode = fs::metadata(dir.path().join(name)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{name}");
    }
}

#[test]
fn an_authority_without_its_own_key_is_told() {
    let (dir, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    dev_certificate(dir.path(), start()).unwrap();
    dev_certificate(other.path(), start()).unwrap();
    fs::copy(other.path().join("ca.key"), dir.path().join("ca.key")).unwrap();
    fs::remove_file(dir.path().join("server.pem")).unwrap();
    let dir = dir.path().display();
    let line = refusal(dev_certificate(dir.to_string().as_ref(), start()));
    assert_eq!(
        line,
        format!(
            "{dir}/ca.pem and {dir}/ca.key do not belong together: delete both, and let clients trust the new ca.pem"
        )
    );
}

#[test]
fn files_that_hold_something_else_are_named() {
    let dir = tempfile::tempdir().unwrap();
    dev_certificate(dir.path(), start()).unwrap();
    let path = |name: &str| dir.path().join(name);
    let shown = |name: &str| path(name).display().to_string();
    assert!(from_files(&path("server.pem"), &path("server.key")).is_ok());
    assert_eq!(
        refusal(from_files(&path("server.pem"), &path("ca.key"))),
        format!(
            "{} is not the private key of {}: use the key that the certificate was made with",
            shown("ca.key"),
            shown("server.pem")
        )
    );
    assert_eq!(
        refusal(from_files(&path("server.key"), &path("server.key"))),
        format!(
            "{} holds no certificate: it must be a PEM file with a part -----BEGIN CERTIFICATE-----",
            shown("server.key")
        )
    );
    assert_eq!(
        refusal(from_files(&path("server.pem"), &path("server.pem"))),
        format!(
            "{} holds no private key: it must be a PEM file with a part -----BEGIN PRIVATE KEY-----",
            shown("server.pem")
        )
    );
    let missing = refusal(from_files(&path("none.pem"), &path("server.key")));
    assert!(missing.starts_with(&format!("cannot read the certificate {}: ", shown("none.pem"))), "{missing}");
}

fn refusal<T>(result: Result<T, Failure>) -> String {
    match result {
        Ok(_) => panic!("should have been refused"),
        Err(failure) => failure.lines().join("\n"),
    }
}
