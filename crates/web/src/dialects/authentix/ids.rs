//! Identifiers in this API: three capital letters and 32 small hexadecimal digits, which are safe in a path as they are.

use countersign_model::{MessageId, ServiceId, TenantId, VerificationId};

/// What the id of an SMTP setting begins with.
pub(super) const SMTP_SETTING: &str = "STP";
/// What the id of a text for text messages begins with.
pub(super) const SMS_TEMPLATE: &str = "TMS";
/// What the id of a text for mails begins with.
pub(super) const EMAIL_TEMPLATE: &str = "TME";

const APPLET: &str = "AID";
const CONFIGURATION: &str = "CID";
const AUTHENTICATION: &str = "VID";
const TRIAL: &str = "TRD";

/// A tenant's name in this API.
pub(super) fn applet(id: TenantId) -> String {
    written(APPLET, id.to_bytes())
}

/// A configuration's.
pub(super) fn configuration(id: ServiceId) -> String {
    written(CONFIGURATION, id.to_bytes())
}

/// A verification's.
pub(super) fn authentication(id: VerificationId) -> String {
    written(AUTHENTICATION, id.to_bytes())
}

/// A message's.
pub(super) fn trial(id: MessageId) -> String {
    written(TRIAL, id.to_bytes())
}

/// The opposite of [`configuration`].
pub(super) fn read_configuration(text: &str) -> Option<ServiceId> {
    read(CONFIGURATION, text).map(ServiceId::from_bytes)
}

/// The opposite of [`authentication`].
pub(super) fn read_authentication(text: &str) -> Option<VerificationId> {
    read(AUTHENTICATION, text).map(VerificationId::from_bytes)
}

/// The opposite of [`trial`].
pub(super) fn read_trial(text: &str) -> Option<MessageId> {
    read(TRIAL, text).map(MessageId::from_bytes)
}

/// What dev mode has under this prefix for a tenant: the same at each start, and another one for each tenant.
pub(super) fn sandbox(prefix: &str, tenant: &str) -> String {
    written(prefix, tenant.bytes().take(16).fold(0, |id: u128, byte| id << 8 | u128::from(byte)).to_be_bytes())
}

fn written(prefix: &str, bytes: [u8; 16]) -> String {
    format!("{prefix}{:032x}", u128::from_be_bytes(bytes))
}

fn read(prefix: &str, text: &str) -> Option<[u8; 16]> {
    let digits = text.strip_prefix(prefix)?;
    let is_digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    let is_plain = digits.len() == 32 && digits.bytes().all(is_digit);
    is_plain.then(|| u128::from_str_radix(digits, 16).ok()).flatten().map(u128::to_be_bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_reads_back_and_another_kind_or_spelling_does_not() {
        let id = ServiceId::from_bytes([0xab; 16]);
        let text = configuration(id);
        assert_eq!(text, format!("CID{}", "ab".repeat(16)));
        assert_eq!(read_configuration(&text), Some(id));
        for bad in ["", "CID", "CIDnope", &text.replace("CID", "VID"), &text.to_uppercase(), &text[..34], "CID+b"] {
            assert_eq!(read_configuration(bad), None, "{bad}");
        }
    }

    #[test]
    fn tenants_of_dev_mode_have_ids_of_their_own() {
        assert_eq!(sandbox(SMTP_SETTING, "dev"), "STP00000000000000000000000000646576");
        assert_ne!(sandbox(SMTP_SETTING, "dev"), sandbox(SMTP_SETTING, "dev2"));
    }
}
