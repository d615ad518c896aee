//! New tokens for a refresh token, which stays as it is until it ends or is revoked.

use super::{Command, LoggedIn, Wanted};
use crate::{
    Caller, Engine, Error,
    tokens::{Granted, Origin, TokenRequest},
};
use countersign_model::{Client, RefreshToken, Scope, Timestamp};
use countersign_store::{Batch, Change};
use data_encoding::HEXLOWER;

/// "New tokens, for this one."
pub struct Refresh<'a> {
    /// Who has it.
    pub client: &'a Client,
    /// Its text.
    pub token: &'a str,
    /// What is asked for, of what it was given for; none: all of that.
    pub scope: Option<&'a str>,
    /// What it takes. Its request is not looked at: the token has its own.
    pub wanted: &'a Wanted,
}

/// What became of it.
#[derive(Debug, serde::Serialize, serde::Deserialize)]
pub enum Refreshed {
    /// It is none, has ended, or is another client's.
    Unknown,
    /// As after a log-in.
    Known(LoggedIn),
}

impl Command for Refresh<'_> {
    type Outcome = Refreshed;
    const NEEDS: Scope = Scope::VerificationsWrite;

    async fn decide(&self, engine: &Engine, _: &Caller, now: Timestamp) -> Result<(Refreshed, Batch), Error> {
        let Some(token) = engine.refresh_token(self.client, self.token, now).await? else {
            return Ok((Refreshed::Unknown, Batch::new()));
        };
        let Some(user) = engine.store().user(token.tenant, token.user).await? else {
            return Ok((Refreshed::Unknown, Batch::new()));
        };
        let request = TokenRequest { audience: token.audience.clone(), scope: narrowed(&token.scope, self.scope) };
        if token.after_mfa {
            let granted = Granted { user: user.id, request, after_mfa: true, refresh_token: None, recovery_code: None };
            return Ok((Refreshed::Known(LoggedIn::Granted(granted)), Batch::new()));
        }
        // No second refresh token comes of a first one.
        let scope = without(&request.scope, "offline_access");
        let wanted = Wanted { request: TokenRequest { scope, ..request }, ..self.wanted.clone() };
        let origin = Origin::Refresh(HEXLOWER.encode(&token.hash));
        let (outcome, batch) = engine.after_first_factor(self.client, &user, &wanted, origin, now).await?;
        Ok((Refreshed::Known(outcome), batch))
    }
}

/// What is asked for, as far as it was given.
fn narrowed(given: &str, asked: Option<&str>) -> String {
    let Some(asked) = asked.filter(|asked| !asked.trim().is_empty()) else { return given.to_owned() };
    let is_asked = |word: &&str| asked.split_whitespace().any(|asked| asked == *word);
    given.split(' ').filter(is_asked).collect::<Vec<_>>().join(" ")
}

fn without(scope: &str, word: &str) -> String {
    scope.split(' ').filter(|other| *other != word).collect::<Vec<_>>().join(" ")
}

/// "This refresh token is no more."
#[derive(Debug)]
pub struct RevokeRefreshToken<'a> {
    /// Whose it is said to be.
    pub client: &'a Client,
    /// Its text.
    pub token: &'a str,
}

/// What became of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum TokenRevoked {
    /// It is no more, if it ever was.
    Gone,
    /// It is another client's, and stays.
    NotYours,
}

impl Command for RevokeRefreshToken<'_> {
    type Outcome = TokenRevoked;
    const NEEDS: Scope = Scope::VerificationsWrite;

    async fn decide(&self, engine: &Engine, _: &Caller, _: Timestamp) -> Result<(TokenRevoked, Batch), Error> {
        let hash = engine.refresh_token_hash(self.token);
        match engine.store().refresh_token(&hash).await? {
            None => Ok((TokenRevoked::Gone, Batch::new())),
            Some(token) if token.client != self.client.id => Ok((TokenRevoked::NotYours, Batch::new())),
            Some(token) => {
                let gone = Change::DeleteRefreshToken { tenant: token.tenant, hash };
                Ok((TokenRevoked::Gone, Batch::new().with(gone)))
            }
        }
    }
}

impl Engine {
    async fn refresh_token(&self, client: &Client, text: &str, now: Timestamp) -> Result<Option<RefreshToken>, Error> {
        let found = self.store().refresh_token(&self.refresh_token_hash(text)).await?;
        Ok(found.filter(|token| token.client == client.id && token.tenant == client.tenant && now < token.expires_at))
    }
}
