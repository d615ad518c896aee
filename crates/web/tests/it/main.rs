//! The web side over an engine with a clock that is moved and seeded chance: exact exchanges from the dialects'
//! `testdata/*.http`, and what no such file can tell.

mod exchanges;
mod native;
mod openapi;
mod wire;
