//! The server's keys and everything done with them: codes are derived, addresses sealed, secrets hashed. No key ever leaves
//! this file, and none is in the database: whoever steals only the database learns no address and no code.
//!
//! The key file holds one root secret per version, and one secret that never changes for what must be found again (blind
//! indexes, hashes of API keys). Each use has a key of its own, derived with HKDF-SHA-256 (RFC 5869).

mod file;

pub use file::KeyFileError;

use crate::Error;
use aws_lc_rs::{aead, constant_time, hkdf, hmac};
use countersign_model::{
    Address, BlindIndex, Code, CodeShape, FactorId, MessageId, Random, Sealed, TenantId, Typed, UserId, Verification,
    VerificationId, WebhookEndpointId, verification::CodeSource,
};
use countersign_store::{Batch, Change, Error as StoreError, Store};
use std::{collections::BTreeMap, fmt, path::Path};
use zeroize::Zeroizing;

/// Under which name the store holds the keys of dev mode, where it does.
const SANDBOX_KEYS: &str = "sandbox keys";

struct Version {
    code: hmac::Key,
    seal: aead::LessSafeKey,
}

/// The server's keys.
pub struct Keys {
    current: u16,
    versions: BTreeMap<u16, Version>,
    index: hmac::Key,
    token: hmac::Key,
    check: hmac::Key,
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Keys(current version {})", self.current)
    }
}

impl Keys {
    /// Reads the key file of a store that was written with one.
    ///
    /// # Errors
    /// When it is missing, cannot be read, can be read by others than its owner, or is something else.
    pub fn load(path: &Path) -> Result<Self, KeyFileError> {
        Self::parse(path, &file::read(path)?)
    }

    /// For a store that was written with no keys yet: reads the key file, or makes one with a fresh secret, readable by its
    /// owner only (mode 0600). Of several processes that do so at once one makes it, and all have the same keys.
    ///
    /// # Errors
    /// When it can be neither read nor made, can be read by others than its owner, or is something else.
    pub fn load_or_create(path: &Path, random: &dyn Random) -> Result<Self, KeyFileError> {
        Self::parse(path, &file::read_or_create(path, random)?)
    }

    /// For dev mode on a database that several processes share, wherever they run: keys that are in the database itself, made by
    /// whoever comes first. Its inbox shows every code anyway.
    ///
    /// # Errors
    /// When the store cannot be asked or written to, or holds something else under that name.
    pub async fn kept_in(store: &Store, random: &dyn Random) -> Result<Self, Error> {
        if store.setting(SANDBOX_KEYS).await?.is_none() {
            let fresh = file::fresh_text(random).map_err(|error| Error::Internal(error.to_string()))?;
            let change = Change::InsertSetting { name: SANDBOX_KEYS, value: fresh.to_string() };
            match store.write(Batch::new().with(change)).await {
                Ok(()) | Err(StoreError::Conflict) => {}
                Err(error) => return Err(error.into()),
            }
        }
        let kept = Zeroizing::new(store.setting(SANDBOX_KEYS).await?.unwrap_or_default());
        let read = file::parse(kept.as_bytes()).and_then(|kept| Self::derive(&kept.lasting, kept.current, &kept.roots));
        read.map_err(|why| Error::Internal(format!("the keys that the database holds cannot be used: {why}")))
    }

    /// Keys that no file holds, for tests.
    #[cfg(any(test, feature = "testing"))]
    #[must_use]
    pub fn from_seed(seed: u8) -> Self {
        Self::derive(&[seed; 32], 1, &BTreeMap::from([(1, vec![seed ^ 0xff; 32].into())]))
            .unwrap_or_else(|_| unreachable!())
    }

    fn parse(path: &Path, bytes: &[u8]) -> Result<Self, KeyFileError> {
        let read = file::parse(bytes).and_then(|kept| Self::derive(&kept.lasting, kept.current, &kept.roots));
        read.map_err(|why| KeyFileError::Damaged { path: file::show(path), why })
    }

    fn derive(lasting: &[u8], current: u16, roots: &BTreeMap<u16, Zeroizing<Vec<u8>>>) -> Result<Self, String> {
        if !roots.contains_key(&current) {
            return Err(format!("the current version {current} has no secret"));
        }
        let versions = roots
            .iter()
            .map(|(version, root)| {
                let seal = aead::UnboundKey::new(&aead::AES_256_GCM_SIV, &*subkey(root, b"seal")?)
                    .map_err(|_| "a key does not fit".to_owned())?;
                let code = hmac::Key::new(hmac::HMAC_SHA256, &*subkey(root, b"code")?);
                Ok((*version, Version { code, seal: aead::LessSafeKey::new(seal) }))
            })
            .collect::<Result<_, String>>()?;
        let lasting_key = |label: &[u8]| Ok::<_, String>(hmac::Key::new(hmac::HMAC_SHA256, &*subkey(lasting, label)?));
        Ok(Self {
            current,
            versions,
            index: lasting_key(b"index")?,
            token: lasting_key(b"token")?,
            check: lasting_key(b"check")?,
        })
    }

    /// A text that is the same for the same key file and tells nothing of it: kept in the store, so that a store is never
    /// opened with the keys of another.
    #[must_use]
    pub fn fingerprint(&self) -> String {
        data_encoding::HEXLOWER.encode(hmac::sign(&self.check, b"countersign").as_ref())
    }

    /// The version that new codes and new sealed values use.
    #[must_use]
    pub const fn current_version(&self) -> u16 {
        self.current
    }

    /// What stands for an address in limits and look-ups. Differs between tenants, so that they cannot be compared.
    #[must_use]
    pub fn blind_index(&self, tenant: TenantId, address: &Address) -> BlindIndex {
        BlindIndex(mac(&self.index, &[&tenant.to_bytes(), address.index_text().as_bytes()]))
    }

    /// What stands for a user's name in look-ups. Names are compared to the letter.
    #[must_use]
    pub fn name_index(&self, tenant: TenantId, name: &str) -> BlindIndex {
        BlindIndex(mac(&self.index, &[b"name", &tenant.to_bytes(), name.as_bytes()]))
    }

    /// What stands for a user where limits are counted.
    #[must_use]
    pub fn user_index(&self, tenant: TenantId, user: UserId) -> BlindIndex {
        BlindIndex(mac(&self.index, &[b"user", &tenant.to_bytes(), &user.to_bytes()]))
    }

    /// What is kept of a recovery code: a keyed hash, with the salt of its set.
    #[must_use]
    pub fn recovery_hash(&self, salt: &str, code: &str) -> String {
        data_encoding::HEXLOWER.encode(&self.hash("recovery code", [salt, "\0", code].concat().as_bytes()))
    }

    /// The place of a recovery code among the hashes of those that are left. Looks at all of them, in constant time each.
    #[must_use]
    pub fn place_of_recovery_code(&self, salt: &str, left: &[String], code: &str) -> Option<usize> {
        let hash = self.recovery_hash(salt, code);
        let is_it = |kept: &String| constant_time::verify_slices_are_equal(kept.as_bytes(), hash.as_bytes()).is_ok();
        left.iter().enumerate().fold(None, |found, (place, kept)| if is_it(kept) { Some(place) } else { found })
    }

    /// Sixteen letters and digits that stand for a factor where a vendor's names leave no room for its own.
    #[must_use]
    pub fn short_name(&self, tenant: TenantId, factor: FactorId) -> String {
        const CHARACTERS: &[u8; 62] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
        let tag = mac(&self.index, &[b"factor", &tenant.to_bytes(), &factor.to_bytes()]);
        let mut number = u128::from_be_bytes(tag.first_chunk().copied().unwrap_or([0; 16]));
        let mut next = || {
            let place = usize::try_from(number % 62).unwrap_or(0);
            number /= 62;
            CHARACTERS.get(place).map(|byte| char::from(*byte))
        };
        (0..16).filter_map(|_| next()).collect()
    }

    /// What stands for a user, or for something else of a tenant, where it is remembered what that has spent.
    #[must_use]
    pub fn memory_index(&self, tenant: TenantId, what: &str, of: &[u8]) -> BlindIndex {
        BlindIndex(mac(&self.index, &[b"memory", &tenant.to_bytes(), what.as_bytes(), &[0], of]))
    }

    /// A tenant's secret for signing what only this server reads again: 512 bits, the same as long as the key file is.
    #[must_use]
    pub fn signing_secret(&self, tenant: TenantId) -> Zeroizing<[u8; 64]> {
        let mut secret = Zeroizing::new([0; 64]);
        for (half, part) in secret.chunks_mut(32).zip([1_u8, 2]) {
            half.copy_from_slice(&mac(&self.token, &[b"signing secret", &tenant.to_bytes(), &[part]]));
        }
        secret
    }

    /// What signs a webhook endpoint's calls: a secret for HMAC and the seed of a key pair, of 256 bits each. Nothing of it is kept.
    pub(crate) fn webhook_secrets(
        &self,
        tenant: TenantId,
        endpoint: WebhookEndpointId,
        generation: u32,
    ) -> [Zeroizing<[u8; 32]>; 2] {
        let of = |what: &[u8]| {
            let whose = [&tenant.to_bytes()[..], &endpoint.to_bytes(), &generation.to_be_bytes()].concat();
            Zeroizing::new(mac(&self.token, &[what, &[0], &whose]))
        };
        [of(b"webhook secret"), of(b"webhook key pair")]
    }

    /// What stands for a secret text (an API key, an idempotency key, a request) in the store.
    #[must_use]
    pub fn hash(&self, purpose: &str, secret: &[u8]) -> [u8; 32] {
        mac(&self.token, &[purpose.as_bytes(), &[0], secret])
    }

    /// The code of a generation, to be put into a message or compared with.
    ///
    /// # Errors
    /// When the key file lacks the key it was made with, or an own code was tampered with.
    pub fn code_of(&self, verification: &Verification, generation: u32) -> Result<Code, Error> {
        match &verification.code {
            CodeSource::Derived { key_version } => {
                let key = &self.version(*key_version)?.code;
                Ok(derive_code(key, verification.policy.code, verification.tenant, verification.id, generation))
            }
            CodeSource::Own(sealed) => {
                let text = self.open(sealed, &context(OWN_CODE, verification.tenant, &verification.id.to_bytes()))?;
                Code::own(&text).map_err(|_| Error::internal("an own code does not read back"))
            }
            CodeSource::Link => Err(Error::internal("a verification that is proved by a grid has no code")),
        }
    }

    /// What stands for a receipt address of one message: who has it can report on this message and nothing else.
    #[must_use]
    pub fn receipt_token(&self, tenant: TenantId, message: MessageId) -> String {
        let tag = mac(&self.token, &[b"receipt", &tenant.to_bytes(), &message.to_bytes()]);
        data_encoding::HEXLOWER.encode(tag.split_at(16).0)
    }

    /// The same for the address of one call: who has it is told what is said there, and can do nothing else.
    #[must_use]
    pub fn call_token(&self, tenant: TenantId, message: MessageId) -> String {
        let tag = mac(&self.token, &[b"call", &tenant.to_bytes(), &message.to_bytes()]);
        data_encoding::HEXLOWER.encode(tag.split_at(16).0)
    }

    /// Whether this is the token of that call, in constant time.
    #[must_use]
    pub fn is_call_token(&self, tenant: TenantId, message: MessageId, token: &str) -> bool {
        constant_time::verify_slices_are_equal(self.call_token(tenant, message).as_bytes(), token.as_bytes()).is_ok()
    }

    /// Whether this is the token of that message, in constant time.
    #[must_use]
    pub fn is_receipt_token(&self, tenant: TenantId, message: MessageId, token: &str) -> bool {
        constant_time::verify_slices_are_equal(self.receipt_token(tenant, message).as_bytes(), token.as_bytes()).is_ok()
    }

    /// The same number for the same address of a callback, so that calls to it can be put together.
    #[must_use]
    pub(crate) fn callback_target(&self, tenant: TenantId, url: &str) -> BlindIndex {
        BlindIndex(mac(&self.index, &[b"url", &tenant.to_bytes(), url.as_bytes()]))
    }

    /// Compares what was typed with the code of a generation, in constant time for codes of equal length.
    ///
    /// # Errors
    /// As [`Self::code_of`].
    pub fn code_matches(&self, verification: &Verification, generation: u32, typed: &Typed) -> Result<bool, Error> {
        let code = self.code_of(verification, generation)?;
        let [typed, code] = typed.comparable_with(&code, verification.policy.code);
        Ok(constant_time::verify_slices_are_equal(&code, &typed).is_ok())
    }

    /// The pseudo-random blocks from which the screens of a grid's present attempt are drawn; none if it has no grid.
    ///
    /// # Errors
    /// When the key file lacks the key it was begun with.
    pub fn grid_blocks(&self, verification: &Verification) -> Result<Option<impl FnMut(u32) -> [u8; 32]>, Error> {
        let Some(grid) = &verification.grid else { return Ok(None) };
        let key = &self.version(grid.key_version)?.code;
        let (tenant, id, attempt) = (verification.tenant.to_bytes(), verification.id.to_bytes(), grid.attempt);
        Ok(Some(move |counter: u32| mac(key, &[&tenant, &id, b"grid", &attempt.to_be_bytes(), &counter.to_be_bytes()])))
    }

    /// What stands for the token of a link in the store.
    #[must_use]
    pub fn link_index(&self, token: &str) -> BlindIndex {
        BlindIndex(self.hash("link", token.as_bytes()))
    }

    /// Encrypts a text. `context` says what it is and whose, and must be the same when it is opened: a sealed value that was
    /// moved to another row does not open.
    ///
    /// # Errors
    /// Only if the cryptography library refuses to work.
    pub fn seal(&self, text: &str, context: &[u8], random: &dyn Random) -> Result<Sealed, Error> {
        let mut nonce = [0; aead::NONCE_LEN];
        random.fill(&mut nonce);
        let mut body = text.as_bytes().to_vec();
        let nonce_value = aead::Nonce::assume_unique_for_key(nonce);
        self.version(self.current)?
            .seal
            .seal_in_place_append_tag(nonce_value, aead::Aad::from(context), &mut body)
            .map_err(|_| Error::internal("sealing failed"))?;
        Ok(Sealed { key_version: self.current, bytes: [nonce.as_slice(), &body].concat() })
    }

    /// Decrypts what [`Self::seal`] made.
    ///
    /// # Errors
    /// When the key file lacks its key, or it was tampered with.
    pub fn open(&self, sealed: &Sealed, context: &[u8]) -> Result<Zeroizing<String>, Error> {
        let broken = || Error::internal("a sealed value does not open");
        let (nonce, body) = sealed.bytes.split_first_chunk::<{ aead::NONCE_LEN }>().ok_or_else(broken)?;
        let mut body = Zeroizing::new(body.to_vec());
        let nonce = aead::Nonce::assume_unique_for_key(*nonce);
        let key = &self.version(sealed.key_version)?.seal;
        let text = key.open_in_place(nonce, aead::Aad::from(context), &mut body).map_err(|_| broken())?;
        Ok(Zeroizing::new(std::str::from_utf8(text).map_err(|_| broken())?.to_owned()))
    }

    fn version(&self, version: u16) -> Result<&Version, Error> {
        self.versions.get(&version).ok_or_else(|| Error::internal("the key file lacks a version that is in use"))
    }
}

/// What a sealed value is, for [`context`].
pub(crate) const ADDRESS: &[u8] = b"address";
/// A caller's own code.
pub(crate) const OWN_CODE: &[u8] = b"own code";
/// What a user is called.
pub(crate) const USER_NAME: &[u8] = b"user name";
/// A user's e-mail address.
pub(crate) const USER_EMAIL: &[u8] = b"user email";
/// Where a factor is reached.
pub(crate) const FACTOR_ADDRESS: &[u8] = b"factor address";
/// Payment data.
pub(crate) const PAYMENT: &[u8] = b"payment";
/// A caller's own words.
pub(crate) const TEXT: &[u8] = b"text";
/// Who is told of a message's fate.
pub(crate) const REPORT: &[u8] = b"report";
/// The private half of a key that signs.
pub(crate) const SIGNING_KEY: &[u8] = b"signing key";
/// What an app counts with.
pub(crate) const TOTP_SECRET: &[u8] = b"totp secret";
/// The token of a link.
pub(crate) const LINK: &[u8] = b"link";
/// The categories that somebody remembers.
pub(crate) const ENROLLED: &[u8] = b"enrolled";
/// The outcome kept for an idempotency key.
pub(crate) const ANSWER: &[u8] = b"answer";
/// The name of an app at the service that reaches it.
pub(crate) const DEVICE_TOKEN: &[u8] = b"device token";
/// The address of a server that is told of events.
pub(crate) const WEBHOOK_URL: &[u8] = b"webhook url";
/// What such a server is told.
pub(crate) const WEBHOOK_PAYLOAD: &[u8] = b"webhook payload";
/// What a visit to the page of a second factor keeps to itself.
pub(crate) const MFA_SESSION: &[u8] = b"mfa session";

/// What a sealed value is bound to: what it is, whose, and in which row.
pub(crate) fn context(what: &[u8], tenant: TenantId, row: &[u8]) -> Vec<u8> {
    [what, &[0], &tenant.to_bytes(), row].concat()
}

fn derive_code(key: &hmac::Key, shape: CodeShape, tenant: TenantId, id: VerificationId, generation: u32) -> Code {
    shape.draw(|counter| {
        mac(key, &[&tenant.to_bytes(), &id.to_bytes(), b"code", &generation.to_be_bytes(), &counter.to_be_bytes()])
    })
}

/// All callers pass parts of fixed length, or one part of any length at the end: no two inputs run together.
fn mac(key: &hmac::Key, parts: &[&[u8]]) -> [u8; 32] {
    let mut context = hmac::Context::with_key(key);
    for part in parts {
        context.update(part);
    }
    let mut tag = [0; 32];
    tag.copy_from_slice(context.sign().as_ref());
    tag
}

fn subkey(root: &[u8], label: &[u8]) -> Result<Zeroizing<[u8; 32]>, String> {
    if root.len() != 32 {
        return Err("a secret has not 32 bytes".to_owned());
    }
    let mut key = Zeroizing::new([0; 32]);
    hkdf::Salt::new(hkdf::HKDF_SHA256, b"countersign")
        .extract(root)
        .expand(&[label], hkdf::HKDF_SHA256)
        .and_then(|okm| okm.fill(&mut *key))
        .map_err(|_| "a key cannot be derived".to_owned())?;
    Ok(key)
}
