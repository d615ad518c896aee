//! What the program finds when it starts, and what it leaves when it does not: several at once on a fresh folder, a key file
//! that is gone.

use crate::program::{countersign, good, run, told, written};
use countersign_store::{Role, Settings, Store};
use std::{fs, os::unix::fs::PermissionsExt as _, path::Path, process::Stdio};

fn names_in(folder: &Path) -> Vec<String> {
    let mut names: Vec<_> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

fn mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

#[test]
fn tenants_that_are_made_at_once_on_a_fresh_folder_are_all_made() {
    for _ in 0..4 {
        let dir = tempfile::tempdir().unwrap();
        let data = dir.path().join("new");
        let file = written(dir.path(), &good(&data));
        let making: Vec<_> = ["one", "two", "three", "four"]
            .map(|name| {
                let mut command = countersign(&["tenants", "create", name, "--config", &file]);
                command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
            })
            .into();
        for one in making {
            let (status, _, err) = told(&one.wait_with_output().unwrap());
            assert_eq!((status, err.as_str()), (Some(0), ""));
        }
        let (status, listed, err) = run(&["tenants", "list", "--config", &file]);
        assert_eq!((status, listed.lines().count()), (Some(0), 4), "{err}");
        assert!(names_in(&data).contains(&"keys.json".to_owned()));
        assert!(!names_in(&data).iter().any(|name| name.starts_with("keys.json.")), "{:?}", names_in(&data));
    }
}

#[test]
fn a_key_file_of_somebody_else_is_refused_before_anything_is_made() {
    let dir = tempfile::tempdir().unwrap();
    let file = written(dir.path(), &good(dir.path()));
    let keys = dir.path().join("keys.json");
    fs::write(&keys, r#"{"keys":[{"kty":"oct"}]}"#).unwrap();
    mode(&keys, 0o600);
    let before = names_in(dir.path());
    let (status, _, err) = run(&["tenants", "create", "acme", "--config", &file]);
    assert!(status != Some(0) && err.lines().count() == 1 && err.contains("keys.json"), "{err}");
    assert_eq!(names_in(dir.path()), before);
}

#[test]
fn a_key_file_that_is_gone_is_told_and_not_made_anew() {
    let dir = tempfile::tempdir().unwrap();
    let file = written(dir.path(), &good(dir.path()));
    assert_eq!(run(&["tenants", "create", "acme", "--config", &file]).0, Some(0));
    let keys = dir.path().join("keys.json");
    let kept = fs::read(&keys).unwrap();
    fs::remove_file(&keys).unwrap();
    let before = names_in(dir.path());
    for arguments in [&["serve", "--config", &file][..], &["tenants", "list", "--config", &file]] {
        let (status, out, err) = run(arguments);
        assert_eq!((status, out.as_str(), err.lines().count()), (Some(1), "", 1), "{err}");
        assert!(err.starts_with(&format!("countersign: the key file {} is missing", keys.display())), "{err}");
        let now = names_in(dir.path());
        assert!(now.iter().all(|name| before.contains(name) || name == "countersign.sqlite.lock"), "{now:?}");
    }
    fs::write(&keys, kept).unwrap();
    mode(&keys, 0o600);
    assert!(run(&["tenants", "list", "--config", &file]).1.contains("acme"));
}

#[test]
fn an_empty_key_file_beside_a_new_database_is_made_anew() {
    let dir = tempfile::tempdir().unwrap();
    let file = written(dir.path(), &good(dir.path()));
    let keys = dir.path().join("keys.json");
    fs::write(&keys, "").unwrap();
    mode(&keys, 0o600);
    assert_eq!(run(&["tenants", "create", "acme", "--config", &file]).0, Some(0));
    assert!(fs::metadata(&keys).unwrap().len() > 0);
}

#[test]
fn a_key_file_that_others_can_read_is_told_with_what_to_run() {
    let dir = tempfile::tempdir().unwrap();
    let file = written(dir.path(), &good(dir.path()));
    assert_eq!(run(&["tenants", "create", "acme", "--config", &file]).0, Some(0));
    let keys = dir.path().join("keys.json");
    mode(&keys, 0o644);
    let data = dir.path().display().to_string();
    for arguments in [&["tenants", "list", "--config", &file][..], &["dev", "--listen", "127.0.0.1:0", "--data", &data]]
    {
        let (status, out, err) = run(arguments);
        assert_eq!((status, out.as_str(), err.lines().count()), (Some(1), "", 1), "{err}");
        assert!(err.ends_with(&format!("chmod 600 {}\n", keys.display())), "{err}");
    }
}

#[test]
fn a_port_that_is_taken_leaves_no_data_folder_behind() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data").display().to_string();
    let free = "127.0.0.1:0";
    for ports in [&["--listen", &address][..], &["--listen", free, "--tls-listen", &address]] {
        let (status, _, err) = run(&[&["dev", "--data", &data], ports].concat());
        assert_eq!((status, err.lines().count()), (Some(1), 1), "{err}");
        assert!(err.starts_with(&format!("countersign: cannot listen on {address}: ")), "{err}");
        assert_eq!(names_in(dir.path()), Vec::<String>::new());
    }
}

#[test]
fn a_value_that_is_not_taken_is_told_in_one_line() {
    let address = "is no address with a port, such as 127.0.0.1:8080";
    for (arguments, line) in [
        (&["dev", "--listen", "name.example:8080"][..], format!("--listen: \"name.example:8080\" {address}")),
        (&["dev", "--listen", "localhost"], format!("--listen: \"localhost\" {address}")),
        (&["dev", "--listen", "8080"], format!("--listen: \"8080\" {address}")),
        (&["dev", "--tls-listen", "::1:8443:x"], format!("--tls-listen: \"::1:8443:x\" {address}")),
        (&["dev", "--data", ""], "--data: it needs a value".to_owned()),
        (&["dev", "--data"], "--data: it needs a value".to_owned()),
        (&["completions", "tcsh"], "<SHELL>: \"tcsh\" is none of bash, elvish, fish, powershell, zsh".to_owned()),
        (
            &["keys", "create", "--tenant", "a", "--name", "b", "--scope", "all"],
            "--scope: \"all\": there is verifications:write, verifications:read, admin".to_owned(),
        ),
    ] {
        assert_eq!(run(arguments), (Some(2), String::new(), format!("countersign: {line}\n")));
    }
    for arguments in [&["dev", "--lisen", "x"][..], &["tenants", "create"], &["sevre"]] {
        let (status, out, err) = run(arguments);
        assert_eq!((status, out.as_str()), (Some(2), ""));
        assert!(err.contains("Usage: countersign"), "{err}");
    }
}

/// The guide's table says what to do about this line of the program's.
fn guide_quotes(quoted: &str, line: &str) {
    let guide = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/operating.md")).unwrap();
    assert!(guide.contains(&format!("| `{quoted}`")), "the guide does not quote {quoted:?}");
    let mut rest = line;
    for part in quoted.split('…').map(str::trim) {
        rest = rest.split_once(part).unwrap_or_else(|| panic!("{line:?} does not say {part:?}")).1;
    }
}

#[tokio::test]
async fn the_guide_quotes_what_the_program_says() {
    let dir = tempfile::tempdir().unwrap();
    let file = written(dir.path(), &good(dir.path()));
    let serve = || {
        let (status, out, err) = run(&["serve", "--config", &file]);
        assert_eq!((status, out.as_str()), (Some(1), ""));
        err
    };
    assert_eq!(run(&["tenants", "create", "acme", "--config", &file]).0, Some(0));
    let settings = Settings::Sqlite { path: dir.path().join("countersign.sqlite"), role: Role::Server };
    let first = Store::open(settings).await.unwrap();
    guide_quotes("… is in use by another countersign", &serve());
    first.close().await;
    let keys = dir.path().join("keys.json");
    mode(&keys, 0o644);
    guide_quotes("others can read …", &run(&["tenants", "list", "--config", &file]).2);
    fs::remove_file(&keys).unwrap();
    guide_quotes("the key file … is missing", &serve());
    let other = tempfile::tempdir().unwrap();
    let other_file = written(other.path(), &good(other.path()));
    assert_eq!(run(&["tenants", "create", "acme", "--config", &other_file]).0, Some(0));
    fs::copy(other.path().join("keys.json"), &keys).unwrap();
    guide_quotes("the store was written with another key file", &serve());
}
