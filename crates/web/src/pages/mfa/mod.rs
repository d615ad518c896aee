//! The second step of a log-in, as a page: a user shows a second factor, or enrols the first one, and goes back to whoever sent
//! them. What a visit waits for is kept by the engine (`TakeMfaStep`), so looking changes nothing, "back" and "reload" send
//! nothing twice, and a step that was taken holds whatever happens to the server then.
//!
//! | path | method | what it shows |
//! |---|---|---|
//! | `/a/{link}` | GET | the code of an app, or the ways that there are; to somebody who has none, what can be enrolled |
//! | `/a/{link}` | POST | something that was chosen or typed; the answer is where to look next |
//! | `/a/{link}/app`, `/a/{link}/qr.svg` | GET | an app's secret, as a text and as a picture, until it is confirmed |
//! | `/a/{link}/sms`, `…/voice`, `…/email` | GET | where a first code is to go |
//! | `/a/{link}/code` | GET | a code is on its way: type it |
//! | `/a/{link}/ways` | GET | all ways, for somebody who was asked in one of them |
//! | `/a/{link}/recovery` | GET | the recovery code |
//!
//! Once the user has proved to be itself, each of them leads back, with a result that only the caller's server can read
//! (`POST /v1/mfa-results`). There are no cookies, so there is nothing that another site could make a browser send along; what is
//! sent from another site's page is not taken anyway.

mod steps;
mod view;
mod words;

use super::Language;
use crate::Web;
use axum::{
    Router,
    extract::{FromRequestParts, Path},
    http::{
        HeaderValue, StatusCode,
        header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE},
        request::Parts,
    },
    response::{IntoResponse as _, Response},
    routing::get,
};
use countersign_engine::{Caller, Error};
use countersign_model::{
    Channel, ChosenKind, Client, Factor, FactorKind, MfaChoice, MfaSession, Timestamp, User,
    mfa_session::{Place, SessionPurpose, Stage},
};
use fast_qr::{QRBuilder, convert::svg::SvgBuilder};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use view::View;

pub(super) fn routes() -> Router<Web> {
    Router::new()
        .route("/a/{link}", get(start).post(steps::step))
        .route("/a/{link}/app", get(app))
        .route("/a/{link}/qr.svg", get(picture))
        .route("/a/{link}/code", get(code))
        .route("/a/{link}/ways", get(ways))
        .route("/a/{link}/recovery", get(recovery))
        .route("/a/{link}/{channel}", get(address))
}

/// The path of the page that belongs to a link.
pub(crate) fn path_of(link: &str) -> String {
    format!("/a/{link}")
}

/// Whoever looks, and all that there is to know about their visit.
struct Visit {
    web: Web,
    link: String,
    language: Language,
    session: MfaSession,
    user: User,
    client: Client,
    factors: Vec<Factor>,
    choice: MfaChoice,
    now: Timestamp,
}

impl FromRequestParts<Web> for Visit {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, web: &Web) -> Result<Self, Response> {
        let language = Language::of(&parts.headers);
        let path = Path::<Vec<(String, String)>>::from_request_parts(parts, web).await;
        let link = path.ok().and_then(|Path(segments)| segments.into_iter().next()).map(|(_, link)| link);
        let link = link.unwrap_or_default().to_ascii_lowercase();
        match Self::read(web, link, language).await {
            Ok(read) => read,
            Err(error) => Err(trouble(language, &error)),
        }
    }
}

impl Visit {
    /// The inner error is the page that says that there is nothing here any more.
    async fn read(web: &Web, link: String, language: Language) -> Result<Result<Self, Response>, Error> {
        let (engine, now) = (web.engine(), web.engine().now());
        let Some(session) = engine.mfa_session(&link).await? else {
            return Ok(Err(view::unknown(language)));
        };
        let ends = engine.ends_of_session(&session).await?;
        let is_open = matches!(session.stage, Stage::Open { .. });
        let over = async || {
            let client = engine.client_of_session(&session).await?;
            Ok(Err(view::over(language, &session, client.as_ref())))
        };
        let Some((user, client)) = ends else { return over().await };
        let language = user.language.as_deref().and_then(Language::named).unwrap_or(language);
        // The log-in may have been ended elsewhere, with its other token.
        if session.is_over(now) || (is_open && engine.is_redeemed(session.tenant, &session.transaction()).await?) {
            return over().await;
        }
        let choice = engine.mfa_choice(session.tenant).await?;
        let factors = engine.factors_of(&Caller::client(session.tenant), session.user).await?;
        Ok(Ok(Self { web: web.clone(), link, language, session, user, client, factors, choice, now }))
    }

    /// The language of messages: the user's own, even if no page speaks it; else that of the page.
    fn locale(&self) -> &str {
        self.user.language.as_deref().unwrap_or_else(|| self.language.tag())
    }

    /// What the user can be asked with.
    fn active(&self) -> impl Iterator<Item = &Factor> {
        self.factors.iter().filter(|factor| factor.is_active() && factor.is_primary())
    }

    fn has_active(&self) -> bool {
        self.active().next().is_some()
    }

    /// Whether the user is asked for a factor that it has.
    fn asks(&self) -> bool {
        self.session.purpose == SessionPurpose::LogIn && self.has_active()
    }

    fn has_app(&self) -> bool {
        self.choice.allows(ChosenKind::Totp) && self.active().any(|it| matches!(it.kind, FactorKind::Totp { .. }))
    }

    fn has_recovery(&self) -> bool {
        let is_left = |factor: &Factor| factor.is_active() && !factor.is_primary();
        self.asks() && self.choice.allows(ChosenKind::RecoveryCodes) && self.factors.iter().any(is_left)
    }

    /// Whether a factor of this kind can be enrolled.
    fn can_enrol(&self, kind: ChosenKind) -> bool {
        self.choice.allows(kind)
            && match self.session.purpose {
                SessionPurpose::LogIn => !self.has_active(),
                SessionPurpose::Enrol { only, one_more } => {
                    only.is_none_or(|only| only == kind) && (one_more || !self.has_active())
                }
            }
    }

    /// The addresses that a code can be sent to, and on which way.
    fn ways(&self) -> impl Iterator<Item = (&Factor, Channel)> {
        self.active().flat_map(|factor| {
            let channels: &[Channel] = match factor.kind {
                FactorKind::Phone { .. } => &[Channel::Sms, Channel::Voice],
                FactorKind::Email { .. } => &[Channel::Email],
                FactorKind::Totp { .. } | FactorKind::RecoveryCodes { .. } => &[],
            };
            channels
                .iter()
                .filter(|channel| self.choice.allows(kind_of(**channel)))
                .map(move |channel| (factor, *channel))
        })
    }

    fn view(&self) -> View<'_> {
        View::of(self)
    }

    fn trouble(&self, error: &Error) -> Response {
        trouble(self.language, error)
    }

    /// What an app reads out of the picture (the key URI format).
    fn key_uri(&self, secret: &str) -> Result<String, Error> {
        let encoded = |text: &str| utf8_percent_encode(text, UNRESERVED).to_string();
        let engine = self.web.engine();
        let account = match &self.session.account {
            Some(sealed) => engine.open_in_session(&self.session, sealed)?.to_string(),
            None => engine.name_of(&self.user)?.unwrap_or_else(|| self.user.id.to_string()),
        };
        let (issuer, account) = (encoded(&self.client.name), encoded(&account));
        Ok(format!(
            "otpauth://totp/{issuer}:{account}?secret={secret}&issuer={issuer}&algorithm=SHA1&digits=6&period=30"
        ))
    }
}

/// RFC 3986, 2.3: what need not be encoded.
const UNRESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

const fn kind_of(channel: Channel) -> ChosenKind {
    match channel {
        Channel::Sms | Channel::Whatsapp | Channel::Telegram => ChosenKind::Sms,
        Channel::Voice => ChosenKind::Voice,
        Channel::Email => ChosenKind::Email,
    }
}

/// A visit that still waits. One that does not leads on, whichever of its pages was asked for.
struct Open(Visit);

impl FromRequestParts<Web> for Open {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, web: &Web) -> Result<Self, Response> {
        let visit = Visit::from_request_parts(parts, web).await?;
        if matches!(visit.session.stage, Stage::Open { .. }) { Ok(Self(visit)) } else { Err(visit.view().proved()) }
    }
}

fn trouble(language: Language, error: &Error) -> Response {
    tracing::error!(%error, "a page for a second factor could not be served");
    view::trouble(language)
}

async fn start(Open(visit): Open) -> Response {
    let view = visit.view();
    match visit.session.purpose {
        SessionPurpose::LogIn if visit.has_app() => view.app_code(),
        SessionPurpose::LogIn if visit.has_active() => view.choose_way(),
        SessionPurpose::Enrol { one_more: false, .. } if visit.has_active() => view.has_one(),
        SessionPurpose::LogIn | SessionPurpose::Enrol { .. } => view.choose_enrolment(),
    }
}

async fn ways(Open(visit): Open) -> Response {
    if visit.asks() { visit.view().choose_way() } else { visit.view().to(Place::Start) }
}

async fn app(Open(visit): Open) -> Response {
    match visit.pending_app() {
        Ok(Some((secret, uri))) => visit.view().app_secret(&secret, uri),
        Ok(None) => visit.view().to(Place::Start),
        Err(error) => visit.trouble(&error),
    }
}

impl Visit {
    /// The secret of the app that is enrolled just now, and the same as a picture has it.
    fn pending_app(&self) -> Result<Option<(String, String)>, Error> {
        if !self.can_enrol(ChosenKind::Totp) {
            return Ok(None);
        }
        let Some(secret) = self.web.engine().pending_app(&self.factors)? else { return Ok(None) };
        let uri = self.key_uri(&secret)?;
        Ok(Some((secret.to_string(), uri)))
    }
}

async fn picture(Open(visit): Open) -> Response {
    let uri = visit.pending_app().ok().flatten().map(|(_, uri)| uri);
    let Some(drawn) = uri.and_then(|uri| QRBuilder::new(uri).build().ok()) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let headers = [
        (CONTENT_TYPE, HeaderValue::from_static("image/svg+xml")),
        (CACHE_CONTROL, HeaderValue::from_static("no-store")),
        (CONTENT_SECURITY_POLICY, HeaderValue::from_static("default-src 'none'")),
    ];
    (headers, SvgBuilder::default().to_str(&drawn)).into_response()
}

async fn code(Open(visit): Open) -> Response {
    let Some(sent) = visit.session.sent() else { return visit.view().to(Place::Start) };
    let factor = visit.factors.iter().find(|factor| factor.id == sent.factor);
    match factor.map(|factor| visit.web.engine().address_of_factor(factor)).transpose() {
        Ok(to) => to.flatten().map_or_else(|| visit.view().to(Place::Start), |to| visit.view().sent_code(&to)),
        Err(error) => visit.trouble(&error),
    }
}

async fn recovery(Open(visit): Open) -> Response {
    if visit.has_recovery() { visit.view().recovery() } else { visit.view().to(Place::Start) }
}

async fn address(Open(visit): Open, Path((_, channel)): Path<(String, String)>) -> Response {
    match Channel::of_second_factor(&channel).filter(|channel| visit.can_enrol(kind_of(*channel))) {
        Some(channel) => visit.view().address(channel),
        None => visit.view().to(Place::Start),
    }
}
