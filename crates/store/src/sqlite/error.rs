//! SQLite's result codes (<https://www.sqlite.org/rescode.html>) in the words of the store.

use crate::{Error, OpenError};
use rusqlite::ffi;
use std::path::Path;

impl From<rusqlite::Error> for Error {
    fn from(error: rusqlite::Error) -> Self {
        let Some(failure) = error.sqlite_error() else {
            // A column of another type than was written: rusqlite names the column, never its content.
            return Self::Damaged(error.to_string());
        };
        match failure.extended_code {
            ffi::SQLITE_CONSTRAINT_PRIMARYKEY | ffi::SQLITE_CONSTRAINT_UNIQUE | ffi::SQLITE_CONSTRAINT_ROWID => {
                Self::Conflict
            }
            // A write that fails is out of room as a rule, on network disks and quotas too; so is a WAL index that
            // cannot grow.
            ffi::SQLITE_IOERR_WRITE | ffi::SQLITE_IOERR_SHMSIZE => Self::Full(error.to_string()),
            code => match code & 0xff {
                ffi::SQLITE_FULL => Self::Full(error.to_string()),
                ffi::SQLITE_CORRUPT | ffi::SQLITE_NOTADB => Self::Damaged(error.to_string()),
                _ => Self::Unavailable(error.to_string()),
            },
        }
    }
}

/// An error met while a file was being opened.
pub(super) fn opening(path: &Path, error: Error) -> OpenError {
    let path = path.to_owned();
    match error {
        Error::Full(_) => OpenError::Full { path },
        Error::Damaged(reason) => OpenError::Damaged { path, reason },
        Error::Conflict => OpenError::Failed { path, reason: error.to_string() },
        Error::Unavailable(reason) => OpenError::Failed { path, reason },
    }
}

/// The same, for those of SQLite's codes that tell more while opening than later.
pub(super) fn opening_sqlite(path: &Path, error: rusqlite::Error) -> OpenError {
    let reason = error.to_string();
    match error.sqlite_error().map(|failure| failure.extended_code & 0xff) {
        Some(ffi::SQLITE_NOTADB) => OpenError::Foreign { path: path.to_owned() },
        Some(ffi::SQLITE_BUSY | ffi::SQLITE_LOCKED) => OpenError::InUse { path: path.to_owned() },
        Some(ffi::SQLITE_CANTOPEN | ffi::SQLITE_READONLY | ffi::SQLITE_PERM) => {
            OpenError::NotWritable { path: path.to_owned(), reason }
        }
        Some(_) | None => opening(path, error.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failure(code: i32) -> rusqlite::Error {
        rusqlite::Error::SqliteFailure(ffi::Error::new(code), None)
    }

    #[test]
    fn a_disk_without_room_is_full_and_a_broken_file_damaged() {
        for code in [ffi::SQLITE_FULL, ffi::SQLITE_IOERR_WRITE, ffi::SQLITE_IOERR_SHMSIZE] {
            assert!(matches!(Error::from(failure(code)), Error::Full(_)), "{code}");
            assert!(matches!(opening_sqlite(Path::new("x"), failure(code)), OpenError::Full { .. }), "{code}");
        }
        for code in [ffi::SQLITE_CORRUPT, ffi::SQLITE_CORRUPT_INDEX, ffi::SQLITE_NOTADB] {
            assert!(matches!(Error::from(failure(code)), Error::Damaged(_)), "{code}");
        }
        for code in [ffi::SQLITE_BUSY, ffi::SQLITE_IOERR_READ, ffi::SQLITE_IOERR_FSYNC, ffi::SQLITE_NOMEM] {
            assert!(matches!(Error::from(failure(code)), Error::Unavailable(_)), "{code}");
        }
    }

    #[test]
    fn only_a_key_that_is_taken_is_a_conflict() {
        for code in [ffi::SQLITE_CONSTRAINT_PRIMARYKEY, ffi::SQLITE_CONSTRAINT_UNIQUE] {
            assert_eq!(Error::from(failure(code)), Error::Conflict, "{code}");
        }
        for code in [ffi::SQLITE_CONSTRAINT_NOTNULL, ffi::SQLITE_CONSTRAINT_CHECK, ffi::SQLITE_CONSTRAINT_DATATYPE] {
            assert!(matches!(Error::from(failure(code)), Error::Unavailable(_)), "{code}");
        }
    }
}
