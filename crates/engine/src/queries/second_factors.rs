//! What the page of a second factor shows.

use crate::{Engine, Error, keys};
use countersign_model::{Client, Factor, FactorKind, MfaSession, User};
use zeroize::Zeroizing;

impl Engine {
    /// The user of a visit, and the client on whose behalf it is. None: one of them is gone.
    ///
    /// # Errors
    /// When the store cannot be asked.
    pub async fn ends_of_session(&self, session: &MfaSession) -> Result<Option<(User, Client)>, Error> {
        let user = self.store().user(session.tenant, session.user).await?;
        let client = self.store().client(&session.client).await?.filter(|it| it.tenant == session.tenant);
        Ok(user.zip(client))
    }

    /// The client of a visit, whatever became of it.
    ///
    /// # Errors
    /// When the store cannot be asked.
    pub async fn client_of_session(&self, session: &MfaSession) -> Result<Option<Client>, Error> {
        Ok(self.store().client(&session.client).await?.filter(|it| it.tenant == session.tenant))
    }

    /// The secret of the app that waits for its first code, in base 32. Nobody is shown it again after that.
    ///
    /// # Errors
    /// When the key file lacks its key.
    pub fn pending_app(&self, factors: &[Factor]) -> Result<Option<Zeroizing<String>>, Error> {
        let waiting = factors.iter().filter(|factor| !factor.is_active());
        for factor in waiting {
            if let FactorKind::Totp { secret, .. } = &factor.kind {
                let context = keys::context(keys::TOTP_SECRET, factor.tenant, &factor.id.to_bytes());
                return self.keys().open(secret, &context).map(Some);
            }
        }
        Ok(None)
    }
}
