//! Reading a request's body, within a size and a time. What to answer when it cannot be read is each dialect's own business.

use axum::{body::Body, http::HeaderMap, http::header::CONTENT_LENGTH};
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use std::time::Duration;

/// The largest body that a call takes, in bytes, unless it says otherwise.
pub const MOST_BYTES: usize = 64 * 1024;

/// Why a body could not be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BodyError {
    /// More bytes than the call takes.
    TooLarge,
    /// It did not arrive in time.
    TooSlow,
    /// The connection broke, or the framing was wrong.
    Broken,
}

/// Reads all of it.
///
/// # Errors
/// When it is too large, too slow, or breaks off.
pub async fn read(headers: &HeaderMap, body: Body, longest: Duration) -> Result<Vec<u8>, BodyError> {
    read_up_to(MOST_BYTES, headers, body, longest).await
}

/// Reads all of it, for calls that have reason to take more or less than others.
///
/// # Errors
/// As [`read`].
pub async fn read_up_to(
    most_bytes: usize,
    headers: &HeaderMap,
    body: Body,
    longest: Duration,
) -> Result<Vec<u8>, BodyError> {
    let announced = headers.get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
    if announced.is_some_and(|bytes| bytes > most_bytes as u64) {
        return Err(BodyError::TooLarge);
    }
    let collected = tokio::time::timeout(longest, Limited::new(body, most_bytes).collect());
    match collected.await {
        Err(_) => Err(BodyError::TooSlow),
        Ok(Ok(collected)) => Ok(collected.to_bytes().to_vec()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => Err(BodyError::TooLarge),
        Ok(Err(_)) => Err(BodyError::Broken),
    }
}
