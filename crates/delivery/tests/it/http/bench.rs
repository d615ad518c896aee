//! A configuration of `aggregators/`, pointed at a simulator: its address, its secrets, and nothing else is changed.

use super::simulator::{Call, Carries, Heard, Report, Simulator, Trouble, Vendor};
use aws_lc_rs::{
    encoding::{AsDer as _, Pkcs8V1Der},
    rsa::{KeyPair, KeySize},
    signature::KeyPair as _,
};
use countersign_delivery::{
    Accepted, BadReceipt, CallStep, Line, Outgoing, Provider, ReceiptRequest, Receipts, Rendered, SendError, providers,
};
use countersign_model::{Address, Channel, Code, MessageId, TenantId, Timestamp, VerificationId};
use data_encoding::BASE64;
use http::HeaderMap;
use std::{
    fs,
    path::Path,
    sync::{Arc, LazyLock},
};
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
/// Where a vendor would ask what to say in the call of the tests.
pub const CALL: &str = "https://verify.acme.example/calls/x/msg_0/t0ken";
/// Where files of secrets are in the configurations.
const SECRETS: &str = "/run/secrets/";

/// The content of the secret's file with this name.
pub fn secret(name: &str) -> String {
    if name.ends_with(PRIVATE_KEY) { OUR_KEY.pem.clone() } else { format!("s3cret+{name}") }
}

/// What a stranger would have there.
pub fn wrong_secret(name: &str) -> String {
    if name.ends_with(PRIVATE_KEY) { OTHER_KEY.pem.clone() } else { format!("wr0ng+{name}") }
}

/// How the names of files end that hold a private key.
const PRIVATE_KEY: &str = "private-key";

/// An RSA key.
pub struct RsaKey {
    /// The private one.
    pub pem: String,
    /// The public one (RFC 8017, A.1.1).
    pub public: Vec<u8>,
}

pub static OUR_KEY: LazyLock<RsaKey> = LazyLock::new(RsaKey::generate);
static OTHER_KEY: LazyLock<RsaKey> = LazyLock::new(RsaKey::generate);

impl RsaKey {
    fn generate() -> Self {
        let key = KeyPair::generate(KeySize::Rsa2048).unwrap();
        let der: Pkcs8V1Der<'_> = key.as_der().unwrap();
        let body = BASE64.encode(der.as_ref());
        let pem = format!("-----BEGIN PRIVATE KEY-----\n{body}\n-----END PRIVATE KEY-----\n");
        Self { pem, public: key.public_key().as_ref().to_vec() }
    }
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
        if let Some(reach) = section.get_mut("reach") {
            point_to(port, reach["request"].as_table_mut().unwrap());
        }
        let request = section["request"].as_table_mut().unwrap();
        request.insert("timeout_seconds".into(), timeout_seconds.into());
        point_to(port, request);
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

/// The address of a request, at the simulator.
fn point_to(port: u16, request: &mut Table) {
    let url = request["url"].as_str().unwrap();
    let (_, path) = url.split_once("://").and_then(|(_, rest)| rest.split_once('/')).unwrap();
    let url = format!("http://127.0.0.1:{port}/{path}");
    request.insert("url".into(), url.into());
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

    /// A message for this vendor.
    pub fn message(&self) -> Outgoing {
        message_for(self.vendor)
    }

    /// What is heard in the call when the vendor asks what to say, with a key that was pressed or before any could be.
    pub fn hear(&self, pressed: Option<&str>, forge: bool) -> Result<Heard, BadReceipt> {
        let mut question = self.vendor.asks(CALL, pressed);
        if forge {
            question = self.vendor.forges(question);
        }
        let step = called(&question, |request| self.provider.call_step(request))?;
        let text = match step {
            CallStep::Ask => "Press 1.",
            CallStep::Say => "It is 4, 8, 2, 9, 1, 3.",
            CallStep::End => "",
        };
        let told = self.provider.tell(&Line { step, text, language: "en", call_url: CALL }).unwrap();
        Ok(self.vendor.hears(&told))
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
    called(call, |request| provider.receipts(request))
}

/// Takes a call to us as the server would.
fn called<T>(call: &Call, take: impl FnOnce(&ReceiptRequest<'_>) -> T) -> T {
    let pairs = call.headers.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap()));
    let headers: HeaderMap = pairs.collect();
    let query = call.url.split_once('?').map_or("", |(_, query)| query);
    take(&ReceiptRequest {
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
        language: "en".into(),
        life_seconds: Some(299),
        life_minutes: Some(5),
        call_url: None,
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

/// The same for this vendor.
pub fn message_for(vendor: &dyn Vendor) -> Outgoing {
    let call_url = (vendor.carries() == Carries::Call).then(|| CALL.to_owned());
    Outgoing { call_url, ..message_by(vendor.channel()) }
}

/// The same by another channel.
pub fn message_by(channel: Channel) -> Outgoing {
    match channel {
        Channel::Email => {
            let mail = Outgoing { channel, to: Address::from_normalised(TO_MAIL).unwrap(), ..message() };
            saying(mail, &format!("{CODE} is your code."))
        }
        Channel::Sms | Channel::Voice | Channel::Whatsapp | Channel::Telegram => Outgoing { channel, ..message() },
    }
}

/// A message with another text; of a mail in its subject and its HTML too.
pub fn saying(message: Outgoing, text: &str) -> Outgoing {
    let is_mail = message.channel == Channel::Email;
    let subject = is_mail.then(|| text.replace('\n', " "));
    let html = is_mail.then(|| format!("<p dir=\"rtl\">{text}</p>"));
    Outgoing { content: Rendered { subject, text: text.into(), html }, ..message }
}
