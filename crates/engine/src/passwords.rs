//! Passwords: Argon2id (RFC 9106) with what OWASP asks for, 19 MiB and two passes. Hashing costs a processor some 20 ms by
//! design, so it is done beside the threads that answer, and no more of it at once than there are processors.

use crate::{Engine, Error};
use argon2::{
    Argon2,
    password_hash::{PasswordHasher as _, PasswordVerifier as _, phc::PasswordHash},
};
use countersign_model::{TenantId, User};
use tokio::sync::Semaphore;
use zeroize::Zeroizing;

/// The longest password, in bytes: more of it only costs time.
pub const LONGEST_PASSWORD: usize = 256;

/// How many are hashed at once.
pub(crate) struct HashingPlaces(Semaphore);

impl Default for HashingPlaces {
    fn default() -> Self {
        Self(Semaphore::new(std::thread::available_parallelism().map_or(2, usize::from)))
    }
}

/// What a password is compared with where there is no user, so that the answer takes as long as for one that there is.
const NOBODYS: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$Y291bnRlcnNpZ24gbm9ib2R5$Z2s5dE9RbVg0c0xwVjJoY1dlUnlVaU9hU2RGZ0hqS2w";

impl Engine {
    /// The hash of a password, as a text that says how it was made (PHC string format), for a user that is made with it.
    ///
    /// # Errors
    /// Only if the library refuses to work.
    pub async fn hash_password(&self, password: &str) -> Result<String, Error> {
        let mut salt = [0; 16];
        self.random().fill(&mut salt);
        let password = Zeroizing::new(password.as_bytes().to_vec());
        self.hashing(move || {
            let hash: Result<PasswordHash, _> = Argon2::default().hash_password_with_salt(&password, &salt);
            hash.map(|hash| hash.to_string()).map_err(|error| Error::Internal(error.to_string()))
        })
        .await?
    }

    /// The user of a name, if this is its password. It takes as long where there is no such user, or one without a password.
    pub(crate) async fn user_with_password(
        &self,
        tenant: TenantId,
        name: &str,
        password: &str,
    ) -> Result<Option<User>, Error> {
        let user = self.store().user_with_name(tenant, self.keys().name_index(tenant, name)).await?;
        let hash = user.as_ref().and_then(|user| user.password.clone());
        let (has_password, hash) = (hash.is_some(), hash.unwrap_or_else(|| NOBODYS.to_owned()));
        let password = Zeroizing::new(password.as_bytes().to_vec());
        let fits = self
            .hashing(move || {
                PasswordHash::new(&hash).is_ok_and(|hash| Argon2::default().verify_password(&password, &hash).is_ok())
            })
            .await?;
        Ok(user.filter(|_| fits && has_password))
    }

    async fn hashing<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<T, Error> {
        let _place = self.hashing_places().0.acquire().await.map_err(|error| Error::Internal(error.to_string()))?;
        tokio::task::spawn_blocking(work).await.map_err(|error| Error::Internal(error.to_string()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_of_nobody_is_one_that_costs_as_much_as_any_other() {
        let nobody = PasswordHash::new(NOBODYS).unwrap();
        let usual: PasswordHash = Argon2::default().hash_password_with_salt(b"x", &[0; 16]).unwrap();
        assert_eq!((nobody.algorithm, nobody.version, &nobody.params), (usual.algorithm, usual.version, &usual.params));
        assert_eq!(nobody.hash.map(|hash| hash.len()), usual.hash.map(|hash| hash.len()));
    }
}
