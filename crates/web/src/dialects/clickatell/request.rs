//! POST `/rest/auth`: starts an authentication. The answer comes before the message goes out, and names it; everything later is asked
//! under that name.

use super::{
    NAME,
    call::BodyCall,
    error::{self, Refused},
    params::{self, Params, destination, source},
    reply::{Node, Reply},
    settings::{MOST_ATTEMPTS, MOST_MINUTES, Settings},
};
use crate::{Web, pages::LogoAddress, pictures};
use axum::{extract::State, http::StatusCode, response::Response};
use countersign_engine::commands::{GridChoice, Overrides, ServiceRef, StartVerification};
use countersign_model::{
    Address, Alphabet, Channel, Code, CodeShape, VerificationId,
    challenge::{SCREENS, TILES},
};
use serde_json::Value;
use std::collections::BTreeMap;

pub(super) async fn request(State(web): State<Web>, BodyCall { call, params }: BodyCall) -> Response {
    let started = match Wanted::read(&params, &web.dialects().clickatell) {
        Ok(wanted) => start(&web, &call, wanted).await,
        Err(refused) => Err(refused),
    };
    call.answer(started.map(|id| {
        let data = Node::Object(vec![("apiRequestId", api_request_id(id).into())]);
        Reply { status: StatusCode::ACCEPTED, data }
    }))
}

/// The name of an authentication in this API: 32 hexadecimal digits.
pub(super) fn api_request_id(id: VerificationId) -> String {
    format!("{:032x}", u128::from_be_bytes(id.to_bytes()))
}

/// The opposite of [`api_request_id`]; none: it never was one.
pub(super) fn verification_id(text: &str) -> Option<VerificationId> {
    let is_digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    let fits = text.len() == 32 && text.bytes().all(is_digit);
    let number = fits.then(|| u128::from_str_radix(text, 16).ok()).flatten()?;
    Some(VerificationId::from_bytes(number.to_be_bytes()))
}

/// What a request asks for.
#[derive(Debug)]
struct Wanted {
    to: Address,
    from: Option<String>,
    minutes: u32,
    attempts: u32,
    proof: Proof,
}

/// How it is proved.
#[derive(Debug)]
enum Proof {
    Pin(Option<Code>),
    Grid(GridChoice),
}

const DEFAULT_TILES: u32 = 6;
const LONGEST_LOGO: usize = 2048;

impl Wanted {
    /// Refuses in the order in which this API does.
    fn read(params: &Params, settings: &Settings) -> Result<Self, Refused> {
        let kind = params.get("authType").and_then(Value::as_str).unwrap_or_default();
        if !["pin", "grid", "gridplus"].contains(&kind) {
            return Err(error::INVALID_PARAMETERS);
        }
        let to = one_destination(params)?;
        let minutes = params.number("overrideExpireTime", (1, MOST_MINUTES), settings.expire_minutes)?;
        let attempts = params.number("maximumRetries", (1, MOST_ATTEMPTS), settings.attempts)?;
        let proof = match kind {
            "pin" => Proof::Pin(custom_pin(params)?),
            "grid" => Proof::Grid(grid(params, None)?),
            _ => Proof::Grid(grid(params, Some(enrolled(params)?))?),
        };
        let to = destination(&to);
        if to == Err(error::INVALID_DESTINATION) {
            return Err(error::INVALID_DESTINATION);
        }
        // That a number gets no messages is said after whatever is malformed.
        Ok(Self { from: source(params)?, to: to?, minutes, attempts, proof })
    }
}

/// One number. A list of just one is tolerated.
fn one_destination(params: &Params) -> Result<String, Refused> {
    let given = match params.get("to") {
        Some(Value::Array(list)) if list.len() == 1 => list.first(),
        other => other,
    };
    let to = given.and_then(params::text).filter(|to| !to.trim().is_empty() && !to.contains(','));
    to.ok_or(error::INVALID_PARAMETERS)
}

fn custom_pin(params: &Params) -> Result<Option<Code>, Refused> {
    let Some(pin) = params.text("customPin")? else { return Ok(None) };
    let fits = (4..=8).contains(&pin.len()) && pin.bytes().all(|byte| byte.is_ascii_alphanumeric());
    let code = fits.then(|| Code::own(&pin).ok()).flatten();
    code.map(Some).ok_or(error::INVALID_PARAMETERS)
}

/// The categories of grid-plus, one for each screen.
fn enrolled(params: &Params) -> Result<Vec<u16>, Refused> {
    let names = params.texts("numberOfChallenges")?;
    if !u8::try_from(names.len()).is_ok_and(|count| SCREENS.contains(&count)) {
        return Err(error::INVALID_PARAMETERS);
    }
    names.iter().map(|name| pictures::category_named(name).ok_or(error::INVALID_PARAMETERS)).collect()
}

fn grid(params: &Params, enrolled: Option<Vec<u16>>) -> Result<GridChoice, Refused> {
    let screens = if let Some(enrolled) = &enrolled {
        u32::try_from(enrolled.len()).unwrap_or(u32::MAX)
    } else {
        let (least, most) = SCREENS.into_inner();
        params.number("numberOfChallenges", (least.into(), most.into()), most.into())?
    };
    let (least, most) = TILES.into_inner();
    let tiles = params.number("numberOfImagesPerChallenge", (least.into(), most.into()), DEFAULT_TILES)?;
    let logo = params.text("companyImageUrl")?.map(|url| url.trim().to_owned());
    let is_usable = |url: &String| url.len() <= LONGEST_LOGO && LogoAddress::parse(url).is_some();
    if tiles % 2 == 1 || !logo.as_ref().is_none_or(is_usable) {
        return Err(error::INVALID_PARAMETERS);
    }
    let small = |number: u32| u8::try_from(number).map_err(|_| error::INVALID_PARAMETERS);
    Ok(GridChoice { screens: small(screens)?, tiles: small(tiles)?, pool: pictures::pool(), enrolled, logo })
}

async fn start(web: &Web, call: &super::call::Call, wanted: Wanted) -> Result<VerificationId, Refused> {
    let (engine, settings) = (web.engine(), &web.dialects().clickatell);
    let Wanted { to, from, minutes, attempts, proof } = wanted;
    let overrides = Overrides {
        life_seconds: Some(u64::from(minutes) * 60),
        max_checks: Some(attempts),
        number_lookup: Some(settings.number_lookup && engine.has_number_lookup()),
        number_before_credit: true,
        sender: from,
        ..Overrides::default()
    };
    let (code, overrides) = match proof {
        Proof::Pin(None) => (None, Overrides { code: Some(settings.pin), ..overrides }),
        // Of an own PIN no number has lost its zeros, so it has the shape that is taken as it comes.
        Proof::Pin(Some(pin)) => {
            let length = u8::try_from(pin.expose().len()).unwrap_or(CodeShape::MAX_LENGTH);
            (Some(pin), Overrides { code: CodeShape::new(Alphabet::Alphanumeric, length).ok(), ..overrides })
        }
        Proof::Grid(grid) => {
            let brand = engine.brand(&call.caller, NAME).await.map_err(|error| call.refused(&error))?;
            let text = settings.grid_text.around_link(&brand, minutes, &call.form.base);
            (None, Overrides { grid: Some(grid), text: Some(text), ..overrides })
        }
    };
    let command = StartVerification {
        service: ServiceRef::Dialect(NAME),
        channel: Channel::Sms,
        to,
        code,
        locale: None,
        metadata: BTreeMap::new(),
        payment: None,
        overrides,
    };
    let started = engine.run(&call.caller, None, &command).await.map_err(|error| call.refused(&error))?;
    Ok(started.verification.id)
}

#[cfg(test)]
mod tests;
