//! Who is alive. Each node has a share of a lock as long as its listener's connection stands; who starts and gets the whole of it
//! is alone, so whatever is leased belongs to the dead, and is ended. Where others live, leases of the dead run out by themselves:
//! nobody can tell them from those of the living.

use super::link::Session;
use crate::Error;
use std::time::Duration;

/// Part of every statement that locks; "CSgn", and a number that nothing else here has.
macro_rules! alive {
    () => {
        "1129531246, 3"
    };
}

const SHARE: &str = concat!("SELECT pg_advisory_lock_shared(", alive!(), ")");
const TAKE_WHOLE: &str = concat!("SELECT pg_try_advisory_lock(", alive!(), ")");
const GIVE_BACK: &str = concat!("SELECT pg_advisory_unlock(", alive!(), ")");
const ARE_THERE_ANY: &str = "SELECT EXISTS (SELECT 1 FROM message WHERE state = 'leased')
     OR EXISTS (SELECT 1 FROM webhook_delivery WHERE state = 'pending' AND leased_until > 0)";
const END_ALL: &str = "BEGIN;
     UPDATE message SET version = version + 1, state = 'queued' WHERE state = 'leased';
     UPDATE webhook_delivery SET version = version + 1, leased_until = 0 WHERE state = 'pending' AND leased_until > 0;
     COMMIT";

/// The server needs a moment to see that somebody has died.
const TRIES: u32 = 15;
const PAUSE: Duration = Duration::from_millis(20);

/// From now on this node is alive, as long as this connection stands.
pub(super) async fn share(session: &Session) -> Result<(), Error> {
    session.patiently(session.client().batch_execute(SHARE)).await?;
    Ok(())
}

/// Ends whatever is leased, unless somebody else is alive.
pub(super) async fn end_those_of_the_dead(session: &Session) -> Result<(), Error> {
    let client = session.client();
    for _ in 0..TRIES {
        if !client.query_one(ARE_THERE_ANY, &[]).await?.try_get(0)? {
            return Ok(());
        }
        if client.query_one(TAKE_WHOLE, &[]).await?.try_get(0)? {
            client.batch_execute(END_ALL).await?;
            client.batch_execute(GIVE_BACK).await?;
            return Ok(());
        }
        tokio::time::sleep(PAUSE).await;
    }
    Ok(())
}
