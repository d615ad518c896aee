//! What happens by itself. Each job does one step when told to (`run_once`), and so a test drives it without waiting;
//! `runner.rs` has the only loop.

mod call_webhooks;
mod deliver;
mod expire;
mod overdue_receipts;
mod purge;
mod report;
mod runner;

pub use call_webhooks::CallWebhooks;
pub use deliver::Deliver;
pub(crate) use deliver::LEASE;
pub use expire::Expire;
pub use overdue_receipts::OverdueReceipts;
pub use purge::Purge;
pub use report::Report;
pub use runner::Jobs;

/// What one step of a job found to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// Something, and there may be more: call again at once.
    More,
    /// Nothing that is due.
    Idle,
}
