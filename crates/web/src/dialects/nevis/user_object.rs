//! A user as this API shows it, and its authenticators. In `authenticators` stand mobile and FIDO2 ones only, of which there are
//! none here; phones and recovery codes have members of our own beside it, which clients do not read.

use super::{NAME, error::Refused};
use crate::{Web, time};
use countersign_engine::Caller;
use countersign_model::{Factor, FactorKind, Timestamp, User};
use serde::Serialize;

/// A user.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct UserObject {
    pub user_id: String,
    pub username: Option<String>,
    pub status: &'static str,
    created_at: String,
    updated_at: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_login_date_success: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_login_date_failure: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    exceeded_rate_limits: Vec<&'static str>,
    authenticators: Vec<AuthenticatorObject>,
    #[serde(skip_serializing_if = "Option::is_none")]
    phone_numbers: Option<Vec<PhoneObject>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    recovery_codes: Option<RecoveryObject>,
}

/// An authenticator by itself.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct AuthenticatorObject {
    authenticator_id: String,
    name: Option<String>,
    authenticator_type: &'static str,
    state: &'static str,
    enrolled_at: String,
    updated_at: String,
}

/// A phone that gets codes.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct PhoneObject {
    authenticator_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    phone: String,
    state: &'static str,
    enrolled_at: String,
    updated_at: String,
}

/// A set of recovery codes.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct RecoveryObject {
    authenticator_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    remaining: usize,
    enrolled_at: String,
}

impl UserObject {
    /// As it stands now.
    pub(super) async fn of(web: &Web, caller: &Caller, user: &User) -> Result<Self, Refused> {
        let (engine, now) = (web.engine(), web.engine().now());
        let refused = |error| Refused::of(&error, now);
        let factors = engine.factors_of(caller, user.id).await.map_err(refused)?;
        let held = engine.held_until(caller, NAME, user.id, &factors).await.map_err(refused)?;
        let is_active = factors.iter().any(|factor| factor.is_active() && factor.is_primary());
        let (phones, recovery) =
            if web.dialects().nevis.show_phones_and_recovery_codes { ours(web, &factors, now)? } else { (None, None) };
        Ok(Self {
            user_id: user.id.to_uuid(),
            username: engine.name_of(user).map_err(refused)?,
            status: if is_active { "active" } else { "new" },
            created_at: time::to_the_second(user.created_at),
            updated_at: time::to_the_second(user.updated_at),
            last_login_date_success: user.last_success_at.map(time::to_the_second),
            last_login_date_failure: user.last_failure_at.map(time::to_the_second),
            exceeded_rate_limits: held.map(|_| "sms").into_iter().collect(),
            authenticators: Vec::new(),
            phone_numbers: phones,
            recovery_codes: recovery,
        })
    }
}

impl AuthenticatorObject {
    pub(super) fn of(factor: &Factor) -> Self {
        Self {
            authenticator_id: factor.id.to_uuid(),
            name: factor.name.clone(),
            authenticator_type: match factor.kind {
                FactorKind::Phone { .. } => "sms",
                FactorKind::Email { .. } => "email",
                FactorKind::Totp { .. } => "totp",
                FactorKind::RecoveryCodes { .. } => "recovery",
            },
            state: state(factor),
            enrolled_at: enrolled_at(factor),
            updated_at: time::to_the_second(factor.updated_at),
        }
    }
}

/// The members of our own.
fn ours(
    web: &Web,
    factors: &[Factor],
    now: Timestamp,
) -> Result<(Option<Vec<PhoneObject>>, Option<RecoveryObject>), Refused> {
    let (mut phones, mut recovery) = (Vec::new(), None);
    for factor in factors {
        match &factor.kind {
            FactorKind::Phone { .. } => {
                let address = web.engine().address_of_factor(factor).map_err(|error| Refused::of(&error, now))?;
                phones.push(PhoneObject {
                    authenticator_id: factor.id.to_uuid(),
                    name: factor.name.clone(),
                    phone: address.map(|address| masked(address.as_str())).unwrap_or_default(),
                    state: state(factor),
                    enrolled_at: enrolled_at(factor),
                    updated_at: time::to_the_second(factor.updated_at),
                });
            }
            FactorKind::RecoveryCodes { left, .. } => {
                recovery = Some(RecoveryObject {
                    authenticator_id: factor.id.to_uuid(),
                    name: factor.name.clone(),
                    remaining: left.len(),
                    enrolled_at: enrolled_at(factor),
                });
            }
            FactorKind::Email { .. } | FactorKind::Totp { .. } => {}
        }
    }
    Ok((Some(phones), recovery))
}

fn state(factor: &Factor) -> &'static str {
    if factor.is_active() { "active" } else { "pending" }
}

fn enrolled_at(factor: &Factor) -> String {
    time::to_the_second(factor.confirmed_at.unwrap_or(factor.created_at))
}

/// The beginning of a number and its last two digits: enough for its owner to know it. At least four are hidden.
fn masked(number: &str) -> String {
    let length = number.chars().count();
    let shown = length.saturating_sub(6).min(5);
    let mask = |(place, character)| if place < shown || place + 2 >= length { character } else { '*' };
    number.chars().enumerate().map(mask).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_masked_but_for_its_beginning_and_its_end() {
        assert_eq!(masked("+41790000067"), "+4179*****67");
        assert_eq!(masked("+390123456789012"), "+3901*********12");
        assert_eq!(masked("+4112345"), "+4****45");
    }
}
