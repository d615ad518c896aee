//! What was chosen or typed on the page. The answer to it is always where to look next: what came of it is told there.

use super::Visit;
use crate::{Web, body};
use axum::{
    extract::{Request, State},
    http::HeaderMap,
    response::Response,
};
use countersign_engine::{
    Caller, Error, Thing,
    commands::{MfaStep, MfaStepTaken, TakeMfaStep},
};
use countersign_model::{Channel, mfa_session::Place};
use std::collections::BTreeMap;

const MOST_BYTES: usize = 4096;
/// The longest thing that is typed: a mail address.
const LONGEST: usize = 254;

pub(super) async fn step(State(web): State<Web>, visit: Visit, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let form = body::read_up_to(MOST_BYTES, &parts.headers, body, web.body_timeout()).await.unwrap_or_default();
    let fields: BTreeMap<String, String> = form_urlencoded::parse(&form).into_owned().collect();
    let field = |name: &str| fields.get(name).map_or("", |value| value.trim());
    let (code, recovery) = (digits(field("code")), letters(field("code")));
    let step = read(&visit, field, &code, &recovery).filter(|_| comes_from_here(&parts.headers));
    let Some(step) = step else { return visit.view().to(Place::Start) };
    let command = TakeMfaStep {
        session: visit.session.id,
        step,
        locale: visit.locale(),
        // The limits are the user's, whichever API or page asks.
        limits: &web.dialects().auth0.limits,
    };
    match web.engine().run(&Caller::client(visit.session.tenant), None, &command).await {
        Ok(MfaStepTaken::To(place)) => visit.view().to(place),
        // What there is to see then is seen at the link itself.
        Ok(MfaStepTaken::Proved | MfaStepTaken::Over) | Err(Error::NotFound(Thing::User)) => {
            visit.view().to(Place::Start)
        }
        Err(error) => visit.trouble(&error),
    }
}

/// None: a form that this page does not have.
fn read<'a>(visit: &Visit, field: impl Fn(&str) -> &'a str, code: &'a str, recovery: &'a str) -> Option<MfaStep<'a>> {
    Some(match field("do") {
        "app" => MfaStep::EnrolApp,
        "enrol" => {
            let typed = field("to");
            let typed = typed.char_indices().nth(LONGEST).map_or(typed, |(end, _)| typed.split_at(end).0);
            MfaStep::EnrolAddress { channel: Channel::of_second_factor(field("channel"))?, typed }
        }
        "send" => {
            let (id, channel) = (field("factor"), Channel::of_second_factor(field("channel"))?);
            let (factor, _) = visit.ways().find(|(factor, _)| factor.id.to_string() == id)?;
            MfaStep::Send { factor: factor.id, channel }
        }
        "resend" => MfaStep::Resend,
        "code" => MfaStep::Code(code),
        "app-code" => MfaStep::AppCode(Place::Start, code),
        "first-app-code" => MfaStep::AppCode(Place::App, code),
        "recovery" => MfaStep::Recovery(recovery),
        "keep" => MfaStep::Keep,
        _ => return None,
    })
}

/// Whether a form was sent from a page of this server, as far as the browser tells (Fetch Metadata). Whoever has the link can
/// open it; nobody else's page can press a button of it unseen.
fn comes_from_here(headers: &HeaderMap) -> bool {
    let site = headers.get("sec-fetch-site").and_then(|value| value.to_str().ok());
    site.is_none_or(|site| site == "same-origin" || site == "none")
}

/// A code as it is compared: people put blanks into it, and have digits of their own.
fn digits(typed: &str) -> String {
    let plain = |character: char| {
        let own = [0x30, 0x660, 0x6f0, 0xff10].into_iter();
        let value = own.filter_map(|zero| u32::from(character).checked_sub(zero)).find(|value| *value < 10);
        value.and_then(|value| char::from_digit(value, 10)).unwrap_or(character)
    };
    typed.chars().filter(|character| !character.is_whitespace() && *character != '-').map(plain).take(32).collect()
}

/// A recovery code as it is compared.
fn letters(typed: &str) -> String {
    typed.chars().filter(char::is_ascii_alphanumeric).take(64).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_read_as_people_type_it() {
        for typed in ["123456", "123 456", " 123-456 ", "١٢٣٤٥٦", "۱۲۳۴۵۶", "１２３４５６"] {
            assert_eq!(digits(typed), "123456", "{typed}");
        }
        assert_eq!(digits("12x"), "12x");
        assert_eq!(letters("abcd EFGH-1234"), "abcdEFGH1234");
    }

    #[test]
    fn a_form_of_another_site_is_not_taken() {
        let from = |site: &'static str| {
            comes_from_here(&HeaderMap::from_iter([(
                axum::http::HeaderName::from_static("sec-fetch-site"),
                axum::http::HeaderValue::from_static(site),
            )]))
        };
        assert!(comes_from_here(&HeaderMap::new()) && from("same-origin") && from("none"));
        assert!(!from("cross-site") && !from("same-site"));
    }
}
