//! The files and folders around a database: who may read them, and which process has them. Nothing of SQLite is here.

use crate::OpenError;
use std::{
    ffi::OsString,
    fs::{self, DirBuilder, File, OpenOptions, TryLockError},
    hash::{BuildHasher, RandomState},
    io,
    path::{Path, PathBuf},
};

/// Makes the folder of a file where there is none, for its owner only. One that is there stays as the operator made it.
pub(super) fn make_folder_of(path: &Path) -> Result<(), OpenError> {
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        Some(_) | None => Path::new("."),
    };
    if folder.is_dir() {
        return Ok(());
    }
    folder_builder().recursive(true).create(folder).map_err(|error| {
        let folder = folder.to_owned();
        if no_room(&error) {
            OpenError::Full { path: folder }
        } else {
            OpenError::NoFolder { folder, reason: error.to_string() }
        }
    })
}

/// Makes the database file where there is none, and takes it from everybody but its owner. SQLite gives the files that it
/// makes beside it the same mode.
pub(super) fn make_private(path: &Path) -> Result<(), OpenError> {
    let file = open_private(path)?;
    restrict(&file).map_err(|error| refused(path, &error))
}

fn open_private(path: &Path) -> Result<File, OpenError> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path).map_err(|error| refused(path, &error))
}

#[cfg(unix)]
fn restrict(file: &File) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    let wanted = fs::Permissions::from_mode(0o600);
    // Another user's process, such as a tool of root, must not fail on a file that is right already.
    if file.metadata()?.permissions().mode() & 0o777 == wanted.mode() { Ok(()) } else { file.set_permissions(wanted) }
}

#[cfg(not(unix))]
fn restrict(_: &File) -> io::Result<()> {
    Ok(())
}

fn folder_builder() -> DirBuilder {
    #[cfg_attr(not(unix), expect(unused_mut, reason = "modes are of Unix"))]
    let mut builder = DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder
}

fn refused(path: &Path, error: &io::Error) -> OpenError {
    let path = path.to_owned();
    if no_room(error) { OpenError::Full { path } } else { OpenError::NotWritable { path, reason: error.to_string() } }
}

fn no_room(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
}

/// The right to be the one server of a database: a lock on a file beside it, which the system ends with the process. The
/// file stays, since to remove it would be a race.
#[derive(Debug)]
pub(super) struct Lock(#[expect(dead_code, reason = "it is held, not used")] File);

impl Lock {
    /// Takes it, unless another process has it.
    pub(super) fn take(database: &Path) -> Result<Self, OpenError> {
        let mut name = OsString::from(database);
        name.push(".lock");
        let path = PathBuf::from(name);
        let file = open_private(&path)?;
        match file.try_lock() {
            Ok(()) => Ok(Self(file)),
            Err(TryLockError::WouldBlock) => Err(OpenError::InUse { path: database.to_owned() }),
            Err(TryLockError::Error(error)) => Err(OpenError::Failed { path, reason: error.to_string() }),
        }
    }
}

/// A folder that goes with its owner.
#[derive(Debug)]
pub(super) struct TemporaryFolder(PathBuf);

impl TemporaryFolder {
    /// Makes a new one for this process only.
    pub(super) fn make() -> Result<Self, OpenError> {
        // The seed of the standard library's hash maps is random: enough for a name that nobody else makes by chance,
        // and somebody who makes it on purpose only makes this fail.
        let name = format!("countersign-{:016x}", RandomState::new().hash_one(std::process::id()));
        let folder = std::env::temp_dir().join(name);
        match folder_builder().create(&folder) {
            Ok(()) => Ok(Self(folder)),
            Err(error) => Err(OpenError::NoFolder { folder, reason: error.to_string() }),
        }
    }

    pub(super) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for TemporaryFolder {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_dir_all(&self.0) {
            tracing::warn!(%error, "a temporary folder could not be removed");
        }
    }
}
