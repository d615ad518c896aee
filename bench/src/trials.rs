//! Lists and statistics of trials (the Authentix dialect) over a store with many of them. The store is filled directly, since a
//! million starts over HTTP would measure something else; the questions are asked over HTTP, one after the other, of the real
//! binary.
//!
//! `cargo run --release -p countersign-bench -- --trials 1000000`

use crate::{Outcome, client::Client, filling, product::Product};
use countersign_engine::keys::Keys;
use countersign_model::{
    Address, Channel, CodeShape, Configuration, ConfigurationRules, Message, MessageId, Sealed, Service, ServiceId,
    State, TenantId, Timestamp, Trial, Verification,
    address::{LineType, PhoneTraits},
    message::MessageState,
};
use countersign_store::{Batch, Change};
use std::{path::Path, time::Duration};
use tokio::time::Instant;

/// Each verification sends this many messages.
const TRIALS_EACH: u32 = 5;
const DAYS: i64 = 60;
const DAY_MS: i64 = 86_400_000;
/// Country, prefix of its numbers, and its share in ten.
const COUNTRIES: [(&str, &str, u32); 4] = [("CM", "2376", 5), ("FR", "336", 3), ("ES", "346", 1), ("GA", "2417", 1)];
const CONFIGURATIONS: u32 = 4;
const ASKED: usize = 200;

/// What is filled in, and how it is found again.
struct Filling {
    tenant: TenantId,
    keys: Keys,
    services: Vec<Service>,
    /// The first moment; later ones up to now.
    since_ms: i64,
    verifications: u32,
}

/// Fills and asks, and gives the table.
pub async fn run(binary: &Path, trials: u32) -> Outcome<String> {
    let product = Product::start(binary).await?;
    let data = product.stop().await?;
    let began = Instant::now();
    let filling = fill(data.path(), trials / TRIALS_EACH).await?;
    let filled_in = began.elapsed();
    let product = Product::start_on(binary, data).await?;
    let mut table = format!(
        "{trials} trials in {CONFIGURATIONS} configurations over {DAYS} days, filled in {} s; each question asked {ASKED} times\n\n\
         | question | p50 ms | p99 ms | longest ms |\n|---|--:|--:|--:|\n",
        filled_in.as_secs()
    );
    for (title, path) in filling.questions() {
        let mut took = asked(&product, &path).await?;
        took.sort_unstable();
        let at =
            |share: usize| took.get((took.len() - 1) * share / 100).copied().unwrap_or_default().as_secs_f64() * 1e3;
        table += &[title, &format!(" | {:.1} | {:.1} | {:.1} |\n", at(50), at(99), at(100))].concat();
    }
    Ok(table)
}

async fn asked(product: &Product, path: &str) -> Outcome<Vec<Duration>> {
    let mut client = Client::connect(&product.process.url).await?;
    let headers = format!("apiuser: dev\r\napikey: {}\r\n", product.key);
    let mut took = Vec::with_capacity(ASKED);
    for _ in 0..ASKED {
        let began = Instant::now();
        let status = client.get_with(path, &headers).await?.status;
        took.push(began.elapsed());
        if status != 200 {
            return Err(format!("{path} was answered with {status}").into());
        }
    }
    Ok(took)
}

async fn fill(dir: &Path, verifications: u32) -> Outcome<Filling> {
    let store = filling::open(dir).await?;
    let tenant = store.tenant_named("dev").await?.ok_or("no tenant")?;
    let now_ms = tenant.created_at.as_ms();
    let configurations: Vec<Configuration> = (0..CONFIGURATIONS).map(|n| configuration(tenant.id, n, now_ms)).collect();
    let filling = Filling {
        tenant: tenant.id,
        keys: Keys::load(&dir.join("keys.json"))?,
        services: configurations.iter().map(Configuration::service).collect(),
        since_ms: now_ms - DAYS * DAY_MS,
        verifications,
    };
    store.write(configurations.into_iter().map(Change::PutConfiguration).fold(Batch::new(), Batch::with)).await?;
    let mut next = 0;
    while next < verifications {
        let end = verifications.min(next + 200);
        let batch =
            (next..end).filter_map(|number| filling.verification(number)).flatten().fold(Batch::new(), Batch::with);
        store.write(batch).await?;
        next = end;
    }
    store.close().await;
    Ok(filling)
}

fn configuration(tenant: TenantId, number: u32, now_ms: i64) -> Configuration {
    let now = Timestamp::from_ms(now_ms);
    Configuration {
        id: ServiceId::from_bytes((u128::from(number) + 1).to_be_bytes()),
        tenant,
        version: 0,
        rules: ConfigurationRules { name: format!("Shop {number}"), ..ConfigurationRules::default() },
        created_at: now,
        updated_at: now,
    }
}

impl Filling {
    /// One verification and its messages.
    fn verification(&self, number: u32) -> Option<Vec<Change>> {
        let span_ms = DAYS * DAY_MS / i64::from(self.verifications) * i64::from(number);
        let made_ms = self.since_ms + span_ms;
        let id = |ms: i64, place: u32| filling::id(Timestamp::from_ms(ms), u64::from(number) * 16 + u64::from(place));
        let (country, to) = destination(number)?;
        let service = self.services.get(usize::try_from(number % CONFIGURATIONS).ok()?)?;
        let at = |place: u32| Timestamp::from_ms(made_ms + i64::from(place) * 1000);
        let passed = number % 10 < 7;
        let trial = |place: u32| MessageId::from_bytes(id(at(place).as_ms(), place));
        let verification = Verification {
            phone: Some(PhoneTraits { country: Some(country.to_owned()), line: LineType::Mobile, operator: None }),
            policy: countersign_model::Policy { code: CodeShape::SIX_DIGITS, ..service.policy.clone() },
            text: Some(Sealed { key_version: 1, bytes: vec![0; 120] }),
            trial: Some(trial(TRIALS_EACH - 1)),
            state: if passed { State::Approved } else { State::Expired },
            sends: TRIALS_EACH,
            decided_at: Some(at(TRIALS_EACH)),
            ..filling::approved(service, &self.keys, &to, id(made_ms, 15), at(0))
        };
        let mut changes = Vec::new();
        for place in 0..TRIALS_EACH {
            let mut message = Message::of_code(trial(place), &verification, 0, at(place));
            (message.state, message.due_at) = (MessageState::Delivered, None);
            changes.push(Change::InsertMessage(message));
            changes.push(Change::InsertTrial(Trial {
                tenant: self.tenant,
                id: trial(place),
                verification: verification.id,
                service: service.id,
                to: verification.to_index,
                channel: Channel::Sms,
                country: Some(country.to_owned()),
                successful: passed && place + 1 == TRIALS_EACH,
                price_e4: 0,
                currency: "EUR".to_owned(),
                updated_at: at(place),
            }));
        }
        changes.push(Change::InsertVerification(verification));
        Some(changes)
    }

    /// What is asked: a row's beginning, and the path.
    fn questions(&self) -> Vec<(&'static str, String)> {
        let root = "/rest/authentix/v1";
        let configuration = format!("configurationId=CID{:032x}", 1);
        let moment = |share: i64| {
            let ms = self.since_ms + DAYS * DAY_MS * share / 100;
            jiff::Timestamp::from_millisecond(ms).unwrap_or_default()
        };
        let span = format!("sentAfter={}&sentBefore={}", moment(20), moment(70));
        let dest = destination(self.verifications / 2).map(|(_, to)| to.as_str().trim_start_matches('+').to_owned());
        let list = |query: &str| format!("{root}/authenticationTrials?{query}");
        let stats = |query: &str| format!("{root}/authenticationTrialStats?{query}");
        vec![
            ("| first page of a configuration", list(&configuration)),
            ("| first page of all", list("")),
            (
                "| filtered by configuration, status, country and span",
                list(&format!("{configuration}&trialStatus=successful&country=CM&{span}")),
            ),
            ("| filtered by the rarest country", list("country=GA&trialStatus=successful")),
            ("| filtered by destination", list(&format!("dest=%2B{}", dest.unwrap_or_default()))),
            (
                "| a page in the middle of a configuration",
                list(&format!("{configuration}&page={}", self.verifications * TRIALS_EACH / CONFIGURATIONS / 40)),
            ),
            ("| the last page of all", list(&format!("page={}", self.verifications * TRIALS_EACH / 20 - 1))),
            ("| a page of a thousand", list(&format!("{configuration}&pageSize=1000"))),
            ("| statistics of a configuration", stats(&configuration)),
            ("| statistics of a configuration in a span", stats(&format!("{configuration}&{span}"))),
            ("| statistics of all", stats("")),
        ]
    }
}

/// A number's country, and the number.
fn destination(number: u32) -> Option<(&'static str, Address)> {
    let mut left = number / CONFIGURATIONS % 10;
    let (country, prefix, _) = COUNTRIES.iter().find(|(_, _, share)| {
        let found = left < *share;
        left = left.saturating_sub(*share);
        found
    })?;
    Some((country, Address::from_normalised(&format!("+{prefix}{number:08}")).ok()?))
}
