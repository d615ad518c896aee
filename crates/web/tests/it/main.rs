//! The web side over an engine with a clock that is moved and seeded chance: exact exchanges from the dialects'
//! `testdata/*.http`, and what no such file can tell.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test says what went wrong by panicking, and so do the functions that tests share"
)]

mod auth0;
mod authentix;
mod clickatell;
mod exchanges;
mod gateway360;
mod grid;
mod mfa_page;
mod native;
mod openapi;
mod wire;
