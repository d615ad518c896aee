//! A log-in that waits for its second factor, as a token in the client's hand; and the same of a code that is on its way in
//! such a log-in. Both can be used again and again until they end; only the log-in's success is once.

use super::{TokenRequest, layout};
use crate::{Engine, Error};
use countersign_model::{FactorId, Random, TenantId, Timestamp, UserId, VerificationId};
use countersign_store::Change;
use data_encoding::{HEXLOWER, HEXLOWER_PERMISSIVE};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use std::time::Duration;

/// A log-in that waits for its second factor. The short names are those in the token.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Transaction {
    /// Its own name: 128 random bits.
    #[serde(rename = "x", serialize_with = "write_id", deserialize_with = "read_id")]
    pub id: [u8; 16],
    /// Whose.
    #[serde(rename = "t")]
    pub tenant: TenantId,
    /// Who logs in.
    #[serde(rename = "u")]
    pub user: UserId,
    /// With which client.
    #[serde(rename = "c")]
    pub client: String,
    /// What for.
    #[serde(flatten)]
    pub request: TokenRequest,
    /// What it began with.
    #[serde(rename = "o")]
    pub origin: Origin,
    /// When it ends.
    #[serde(rename = "e")]
    pub ends_at: Timestamp,
}

/// What a transaction began with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    /// A password.
    Password,
    /// A refresh token, by its keyed hash in hexadecimal.
    Refresh(String),
    /// The caller's own word that it knows who the user is.
    Caller,
    /// A token for the user's own factors. It lets a new factor be confirmed, and nothing else.
    Enrolment,
}

/// A code that is on its way in a transaction.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CodeOnItsWay {
    /// In which transaction.
    #[serde(rename = "x", serialize_with = "write_id", deserialize_with = "read_id")]
    pub transaction: [u8; 16],
    /// Whose.
    #[serde(rename = "t")]
    pub tenant: TenantId,
    /// Which verification has it.
    #[serde(rename = "v")]
    pub verification: VerificationId,
    /// Which factor it proves.
    #[serde(rename = "f")]
    pub factor: FactorId,
}

/// Why a sealed token is of no use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unreadable {
    /// It was not made here, or was changed.
    Malformed,
    /// Its end has come.
    Expired,
}

const TRANSACTION: &str = "mfa transaction";
const CODE: &str = "code on its way";
const SPENT: &str = "spent transaction";

impl Transaction {
    /// How long one is open.
    pub const LIFE: Duration = Duration::from_mins(10);
    /// How long a code in one is good.
    pub const LIFE_OF_A_CODE_SECONDS: u32 = 300;

    /// A new one.
    #[must_use]
    pub fn begin(
        of: (TenantId, UserId),
        client: &str,
        request: TokenRequest,
        origin: Origin,
        now: Timestamp,
        random: &dyn Random,
    ) -> Self {
        let mut id = [0; 16];
        random.fill(&mut id);
        let ends_at = now.plus(Self::LIFE);
        Self { id, tenant: of.0, user: of.1, client: client.to_owned(), request, origin, ends_at }
    }

    /// Its name as text.
    #[must_use]
    pub fn name(&self) -> String {
        HEXLOWER.encode(&self.id)
    }
}

impl Engine {
    /// The token that stands for a transaction.
    ///
    /// # Errors
    /// Only if the cryptography library refuses to work.
    pub fn seal_transaction(&self, transaction: &Transaction) -> Result<String, Error> {
        self.seal_token(TRANSACTION, transaction, transaction.ends_at)
    }

    /// The opposite.
    ///
    /// # Errors
    /// When it is none of ours, or has ended.
    pub fn open_transaction(&self, token: &str) -> Result<Transaction, Unreadable> {
        self.open_token(TRANSACTION, token)
    }

    /// The token that stands for a code on its way, until `ends_at`.
    ///
    /// # Errors
    /// Only if the cryptography library refuses to work.
    pub fn seal_code_on_its_way(&self, code: &CodeOnItsWay, ends_at: Timestamp) -> Result<String, Error> {
        self.seal_token(CODE, code, ends_at)
    }

    /// The opposite.
    ///
    /// # Errors
    /// When it is none of ours, or has ended.
    pub fn open_code_on_its_way(&self, token: &str) -> Result<CodeOnItsWay, Unreadable> {
        self.open_token(CODE, token)
    }

    pub(super) fn seal_token(&self, what: &str, value: &impl Serialize, ends_at: Timestamp) -> Result<String, Error> {
        let text = serde_json::to_string(value).map_err(|error| Error::Internal(error.to_string()))?;
        layout::seal(self.keys(), what, &text, ends_at, self.random())
    }

    pub(super) fn open_token<T: for<'de> Deserialize<'de>>(&self, what: &str, token: &str) -> Result<T, Unreadable> {
        let text = layout::open(self.keys(), what, token, self.now())?;
        serde_json::from_str(&text).map_err(|_| Unreadable::Malformed)
    }

    /// That a transaction has led to tokens. A batch with it is refused if that was so before.
    pub(crate) fn spend_transaction(&self, transaction: &Transaction) -> Change {
        Change::SpendToken {
            tenant: transaction.tenant,
            id: self.redeemed_id(&transaction.id),
            // Whoever asks what became of it is given some time.
            until: transaction.ends_at.plus(Transaction::LIFE),
        }
    }

    /// Whether it has.
    ///
    /// # Errors
    /// When the store cannot be asked.
    pub async fn is_redeemed(&self, tenant: TenantId, transaction: &[u8; 16]) -> Result<bool, Error> {
        Ok(self.store().is_spent(tenant, &self.redeemed_id(transaction)).await?)
    }

    fn redeemed_id(&self, transaction: &[u8; 16]) -> [u8; 32] {
        self.keys().hash(SPENT, transaction)
    }
}

pub(super) fn write_id<S: Serializer>(id: &[u8; 16], to: S) -> Result<S::Ok, S::Error> {
    to.serialize_str(&HEXLOWER.encode(id))
}

pub(super) fn read_id<'de, D: Deserializer<'de>>(from: D) -> Result<[u8; 16], D::Error> {
    let bytes = HEXLOWER_PERMISSIVE.decode(String::deserialize(from)?.as_bytes()).map_err(D::Error::custom)?;
    bytes.try_into().map_err(|_| D::Error::custom("a transaction's name has 16 bytes"))
}
