//! PostgreSQL's codes (<https://www.postgresql.org/docs/15/errcodes-appendix.html>) in the words of the store.

use super::tls;
use crate::{Error, OpenError};
use tokio_postgres::error::SqlState;

impl From<tokio_postgres::Error> for Error {
    fn from(error: tokio_postgres::Error) -> Self {
        let Some(code) = error.code() else {
            // Only the decoding of an answer fails on this side without the connection being gone.
            let is_of_this_side = !error.is_closed() && error.to_string().starts_with("error deserializing");
            return if is_of_this_side { Self::Damaged(error.to_string()) } else { Self::Unavailable(plain(&error)) };
        };
        match code {
            // Two of one group want the same row, or two groups each what the other has: read again, decide again.
            code if is_conflict(code) => Self::Conflict,
            code if *code == SqlState::DISK_FULL => Self::Full(plain(&error)),
            code if *code == SqlState::DATA_CORRUPTED || *code == SqlState::INDEX_CORRUPTED => {
                Self::Damaged(plain(&error))
            }
            _ => Self::Unavailable(plain(&error)),
        }
    }
}

/// Whether a work has failed by itself, or because of another one beside it.
pub(super) fn is_conflict(code: &SqlState) -> bool {
    [
        SqlState::UNIQUE_VIOLATION,
        SqlState::CARDINALITY_VIOLATION,
        SqlState::T_R_SERIALIZATION_FAILURE,
        SqlState::T_R_DEADLOCK_DETECTED,
    ]
    .contains(code)
}

/// Whether the trouble lies in what was asked, so that others who ask beside it have none.
pub(super) fn is_own_fault(error: &tokio_postgres::Error) -> bool {
    // Of the classes 22 (data), 23 (constraints) and 42 (what is written there).
    error
        .code()
        .is_some_and(|code| is_conflict(code) || ["22", "23", "42"].iter().any(|class| code.code().starts_with(class)))
}

/// Whether the server has become one that cannot be written to, or is about to go: another connection may find a better.
pub(super) fn wants_another_server(error: &tokio_postgres::Error) -> bool {
    error.is_closed()
        || error.code().is_some_and(|code| {
            *code == SqlState::READ_ONLY_SQL_TRANSACTION
                || code.code().starts_with("57P")
                || code.code().starts_with("08")
        })
}

/// Whether a text was asked for that no text here can equal, since it holds a NUL.
pub(super) fn is_no_text(error: &tokio_postgres::Error) -> bool {
    error.code() == Some(&SqlState::CHARACTER_NOT_IN_REPERTOIRE)
}

/// The word of the server without its details, which may hold values.
pub(super) fn plain(error: &tokio_postgres::Error) -> String {
    if let Some(told) = error.as_db_error() {
        return format!("{} ({})", told.message(), told.code().code());
    }
    if let Some(trouble) = std::error::Error::source(error).and_then(tls::certificate_trouble) {
        return trouble.to_owned();
    }
    let cause = std::error::Error::source(error).map(|cause| format!(": {cause}")).unwrap_or_default();
    format!("{error}{}", if error.to_string().contains(cause.trim_start_matches(": ")) { "" } else { &cause })
}

/// An error met while a database was being opened.
pub(super) fn opening(place: &str, error: &tokio_postgres::Error) -> OpenError {
    OpenError::NoDatabase { place: place.to_owned(), reason: plain(error) }
}

/// The same, of one that is known already.
pub(super) fn opening_known(place: &str, error: &Error) -> OpenError {
    let reason = match error {
        Error::Unavailable(reason) | Error::Full(reason) | Error::Damaged(reason) => reason.clone(),
        Error::Conflict => error.to_string(),
    };
    OpenError::NoDatabase { place: place.to_owned(), reason }
}
