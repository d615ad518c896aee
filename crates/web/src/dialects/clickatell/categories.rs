//! The categories of grid-plus, each with a sample picture for the page on which people choose theirs. The vendor's page names three
//! paths and the status 202.

use super::{
    call::Call,
    reply::{Node, Reply},
};
use crate::pictures;
use axum::{
    extract::Path,
    http::{
        StatusCode,
        header::{CACHE_CONTROL, CONTENT_TYPE},
    },
    response::{IntoResponse as _, Response},
};

pub(super) async fn list(call: Call) -> Response {
    let base = &call.form.base;
    let category = |(number, name): (usize, &str)| {
        let sample = format!("{base}/mfa/api/image/{}", number + 1);
        Node::Object(vec![("name", name.into()), ("sampleImage", sample.into())])
    };
    let categories = pictures::names().enumerate().map(category).collect();
    let data = Node::List(vec![Node::Object(vec![("category", Node::List(categories))])]);
    call.answer(Ok(Reply { status: StatusCode::ACCEPTED, data }))
}

/// A sample picture, for whoever shows the list: it is no secret, and the same for everybody.
pub(super) async fn image(Path(number): Path<String>) -> Response {
    let category = number.parse::<u16>().ok().and_then(|number| number.checked_sub(1));
    let Some(category) = category else { return StatusCode::NOT_FOUND.into_response() };
    match tokio::task::spawn_blocking(move || pictures::sample(category)).await {
        Ok(Some(png)) => ([(CONTENT_TYPE, "image/png"), (CACHE_CONTROL, "public, max-age=86400")], png).into_response(),
        Ok(None) | Err(_) => StatusCode::NOT_FOUND.into_response(),
    }
}
