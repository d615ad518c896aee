//! What only shows from outside: the real binary, real sockets, and the shape of the source tree.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test says what went wrong by panicking, and so do the functions that tests share"
)]

mod auth0;
mod authentix;
mod carriers;
mod clickatell;
#[path = "../../../delivery/tests/it/smpp/cutter.rs"]
mod cutter;
mod database_away;
mod database_tls;
mod database_trouble;
mod dev_mode;
mod durability;
mod fail_over;
mod gateway360;
// Foreign peers, which the tests of countersign-delivery start as well.
#[path = "../../../delivery/tests/it/kannel_boxes.rs"]
mod kannel_boxes;
mod listening;
mod mail;
mod mail_by_http;
mod messengers;
mod mfa_page;
mod nevis;
mod nodes;
#[path = "../../../delivery/tests/it/peer.rs"]
mod peer;
mod program;
mod providers;
mod readme;
mod refusing;
mod retention;
mod routing;
mod running;
mod shape;
mod silent_database;
mod smpp;
mod starting;
mod stopping;
mod voice;
mod webhooks;
