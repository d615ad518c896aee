//! `/callbacks/{provider}` and `/callbacks/{provider}/{tenant}/{message}/{token}`: where providers report what became of a
//! message. The second form is made for one message and needs no other proof than its token. A report is acknowledged only after
//! it is on the disk; how a provider wants to be answered is in its configuration. And `/calls/{provider}/{tenant}/{message}/{token}`, also
//! made for one message: where a provider that has placed a call asks what it is to say in it.

use crate::{Web, body, dialects::native::Problem};
use axum::{
    Router,
    body::Body,
    extract::{Path, Request, State},
    http::{HeaderValue, StatusCode, header, request::Parts, uri::Scheme},
    response::{IntoResponse as _, Response},
    routing::any,
};
use countersign_engine::receipts::{
    OwnAddress, ReceiptError,
    wire::{BadReceipt, ReceiptAnswer, ReceiptRequest},
};

pub(crate) fn routes() -> Router<Web> {
    Router::new()
        .route("/callbacks/{provider}", any(shared))
        .route("/callbacks/{provider}/{tenant}/{message}/{token}", any(own))
        .route("/calls/{provider}/{tenant}/{message}/{token}", any(call))
}

async fn shared(State(web): State<Web>, Path(provider): Path<String>, request: Request) -> Result<Response, Problem> {
    take(&web, &provider, Asked::Receipt(None), request).await
}

/// What stands in an address that was made for one message.
type OwnPath = Path<(String, String, String, String)>;

async fn own(State(web): State<Web>, path: OwnPath, request: Request) -> Result<Response, Problem> {
    let (provider, own) = own_address(path)?;
    take(&web, &provider, Asked::Receipt(Some(own)), request).await
}

async fn call(State(web): State<Web>, path: OwnPath, request: Request) -> Result<Response, Problem> {
    let (provider, own) = own_address(path)?;
    take(&web, &provider, Asked::Call(own), request).await
}

fn own_address(Path((provider, tenant, message, token)): OwnPath) -> Result<(String, OwnAddress), Problem> {
    let (Ok(tenant), Ok(message)) = (tenant.parse(), message.parse()) else { return Err(unknown()) };
    Ok((provider, OwnAddress { tenant, message, token }))
}

/// What a provider calls about.
enum Asked {
    /// What became of messages; by the address of one, or of all.
    Receipt(Option<OwnAddress>),
    /// What to say in a call.
    Call(OwnAddress),
}

async fn take(web: &Web, provider: &str, asked: Asked, request: Request) -> Result<Response, Problem> {
    let (parts, body): (Parts, Body) = request.into_parts();
    let read = body::read(&parts.headers, body, web.body_timeout()).await;
    let body =
        read.map_err(|_| Problem::new(StatusCode::BAD_REQUEST, "invalid_request", "The body cannot be read."))?;
    let url = called_url(web, &parts);
    let call = ReceiptRequest {
        method: &parts.method,
        url: &url,
        query: parts.uri.query().unwrap_or_default(),
        headers: &parts.headers,
        body: &body,
        message: None,
    };
    let answer = match &asked {
        Asked::Receipt(own) => web.engine().record_receipts(provider, own.as_ref(), call).await,
        Asked::Call(own) => web.engine().answer_call(provider, own, call).await,
    };
    match answer {
        Ok(answer) => Ok(answered(answer)),
        Err(error) => Err(refused(web, provider, &error)),
    }
}

/// The address as the provider called it: some signatures cover it. Behind a proxy only the configuration knows it.
fn called_url(web: &Web, parts: &Parts) -> String {
    let path = parts.uri.path_and_query().map_or("/", |path| path.as_str());
    if let Some(base) = web.engine().public_url() {
        return format!("{}{path}", base.trim_end_matches('/'));
    }
    let scheme = parts.extensions.get::<Scheme>().map_or("http", Scheme::as_str);
    let host = parts.headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    format!("{scheme}://{host}{path}")
}

fn answered(answer: ReceiptAnswer) -> Response {
    let mut response = (answer.status, answer.body).into_response();
    response.headers_mut().remove(header::CONTENT_TYPE);
    if let Some(kind) = answer.content_type.and_then(|kind| HeaderValue::try_from(kind).ok()) {
        response.headers_mut().insert(header::CONTENT_TYPE, kind);
    }
    response
}

fn refused(web: &Web, provider: &str, error: &ReceiptError) -> Problem {
    tracing::warn!(provider, %error, "a provider's call was not taken");
    match error {
        ReceiptError::Unknown | ReceiptError::Bad(BadReceipt::NotExpected) => unknown(),
        ReceiptError::Bad(BadReceipt::Forged) => {
            Problem::new(StatusCode::FORBIDDEN, "forbidden", "The proof of this report is not right.")
        }
        ReceiptError::Bad(BadReceipt::Malformed(_)) => {
            Problem::new(StatusCode::BAD_REQUEST, "invalid_request", "This report cannot be understood.")
        }
        ReceiptError::NoSuchMessage => {
            let detail = "This message is not known, or not yet; report again later.";
            Problem::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", detail)
        }
        ReceiptError::Engine(error) => Problem::of(error, web.engine().now()),
    }
}

fn unknown() -> Problem {
    Problem::new(StatusCode::NOT_FOUND, "not_found", "Nobody expects a report here.")
}
