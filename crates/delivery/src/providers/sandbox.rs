//! The provider of `countersign dev`: no message leaves the machine. It asks an [`Inbox`] what is to happen to a message,
//! and puts there what arrives. What an inbox is, and who reads it, is the engine's and the sandbox pages' business.

use crate::{Accepted, Outgoing, Provider, SendError};
use async_trait::async_trait;
use countersign_model::{
    Address, Channel,
    message::{Receipt, ReceiptPlan},
};
use std::time::Duration;

/// What happens to a message.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Outcome {
    /// It arrives.
    #[default]
    Deliver,
    /// It is refused.
    Reject,
    /// It is taken, and nobody ever hears of it again.
    Lose,
    /// It is taken, and then reported as undelivered.
    Undelivered,
}

/// An [`Outcome`], and how long the provider takes for it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    /// What happens.
    pub outcome: Outcome,
    /// After how long.
    pub delay: Duration,
}

/// Where the messages of the sandbox arrive.
#[async_trait]
pub trait Inbox: Send + Sync {
    /// What is to happen to a message to this address.
    async fn plan(&self, to: &Address) -> Plan;

    /// A message arrives. The same message may arrive twice, and is then there once.
    ///
    /// # Errors
    /// When it could not be kept.
    async fn put(&self, message: &Outgoing) -> Result<(), SendError>;
}

/// Carries messages of every channel into an inbox.
#[derive(Debug)]
pub struct SandboxProvider<I>(I);

impl<I: Inbox> SandboxProvider<I> {
    /// The name under which it is found in routes.
    pub const NAME: &str = "sandbox";

    /// Carries into this inbox.
    pub const fn new(inbox: I) -> Self {
        Self(inbox)
    }
}

#[async_trait]
impl<I: Inbox> Provider for SandboxProvider<I> {
    async fn send(&self, message: &Outgoing) -> Result<Accepted, SendError> {
        let plan = self.0.plan(&message.to).await;
        if !plan.delay.is_zero() {
            tokio::time::sleep(plan.delay).await;
        }
        let receipt = match plan.outcome {
            Outcome::Deliver => {
                self.0.put(message).await?;
                ReceiptPlan::Now(Receipt::Delivered)
            }
            Outcome::Reject => return Err(SendError::Refused("the sandbox was told to refuse it".to_owned())),
            Outcome::Lose => ReceiptPlan::Expected,
            Outcome::Undelivered => ReceiptPlan::Now(Receipt::Undelivered),
        };
        Ok(Accepted { reference: Some(message.id.to_string()), receipt })
    }

    fn channels(&self) -> &[Channel] {
        &Channel::ALL
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::outgoing;
    use std::sync::atomic::{AtomicUsize, Ordering};

    struct Counting {
        plan: Plan,
        put: AtomicUsize,
    }

    #[async_trait]
    impl Inbox for &Counting {
        async fn plan(&self, _: &Address) -> Plan {
            self.plan
        }
        async fn put(&self, _: &Outgoing) -> Result<(), SendError> {
            self.put.fetch_add(1, Ordering::Relaxed);
            Ok(())
        }
    }

    async fn send(plan: Plan) -> (Result<ReceiptPlan, SendError>, usize) {
        let inbox = Counting { plan, put: AtomicUsize::new(0) };
        let result = SandboxProvider::new(&inbox).send(&outgoing()).await;
        (result.map(|accepted| accepted.receipt), inbox.put.load(Ordering::Relaxed))
    }

    fn plan(outcome: Outcome) -> Plan {
        Plan { outcome, delay: Duration::ZERO }
    }

    #[tokio::test]
    async fn only_a_delivered_message_reaches_the_inbox() {
        assert_eq!(send(plan(Outcome::Deliver)).await, (Ok(ReceiptPlan::Now(Receipt::Delivered)), 1));
        assert_eq!(send(plan(Outcome::Undelivered)).await, (Ok(ReceiptPlan::Now(Receipt::Undelivered)), 0));
        assert_eq!(send(plan(Outcome::Lose)).await, (Ok(ReceiptPlan::Expected), 0));
        let (result, put) = send(plan(Outcome::Reject)).await;
        assert!(matches!(result, Err(SendError::Refused(_))) && put == 0);
    }

    #[tokio::test(start_paused = true)]
    async fn a_delay_is_waited_for() {
        let began = tokio::time::Instant::now();
        let delay = Duration::from_millis(700);
        send(Plan { outcome: Outcome::Deliver, delay }).await.0.unwrap();
        assert_eq!(began.elapsed(), delay);
    }
}
