//! Values on the command line: those that several commands take, and one line for each that is not taken. For an option that
//! does not exist clap's own words, with the usage, say more.

use clap::error::{ContextKind, ContextValue, Error, ErrorKind};
use countersign_store::DatabaseUrl;
use std::{convert::Infallible, error::Error as _, net::SocketAddr};

/// An address with a port. The only name is that of this machine, which is the same everywhere (RFC 6761, 6.3).
pub(super) fn address(text: &str) -> Result<SocketAddr, String> {
    let text = text.strip_prefix("localhost:").map_or_else(|| text.to_owned(), |port| format!("127.0.0.1:{port}"));
    text.parse().map_err(|_| "is no address with a port, such as 127.0.0.1:8080".to_owned())
}

/// A database. It is looked at later: clap would repeat a bad one, with the password in it.
#[expect(clippy::unnecessary_wraps, reason = "clap wants it")]
pub(super) fn database(text: &str) -> Result<DatabaseUrl, Infallible> {
    Ok(DatabaseUrl::new(text))
}

/// What is wrong with a value, if that is what is wrong.
#[must_use]
pub fn refused(error: &Error) -> Option<String> {
    let text = |kind| match error.get(kind) {
        Some(ContextValue::String(text)) => text.as_str(),
        _ => "",
    };
    let (argument, value) = (text(ContextKind::InvalidArg), text(ContextKind::InvalidValue));
    // `--listen <ADDRESS>`, or `<SHELL>`.
    let name = argument.split_whitespace().next()?;
    if error.kind() == ErrorKind::ValueValidation {
        let why = error.source()?.to_string();
        let join = if why.starts_with("is ") { " " } else { ": " };
        return Some(format!("{name}: \"{value}\"{join}{why}"));
    }
    if error.kind() != ErrorKind::InvalidValue {
        return None;
    }
    match error.get(ContextKind::ValidValue) {
        Some(ContextValue::Strings(known)) if !known.is_empty() => {
            Some(format!("{name}: \"{value}\" is none of {}", known.join(", ")))
        }
        _ if value.is_empty() => Some(format!("{name}: it needs a value")),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_machine_may_be_called_by_its_name() {
        assert_eq!(address("localhost:0"), address("127.0.0.1:0"));
        assert!(address("localhost:x").is_err() && address("localhost.example:0").is_err());
    }
}
