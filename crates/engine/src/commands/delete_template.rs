//! Goes back to the built-in text of a message.

use super::{Command, put_template::canonical};
use crate::{Caller, Engine, Error, Thing};
use countersign_model::{Channel, Scope, Timestamp, message::Purpose};
use countersign_store::{Batch, Change};

/// "Say it as before."
#[derive(Debug)]
pub struct DeleteTemplate {
    /// Which message.
    pub message: Purpose,
    /// On which channel.
    pub channel: Channel,
    /// In which language (BCP 47).
    pub locale: String,
}

impl Command for DeleteTemplate {
    type Outcome = ();
    const NEEDS: Scope = Scope::Admin;

    async fn decide(&self, engine: &Engine, caller: &Caller, _: Timestamp) -> Result<((), Batch), Error> {
        let (tenant, locale) = (caller.tenant(), canonical(&self.locale));
        let found = engine.store().template(tenant, self.message, self.channel, &locale).await?;
        found.ok_or(Error::NotFound(Thing::Template))?;
        let change = Change::DeleteTemplate { tenant, message: self.message, channel: self.channel, locale };
        Ok(((), Batch::new().with(change)))
    }
}
