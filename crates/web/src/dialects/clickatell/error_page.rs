//! `/help/apidocs/error/{code}.htm`: what a code means, for the developer who followed `documentation` in a refusal. In English, as the
//! API is.

use super::error;
use crate::pages::{Frame, Language, Logo, show};
use askama::Template;
use axum::{
    extract::Path,
    http::StatusCode,
    response::{IntoResponse as _, Response},
};

#[derive(Template)]
#[template(path = "pages/clickatell_error.html")]
struct ErrorPage<'a> {
    frame: &'a Frame,
    code: &'a str,
    description: &'a str,
    status: String,
}

pub(super) async fn page(Path(page): Path<String>) -> Response {
    let code = page.strip_suffix(".htm").unwrap_or(&page);
    let (description, status) = match error::ALL.iter().find(|refused| refused.code == code) {
        Some(refused) => (refused.description.as_ref(), refused.status),
        None if code == "130" => ("Maximum MT limit exceeded until a moment", StatusCode::TOO_MANY_REQUESTS),
        None => return StatusCode::NOT_FOUND.into_response(),
    };
    let title = format!("Error {code}: {description}");
    let frame = Frame { language: Language::English, title, brand: String::new(), logo: Logo::Ours };
    show(StatusCode::OK, &frame, &ErrorPage { frame: &frame, code, description, status: status.to_string() })
}
