//! `/docs`: a viewer for `/openapi.json`. Its files are vendored (see `assets/docs/VENDORED.md`); nothing is loaded from
//! elsewhere.

use crate::{
    Web,
    asset::Asset,
    packed::{Packed, packed},
};
use axum::{Router, http::HeaderMap, routing::get};

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
];

const STYLES: Asset<Packed> =
    Asset { kind: "text/css; charset=utf-8", bytes: packed!("swagger-ui.css"), policy: POLICY };
const SCRIPT: Asset<Packed> =
    Asset { kind: "text/javascript; charset=utf-8", bytes: packed!("swagger-ui-bundle.js"), policy: POLICY };

pub(crate) fn routes() -> Router<Web> {
    let packed = Router::new()
        .route("/docs/assets/swagger-ui.css", get(async |asked: HeaderMap| STYLES.answer(&asked)))
        .route("/docs/assets/swagger-ui-bundle.js", get(async |asked: HeaderMap| SCRIPT.answer(&asked)));
    FILES.iter().fold(packed, |router, (path, asset)| router.route(path, get(async || asset.answer())))
}
