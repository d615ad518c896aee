//! How often reports may be asked for: so many a minute for each applet, counted in this process and forgotten with it.

use super::{call::Call, error::Refused};
use crate::Web;
use countersign_model::{Bucket, BucketRule, TenantId, Timestamp};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

/// What each applet has left.
#[derive(Clone, Debug, Default)]
pub(super) struct ReadLimit(Arc<Mutex<HashMap<TenantId, Bucket>>>);

impl ReadLimit {
    /// Takes one, where so many a minute are allowed; or says when there is one again.
    fn take(&self, tenant: TenantId, a_minute: u32, now: Timestamp) -> Result<(), Timestamp> {
        if a_minute == 0 {
            return Ok(());
        }
        let rule = BucketRule { size: a_minute, refill_seconds: 60_u32.div_ceil(a_minute) };
        let mut buckets = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let taken = buckets.entry(tenant).or_default().take(rule, now);
        taken.map(|_| ()).map_err(|level| level.next_at)
    }
}

/// Counts one read of trials or statistics.
///
/// # Errors
/// 20208 when there were too many.
pub(super) fn count_read(web: &Web, call: &Call) -> Result<(), Refused> {
    let (limit, a_minute) = web.dialects().authentix.reads();
    let taken = limit.take(call.applet.caller.tenant(), a_minute, call.now());
    taken.map_err(|until| Refused::too_many("Trials were asked for too often.", Some(until), call.now()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_applet_has_its_own_and_without_a_limit_there_is_none() {
        let (limit, now) = (ReadLimit::default(), Timestamp::from_ms(0));
        let [one, other] = [1, 2].map(|byte| TenantId::from_bytes([byte; 16]));
        assert_eq!((limit.take(one, 2, now), limit.take(one, 2, now)), (Ok(()), Ok(())));
        assert_eq!(limit.take(one, 2, now), Err(Timestamp::from_ms(30_000)));
        assert_eq!(limit.take(other, 2, now), Ok(()));
        assert_eq!(limit.take(one, 2, Timestamp::from_ms(30_000)), Ok(()));
        assert!((0..1000).all(|_| limit.take(one, 0, now).is_ok()));
    }
}
