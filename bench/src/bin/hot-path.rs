//! The hot path in one process without a network: `scripts/instructions` counts what the processor executes for it, which
//! depends on the code and hardly on the machine. The difference between a long and a short run is what one more costs.
//!
//! `hot-path start|deliver|check COUNT`

use countersign_engine::{
    commands::{CheckCode, CreateKey, KeyForm, Overrides, ServiceRef, StartVerification, Target},
    jobs::Jobs,
    testing::Harness,
};
use countersign_model::{Address, Channel, Code, Scope, Typed, VerificationId};
use std::collections::BTreeMap;

type Outcome<T> = Result<T, Box<dyn std::error::Error + Send + Sync>>;

/// The caller's own code: no message has to be read to know it.
const CODE: &str = "481516";

#[tokio::main(flavor = "current_thread")]
async fn main() -> Outcome<()> {
    let mut words = std::env::args().skip(1);
    let (Some(what), Some(count)) = (words.next(), words.next()) else {
        return Err("usage: hot-path start|deliver|check COUNT".into());
    };
    let count: u32 = count.parse()?;
    let path = HotPath::new().await?;
    // All of them do the same until here, so that the difference of two runs is the last step alone.
    match what.as_str() {
        "start" => path.start(count).await.map(drop),
        "deliver" => {
            let jobs = Jobs::start(&path.harness.engine);
            path.start(count).await?;
            // What was begun is finished before it returns.
            jobs.stop().await;
            Ok(())
        }
        "check" => path.check(path.start(count).await?).await,
        _ => Err(format!("there is no {what}").into()),
    }
}

struct HotPath {
    harness: Harness,
    key: String,
}

impl HotPath {
    async fn new() -> Outcome<Self> {
        let harness = Harness::new().await;
        let command = CreateKey {
            name: "bench".to_owned(),
            scopes: Scope::ALL.to_vec(),
            allowed_from: Vec::new(),
            form: KeyForm::Native,
            test: false,
        };
        let created = harness.engine.run(&harness.caller, None, &command).await?;
        Ok(Self { key: created.secret.clone(), harness })
    }

    async fn start(&self, count: u32) -> Outcome<Vec<VerificationId>> {
        let mut ids = Vec::new();
        for number in 0..count {
            let caller = self.harness.engine.authenticate(&self.key, None).await?.ok_or("the key is unknown")?;
            let command = StartVerification {
                service: ServiceRef::Default,
                channel: Channel::Sms,
                to: Address::parse(Channel::Sms, &format!("+34{}", 600_000_000 + number))?,
                code: Some(Code::own(CODE)?),
                locale: None,
                metadata: BTreeMap::new(),
                payment: None,
                overrides: Overrides::default(),
            };
            ids.push(self.harness.engine.run(&caller, None, &command).await?.verification.id);
        }
        Ok(ids)
    }

    async fn check(&self, ids: Vec<VerificationId>) -> Outcome<()> {
        for id in ids {
            let caller = self.harness.engine.authenticate(&self.key, None).await?.ok_or("the key is unknown")?;
            let command = CheckCode { target: Target::Id(id), code: Typed::Text(Code::typed(CODE)), payment: None };
            self.harness.engine.run(&caller, None, &command).await.map(drop)?;
        }
        Ok(())
    }
}
