//! What changes state, one file per command. Each is a plain value with what is asked for; [`Command::decide`] reads and
//! decides, [`Engine::run`] checks the scope, writes the batch, and starts over when somebody else was quicker.

mod begin_mfa;
mod cancel_text;
mod cancel_verification;
mod change_configuration;
mod change_user;
mod change_webhook_endpoint;
mod check_code;
mod create_client;
mod create_configuration;
mod create_key;
mod create_tenant;
mod create_user;
mod create_webhook_endpoint;
mod delete_configuration;
mod delete_factor;
mod delete_service;
mod delete_template;
mod delete_user;
mod delete_webhook_endpoint;
mod enrol_factor;
mod enrol_second_factor;
mod give_factors;
mod log_in;
mod make_recovery_codes;
mod mfa_page;
mod once;
mod own_text;
mod prove_factor;
mod push;
mod put_account;
mod put_mfa_choice;
mod put_service;
mod put_template;
mod record_receipt;
mod redeem_mfa_result;
mod redeem_transaction;
mod refresh;
mod release_user;
mod rename_factor;
mod replay_webhooks;
mod report_outcome;
mod resend_code;
mod revoke_key;
mod rotate_signing_keys;
mod rotate_webhook_secret;
mod send_code;
mod send_factor_code;
mod send_second_factor_code;
mod send_text;
mod start_verification;
mod tap_tile;
mod test_webhook_endpoint;
mod transfer_balance;
mod use_recovery_code;
mod withdraw_factor_code;

pub use begin_mfa::{BeginEnrolment, BeginMfa, EnrolmentBegun, MfaBegun, PageWanted};
pub use cancel_text::CancelText;
pub use cancel_verification::CancelVerification;
pub use change_configuration::ChangeConfiguration;
pub use change_user::{ChangeUser, KnownLanguage};
pub use change_webhook_endpoint::ChangeWebhookEndpoint;
pub use check_code::{CheckCode, CodeChecked, Target};
pub use create_client::{ClientCreated, ClientKind, CreateClient, DeleteClient};
pub use create_configuration::CreateConfiguration;
pub use create_key::{CreateKey, KeyCreated, KeyForm};
pub use create_tenant::CreateTenant;
pub use create_user::CreateUser;
pub use create_webhook_endpoint::{CreateWebhookEndpoint, EndpointSecret};
pub use delete_configuration::DeleteConfiguration;
pub use delete_factor::DeleteFactor;
pub use delete_service::DeleteService;
pub use delete_template::DeleteTemplate;
pub use delete_user::DeleteUser;
pub use delete_webhook_endpoint::DeleteWebhookEndpoint;
pub use enrol_factor::{EnrolFactor, FactorEnrolling};
pub use enrol_second_factor::{EnrolSecondFactor, NewFactor, RECOVERY_ALPHABET, RECOVERY_LENGTH, SecondFactorEnrolled};
pub use give_factors::{AppSecret, GiveFactors, GivenFactor, GivenKind, PreferChannel};
pub use log_in::{LogIn, LoggedIn, SecondFactorRule, UnblockLogIn, Wanted};
pub use make_recovery_codes::{MakeRecoveryCodes, RecoveryCodesMade};
pub use mfa_page::{MfaStep, MfaStepTaken, TakeMfaStep};
pub use once::{Once, OneTime, Spend};
pub use own_text::{OwnMail, OwnText, Pieces};
pub use prove_factor::{FactorChecked, ProveFactor};
pub use push::{AnswerPush, DeviceKey, DeviceRegistered, PushSent, RegisterDevice, SendPush};
pub use put_account::PutAccount;
pub use put_mfa_choice::PutMfaChoice;
pub use put_service::{PutService, ServiceWrite};
pub use put_template::PutTemplate;
pub(crate) use put_template::canonical;
pub(crate) use record_receipt::settled;
pub use record_receipt::{ReceiptRecorded, RecordReceipt};
pub use redeem_mfa_result::{MfaResult, RedeemMfaResult};
pub use redeem_transaction::{RedeemTransaction, Redeemed, SecondFactor};
pub use refresh::{Refresh, Refreshed, RevokeRefreshToken, TokenRevoked};
pub use release_user::ReleaseUser;
pub use rename_factor::RenameFactor;
pub use replay_webhooks::{ReplayWebhooks, Replayed};
pub use report_outcome::ReportOutcome;
pub use resend_code::ResendCode;
pub use revoke_key::RevokeKey;
pub use rotate_signing_keys::{KeysRotated, RotateSigningKeys};
pub use rotate_webhook_secret::RotateWebhookSecret;
pub use send_code::SendCode;
pub use send_factor_code::{FactorCodeSent, SendFactorCode};
pub use send_second_factor_code::{CodeSent, CodeWording, SecondFactorCode, SendSecondFactorCode};
pub use send_text::SendText;
pub use start_verification::{DEFAULT_SERVICE, GridChoice, Overrides, ServiceRef, StartVerification};
pub use tap_tile::{TapTile, TileTapped};
pub use test_webhook_endpoint::TestWebhookEndpoint;
pub use transfer_balance::TransferBalance;
pub use use_recovery_code::{RecoveryCodeChecked, UseRecoveryCode};
pub use withdraw_factor_code::WithdrawFactorCode;

use crate::{
    Caller, Engine, Error,
    keys::{ANSWER, context},
    metrics::Metrics,
};
use countersign_model::{Scope, Timestamp, Verification};
use countersign_store::{Answer, Batch, Change, Error as StoreError};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

/// Something that can be done once per decision.
pub trait Command: Sync {
    /// What became of it.
    type Outcome: Serialize + DeserializeOwned + Send;
    /// What the caller's key must allow.
    const NEEDS: Scope;

    /// Reads, and decides what to write. Called again, with fresh reads, when the batch met a conflict.
    ///
    /// # Errors
    /// When it cannot be done; nothing is written then.
    fn decide(
        &self,
        engine: &Engine,
        caller: &Caller,
        now: Timestamp,
    ) -> impl Future<Output = Result<(Self::Outcome, Batch), Error>> + Send;

    /// Counts what was written, once it was.
    fn count(&self, _outcome: &Self::Outcome, _metrics: &Metrics) {}
}

/// A request that may be repeated without being done twice.
#[derive(Clone, Debug)]
pub struct Idempotency {
    /// The caller's `Idempotency-Key`.
    pub key: String,
    /// All that makes this request what it is: the same key with another request is an error.
    pub request: Vec<u8>,
}

/// A verification as a command left it. `at` is the moment of the decision: a repeated request is answered as of then.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Decided {
    /// The value.
    pub verification: Verification,
    /// When.
    pub at: Timestamp,
}

/// How often a command is decided anew before it gives up. Of many that want the same row one wins each time, so this is
/// also how many may queue behind one row.
const MOST_ROUNDS: u32 = 200;

impl Engine {
    /// Does a command: durable before this returns.
    ///
    /// # Errors
    /// When the caller may not, or it cannot be done.
    pub async fn run<C: Command>(
        &self,
        caller: &Caller,
        idempotency: Option<&Idempotency>,
        command: &C,
    ) -> Result<C::Outcome, Error> {
        caller.must_have(C::NEEDS)?;
        for _ in 0..MOST_ROUNDS {
            if let Some(outcome) = self.earlier_outcome(caller, idempotency).await? {
                return Ok(outcome);
            }
            let now = self.now();
            let (outcome, mut batch) = match command.decide(self, caller, now).await {
                Ok(decided) => decided,
                // The same request may have been done meanwhile, and what it has spent may be what refuses this one.
                Err(error) => {
                    let earlier = self.earlier_outcome(caller, idempotency).await?;
                    return earlier.ok_or_else(|| {
                        self.metrics().refused(&error);
                        error
                    });
                }
            };
            if let Some(idempotency) = idempotency {
                batch.push(self.remember(caller, idempotency, &outcome, now)?);
            }
            // Nothing to write, nothing to wait for.
            let written = if batch.is_empty() { Ok(()) } else { self.write(batch).await };
            match written {
                Ok(()) => {
                    command.count(&outcome, self.metrics());
                    return Ok(outcome);
                }
                Err(StoreError::Conflict) => {}
                Err(other) => return Err(other.into()),
            }
        }
        Err(Error::Busy)
    }

    /// What the same request was answered before.
    async fn earlier_outcome<T: DeserializeOwned>(
        &self,
        caller: &Caller,
        idempotency: Option<&Idempotency>,
    ) -> Result<Option<T>, Error> {
        let Some(idempotency) = idempotency else { return Ok(None) };
        let key = self.keys().hash("idempotency key", idempotency.key.as_bytes());
        let Some(answer) = self.store().answer(caller.tenant(), &key).await? else { return Ok(None) };
        if answer.request != self.keys().hash("request", &idempotency.request) {
            return Err(Error::IdempotencyMismatch);
        }
        let outcome = self.keys().open(&answer.outcome, &context(ANSWER, caller.tenant(), &key))?;
        serde_json::from_str(&outcome).map(Some).map_err(|_| Error::IdempotencyMismatch)
    }

    fn remember<T: Serialize>(
        &self,
        caller: &Caller,
        idempotency: &Idempotency,
        outcome: &T,
        now: Timestamp,
    ) -> Result<Change, Error> {
        let key = self.keys().hash("idempotency key", idempotency.key.as_bytes());
        let text = serde_json::to_string(outcome).map_err(|error| Error::Internal(error.to_string()))?;
        Ok(Change::InsertAnswer(Answer {
            tenant: caller.tenant(),
            key,
            request: self.keys().hash("request", &idempotency.request),
            outcome: self.keys().seal(&text, &context(ANSWER, caller.tenant(), &key), self.random())?,
            created_at: now,
        }))
    }
}
