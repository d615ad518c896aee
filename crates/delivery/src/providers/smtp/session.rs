//! The dialogue with one relay. lettre's ready-made transport does not tell at which step a dialogue failed, and that is what
//! decides between "try again", "refused" and "nobody knows"; so its connection is led step by step here, and finished ones
//! are kept for a moment for the next mail.
//!
//! lettre's feature `tracing` must stay off: it logs whole mails.

use super::{
    BadSetting, Settings, Tls,
    mail::Mail,
    reply::{Stage, failure},
};
use crate::SendError;
use lettre::transport::smtp::{
    Error,
    authentication::{Credentials, Mechanism},
    client::{AsyncSmtpConnection, TlsParameters},
    commands::{Data, Mail as MailFrom, Rcpt, Rset},
    extension::{ClientId, Extension, MailBodyParameter, MailParameter},
    response::Response,
};
use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};
use tokio::time::{Instant, timeout_at};

/// How long a finished connection is kept, and how many are. Relays close idle ones themselves after a minute or more.
const KEPT_FOR: Duration = Duration::from_secs(20);
const KEPT_AT_MOST: usize = 8;

const MECHANISMS: [Mechanism; 2] = [Mechanism::Plain, Mechanism::Login];

/// One relay and the connections to it that are free.
pub(super) struct Relay {
    host: String,
    port: u16,
    mode: Tls,
    tls: Option<TlsParameters>,
    hello: ClientId,
    credentials: Option<Credentials>,
    timeout: Duration,
    free: Mutex<Vec<(Instant, AsyncSmtpConnection)>>,
}

impl Relay {
    pub fn new(settings: &Settings) -> Result<Self, BadSetting> {
        Ok(Self {
            host: settings.host.clone(),
            port: settings.port(),
            mode: settings.tls,
            tls: settings.tls_parameters()?,
            hello: settings.hello()?,
            credentials: settings.credentials()?,
            timeout: settings.timeout()?,
            free: Mutex::default(),
        })
    }

    /// Hands over one mail, within the time limit.
    pub async fn hand_over(&self, mail: &Mail) -> Result<Response, SendError> {
        let deadline = Instant::now() + self.timeout;
        let late = || format!("no answer from the relay within {} s", self.timeout.as_secs());
        let Ok(ready) = timeout_at(deadline, self.announce(mail)).await else {
            // If the network swallows packets, the other connections are no better.
            self.free.lock().unwrap_or_else(PoisonError::into_inner).clear();
            return Err(SendError::Retry(late()));
        };
        let mut connection = ready?;
        match timeout_at(deadline, connection.message(&mail.bytes)).await {
            Ok(Ok(response)) => {
                self.keep(connection);
                Ok(response)
            }
            Ok(Err(error)) => Err(failure(Stage::Content, &error)),
            Err(_) => Err(SendError::Unknown(format!("the relay took the mail; {}", late()))),
        }
    }

    /// A connection on which the relay waits for the content of this mail.
    async fn announce(&self, mail: &Mail) -> Result<AsyncSmtpConnection, SendError> {
        while let Some(mut connection) = self.take_free() {
            must_carry(&connection, mail)?;
            match name_sender(&mut connection, mail).await {
                Ok(()) => return self.name_recipient(connection, mail).await,
                // The relay has closed it meanwhile, or is about to (421): a new one will tell more.
                Err(_) => drop(connection),
            }
        }
        let mut connection = self.connect().await?;
        must_carry(&connection, mail)?;
        name_sender(&mut connection, mail).await.map_err(|error| failure(Stage::Sender, &error))?;
        self.name_recipient(connection, mail).await
    }

    async fn connect(&self) -> Result<AsyncSmtpConnection, SendError> {
        let connecting = |error: Error| failure(Stage::Connect, &error);
        let (implicit, upgrade) = match self.mode {
            Tls::Implicit => (self.tls.clone(), None),
            Tls::StartTls | Tls::None => (None, self.tls.clone()),
        };
        let server = (self.host.as_str(), self.port);
        let mut connection =
            AsyncSmtpConnection::connect_tokio1(server, Some(self.timeout), &self.hello, implicit, None)
                .await
                .map_err(connecting)?;
        if let Some(parameters) = upgrade {
            if !connection.can_starttls() {
                return Err(SendError::Retry("the relay offers no STARTTLS, so nothing was sent to it".to_owned()));
            }
            connection.starttls(parameters, &self.hello).await.map_err(connecting)?;
        }
        if let Some(credentials) = &self.credentials {
            if connection.server_info().get_auth_mechanism(&MECHANISMS).is_none() {
                return Err(SendError::Retry("the relay offers no login by PLAIN or LOGIN".to_owned()));
            }
            let login = connection.auth(&MECHANISMS, credentials).await;
            login.map_err(|error| failure(Stage::Login, &error))?;
        }
        Ok(connection)
    }

    async fn name_recipient(
        &self,
        mut connection: AsyncSmtpConnection,
        mail: &Mail,
    ) -> Result<AsyncSmtpConnection, SendError> {
        let named = match connection.command(Rcpt::new(mail.to.clone(), Vec::new())).await {
            Ok(_) => connection.command(Data).await,
            refused => refused,
        };
        match named {
            Ok(_) => Ok(connection),
            Err(error) => {
                // One bad address is no reason to log in again.
                if error.status().is_some() && connection.command(Rset).await.is_ok() {
                    self.keep(connection);
                }
                Err(failure(Stage::Recipient, &error))
            }
        }
    }

    fn take_free(&self) -> Option<AsyncSmtpConnection> {
        let mut free = self.free.lock().unwrap_or_else(PoisonError::into_inner);
        free.retain(|(since, _)| since.elapsed() < KEPT_FOR);
        free.pop().map(|(_, connection)| connection)
    }

    fn keep(&self, connection: AsyncSmtpConnection) {
        let mut free = self.free.lock().unwrap_or_else(PoisonError::into_inner);
        if free.len() < KEPT_AT_MOST {
            free.push((Instant::now(), connection));
        }
    }
}

/// RFC 6531: an address outside of ASCII goes only to a relay that offers to take it.
fn must_carry(connection: &AsyncSmtpConnection, mail: &Mail) -> Result<(), SendError> {
    if mail.to.to_string().is_ascii() || connection.server_info().supports_feature(Extension::SmtpUtfEight) {
        return Ok(());
    }
    Err(SendError::Refused("the relay takes no address with letters outside of ASCII".to_owned()))
}

async fn name_sender(connection: &mut AsyncSmtpConnection, mail: &Mail) -> Result<(), Error> {
    let mut parameters = Vec::new();
    let offers = |feature| connection.server_info().supports_feature(feature);
    if !mail.bytes.is_ascii() {
        if offers(Extension::EightBitMime) {
            parameters.push(MailParameter::Body(MailBodyParameter::EightBitMime));
        }
        if offers(Extension::SmtpUtfEight) {
            parameters.push(MailParameter::SmtpUtfEight);
        }
    }
    connection.command(MailFrom::new(Some(mail.from.clone()), parameters)).await.map(drop)
}
