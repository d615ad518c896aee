//! The key file: read, and made once. What is done with the keys is [`super::Keys`]'s business.
//!
//! The invariant: a key file in its place is whole, and never replaced by another. It is written beside its place and then
//! linked there, so that of several processes on a fresh folder one makes the file and the others read it. Only an empty
//! file may be replaced, which an older version left there when it died in the middle.

use countersign_model::Random;
use data_encoding::{BASE64, HEXLOWER};
use serde::{Deserialize, Serialize};
use std::{
    collections::BTreeMap,
    ffi::OsString,
    fs::{self, File},
    io::{self, ErrorKind, Write as _},
    path::{Path, PathBuf},
};
use zeroize::Zeroizing;

/// Why there are no keys. One line that says what to do.
#[derive(Debug, thiserror::Error)]
pub enum KeyFileError {
    /// It cannot be read or made.
    #[error("cannot {action} the key file {path}: {cause}")]
    Io {
        /// "read" or "create".
        action: &'static str,
        /// Which file.
        path: String,
        /// What the system says.
        cause: io::Error,
    },
    /// The store was written with a key file, and there is none.
    #[error(
        "the key file {path} is missing, and nothing in the database can be read without it; put it back from a backup, or name the one that belongs to the database"
    )]
    Missing {
        /// Which file.
        path: String,
    },
    /// It is something else.
    #[error(
        "{path} is not a key file of Countersign ({why}); restore it from a backup, since nothing in the database can be read without it"
    )]
    Damaged {
        /// Which file.
        path: String,
        /// What is wrong with it.
        why: String,
    },
    /// Not only its owner can read it.
    #[error("others can read the key file {path} (mode {mode:04o}): run: chmod 600 {path}")]
    Shared {
        /// Which file.
        path: String,
        /// Its mode.
        mode: u32,
    },
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct KeyFile {
    warning: String,
    lasting: String,
    current: u16,
    roots: BTreeMap<u16, String>,
}

/// The secrets of a key file.
pub(super) struct Secrets {
    pub(super) lasting: Zeroizing<Vec<u8>>,
    pub(super) current: u16,
    pub(super) roots: BTreeMap<u16, Zeroizing<Vec<u8>>>,
}

const WARNING: &str =
    "Whoever has this file and the database can read every address. Keep a copy apart from the database.";

/// Reads a file that must be there.
pub(super) fn read(path: &Path) -> Result<Zeroizing<Vec<u8>>, KeyFileError> {
    let failed = |cause: io::Error| {
        if cause.kind() == ErrorKind::NotFound {
            KeyFileError::Missing { path: show(path) }
        } else {
            KeyFileError::Io { action: "read", path: show(path), cause }
        }
    };
    let mode = mode(path).map_err(failed)?;
    if mode & 0o077 != 0 {
        return Err(KeyFileError::Shared { path: show(path), mode });
    }
    fs::read(path).map(Zeroizing::new).map_err(failed)
}

/// Reads the file, or makes it with fresh secrets. For a store that was written with no keys yet.
pub(super) fn read_or_create(path: &Path, random: &dyn Random) -> Result<Zeroizing<Vec<u8>>, KeyFileError> {
    let made = match read(path) {
        Err(KeyFileError::Missing { .. }) => create(path, random),
        Ok(bytes) if bytes.is_empty() => replace_empty(path, random),
        done => return done,
    };
    made.map_err(|cause| KeyFileError::Io { action: "create", path: show(path), cause })?;
    read(path)
}

/// What a key file with fresh secrets holds.
pub(super) fn fresh_text(random: &dyn Random) -> io::Result<Zeroizing<String>> {
    let file = KeyFile {
        warning: WARNING.to_owned(),
        lasting: fresh_secret(random),
        current: 1,
        roots: BTreeMap::from([(1, fresh_secret(random))]),
    };
    Ok(Zeroizing::new(serde_json::to_string_pretty(&file)? + "\n"))
}

/// What is in a key file; the error says what is wrong with it.
pub(super) fn parse(bytes: &[u8]) -> Result<Secrets, String> {
    let file: KeyFile = serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
    let decode = |text: &str| {
        BASE64.decode(text.as_bytes()).map(Zeroizing::new).map_err(|_| "a secret is not base64".to_owned())
    };
    let roots =
        file.roots.iter().map(|(version, root)| Ok((*version, decode(root)?))).collect::<Result<_, String>>()?;
    Ok(Secrets { lasting: decode(&file.lasting)?, current: file.current, roots })
}

pub(super) fn show(path: &Path) -> String {
    path.display().to_string()
}

/// If another process was faster, its file stands.
fn create(path: &Path, random: &dyn Random) -> io::Result<()> {
    let draft = Draft::write(path, random)?;
    match fs::hard_link(&draft.0, path) {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => return Err(error),
        Ok(()) | Err(_) => {}
    }
    drop(draft);
    sync_folder_of(path)
}

/// Whoever has the lock of the empty file replaces it; who waits for that lock finds that it is no longer in its place.
fn replace_empty(path: &Path, random: &dyn Random) -> io::Result<()> {
    let empty = File::open(path)?;
    empty.lock()?;
    if fs::metadata(path)?.len() == 0 {
        let draft = Draft::write(path, random)?;
        fs::rename(&draft.0, path)?;
        sync_folder_of(path)?;
    }
    Ok(())
}

/// A whole key file under another name, on the disk. It goes with this value, if it still has that name.
struct Draft(PathBuf);

impl Draft {
    fn write(beside: &Path, random: &dyn Random) -> io::Result<Self> {
        let text = fresh_text(random)?;
        let mut number = [0; 8];
        random.fill(&mut number);
        let mut name = OsString::from(beside);
        name.push(format!(".{}.new", HEXLOWER.encode(&number)));
        let draft = Self(PathBuf::from(name));
        write_private(&draft.0, text.as_bytes())?;
        Ok(draft)
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        // After a rename there is nothing of this name; otherwise a file is left that nobody reads.
        _ = fs::remove_file(&self.0);
    }
}

fn fresh_secret(random: &dyn Random) -> String {
    let mut bytes = Zeroizing::new([0; 32]);
    random.fill(&mut *bytes);
    BASE64.encode(&*bytes)
}

fn write_private(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

/// The name must last as well as the bytes: without this file the database is lost.
fn sync_folder_of(path: &Path) -> io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(folder)?.sync_all()
}

#[cfg(unix)]
fn mode(path: &Path) -> io::Result<u32> {
    use std::os::unix::fs::PermissionsExt as _;
    fs::metadata(path).map(|file| file.permissions().mode() & 0o7777)
}

#[cfg(not(unix))]
fn mode(path: &Path) -> io::Result<u32> {
    fs::metadata(path).map(|_| 0)
}
