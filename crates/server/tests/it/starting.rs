//! What the program finds when it starts, and what it leaves when it does not: several at once on a fresh folder, a key file
//! that is gone.

use crate::program::{countersign, good, run, told, written};
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
