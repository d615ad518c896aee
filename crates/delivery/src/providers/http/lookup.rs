//! Asking whether a number exists: the same requests and conditions as for sending, with another question.

use super::{
    BadSetting,
    client::Exchange,
    matching::{Condition, Source, conditions},
    request::Blueprint,
    seen::Seen,
    settings::Lookup,
    values,
};
use crate::{NumberLookup, lookup::LookedUp};
use async_trait::async_trait;
use countersign_model::PhoneNumber;
use std::fmt;

/// Somebody who knows which numbers exist: `[lookup.http]`.
pub struct HttpLookup {
    blueprint: Blueprint,
    exchange: Exchange,
    exists: Vec<Condition>,
    missing: Vec<Condition>,
    operator: Option<Source>,
}

impl HttpLookup {
    /// A look-up with these settings. Reads the files that they name; connects to nobody yet.
    ///
    /// # Errors
    /// Names the setting that cannot be.
    pub fn new(settings: &Lookup) -> Result<Self, BadSetting> {
        if settings.exists.is_empty() || settings.missing.is_empty() {
            return Err(BadSetting::new("exists", "exists and missing need at least one condition each"));
        }
        Ok(Self {
            blueprint: Blueprint::new(&settings.request, &values::OF_LOOKUP)?,
            exchange: Exchange::new(&settings.request)?,
            exists: conditions(&settings.exists, "exists")?,
            missing: conditions(&settings.missing, "missing")?,
            operator: Source::optional(settings.operator.as_ref(), "operator")?,
        })
    }
}

#[async_trait]
impl NumberLookup for HttpLookup {
    async fn look_up(&self, number: &PhoneNumber) -> Result<LookedUp, String> {
        let prepared = self.blueprint.prepare(values::of_number(number), false)?;
        let answered = self.exchange.ask(prepared).await.map_err(|error| error.to_string())?;
        let seen = Seen::answer(answered.status, &answered.headers, &answered.body);
        let holds = |list: &[Condition]| list.iter().any(|condition| condition.holds(&seen));
        if holds(&self.exists) {
            Ok(LookedUp::Exists { operator: self.operator.as_ref().and_then(|source| source.reference(&seen)) })
        } else if holds(&self.missing) {
            Ok(LookedUp::Missing)
        } else {
            Err(format!("the answer of the look-up was not understood ({})", answered.status.as_u16()))
        }
    }
}

impl fmt::Debug for HttpLookup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpLookup").finish_non_exhaustive()
    }
}
