//! What can go wrong. A text here may name files and tables, and never holds a value that was read or written.

use std::path::PathBuf;

/// Why the store could not do what it was asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// An assertion of the batch does not hold: nothing of it was written. Read again, decide again.
    #[error("something else was written in between")]
    Conflict,
    /// It does not answer now. What was asked may have been written or not.
    #[error("the store does not answer: {0}")]
    Unavailable(String),
    /// There is no room: nothing was written. It works again as soon as there is some.
    #[error("the store has no room: {0}")]
    Full(String),
    /// What is kept cannot be read back.
    #[error("the store is damaged: {0}")]
    Damaged(String),
}

/// Why a store could not be opened, and what to do about it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OpenError {
    /// There is no folder, and none can be made.
    #[error("cannot make the folder {}: {reason}; make it yourself, or name another one", folder.display())]
    NoFolder {
        /// The folder.
        folder: PathBuf,
        /// The system's word.
        reason: String,
    },
    /// The folder or the file may not be written.
    #[error("cannot write to {}: {reason}; give the user that runs countersign the right to, or name another place", path.display())]
    NotWritable {
        /// The file.
        path: PathBuf,
        /// The system's word.
        reason: String,
    },
    /// Somebody else's file.
    #[error("{} is not a countersign database; name another place, or move that file away", path.display())]
    Foreign {
        /// The file.
        path: PathBuf,
    },
    /// Our file, and parts of it make no sense.
    #[error("{} is damaged ({reason}); move it away and put a backup in its place", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What was found.
        reason: String,
    },
    /// A file of a later version of this program.
    #[error("{} was written by a newer countersign (format {found}, this one knows {known}); run that version", path.display())]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its format.
        found: u32,
        /// The latest format that this program knows.
        known: u32,
    },
    /// Another process has it.
    #[error("{} is in use by another countersign; stop that one first, or name another place", path.display())]
    InUse {
        /// The file.
        path: PathBuf,
    },
    /// The database's URL makes no sense.
    #[error(
        "the URL of the database cannot be used: {reason}; it looks like postgres://user:password@host:5432/database"
    )]
    BadUrl {
        /// What is wrong about it, without a password.
        reason: String,
    },
    /// The database cannot be reached or used.
    #[error(
        "cannot use the database {place}: {reason}; see whether it runs, and whether the URL names the right user and password"
    )]
    NoDatabase {
        /// Its hosts and its name.
        place: String,
        /// The word of the database or of the network.
        reason: String,
    },
    /// A database with somebody else's tables.
    #[error("the database {place} holds tables of something else; name an empty one")]
    ForeignDatabase {
        /// Its hosts and its name.
        place: String,
    },
    /// A database of a later version of this program.
    #[error(
        "the tables of {place} are of a newer countersign (step {found}, this one knows {known}); run that version"
    )]
    NewerTables {
        /// Its hosts and its name.
        place: String,
        /// How many steps its tables have.
        found: i64,
        /// How many this program knows.
        known: i64,
    },
    /// A database that another store is being carried over to.
    #[error(
        "another store is being carried over to {place}, and that has not ended; run `countersign migrate-store` until it has"
    )]
    BeingFilled {
        /// Its hosts and its name.
        place: String,
    },
    /// The disk has no room.
    #[error("no room on the disk for {}; make some, then start again", path.display())]
    Full {
        /// The file.
        path: PathBuf,
    },
    /// Something else.
    #[error("cannot open {}: {reason}; see whether its disk and its file system are in order", path.display())]
    Failed {
        /// The file.
        path: PathBuf,
        /// The word of the system or of the database.
        reason: String,
    },
}
