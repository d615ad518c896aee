//! `countersign providers`: who carries the messages, and whether they really do.

use super::ConfigFile;
use crate::{Failure, config::Settings, out};
use async_trait::async_trait;
use clap::{Args, Subcommand};
use countersign_delivery::{
    About, NotTaken, Opening, Outgoing, Provider, ReceiptNote, ReceiptSink, Rendered, providers,
};
use countersign_engine::clock::{Clock, SystemChance};
use countersign_model::{
    Address, Channel, Code, MessageId, TenantId,
    message::{Receipt, ReceiptPlan},
};
use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tokio::sync::mpsc;

/// List the providers, and try one out
///
/// Both read the configuration and nothing else: no server needs to run, and none is disturbed.
#[derive(Debug, Args)]
pub(super) struct Providers {
    #[command(flatten)]
    file: ConfigFile,
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// List the providers: name, kind, channels, and the routes that use them
    List,
    /// Send one real message through one provider, and show each step
    ///
    /// The message is marked as a test; its code, 000000, is good for nothing. Ends with 0 only if the provider took it.
    Test {
        /// Which provider: its name in the configuration
        name: String,
        /// Where to: a phone number such as +34666666111, or an e-mail address
        to: String,
        /// By which channel: sms, voice, email, whatsapp or telegram; without it, the first that the provider serves
        #[arg(long, value_parser = channel)]
        channel: Option<Channel>,
    },
}

/// It fits into one part of a text message.
const TEXT: &str = "This is a test of a provider. 000000 would be your code; it is good for nothing.";
const CODE: &str = "000000";
/// What a message says of the life of that code.
const LIFE_SECONDS: u32 = 300;

fn channel(text: &str) -> Result<Channel, String> {
    let known = Channel::ALL.map(Channel::name).join(", ");
    Channel::parse(text).ok_or_else(|| format!("there is {known}"))
}

impl Providers {
    pub(super) async fn run(self) -> Result<(), Failure> {
        let settings = self.file.load()?.settings;
        let providers = providers::build(&settings.providers).map_err(|bad| Failure::usage(vec![bad.to_string()]))?;
        match self.action {
            Action::List => list(&settings, &providers),
            Action::Test { name, to, channel } => {
                let Some(provider) = providers.get(&name) else {
                    let line = format!("there is no provider {name}; `countersign providers list` shows all");
                    return Err(Failure::usage(vec![line]));
                };
                let message = message(&**provider, &to, channel)?;
                try_out(&name, provider, &message).await
            }
        }
    }
}

fn list(settings: &Settings, providers: &providers::Providers) -> Result<(), Failure> {
    for name in providers.names() {
        let Some(provider) = providers.get(name) else { continue };
        let kind = settings.providers.kind_of(name).unwrap_or_default();
        let channels: Vec<&str> = provider.channels().iter().map(|channel| channel.name()).collect();
        let is_asked = |channel: &Channel| settings.routes.named(*channel).any(|(_, asked)| asked == name);
        let routes: Vec<&str> = Channel::ALL.iter().filter(|channel| is_asked(channel)).map(|c| c.name()).collect();
        let routes = if routes.is_empty() { "no route".to_owned() } else { format!("routes {}", routes.join(",")) };
        out::line(&format!("{name}  {kind}  {}  {routes}", channels.join(",")))?;
    }
    Ok(())
}

fn message(provider: &dyn Provider, to: &str, channel: Option<Channel>) -> Result<Outgoing, Failure> {
    let served = provider.channels();
    let channel = channel.or_else(|| served.first().copied()).filter(|channel| served.contains(channel));
    let channel = channel.ok_or_else(|| usage("this provider does not carry messages of this channel"))?;
    let to = Address::parse(channel, to).map_err(|bad| usage(&format!("the address {bad}")))?;
    let code = Code::own(CODE).map_err(|bad| Failure::other(bad.to_string()))?;
    let now = Clock::system().wall();
    let subject = (channel == Channel::Email).then(|| "A test of a provider".to_owned());
    Ok(Outgoing {
        id: MessageId::generate(now, &SystemChance::default()),
        tenant: TenantId::from_bytes([0; 16]),
        tenant_name: String::new(),
        verification: None,
        channel,
        to,
        from: None,
        from_address: None,
        dlt: None,
        content: Rendered { subject, text: TEXT.to_owned(), html: None },
        language: "en".to_owned(),
        life_seconds: Some(LIFE_SECONDS),
        life_minutes: Some(LIFE_SECONDS / 60),
        code: Some(code),
        link: None,
        receipt_url: None,
        call_url: None,
        now,
    })
}

/// How long the receipt of a test message is waited for, where it comes over the provider's own connection.
const RECEIPT: Duration = Duration::from_secs(10);

/// Steps are told as they happen: the last line before a long silence says where it hangs.
async fn try_out(name: &str, provider: &Arc<dyn Provider>, message: &Outgoing) -> Result<(), Failure> {
    step("provider", &format!("{name}, by {}", message.channel.name()));
    let (told, mut receipts) = mpsc::unbounded_channel();
    let told = Arc::new(Told { reference: Mutex::default(), receipts: told });
    let random = Arc::new(SystemChance::default());
    provider.open(Opening { name: name.to_owned(), receipts: Arc::<Told>::clone(&told), random });
    let began = tokio::time::Instant::now();
    let took = || Duration::from_millis(u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX));
    let result = provider.send_watched(message, &step).await;
    let after = took();
    let done = match result {
        Ok(accepted) => {
            told.reference.lock().unwrap_or_else(PoisonError::into_inner).clone_from(&accepted.reference);
            out::line(&format!("{:<12}after {after:?}", "accepted"))?;
            if accepted.receipt == ReceiptPlan::Expected && !provider.links().is_empty() {
                let receipt = tokio::time::timeout(RECEIPT, receipts.recv()).await.ok().flatten();
                match receipt {
                    Some(receipt) => step("receipt", &format!("{receipt:?} after {:?}", took())),
                    None => step("receipt", &format!("none within {} s; it may come later", RECEIPT.as_secs())),
                }
            }
            Ok(())
        }
        Err(error) => Err(Failure::other(format!("not accepted after {after:?}: {error}"))),
    };
    provider.close().await;
    done
}

/// Takes the receipt of the test message and nothing else: a carrier may hand over those of the server's messages here, which it
/// must keep for the server.
struct Told {
    reference: Mutex<Option<String>>,
    receipts: mpsc::UnboundedSender<Receipt>,
}

#[async_trait]
impl ReceiptSink for Told {
    async fn take(&self, _provider: &str, note: &ReceiptNote) -> Result<(), NotTaken> {
        let reference = self.reference.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let Some(reference) = reference else { return Err(NotTaken::NoSuchMessage) };
        match &note.about {
            About::Names { names, .. } if names.contains(&reference) => {
                let _ = self.receipts.send(note.receipt);
                Ok(())
            }
            About::Names { .. } | About::Reference(_) | About::Message(_) => Err(NotTaken::Unavailable),
        }
    }
}

/// A reader that goes away does not keep a message from being sent.
fn step(title: &str, text: &str) {
    _ = out::line(&format!("{title:<12}{text}"));
}

fn usage(line: &str) -> Failure {
    Failure::usage(vec![line.to_owned()])
}
