//! The keys that sign, opened and published. They are made when the first is needed; how they take turns is
//! `countersign_model::signing_key`'s rule.

use crate::{Engine, Error, keys};
use aws_lc_rs::{digest, rsa::KeyPair as RsaKeyPair};
use countersign_model::{Random, SigningKey, SigningKeyState, TenantId, Timestamp};
use countersign_store::{Batch, Change, Error as StoreError};
use data_encoding::{BASE64, BASE64URL_NOPAD};
use jsonwebtoken::{
    Algorithm, EncodingKey,
    jwk::{AlgorithmParameters, Jwk, ThumbprintHash},
};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

/// Keys that were opened, by name.
#[derive(Default)]
pub(crate) struct OpenKeys {
    pairs: Mutex<HashMap<String, Arc<RsaKeyPair>>>,
    /// Held by the one who makes the first keys: all who need them at once would make their own.
    making: tokio::sync::Mutex<()>,
}

/// The public half of a key, for whoever reads tokens (RFC 7517).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublishedKey {
    /// Its name.
    pub kid: String,
    /// What it does now.
    pub state: SigningKeyState,
    /// The modulus: base 64.
    pub n: String,
    /// The exponent, likewise.
    pub e: String,
    /// A certificate that it has signed itself: DER in base 64, of the usual alphabet.
    pub certificate: String,
    /// SHA-1 of the certificate: base 64 of the alphabet for addresses (RFC 7517, 4.8).
    pub fingerprint: String,
}

impl Engine {
    /// The keys with which a token can be signed that is good now: the one that signs first, then the next.
    ///
    /// # Errors
    /// When the store cannot be asked, or the first keys cannot be made.
    pub async fn published_keys(&self) -> Result<Vec<PublishedKey>, Error> {
        let now = self.now();
        Ok(self.signing_keys().await?.iter().filter(|key| key.is_published(now)).map(published).collect())
    }

    /// The key that signs, open.
    pub(crate) async fn current_signing_key(&self) -> Result<(String, Arc<RsaKeyPair>), Error> {
        let keys = self.signing_keys().await?;
        let current = keys.iter().find(|key| key.state == SigningKeyState::Current);
        let current = current.ok_or_else(|| Error::internal("no key signs"))?;
        Ok((current.kid.clone(), self.opened(current)?))
    }

    /// All keys; the first two are made if there are none yet.
    pub(crate) async fn signing_keys(&self) -> Result<Vec<SigningKey>, Error> {
        let keys = self.store().signing_keys().await?;
        if !keys.is_empty() {
            return Ok(keys);
        }
        let _making = self.open_keys().making.lock().await;
        let keys = self.store().signing_keys().await?;
        if !keys.is_empty() {
            return Ok(keys);
        }
        let (current, next) =
            (make_key(self, SigningKeyState::Current).await?, make_key(self, SigningKeyState::Next).await?);
        let batch = Batch::new().with(Change::PutSigningKey(current)).with(Change::PutSigningKey(next));
        match self.write(batch).await {
            // Somebody else has made them meanwhile.
            Ok(()) | Err(StoreError::Conflict) => Ok(self.store().signing_keys().await?),
            Err(error) => Err(error.into()),
        }
    }

    fn opened(&self, key: &SigningKey) -> Result<Arc<RsaKeyPair>, Error> {
        let mut open = self.open_keys().pairs.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(pair) = open.get(&key.kid) {
            return Ok(Arc::clone(pair));
        }
        let broken = || Error::internal("a signing key does not open");
        let text = self.keys().open(&key.private, &context())?;
        let der = zeroize::Zeroizing::new(BASE64.decode(text.as_bytes()).map_err(|_| broken())?);
        let pair = Arc::new(RsaKeyPair::from_pkcs8(&der).map_err(|_| broken())?);
        open.insert(key.kid.clone(), Arc::clone(&pair));
        Ok(pair)
    }
}

/// They belong to the installation, not to a tenant.
fn context() -> Vec<u8> {
    keys::context(keys::SIGNING_KEY, TenantId::from_bytes([0; 16]), &[])
}

/// A new pair of 2048 bits. Finding its primes takes a processor a while, so it is done where that holds up nobody.
pub(crate) async fn make_key(engine: &Engine, state: SigningKeyState) -> Result<SigningKey, Error> {
    let made = tokio::task::spawn_blocking(generate).await;
    let made = made.map_err(|error| Error::Internal(error.to_string()))??;
    made.sealed(engine.keys(), state, engine.now(), engine.random())
}

/// A pair that nobody has written down yet.
struct Generated {
    kid: String,
    private: zeroize::Zeroizing<String>,
    n: String,
    e: String,
    certificate: String,
}

fn generate() -> Result<Generated, Error> {
    let failed = |error: &dyn std::fmt::Display| Error::Internal(format!("a signing key could not be made: {error}"));
    let pair = rcgen::KeyPair::generate_rsa_for(&rcgen::PKCS_RSA_SHA256, rcgen::RsaKeySize::_2048);
    let pair = pair.map_err(|error| failed(&error))?;
    let key = EncodingKey::from_rsa_pem(pair.serialize_pem().as_bytes()).map_err(|error| failed(&error))?;
    let public = Jwk::from_encoding_key(&key, Algorithm::RS256).map_err(|error| failed(&error))?;
    let AlgorithmParameters::RSA(numbers) = &public.algorithm else { return Err(failed(&"it is not of RSA")) };
    let mut certificate = rcgen::CertificateParams::new(Vec::new()).map_err(|error| failed(&error))?;
    certificate.distinguished_name.push(rcgen::DnType::CommonName, "Countersign token signing");
    let certificate = certificate.self_signed(&pair).map_err(|error| failed(&error))?;
    Ok(Generated {
        kid: public.thumbprint(ThumbprintHash::SHA256).map_err(|error| failed(&error))?,
        private: zeroize::Zeroizing::new(BASE64.encode(&pair.serialize_der())),
        n: numbers.n.clone(),
        e: numbers.e.clone(),
        certificate: BASE64.encode(certificate.der()),
    })
}

impl Generated {
    fn sealed(
        self,
        keys: &keys::Keys,
        state: SigningKeyState,
        now: Timestamp,
        random: &dyn Random,
    ) -> Result<SigningKey, Error> {
        Ok(SigningKey {
            kid: self.kid,
            version: 0,
            state,
            private: keys.seal(&self.private, &context(), random)?,
            n: self.n,
            e: self.e,
            certificate: self.certificate,
            created_at: now,
            retired_at: None,
        })
    }
}

fn published(key: &SigningKey) -> PublishedKey {
    let der = BASE64.decode(key.certificate.as_bytes()).unwrap_or_default();
    let fingerprint = digest::digest(&digest::SHA1_FOR_LEGACY_USE_ONLY, &der);
    PublishedKey {
        kid: key.kid.clone(),
        state: key.state,
        n: key.n.clone(),
        e: key.e.clone(),
        certificate: key.certificate.clone(),
        fingerprint: BASE64URL_NOPAD.encode(fingerprint.as_ref()),
    }
}
