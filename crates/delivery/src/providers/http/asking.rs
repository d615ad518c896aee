//! A question to a provider, and how its answer is judged: the message itself, or before it whether the person can be reached.

use super::{
    BadSetting,
    client::Exchange,
    request::Blueprint,
    seen::Seen,
    settings::{Answer, Request},
    shown,
    template::Values,
    verdict::{Rules, Verdict},
};
use crate::{SendError, Watch};

/// A request, and the rules for its answers.
pub(super) struct Asking {
    pub blueprint: Blueprint,
    exchange: Exchange,
    rules: Rules,
}

impl Asking {
    /// `given` are the variables of the request.
    pub fn new(request: &Request, answer: &Answer, given: &[&str]) -> Result<Self, BadSetting> {
        Ok(Self {
            blueprint: Blueprint::new(request, given)?,
            exchange: Exchange::new(request)?,
            rules: Rules::new(answer)?,
        })
    }

    /// Asks. The answer "yes" may name a reference; every other is an error. `secret` is what no error may hold.
    pub async fn ask(
        &self,
        values: Values,
        secret: Option<&str>,
        watch: Option<Watch<'_>>,
    ) -> Result<Option<String>, SendError> {
        if let Some(watch) = watch {
            shown::request(watch, &self.blueprint.prepare(values.clone(), true).map_err(SendError::Retry)?);
        }
        let prepared = self.blueprint.prepare(values, false).map_err(SendError::Retry)?;
        let answered = self.exchange.ask(prepared).await?;
        let seen = Seen::answer(answered.status, &answered.headers, &answered.body);
        let (verdict, rule) = self.rules.judge(&seen);
        let reference = self.rules.reference(&seen);
        if let Some(watch) = watch {
            shown::answer(watch, &answered, &rule, reference.as_deref());
        }
        match verdict {
            Verdict::Accepted => Ok(reference),
            Verdict::Refused | Verdict::Retry | Verdict::Unknown => Err(self.rules.failure(verdict, &seen, secret)),
        }
    }
}
