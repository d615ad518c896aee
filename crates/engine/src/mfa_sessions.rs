//! Visits to the page of a second factor: the texts that stand for them, and what is sealed in them. The link is random and
//! the browser's; the result is made of the visit under a key, so that it is nowhere at rest.

use crate::{
    Engine, Error, keys,
    tokens::{Origin, TokenRequest, Transaction},
};
use aws_lc_rs::constant_time;
use countersign_model::{BlindIndex, MfaSession, Sealed, TenantId, mfa_session::SessionPurpose};
use data_encoding::BASE64URL_NOPAD;
use zeroize::Zeroizing;

const LINK: &str = "mfa page";
const RESULT: &str = "mfa result";

impl Engine {
    /// The visit whose link has this text, whether or not it is over. Looking changes nothing.
    ///
    /// # Errors
    /// When the store cannot be asked.
    pub async fn mfa_session(&self, link: &str) -> Result<Option<MfaSession>, Error> {
        Ok(self.store().mfa_session(self.mfa_session_id(link)).await?)
    }

    pub(crate) fn mfa_session_id(&self, link: &str) -> BlindIndex {
        BlindIndex(self.keys().hash(LINK, link.as_bytes()))
    }

    /// What the browser takes back to whoever began, who hands it in.
    #[must_use]
    pub fn result_of(&self, session: &MfaSession) -> String {
        BASE64URL_NOPAD.encode(&[session.id.0, self.keys().hash(RESULT, &session.id.0)].concat())
    }

    /// The visit of a result; none: it was not made here.
    pub(crate) fn session_of_result(&self, result: &str) -> Option<BlindIndex> {
        let bytes = BASE64URL_NOPAD.decode(result.as_bytes()).ok()?;
        let (id, tag) = bytes.split_first_chunk::<32>()?;
        constant_time::verify_slices_are_equal(&self.keys().hash(RESULT, id), tag).ok()?;
        Some(BlindIndex(*id))
    }

    /// The log-in that waits for a visit; or, where a factor is only to be enrolled, what stands for one.
    #[must_use]
    pub fn log_in_of(&self, session: &MfaSession) -> Transaction {
        Transaction {
            id: session.transaction(),
            tenant: session.tenant,
            user: session.user,
            client: session.client.clone(),
            request: TokenRequest { audience: None, scope: String::new() },
            origin: match session.purpose {
                SessionPurpose::LogIn => Origin::Caller,
                SessionPurpose::Enrol { .. } => Origin::Enrolment,
            },
            ends_at: session.ends_at,
        }
    }

    pub(crate) fn seal_in_session(&self, (tenant, id): (TenantId, BlindIndex), text: &str) -> Result<Sealed, Error> {
        self.keys().seal(text, &keys::context(keys::MFA_SESSION, tenant, &id.0), self.random())
    }

    /// What is sealed in a visit, for its page.
    ///
    /// # Errors
    /// When the key file lacks its key.
    pub fn open_in_session(&self, session: &MfaSession, sealed: &Sealed) -> Result<Zeroizing<String>, Error> {
        self.keys().open(sealed, &keys::context(keys::MFA_SESSION, session.tenant, &session.id.0))
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::Harness;
    use countersign_model::BlindIndex;

    #[tokio::test]
    async fn only_a_result_that_was_made_here_names_its_visit() {
        let engine = Harness::new().await.engine;
        let id = engine.mfa_session_id("link");
        let tag = engine.keys().hash(super::RESULT, &id.0);
        let result = super::BASE64URL_NOPAD.encode(&[id.0, tag].concat());
        assert_eq!(engine.session_of_result(&result), Some(id));
        let other = super::BASE64URL_NOPAD.encode(&[BlindIndex([1; 32]).0, tag].concat());
        for bad in ["", "x", "====", &result[1..], &result[..84], &other, &format!("{result}AAAA")] {
            assert_eq!(engine.session_of_result(bad), None, "{bad}");
        }
    }
}
