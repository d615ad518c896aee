//! Begins a log-in that waits for its second factor, for somebody whom the caller has recognised already: with a user table of
//! its own, say. The user is made where there is none of that name. With a page, the second factor is asked for there.

use super::Command;
use crate::{
    Caller, Engine, Error, Thing, UserRef,
    caller::fresh_link_token,
    tokens::{Origin, TokenRequest, Transaction},
};
use countersign_model::{
    ChosenKind, Client, MfaSession, Scope, Timestamp, UserId,
    mfa_session::{SessionPurpose, Stage},
};
use countersign_store::{Batch, Change};
use serde::{Deserialize, Serialize};
use std::{fmt, time::Duration};

/// "I know who this is; now ask for the second factor."
#[derive(Debug)]
pub struct BeginMfa {
    /// With which client the log-in is to be ended.
    pub client: String,
    /// Who it is. One that is named and does not exist is made.
    pub user: UserRef,
    /// The language that it reads from now on (BCP 47); none: as before.
    pub language: Option<String>,
    /// What for.
    pub request: TokenRequest,
    /// The page on which it is asked for; none: the caller asks for it itself.
    pub page: Option<PageWanted>,
}

/// A page that asks for a second factor.
#[derive(Debug)]
pub struct PageWanted {
    /// Where it sends the browser back to.
    pub return_to: String,
    /// What the browser takes along.
    pub state: Option<String>,
    /// What an app is to call the user; none: its name.
    pub account: Option<String>,
}

/// What became of it.
#[derive(Serialize, Deserialize)]
pub enum MfaBegun {
    /// It waits.
    Begun {
        /// The name of the log-in.
        id: String,
        /// The token that stands for it: sealed once, so that a repeated request is answered with the same.
        token: String,
        /// When both end.
        ends_at: Timestamp,
        /// The text of the page's link.
        link: Option<String>,
    },
    /// The client has not this address on its list.
    ReturnNotAllowed,
}

impl fmt::Debug for MfaBegun {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if matches!(self, Self::Begun { .. }) { "Begun" } else { "ReturnNotAllowed" })
    }
}

impl Command for BeginMfa {
    type Outcome = MfaBegun;
    const NEEDS: Scope = Scope::VerificationsWrite;

    async fn decide(&self, engine: &Engine, caller: &Caller, now: Timestamp) -> Result<(MfaBegun, Batch), Error> {
        let client = own_client(engine, caller, &self.client).await?;
        // To the letter, as redirection addresses are compared (RFC 9700, 2.1): nothing of one can be chosen by others.
        if self.page.as_ref().is_some_and(|page| !client.return_to.contains(&page.return_to)) {
            return Ok((MfaBegun::ReturnNotAllowed, Batch::new()));
        }
        let language = self.language.as_deref();
        let (user, mut batch) = engine.find_or_make_user_reading(caller, &self.user, language, now).await?;
        let of = (user.tenant, user.id);
        let begun = Transaction::begin(of, &client.id, self.request.clone(), Origin::Caller, now, engine.random());
        let Some(page) = &self.page else {
            return Ok((told(engine, &begun, None)?, batch));
        };
        let (link, session) = engine.fresh_session(&client, user.id, SessionPurpose::LogIn, begun.ends_at);
        let seal = |account: &String| engine.seal_in_session((session.tenant, session.id), account);
        let session = MfaSession {
            account: page.account.as_ref().map(seal).transpose()?,
            return_to: Some(page.return_to.clone()),
            state: page.state.clone(),
            ..session
        };
        let transaction = Transaction { id: session.transaction(), ..begun };
        batch.push(Change::PutMfaSession(session));
        Ok((told(engine, &transaction, Some(link))?, batch))
    }
}

fn told(engine: &Engine, transaction: &Transaction, link: Option<String>) -> Result<MfaBegun, Error> {
    let (id, token) = (transaction.name(), engine.seal_transaction(transaction)?);
    Ok(MfaBegun::Begun { id, token, ends_at: transaction.ends_at, link })
}

/// "Let this user enrol a factor, on a page."
#[derive(Debug)]
pub struct BeginEnrolment {
    /// On behalf of which client.
    pub client: String,
    /// Who.
    pub user: UserId,
    /// Of which kind; none: of any.
    pub only: Option<ChosenKind>,
    /// Even if the user has one already.
    pub one_more: bool,
    /// How long that can take.
    pub life: Duration,
}

/// What became of it.
#[derive(Serialize, Deserialize)]
pub enum EnrolmentBegun {
    /// The page waits.
    Begun {
        /// Its name.
        id: String,
        /// The text of its link.
        link: String,
    },
    /// The user has a second factor already.
    HasOne,
}

impl Command for BeginEnrolment {
    type Outcome = EnrolmentBegun;
    const NEEDS: Scope = Scope::VerificationsWrite;

    async fn decide(&self, engine: &Engine, caller: &Caller, now: Timestamp) -> Result<(EnrolmentBegun, Batch), Error> {
        let client = own_client(engine, caller, &self.client).await?;
        let user = engine.must_find_user(caller.tenant(), &UserRef::Id(self.user)).await?;
        let factors = engine.store().factors_of(user.tenant, user.id).await?;
        if !self.one_more && factors.iter().any(|factor| factor.is_active() && factor.is_primary()) {
            return Ok((EnrolmentBegun::HasOne, Batch::new()));
        }
        let purpose = SessionPurpose::Enrol { only: self.only, one_more: self.one_more };
        let (link, session) = engine.fresh_session(&client, user.id, purpose, now.plus(self.life));
        let id = engine.log_in_of(&session).name();
        Ok((EnrolmentBegun::Begun { id, link }, Batch::new().with(Change::PutMfaSession(session))))
    }
}

async fn own_client(engine: &Engine, caller: &Caller, id: &str) -> Result<Client, Error> {
    let client = engine.store().client(id).await?.filter(|client| client.tenant == caller.tenant());
    client.ok_or(Error::NotFound(Thing::Client))
}

impl Engine {
    /// A visit, and the text of its link, which is nowhere else.
    fn fresh_session(
        &self,
        client: &Client,
        user: UserId,
        purpose: SessionPurpose,
        ends_at: Timestamp,
    ) -> (String, MfaSession) {
        let link = fresh_link_token(self.random()).to_string();
        let session = MfaSession {
            id: self.mfa_session_id(&link),
            tenant: client.tenant,
            version: 0,
            user,
            client: client.id.clone(),
            purpose,
            account: None,
            return_to: None,
            state: None,
            stage: Stage::Open { sent: None, notice: None },
            ends_at,
        };
        (link, session)
    }
}
