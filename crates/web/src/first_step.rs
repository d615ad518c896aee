//! A code whose caller is to hear at once when nobody carries it: two vendors' APIs tell that. The answer waits a moment for the
//! message's first step ([`countersign_engine::FirstStep`]), and what nobody took is taken back.

use crate::Web;
use countersign_engine::{Caller, Error, FirstStep, commands::WithdrawFactorCode};
use serde::{Deserialize as _, Deserializer, de::Error as _};
use std::time::Duration;

/// Whether a code has left, or may leave yet, when this patience is over; no patience: it is not asked. One that the whole route has
/// refused is withdrawn: it is as if it had never been asked for.
pub(crate) async fn leaves(
    web: &Web,
    caller: &Caller,
    code: &WithdrawFactorCode,
    patience: Duration,
) -> Result<bool, Error> {
    if patience.is_zero() {
        return Ok(true);
    }
    let engine = web.engine();
    let look = |patience| engine.first_step(caller, code.verification, patience);
    match web.unless_stopped(look(patience), look(Duration::ZERO)).await? {
        FirstStep::Taken | FirstStep::Open => Ok(true),
        FirstStep::NotTaken => {
            engine.run(caller, None, code).await?;
            tracing::info!("nobody carried a code; it was taken back");
            Ok(false)
        }
    }
}

/// How long an answer waits: a setting, in seconds.
pub(crate) fn patience<'de, D: Deserializer<'de>>(from: D) -> Result<Duration, D::Error> {
    let seconds = u64::deserialize(from)?;
    if seconds <= 30 { Ok(Duration::from_secs(seconds)) } else { Err(D::Error::custom("must be at most 30")) }
}
