//! How an authentication stands, in this API's codes. 020 is the vendor's; the table of the others is in no public record, so they are
//! ours, and all of them are here.

use super::reply::Node;
use countersign_model::State;

/// How it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    Pending,
    Solved,
    /// Only ever the answer to a wrong PIN.
    NotSolved,
    Exhausted,
    Expired,
    Undelivered,
}

impl Standing {
    /// `challengeStatus` and `description`.
    const fn words(self) -> (&'static str, &'static str) {
        match self {
            Self::Pending => ("010", "Challenge pending"),
            Self::Solved => ("020", "Challenge solved"),
            Self::NotSolved => ("030", "Challenge not solved"),
            Self::Exhausted => ("040", "Maximum retries exceeded"),
            Self::Expired => ("050", "Challenge expired"),
            Self::Undelivered => ("060", "Challenge could not be delivered"),
        }
    }

    /// From the state of the verification, and whether its message is known to have reached nobody. That is final, so it stays true
    /// when the time is over; but what was solved or failed before was delivered to somebody.
    pub(super) const fn of(state: State, is_undelivered: bool) -> Self {
        match state {
            State::Approved => Self::Solved,
            State::Exhausted | State::Denied => Self::Exhausted,
            State::Pending | State::Expired | State::Cancelled if is_undelivered => Self::Undelivered,
            State::Pending => Self::Pending,
            State::Expired | State::Cancelled => Self::Expired,
        }
    }

    pub(super) fn node(self) -> Node {
        self.node_saying(self.words().1)
    }

    /// The same in other words: the vendor documents two for "solved".
    pub(super) fn node_saying(self, description: &str) -> Node {
        Node::Object(vec![
            ("challengeStatus", self.words().0.into()),
            ("challengeSolved", Node::Flag(self == Self::Solved)),
            ("description", description.into()),
        ])
    }
}
