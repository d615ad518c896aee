//! A request of this API, in the order in which it is refused: `Accept`, credentials, and then what each call asks for. The body is
//! read at once and looked at later, since a call first asks whether the things in its path exist.

use super::{
    accept::admits_json,
    auth::{self, Applet},
    error::{Code, Refused},
    fields::Fields,
    ids,
};
use crate::{Web, body, dialects::Refusal};
use axum::{
    extract::{FromRequest, FromRequestParts as _, RawPathParams, Request, State},
    http::{Method, header::CONTENT_TYPE, request::Parts},
    response::{IntoResponse as _, Response},
};
use countersign_engine::Error;
use countersign_model::{Configuration, Timestamp};

/// A call: who asks, for what, and with what.
pub(super) struct Call {
    pub applet: Applet,
    /// The query's parameters.
    pub query: Fields,
    path: Vec<(String, String)>,
    kind: Option<String>,
    body: Vec<u8>,
    web: Web,
}

impl FromRequest<Web> for Call {
    type Rejection = Refused;

    async fn from_request(request: Request, web: &Web) -> Result<Self, Refused> {
        let (mut parts, body) = request.into_parts();
        let applet = admit(web, &parts).await?;
        let path = RawPathParams::from_request_parts(&mut parts, web).await.map_err(|_| Code::NotFound.refused())?;
        let path = path.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        let query = Fields::of_form(parts.uri.query().unwrap_or_default().as_bytes());
        let kind = parts.headers.get(CONTENT_TYPE).map(|value| value.to_str().unwrap_or("?").to_owned());
        let body = match parts.method {
            Method::POST => body::read(&parts.headers, body, web.body_timeout()).await?,
            _ => Vec::new(),
        };
        Ok(Self { applet, query, path, kind, body, web: web.clone() })
    }
}

/// What is asked before anything else, even before whether there is such a call.
async fn admit(web: &Web, parts: &Parts) -> Result<Applet, Refused> {
    if !admits_json(&parts.headers) {
        return Err(Code::NotAcceptable.refused());
    }
    auth::applet(web, parts).await
}

/// Nobody serves this path.
pub(super) async fn unknown_path(State(web): State<Web>, request: Request) -> Response {
    misdirected(&web, request, &Refusal::UnknownPath).await
}

/// The path exists, but not for this method.
pub(super) async fn unknown_method(State(web): State<Web>, request: Request) -> Response {
    let refusal = Refusal::UnknownMethod(request.method().clone());
    misdirected(&web, request, &refusal).await
}

async fn misdirected(web: &Web, request: Request, refusal: &Refusal) -> Response {
    match admit(web, &request.into_parts().0).await {
        Ok(_) => Refused::before_the_dialect(refusal),
        Err(refused) => refused.into_response(),
    }
}

impl Call {
    /// What stands in the path at this place.
    pub(super) fn segment(&self, name: &str) -> &str {
        self.path.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value)
    }

    /// The configuration in the path.
    pub(super) async fn configuration(&self) -> Result<Configuration, Refused> {
        let id = ids::read_configuration(self.segment("configuration"));
        let id = id.ok_or(Code::UnknownConfiguration.refused())?;
        self.web.engine().configuration(&self.applet.caller, id).await.map_err(|error| self.refused(&error))
    }

    /// The body's parameters, of which there may be none.
    pub(super) fn fields(&self) -> Result<Fields, Refused> {
        Fields::of_body(self.kind.as_deref(), &self.body)
    }

    /// The body's parameters.
    ///
    /// # Errors
    /// 10002 when there is no body.
    pub(super) fn required_fields(&self) -> Result<Fields, Refused> {
        if self.body.is_empty() { Err(Code::DataMissing.refused()) } else { self.fields() }
    }

    /// The engine's error in this API's words.
    pub(super) fn refused(&self, error: &Error) -> Refused {
        Refused::of(error, self.now())
    }

    pub(super) fn now(&self) -> Timestamp {
        self.web.engine().now()
    }
}
