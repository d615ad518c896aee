//! Hosted pages: what people meet, not programs. Everything here works without JavaScript, by keyboard and with a screen reader,
//! from 320 px on, light and dark, in the language of the browser.
//!
//! | file | what it is for |
//! |---|---|
//! | `frame.rs` | the head, the brand and the card that every page has ([`Frame`]), and the headers it is answered with ([`show`]) |
//! | `language.rs` | the languages, the choice among them, and [`translations!`] for a page's words |
//! | `grid/` | the image grid behind the link in a text message |
//! | `mfa/` | the second step of a log-in: enrol, choose, type a code, go back |
//!
//! A further page: a folder with its routes; its templates in `templates/pages/`, each of which extends `frame.html`; its words in
//! `assets/pages/words/<page>.<language>.json`, one file for each language. All pages share the one style sheet,
//! `assets/pages/style.css`, whose first lines are the scales and colours to take from. No page loads anything from elsewhere
//! but the logo that a caller has named, and none has a script: the policy allows neither.

mod frame;
pub(crate) mod grid;
mod language;
pub(crate) mod mfa;

pub(crate) use frame::{Frame, Logo, LogoAddress, show, show_leading_to};
pub(crate) use language::Language;

use crate::{Web, asset::Asset};
use axum::{Router, routing::get};

const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'";

macro_rules! file {
    ($name:literal, $kind:literal) => {
        Asset { kind: $kind, bytes: include_bytes!(concat!("../../assets/pages/", $name)), policy: POLICY }
    };
}

const FILES: &[(&str, Asset)] = &[
    ("/pages/style.css", file!("style.css", "text/css; charset=utf-8")),
    ("/pages/logo.svg", file!("logo.svg", "image/svg+xml")),
    ("/pages/icons.svg", file!("icons.svg", "image/svg+xml")),
];

pub(crate) fn routes() -> Router<Web> {
    let files =
        FILES.iter().fold(Router::new(), |router, (path, asset)| router.route(path, get(async || asset.answer())));
    files.merge(grid::routes()).merge(mfa::routes())
}
