//! What users and factors are called in this API.

use countersign_engine::Engine;
use countersign_model::{Address, Channel, Factor, FactorKind, UserId};
use data_encoding::HEXLOWER;
use serde_json::Value;

const CONNECTION: &str = "auth0|";

/// `auth0|` and 32 hexadecimal digits.
pub(crate) fn name_of_user(user: UserId) -> String {
    format!("{CONNECTION}{}", HEXLOWER.encode(&user.to_bytes()))
}

/// The opposite.
pub(super) fn user_id(name: &str) -> Option<UserId> {
    let bytes = HEXLOWER.decode(name.strip_prefix(CONNECTION)?.as_bytes()).ok()?;
    Some(UserId::from_bytes(bytes.try_into().ok()?))
}

/// One way to be challenged. A phone has two of them, an app one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    /// A code of an app.
    Totp,
    /// A question on a device.
    Push,
    /// A code on this channel.
    Code(Channel),
    /// A recovery code.
    Recovery,
}

impl Way {
    /// The ways of a factor. An app that registers counts out codes too. Whoever holds a phone is reached in both ways, the one that was chosen first.
    pub(super) fn of(factor: &Factor) -> Vec<Self> {
        match &factor.kind {
            // One that has never registered is an app like any other, once it was confirmed.
            FactorKind::Totp { device: Some(device), .. } if device.app.is_some() || !factor.is_active() => {
                vec![Self::Push, Self::Totp]
            }
            FactorKind::Totp { .. } => vec![Self::Totp],
            FactorKind::Email { .. } => vec![Self::Code(Channel::Email)],
            FactorKind::Phone { channels, .. } if channels.first() == Some(&Channel::Voice) => {
                vec![Self::Code(Channel::Voice), Self::Code(Channel::Sms)]
            }
            FactorKind::Phone { .. } => vec![Self::Code(Channel::Sms), Self::Code(Channel::Voice)],
            FactorKind::RecoveryCodes { .. } => vec![Self::Recovery],
        }
    }

    /// What its id begins with.
    pub(super) const fn prefix(self) -> &'static str {
        match self {
            Self::Totp => "totp",
            Self::Push => "push",
            Self::Code(channel) => channel.name(),
            Self::Recovery => "recovery-code",
        }
    }

    /// What `authenticator_type` calls it.
    pub(super) const fn authenticator_type(self) -> &'static str {
        match self {
            Self::Totp => "otp",
            Self::Code(_) | Self::Push => "oob",
            Self::Recovery => "recovery-code",
        }
    }

    /// What `type` calls it.
    pub(super) const fn kind(self) -> &'static str {
        match self {
            Self::Totp => "otp",
            Self::Push => "push-notification",
            Self::Code(Channel::Email) => "email",
            Self::Code(_) => "phone",
            Self::Recovery => "recovery-code",
        }
    }
}

/// `dev_` and 16 letters and digits: the same for all ways of a factor.
pub(super) fn device(engine: &Engine, factor: &Factor) -> String {
    format!("dev_{}", engine.short_name(factor.tenant, factor.id))
}

/// The id of one way of a factor.
pub(super) fn authenticator_id(engine: &Engine, factor: &Factor, way: Way) -> String {
    format!("{}|{}", way.prefix(), device(engine, factor))
}

/// The factor that an id names, and the way.
pub(super) fn find<'a>(engine: &Engine, factors: &'a [Factor], id: &str) -> Option<(&'a Factor, Way)> {
    let named = |factor: &'a Factor| {
        let way = Way::of(factor).into_iter().find(|way| authenticator_id(engine, factor, *way) == id)?;
        Some((factor, way))
    };
    factors.iter().find_map(named)
}

/// An address as its owner recognises it and nobody else can use it.
pub(super) fn masked(address: &Address) -> Value {
    match address {
        Address::Phone(number) => {
            let number = number.e164();
            let shown = number.len().saturating_sub(4);
            let (hidden, last) = number.split_at_checked(shown).unwrap_or(("", number));
            format!("{}{last}", "X".repeat(hidden.len())).into()
        }
        Address::Email(mail) => {
            let (local, domain) = mail.as_str().rsplit_once('@').unwrap_or((mail.as_str(), ""));
            format!("{}@{}", beginning(local, 0), beginning(domain, 4)).into()
        }
    }
}

/// The first characters, and a star for each of the others; at least four stars, so that a short one is no shorter.
fn beginning(text: &str, shown: usize) -> String {
    let characters = text.chars().count();
    let shown = shown.min(characters / 2);
    let stars = characters.saturating_sub(shown).clamp(4, 16);
    text.chars().take(shown).chain(std::iter::repeat_n('*', stars)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_users_name_reads_back_and_no_other_does() {
        let user = UserId::from_bytes([7; 16]);
        assert_eq!(user_id(&name_of_user(user)), Some(user));
        for bad in ["", "auth0|", "auth0|x", "google|07070707070707070707070707070707", "auth0|0707"] {
            assert_eq!(user_id(bad), None, "{bad}");
        }
    }

    #[test]
    fn addresses_are_masked_as_the_vendor_does() {
        let masked = |channel, text| masked(&Address::parse(channel, text).unwrap());
        assert_eq!(masked(Channel::Sms, "+34666668730"), "XXXXXXXX8730");
        assert_eq!(masked(Channel::Email, "anna@example.com"), "****@exam*******");
        assert_eq!(masked(Channel::Email, "a@b.cd"), "****@b.****");
    }
}
