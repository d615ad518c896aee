//! A service that callers make for themselves through an API, without an operator: a name for people, the few rules that may be
//! chosen, and which texts and which mail relay its messages use. What is not chosen comes from the profile `compat`.

use crate::{Alphabet, CodeShape, OnFailure, Policy, Profile, ResendRule, Service, ServiceId, TenantId, Timestamp};
use serde::{Deserialize, Serialize};

/// A service that a caller has made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Configuration {
    /// Its name for machines, which is also the service of its verifications.
    pub id: ServiceId,
    /// Whose it is.
    pub tenant: TenantId,
    /// Grows with each write; 0 before the first.
    #[serde(skip)]
    pub version: u32,
    /// What was chosen.
    pub rules: ConfigurationRules,
    /// Since when it exists.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

/// What can be chosen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConfigurationRules {
    /// Whom the messages speak for: 1 to 40 characters, unique within the tenant.
    pub name: String,
    /// Digits of a generated code: 4 to 10.
    pub code_length: u8,
    /// Whether callers may bring codes of their own.
    pub own_codes: bool,
    /// Whether each code confirms a payment.
    pub payments: bool,
    /// How long a code lives, in minutes: 1 to 1440.
    pub life_minutes: u32,
    /// How many messages a verification may send: 1 to 100.
    pub max_sends: u32,
    /// How many wrong codes a verification takes: 1 to 6.
    pub max_checks: u32,
    /// The mail relay's setting, by the operator's name for it.
    pub relay: Option<String>,
    /// The text of mails, by the operator's name for it.
    pub email_template: Option<String>,
    /// The text of text messages, by the operator's name for it.
    pub sms_template: Option<String>,
}

/// A change of some of them. The default changes nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ConfigurationChange {
    /// See [`ConfigurationRules`], here and below.
    pub name: Option<String>,
    /// Digits.
    pub code_length: Option<u8>,
    /// Own codes.
    pub own_codes: Option<bool>,
    /// Payments.
    pub payments: Option<bool>,
    /// Minutes.
    pub life_minutes: Option<u32>,
    /// Messages.
    pub max_sends: Option<u32>,
    /// Wrong codes.
    pub max_checks: Option<u32>,
    /// The relay; some none takes it away.
    pub relay: Option<Option<String>>,
    /// The mail text; some none takes it away.
    pub email_template: Option<Option<String>>,
    /// The SMS text; some none takes it away.
    pub sms_template: Option<Option<String>>,
}

/// Which choice is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadConfiguration {
    /// No name.
    #[error("the name must not be empty")]
    NoName,
    /// The name is too long.
    #[error("the name must have at most 40 characters")]
    LongName,
    /// The code's length.
    #[error("a code has 4 to 10 digits")]
    CodeLength,
    /// The code's life.
    #[error("a code lives 1 to 1440 minutes")]
    Life,
    /// The number of messages.
    #[error("a verification sends 1 to 100 messages")]
    Sends,
    /// The number of wrong codes.
    #[error("a verification takes 1 to 6 wrong codes")]
    Checks,
}

const LONGEST_NAME: usize = 40;

impl Default for ConfigurationRules {
    fn default() -> Self {
        Self {
            name: String::new(),
            code_length: 5,
            own_codes: false,
            payments: false,
            life_minutes: 15,
            max_sends: 5,
            max_checks: 3,
            relay: None,
            email_template: None,
            sms_template: None,
        }
    }
}

impl ConfigurationRules {
    /// These, as a change leaves them.
    ///
    /// # Errors
    /// The first choice that cannot be.
    pub fn changed(&self, change: &ConfigurationChange) -> Result<Self, BadConfiguration> {
        let name = change.name.as_deref().map_or(self.name.as_str(), str::trim);
        let rules = Self {
            name: name.to_owned(),
            code_length: change.code_length.unwrap_or(self.code_length),
            own_codes: change.own_codes.unwrap_or(self.own_codes),
            payments: change.payments.unwrap_or(self.payments),
            life_minutes: change.life_minutes.unwrap_or(self.life_minutes),
            max_sends: change.max_sends.unwrap_or(self.max_sends),
            max_checks: change.max_checks.unwrap_or(self.max_checks),
            relay: change.relay.clone().unwrap_or_else(|| self.relay.clone()),
            email_template: change.email_template.clone().unwrap_or_else(|| self.email_template.clone()),
            sms_template: change.sms_template.clone().unwrap_or_else(|| self.sms_template.clone()),
        };
        rules.check().map(|()| rules)
    }

    fn check(&self) -> Result<(), BadConfiguration> {
        let rules = [
            (!self.name.is_empty(), BadConfiguration::NoName),
            (self.name.chars().count() <= LONGEST_NAME, BadConfiguration::LongName),
            ((4..=10).contains(&self.code_length), BadConfiguration::CodeLength),
            ((1..=1440).contains(&self.life_minutes), BadConfiguration::Life),
            ((1..=100).contains(&self.max_sends), BadConfiguration::Sends),
            ((1..=6).contains(&self.max_checks), BadConfiguration::Checks),
        ];
        rules.into_iter().find(|(holds, _)| !holds).map_or(Ok(()), |(_, broken)| Err(broken))
    }
}

impl Configuration {
    /// The service that its verifications are started under.
    #[must_use]
    pub fn service(&self) -> Service {
        let rules = &self.rules;
        Service {
            id: self.id,
            tenant: self.tenant,
            version: self.version,
            name: rules.name.clone(),
            brand: Some(rules.name.clone()),
            sender: None,
            default_locale: "en".to_owned(),
            language_of_country: false,
            last_line: None,
            policy: Policy {
                code: CodeShape::new(Alphabet::Numeric, rules.code_length).unwrap_or(CodeShape::SIX_DIGITS),
                life_seconds: u64::from(rules.life_minutes) * 60,
                max_checks: rules.max_checks,
                max_sends: rules.max_sends,
                resend: ResendRule::SameCode,
                on_failure: OnFailure::Holds,
                ..Policy::of(Profile::Compat)
            },
            created_at: self.created_at,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(change: &ConfigurationChange) -> Option<BadConfiguration> {
        ConfigurationRules { name: "Shop".to_owned(), ..Default::default() }.changed(change).err()
    }

    #[test]
    fn each_choice_has_its_range() {
        type Change = ConfigurationChange;
        for (change, bad) in [
            (Change { name: Some("  ".into()), ..Change::default() }, BadConfiguration::NoName),
            (Change { name: Some("é".repeat(41)), ..Change::default() }, BadConfiguration::LongName),
            (Change { code_length: Some(3), ..Change::default() }, BadConfiguration::CodeLength),
            (Change { code_length: Some(11), ..Change::default() }, BadConfiguration::CodeLength),
            (Change { life_minutes: Some(0), ..Change::default() }, BadConfiguration::Life),
            (Change { life_minutes: Some(1441), ..Change::default() }, BadConfiguration::Life),
            (Change { max_sends: Some(0), ..Change::default() }, BadConfiguration::Sends),
            (Change { max_sends: Some(101), ..Change::default() }, BadConfiguration::Sends),
            (Change { max_checks: Some(0), ..Change::default() }, BadConfiguration::Checks),
            (Change { max_checks: Some(7), ..Change::default() }, BadConfiguration::Checks),
        ] {
            assert_eq!(refused(&change), Some(bad));
        }
        let widest = Change {
            name: Some("é".repeat(40)),
            code_length: Some(10),
            life_minutes: Some(1440),
            max_sends: Some(100),
            max_checks: Some(6),
            ..Change::default()
        };
        assert_eq!(refused(&widest), None);
    }

    #[test]
    fn what_a_change_does_not_name_stays() {
        let before = ConfigurationRules { name: "Shop".into(), relay: Some("a".into()), ..Default::default() };
        assert_eq!(before.changed(&ConfigurationChange::default()), Ok(before.clone()));
        let change = ConfigurationChange { name: Some(" Shop 2 ".into()), relay: Some(None), ..Default::default() };
        let after = ConfigurationRules { name: "Shop 2".into(), relay: None, ..before.clone() };
        assert_eq!(before.changed(&change), Ok(after));
    }
}
