//! How state is *kept*: reads, and one atomic [`Store::write`]. Nothing else leaves this crate: no transaction, no
//! connection, no SQL.
//!
//! [`Store`] is one concrete type with an enum of backends inside. Every backend keeps the same promises, and the contract
//! in `tests/contract/` holds each of them to it:
//!
//! * a [`Batch`] is applied whole or not at all, and is on the disk before [`Store::write`] returns;
//! * a batch whose assertions no longer hold is refused with [`Error::Conflict`], and its neighbours are not touched;
//! * a read sees everything that was answered before it began.
//!
//! A row holds what is searched for as columns, and the rest of its value as JSON (`body`). How to add a table: a
//! migration in `migrations/<backend>/`, a file of the table's name in each backend, a [`Change`] for each way of writing
//! it, the reads here, and a test in the contract.

mod batch;
mod group;
pub mod sandbox;
mod sqlite;
mod wake;

pub use batch::{Answer, Batch, Change};
pub use wake::{Topic, Waiter};
