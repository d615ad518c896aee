//! Secrets of the settings: given as they are, or as a file that holds them.

use super::BadSetting;
use secrecy::SecretString;
use std::{collections::BTreeMap, fs, path::Path};

/// A secret that must be there. `key` is the setting within `setting`: `password`, beside which `password_file` may stand.
pub(super) fn required(
    setting: &'static str,
    key: &str,
    direct: Option<&SecretString>,
    file: Option<&Path>,
) -> Result<SecretString, BadSetting> {
    match (direct, file) {
        (Some(secret), None) => Ok(secret.clone()),
        (None, Some(path)) => read(path).map_err(|problem| BadSetting::new(setting, format!("{key}_file: {problem}"))),
        (Some(_), Some(_)) => Err(BadSetting::new(setting, format!("give either {key} or {key}_file, not both"))),
        (None, None) => Err(BadSetting::new(setting, format!("{key} or {key}_file is missing"))),
    }
}

/// The secrets of `request.secrets`: a name that ends in `_file` names a file.
pub(super) fn named(given: &BTreeMap<String, SecretString>) -> Result<BTreeMap<String, SecretString>, BadSetting> {
    use secrecy::ExposeSecret as _;
    let mut secrets = BTreeMap::new();
    for (name, value) in given {
        let (name, secret) = match name.strip_suffix("_file") {
            None => (name.as_str(), value.clone()),
            Some(bare) => {
                let secret = read(Path::new(value.expose_secret()));
                (bare, secret.map_err(|problem| BadSetting::new("request.secrets", format!("{name}: {problem}")))?)
            }
        };
        if secrets.insert(name.to_owned(), secret).is_some() {
            let problem = format!("give either {name} or {name}_file, not both");
            return Err(BadSetting::new("request.secrets", problem));
        }
    }
    Ok(secrets)
}

/// The content of a file, without the line breaks that editors add.
fn read(path: &Path) -> Result<SecretString, String> {
    let text = fs::read_to_string(path).map_err(|error| format!("cannot read {}: {error}", path.display()))?;
    let text = text.trim_end_matches(['\r', '\n']);
    if text.is_empty() { Err(format!("{} is empty", path.display())) } else { Ok(text.into()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use secrecy::ExposeSecret as _;

    #[test]
    fn a_secret_comes_from_its_file_without_the_line_break() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        fs::write(&path, "s3cret \n").unwrap();
        assert_eq!(required("x", "secret", None, Some(&path)).unwrap().expose_secret(), "s3cret ");
        let given = BTreeMap::from([("key_file".to_owned(), path.to_str().unwrap().into())]);
        assert_eq!(named(&given).unwrap()["key"].expose_secret(), "s3cret ");
        let both =
            BTreeMap::from([("key".to_owned(), "a".into()), ("key_file".to_owned(), path.to_str().unwrap().into())]);
        assert_eq!(named(&both).unwrap_err().problem, "give either key or key_file, not both");
    }

    #[test]
    fn a_secret_is_given_once_and_is_something() {
        assert!(required("x", "secret", None, None).is_err());
        assert!(required("x", "secret", Some(&"a".into()), Some(Path::new("/b"))).is_err());
        assert!(required("x", "secret", None, Some(Path::new("/dev/null"))).is_err());
        assert!(required("x", "secret", None, Some(Path::new("/nowhere/at/all"))).is_err());
    }
}
