//! What a test moves: the clock, the fate of the next messages, the answers of the number lookup.

use super::wire::{Open, Sent, To, bad};
use crate::{Web, dialects::native::Problem, time};
use axum::{Json, extract::State};
use countersign_engine::sandbox::kept::{Lookup, PlannedOutcome};
use countersign_model::{Address, Timestamp};
use serde::Deserialize;
use serde_json::{Value, json};
use std::time::Duration;

/// How far the clock moves.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Advance {
    advance_seconds: f64,
}

/// What a lookup says.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct NumberPlan {
    lookup: Lookup,
}

/// A hundred years: nothing that a test could want lies further off.
const FURTHEST_SECONDS: f64 = 100.0 * 366.0 * 86_400.0;

/// 9000-01-01T00:00:00Z: beyond the year 9999 no moment can be written (RFC 3339).
const END_OF_TIME: Timestamp = Timestamp::from_ms(221_845_392_000_000);

/// What a provider may take at most for one message.
const LONGEST_DELAY_MS: u32 = 20_000;

pub(super) async fn clock(State(web): State<Web>, Open(sandbox): Open) -> Result<Json<Value>, Problem> {
    answer(&web, sandbox.now().await)
}

pub(super) async fn advance(
    State(web): State<Web>,
    Open(sandbox): Open,
    Sent(Advance { advance_seconds }): Sent<Advance>,
) -> Result<Json<Value>, Problem> {
    if !(0.0..=FURTHEST_SECONDS).contains(&advance_seconds) {
        return Err(bad("advance_seconds is a number from 0 to 3162240000: the clock never goes back."));
    }
    let by = Duration::try_from_secs_f64(advance_seconds).unwrap_or(Duration::ZERO);
    let now = sandbox.now().await.map_err(|error| Problem::of(&error, web.engine().now()))?;
    if now.plus(by) > END_OF_TIME {
        return Err(bad("The clock goes no further than the year 9000, and never back."));
    }
    answer(&web, sandbox.advance(by).await)
}

fn answer(web: &Web, now: Result<Timestamp, countersign_engine::Error>) -> Result<Json<Value>, Problem> {
    now.map(|now| Json(json!({ "now": time::text(now) }))).map_err(|error| Problem::of(&error, web.engine().now()))
}

pub(super) async fn plan_outcome(
    State(web): State<Web>,
    Open(sandbox): Open,
    To(to): To,
    Sent(plan): Sent<PlannedOutcome>,
) -> Result<Json<PlannedOutcome>, Problem> {
    if plan.delay_ms > LONGEST_DELAY_MS {
        return Err(bad("delay_ms is at most 20000: a provider that takes longer is given up."));
    }
    sandbox.plan_outcome(&to, plan).await.map_err(|error| Problem::of(&error, web.engine().now()))?;
    Ok(Json(plan))
}

pub(super) async fn plan_lookup(
    State(web): State<Web>,
    Open(sandbox): Open,
    To(to): To,
    Sent(NumberPlan { lookup }): Sent<NumberPlan>,
) -> Result<Json<Value>, Problem> {
    let Address::Phone(number) = to else { return Err(bad("Only phone numbers are looked up.")) };
    sandbox.plan_lookup(&number, lookup).await.map_err(|error| Problem::of(&error, web.engine().now()))?;
    Ok(Json(json!({ "lookup": lookup })))
}
