//! `/docs`: a viewer for `/openapi.json`. Its files are vendored (see `assets/docs/VENDORED.md`); nothing is loaded from
//! elsewhere.

use crate::{Web, asset::Asset};
use axum::{Router, routing::get};

const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
                      connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

macro_rules! file {
    ($name:literal, $kind:literal) => {
        Asset { kind: $kind, bytes: include_bytes!(concat!("../assets/docs/", $name)), policy: POLICY }
    };
}

const FILES: &[(&str, Asset)] = &[
    ("/docs", file!("index.html", "text/html; charset=utf-8")),
    ("/docs/assets/favicon.svg", file!("favicon.svg", "image/svg+xml")),
    ("/docs/assets/init.js", file!("init.js", "text/javascript; charset=utf-8")),
    ("/docs/assets/theme.css", file!("theme.css", "text/css; charset=utf-8")),
    ("/docs/assets/swagger-ui.css", file!("swagger-ui.css", "text/css; charset=utf-8")),
    ("/docs/assets/swagger-ui-bundle.js", file!("swagger-ui-bundle.js", "text/javascript; charset=utf-8")),
];

pub(crate) fn routes() -> Router<Web> {
    FILES.iter().fold(Router::new(), |router, (path, asset)| router.route(path, get(async || asset.answer())))
}
