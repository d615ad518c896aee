//! A configuration of `aggregators/`, pointed at a simulator: its address, its secrets, and nothing else is changed.

use super::simulator::{Call, Report, Simulator, Trouble, Vendor};
use countersign_delivery::{
    Accepted, BadReceipt, Outgoing, Provider, ReceiptRequest, Receipts, Rendered, SendError, providers,
};
use countersign_model::{Address, Channel, Code, MessageId, TenantId, Timestamp, VerificationId};
use http::HeaderMap;
use std::{fs, path::Path, sync::Arc};
use tempfile::TempDir;
use toml::{Table, Value};

/// Where the person of the tests is.
pub const TO: &str = "+34666666111";
/// The person's mail address.
pub const TO_MAIL: &str = "ana@example.com";
/// What the person must type.
pub const CODE: &str = "482913";
/// Where this server would be called back for the message of the tests.
pub const LINK: &str = "https://verify.acme.example/callbacks/x/msg_0/t0ken";
/// Where files of secrets are in the configurations.
const SECRETS: &str = "/run/secrets/";

/// The content of the secret's file with this name.
pub fn secret(name: &str) -> String {
    format!("s3cret+{name}")
}

/// A configuration of `aggregators/`, pointed at a simulator.
pub struct Configured {
    name: &'static str,
    file: Table,
    _secrets: TempDir,
}

impl Configured {
    /// The vendor's file for a simulator on this port.
    pub fn new(vendor: &dyn Vendor, port: u16, secret: fn(&str) -> String, timeout_seconds: i64) -> Self {
        let name = vendor.name();
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("aggregators").join(format!("{name}.toml"));
        let mut file: Table = fs::read_to_string(path).unwrap().parse().unwrap();
        let secrets = tempfile::tempdir().unwrap();
        bring_secrets(&mut file, &secrets, secret);
        let section = file["providers"]["http"][name].as_table_mut().unwrap();
        vendor.adapt(section);
        let request = section["request"].as_table_mut().unwrap();
        request.insert("timeout_seconds".into(), timeout_seconds.into());
        let url = request["url"].as_str().unwrap();
        let (_, path) = url.split_once("://").and_then(|(_, rest)| rest.split_once('/')).unwrap();
        let url = format!("http://127.0.0.1:{port}/{path}");
        request.insert("url".into(), url.into());
        Self { name, file, _secrets: secrets }
    }

    /// The provider.
    pub fn build(&self) -> Arc<dyn Provider> {
        let providers = providers::build(&typed(&self.file)).unwrap();
        Arc::clone(providers.get(self.name).unwrap())
    }

    /// The settings with each secret in the place of the file that holds it.
    pub fn with_secrets_inside(&self) -> providers::Settings {
        let mut file = self.file.clone();
        each_table(&mut file, &mut |table| {
            let names: Vec<String> = table.keys().filter(|name| name.ends_with("_file")).cloned().collect();
            for name in names {
                let path = table.remove(&name).unwrap();
                let text = fs::read_to_string(path.as_str().unwrap()).unwrap();
                table.insert(name.trim_end_matches("_file").to_owned(), text.into());
            }
        });
        typed(&file)
    }
}

fn typed(file: &Table) -> providers::Settings {
    file["providers"].clone().try_into().unwrap()
}

/// Writes each file of a secret that the configuration names, and points to it.
fn bring_secrets(file: &mut Table, folder: &TempDir, secret: fn(&str) -> String) {
    each_table(file, &mut |table| {
        for (_, value) in table.iter_mut().filter(|(name, _)| name.ends_with("_file")) {
            let name = value.as_str().unwrap().strip_prefix(SECRETS).expect("secrets are in /run/secrets").to_owned();
            let path = folder.path().join(&name);
            fs::write(&path, secret(&name)).unwrap();
            *value = path.to_str().unwrap().into();
        }
    });
}

fn each_table(table: &mut Table, visit: &mut dyn FnMut(&mut Table)) {
    visit(table);
    for (_, value) in table.iter_mut() {
        if let Value::Table(inner) = value {
            each_table(inner, visit);
        }
    }
}

/// A provider and the simulator that it speaks with.
pub struct Bench {
    pub vendor: &'static dyn Vendor,
    pub simulator: Simulator,
    pub provider: Arc<dyn Provider>,
    pub configured: Configured,
}

impl Bench {
    pub async fn new(vendor: &'static dyn Vendor, trouble: Trouble) -> Self {
        Self::with(vendor, trouble, secret, 6).await
    }

    pub async fn with(
        vendor: &'static dyn Vendor,
        trouble: Trouble,
        secret: fn(&str) -> String,
        timeout_seconds: i64,
    ) -> Self {
        let simulator = Simulator::start(vendor, trouble).await;
        let configured = Configured::new(vendor, simulator.port, secret, timeout_seconds);
        Self { vendor, simulator, provider: configured.build(), configured }
    }

    /// The message of the tests, by the vendor's channel.
    pub fn message(&self) -> Outgoing {
        message_by(self.vendor.channel())
    }

    pub async fn send(&self, message: &Outgoing) -> Result<Accepted, SendError> {
        self.provider.send(message).await
    }

    /// What the provider reads from a report.
    pub fn receive(&self, what: Report, forge: bool) -> Result<Receipts, BadReceipt> {
        let report = self.vendor.reports(LINK, what);
        receive(&*self.provider, &if forge { self.vendor.forges(report) } else { report })
    }

    /// What the provider reads from a report about a message that somebody else sends over the same account.
    pub fn receive_of_others(&self, what: Report) -> Result<Receipts, BadReceipt> {
        receive(&*self.provider, &self.vendor.reports_of_others(what))
    }
}

/// What a provider reads from a call.
pub fn receive(provider: &dyn Provider, call: &Call) -> Result<Receipts, BadReceipt> {
    let pairs = call.headers.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap()));
    let headers: HeaderMap = pairs.collect();
    let query = call.url.split_once('?').map_or("", |(_, query)| query);
    provider.receipts(&ReceiptRequest {
        method: &call.method,
        url: &call.url,
        query,
        headers: &headers,
        body: call.body.as_bytes(),
        message: call.by_link.then(|| message().id),
    })
}

/// A message with a code, as most are.
pub fn message() -> Outgoing {
    Outgoing {
        id: MessageId::from_bytes([1; 16]),
        tenant: TenantId::from_bytes([2; 16]),
        tenant_name: "acme".into(),
        verification: Some(VerificationId::from_bytes([3; 16])),
        channel: Channel::Sms,
        to: Address::from_normalised(TO).unwrap(),
        from: Some("AcmeShop".into()),
        from_address: None,
        dlt: None,
        content: Rendered { subject: None, text: format!("{CODE} is your code."), html: None },
        code: Some(Code::own(CODE).unwrap()),
        link: None,
        receipt_url: Some(LINK.into()),
        now: Timestamp::from_ms(1_767_225_600_000),
    }
}

/// The same by another channel.
pub fn message_by(channel: Channel) -> Outgoing {
    match channel {
        Channel::Email => {
            let mail = Outgoing { channel, to: Address::from_normalised(TO_MAIL).unwrap(), ..message() };
            saying(mail, &format!("{CODE} is your code."))
        }
        Channel::Sms | Channel::Voice => Outgoing { channel, ..message() },
    }
}

/// A message with another text; of a mail in its subject and its HTML too.
pub fn saying(message: Outgoing, text: &str) -> Outgoing {
    let is_mail = message.channel == Channel::Email;
    let subject = is_mail.then(|| text.replace('\n', " "));
    let html = is_mail.then(|| format!("<p dir=\"rtl\">{text}</p>"));
    Outgoing { content: Rendered { subject, text: text.into(), html }, ..message }
}
