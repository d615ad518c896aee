//! `POST /api/v1/users/{userId}/verification`: a code comes back. 200 with nothing in it when it is the right one, this once; 4xx
//! otherwise. A user who is blocked proves nothing.

use super::{
    NAME, SERVICE, Settings,
    error::{self, Refused},
    params::{Call, Identity},
    tokens::Transaction,
    users::PathUser,
};
use crate::Web;
use axum::{
    extract::State,
    http::StatusCode,
    response::{IntoResponse as _, Response},
};
use countersign_engine::{
    Error, Thing,
    commands::{Once, ProveFactor, UseRecoveryCode},
};
use countersign_model::{Checked, Code, State as TransactionState, Typed, User};

pub(super) async fn verify(State(web): State<Web>, PathUser(id): PathUser, call: Call) -> Result<Response, Refused> {
    let channel = match call.params.text("channel")? {
        Some("recovery") => Channel::Recovery,
        None | Some("sms") => Channel::Sms,
        Some(other @ ("app" | "push" | "fido2")) => return Err(Refused::channel(other)),
        Some(_) => return Err(Refused::parameter("channel", "be sms or recovery")),
    };
    // The vendor's page of recovery codes lets intent tokens verify too; all others want the access key.
    if channel == Channel::Sms {
        call.asker.must_have_key()?;
    }
    call.asker.must_allow("approve", "recovery")?;
    let identity = Identity { username: None, user_id: Some(id) };
    let user = call.asker.must_be_for(&web, identity).await?.ok_or(error::NOT_FOUND)?;
    let code: String = call.params.required("code")?.chars().filter(|character| *character != ' ').collect();
    let done = match channel {
        Channel::Sms => verify_sms(&web, &call, &user, &code).await,
        Channel::Recovery => verify_recovery(&web, &call, &user, &code).await,
    };
    done.map(|()| StatusCode::OK.into_response())
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Channel {
    Sms,
    Recovery,
}

async fn verify_sms(web: &Web, call: &Call, user: &User, code: &str) -> Result<(), Refused> {
    let (engine, settings, caller) = (web.engine(), &web.dialects().nevis, &call.asker.caller);
    let token = call.params.required("statusToken")?;
    must_not_be_blocked(web, call, user).await?;
    let invalid = || Refused::failed(settings, "invalid_token", "The status token is not one of this user.");
    let claims = engine.verify(token).filter(|claims| claims.tenant == caller.tenant()).ok_or_else(invalid)?;
    let transaction = Transaction::of(&claims).filter(|it| it.user == user.id).ok_or_else(invalid)?;
    let prove = ProveFactor {
        verification: transaction.verification,
        user: user.id,
        code: Typed::Text(Code::typed(code)),
        replaces_others: true,
    };
    let outcome = match engine.run(caller, None, &prove).await {
        Ok(outcome) => outcome,
        // It was kept its time, and is forgotten.
        Err(Error::NotFound(Thing::Verification)) => return Err(invalid()),
        Err(error) => return Err(Refused::of(&error, engine.now())),
    };
    if claims.is_over(outcome.at) && outcome.checked == Checked::NotPending(TransactionState::Approved) {
        return Err(Refused::failed(settings, "expired_token", "The time of the status token is over."));
    }
    judged(settings, outcome.checked)
}

fn judged(settings: &Settings, checked: Checked) -> Result<(), Refused> {
    let (error, message) = match checked {
        Checked::Approved => return Ok(()),
        Checked::Wrong { .. } => ("invalid_code", "The code is wrong."),
        Checked::Exhausted | Checked::Held | Checked::NotPending(TransactionState::Exhausted) => {
            ("too_many_attempts", "There were too many wrong codes for this transaction.")
        }
        Checked::NotPending(TransactionState::Expired) => ("expired_code", "The time of the code is over."),
        Checked::NotPending(TransactionState::Approved) => ("invalid_code", "The code was used before."),
        Checked::PaymentMismatch
        | Checked::NotPending(TransactionState::Pending | TransactionState::Denied | TransactionState::Cancelled) => {
            ("invalid_code", "The code is no longer good: a newer one has taken its place.")
        }
    };
    Err(Refused::failed(settings, error, message))
}

async fn verify_recovery(web: &Web, call: &Call, user: &User, code: &str) -> Result<(), Refused> {
    let (engine, settings, caller) = (web.engine(), &web.dialects().nevis, &call.asker.caller);
    let refused = |error| Refused::of(&error, engine.now());
    must_not_be_blocked(web, call, user).await?;
    let command = UseRecoveryCode {
        user: user.id,
        code: without_dashes(code),
        service: SERVICE,
        limits: Some(settings.limits.clone()),
    };
    let outcome = engine.run(caller, None, &Once { command, token: call.asker.spends() }).await.map_err(refused)?;
    if outcome.accepted {
        Ok(())
    } else {
        Err(Refused::failed(settings, "invalid_code", "The code is no recovery code of this user, or was used before."))
    }
}

/// The vendor looks at this first.
async fn must_not_be_blocked(web: &Web, call: &Call, user: &User) -> Result<(), Refused> {
    let (engine, caller, now) = (web.engine(), &call.asker.caller, web.engine().now());
    let refused = |error| Refused::of(&error, now);
    let factors = engine.factors_of(caller, user.id).await.map_err(refused)?;
    match engine.held_until(caller, NAME, user.id, &factors).await.map_err(refused)? {
        Some(until) => Err(Refused::limited(until, now)),
        None => Ok(()),
    }
}

/// A recovery code without its dashes, where they stand in their places; anywhere else they make it another code.
fn without_dashes(code: &str) -> String {
    let groups: Vec<&str> = code.split('-').collect();
    let in_place = groups.len() == 4 && groups.iter().all(|group| group.chars().count() == 4);
    if in_place { groups.concat() } else { code.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dashes_go_from_their_places_only() {
        assert_eq!(without_dashes("aB3d-9KxZ-77qQ-Lm2P"), "aB3d9KxZ77qQLm2P");
        for as_it_is in ["aB3d9KxZ77qQLm2P", "aB3-d9KxZ-77qQ-Lm2P", "aB3d-9KxZ-77qQ-Lm2P-", "----", ""] {
            assert_eq!(without_dashes(as_it_is), as_it_is);
        }
    }
}
