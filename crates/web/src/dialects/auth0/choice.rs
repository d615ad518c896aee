//! What a tenant has chosen about second factors, in this API's words. What only this API knows of is kept as notes beside the
//! choice.

use super::{appliance_mfa::carrier, error::Refused, names::Way};
use crate::Web;
use countersign_model::{Channel, ChosenKind, MfaChoice, TenantId};

/// The note that says of whom a second factor is asked: one of [`ASKING`], or nothing.
pub(super) const POLICIES: &str = "auth0.policies";
/// The note that says how phones get codes, where phones are switched off: `sms voice`.
pub(super) const MESSAGE_TYPES: &str = "auth0.message_types";
/// The note that names the factors that are switched on though this server has none of them: `duo webauthn-roaming`.
pub(super) const ON_FOR_NOTHING: &str = "auth0.on_for_nothing";
/// The policies under which everybody needs a second factor. The other one asks where the vendor has little confidence in a
/// log-in; nothing here makes anybody confident, so it asks as often as the first.
pub(super) const ASKING: [&str; 2] = ["all-applications", "confidence-score"];

/// What a tenant has chosen, of what there is: nobody is asked by push where nobody carries it.
pub(super) async fn of(web: &Web, tenant: TenantId) -> Result<MfaChoice, Refused> {
    let mut choice = web.engine().mfa_choice(tenant).await?;
    if carrier(web).is_none() {
        choice.set(ChosenKind::Push, false);
    }
    Ok(choice)
}

/// Whether everybody does.
pub(super) fn everybody_needs_mfa(choice: &MfaChoice) -> bool {
    choice.notes.get(POLICIES).is_some_and(|policies| policies.split(' ').any(|policy| ASKING.contains(&policy)))
}

/// The kind of factor that a way belongs to.
pub(super) const fn kind(way: Way) -> ChosenKind {
    match way {
        Way::Totp => ChosenKind::Totp,
        Way::Push => ChosenKind::Push,
        Way::Code(Channel::Sms | Channel::Whatsapp | Channel::Telegram) => ChosenKind::Sms,
        Way::Code(Channel::Voice) => ChosenKind::Voice,
        Way::Code(Channel::Email) => ChosenKind::Email,
        Way::Recovery => ChosenKind::RecoveryCodes,
    }
}

/// Whether a way can be used.
pub(super) fn allows(choice: &MfaChoice, way: Way) -> bool {
    choice.allows(kind(way))
}

/// With what a user can begin.
pub(super) fn kinds_to_enrol(choice: &MfaChoice) -> Vec<&'static str> {
    let phones = [Way::Code(Channel::Sms), Way::Code(Channel::Voice)];
    let ways = [Way::Totp].into_iter().chain(phones).chain([Way::Push, Way::Code(Channel::Email)]);
    let mut kinds: Vec<&str> = ways.filter(|way| allows(choice, *way)).map(Way::kind).collect();
    kinds.dedup();
    kinds
}
