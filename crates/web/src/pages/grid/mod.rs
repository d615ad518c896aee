//! The image grid behind the link of a text message: a start page, a few screens of pictures, and what became of it. The rules are in
//! `countersign_model::challenge`. Looking changes nothing, so whoever fetches the link before the person does no harm; only a
//! tap counts, and all screens are judged together.
//!
//! | path | method | what it shows |
//! |---|---|---|
//! | `/c/{token}` | GET | the start page |
//! | `/c/{token}` | POST | a tap, or the start without one |
//! | `/c/{token}/screen` | GET | the present screen |
//! | `/c/{token}/p/{picture}.png` | GET | one picture of the present screen |
//!
//! After a tap the browser is sent on to the present screen, so that "back" and "reload" send nothing twice. What came of the last
//! tap is told in its own answer: from then on the link shows nothing any more. A link that is unknown and one that has ended get
//! the same page; only the status differs.

mod picture;
mod view;
mod words;

use super::Language;
use crate::{Web, body};
use axum::{
    Router,
    extract::{FromRequestParts, Path, Request, State},
    http::{HeaderMap, StatusCode, header::LOCATION, request::Parts},
    response::{IntoResponse as _, Response},
    routing::get,
};
use countersign_engine::{Error, queries::GridSeen};
use countersign_model::{Checked, State as Standing, Tapped};
use view::View;

pub(super) fn routes() -> Router<Web> {
    Router::new()
        .route("/c/{token}", get(start).post(tap))
        .route("/c/{token}/screen", get(screen))
        .route("/c/{token}/p/{picture}", get(picture::picture))
}

/// The token as people may have typed it, and the language of whoever asks.
struct Visit {
    token: String,
    language: Language,
}

impl FromRequestParts<Web> for Visit {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, web: &Web) -> Result<Self, Response> {
        let language = Language::of(&parts.headers);
        match Path::<Vec<(String, String)>>::from_request_parts(parts, web).await {
            Ok(Path(segments)) => {
                let token = segments.into_iter().next().map(|(_, token)| token.to_ascii_lowercase());
                Ok(Self { token: token.unwrap_or_default(), language })
            }
            Err(_) => Err(View::over(language, StatusCode::NOT_FOUND)),
        }
    }
}

impl Visit {
    /// What is behind the link, while it waits to be solved.
    async fn open(&self, web: &Web) -> Result<GridSeen, Response> {
        let found = web.engine().grid(&self.token).await.map_err(|error| self.trouble(&error))?;
        let seen = found.ok_or_else(|| View::over(self.language, StatusCode::NOT_FOUND))?;
        match seen.verification.state_at(seen.at) {
            Standing::Pending => Ok(seen),
            Standing::Approved | Standing::Denied | Standing::Exhausted | Standing::Cancelled | Standing::Expired => {
                Err(View::over(self.language, StatusCode::GONE))
            }
        }
    }

    fn trouble(&self, error: &Error) -> Response {
        if matches!(error, Error::Limited(_)) {
            return View::rest(self.language);
        }
        tracing::error!(%error, "a grid could not be served");
        View::trouble(self.language)
    }
}

async fn start(State(web): State<Web>, visit: Visit) -> Response {
    match visit.open(&web).await {
        Ok(seen) => View::of(&visit.token, visit.language, &seen).start(),
        Err(answer) => answer,
    }
}

async fn screen(State(web): State<Web>, visit: Visit) -> Response {
    match visit.open(&web).await {
        Ok(seen) => View::of(&visit.token, visit.language, &seen).screen(),
        Err(answer) => answer,
    }
}

async fn tap(State(web): State<Web>, visit: Visit, request: Request) -> Response {
    answer_tap(&web, &visit, request).await.unwrap_or_else(|answer| answer)
}

async fn answer_tap(web: &Web, visit: &Visit, request: Request) -> Result<Response, Response> {
    let (parts, body) = request.into_parts();
    let value = tile_in(web, &parts.headers, body).await;
    let seen = visit.open(web).await?;
    let Some(value) = value else { return Ok(to_the_screen(visit)) };
    let outcome = web.engine().tap(&visit.token, &value).await.map_err(|error| visit.trouble(&error))?;
    let view = View::of(&visit.token, visit.language, &seen);
    Ok(match outcome.map(|outcome| outcome.tapped) {
        None => View::over(visit.language, StatusCode::NOT_FOUND),
        Some(Tapped::Next | Tapped::Stale) => to_the_screen(visit),
        Some(Tapped::Judged(Checked::Approved)) => view.solved(),
        Some(Tapped::Judged(Checked::Wrong { left })) => view.wrong(left),
        Some(Tapped::Judged(Checked::Exhausted | Checked::Held)) => view.failed(),
        Some(Tapped::Judged(Checked::PaymentMismatch | Checked::NotPending(_)) | Tapped::NotPending(_)) => {
            View::over(visit.language, StatusCode::GONE)
        }
    })
}

/// What was tapped. A form that makes no sense taps nothing.
async fn tile_in(web: &Web, headers: &HeaderMap, body: axum::body::Body) -> Option<String> {
    const MOST_BYTES: usize = 4096;
    let form = body::read_up_to(MOST_BYTES, headers, body, web.body_timeout()).await.ok()?;
    form_urlencoded::parse(&form).find(|(name, _)| name == "tile").map(|(_, value)| value.into_owned())
}

fn to_the_screen(visit: &Visit) -> Response {
    (StatusCode::SEE_OTHER, [(LOCATION, format!("/c/{}/screen", visit.token))]).into_response()
}
