//! People who prove more than an address: a name, perhaps a password, and factors ([`crate::Factor`]).

use crate::{BlindIndex, Sealed, TenantId, Timestamp, UserId};
use serde::{Deserialize, Serialize};

/// A person, as one tenant knows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct User {
    /// Its name for machines.
    pub id: UserId,
    /// Whose it is.
    pub tenant: TenantId,
    /// Grows with each write; 0 before the first.
    #[serde(skip)]
    pub version: u32,
    /// What it calls itself, sealed: personal data. Some have no name but their id.
    pub name: Option<Sealed>,
    /// The same, as look-ups see it.
    pub name_index: Option<BlindIndex>,
    /// The hash of its password (Argon2id, PHC string format); none for somebody who logs in elsewhere.
    pub password: Option<String>,
    /// Whether a password is enough.
    pub mfa: MfaRule,
    /// Its e-mail address, where that is another than its name, sealed.
    pub email: Option<Sealed>,
    /// The language that it reads (BCP 47), where the tenant has said so.
    #[serde(default)]
    pub language: Option<String>,
    /// Since when it exists.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
    /// When it last proved to be itself.
    pub last_success_at: Option<Timestamp>,
    /// When somebody last failed for good to prove to be it, or that a new factor is theirs.
    pub last_failure_at: Option<Timestamp>,
}

/// Whether a password is enough.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum MfaRule {
    /// It is.
    Off,
    /// A second factor is asked for, too; whoever has none must enrol one first.
    Required,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_that_was_kept_before_users_had_a_language_has_none() {
        let user = User {
            id: UserId::from_bytes([1; 16]),
            tenant: TenantId::from_bytes([2; 16]),
            version: 0,
            name: None,
            name_index: None,
            password: None,
            mfa: MfaRule::Required,
            email: None,
            language: Some("pt-BR".to_owned()),
            created_at: Timestamp::from_ms(1),
            updated_at: Timestamp::from_ms(1),
            last_success_at: None,
            last_failure_at: None,
        };
        let mut kept = serde_json::to_value(&user).unwrap();
        assert_eq!(serde_json::from_value::<User>(kept.clone()).unwrap(), user);
        kept.as_object_mut().unwrap().remove("language");
        assert_eq!(serde_json::from_value::<User>(kept).unwrap(), User { language: None, ..user });
    }
}
