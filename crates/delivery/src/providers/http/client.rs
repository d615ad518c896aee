//! The exchange with a provider over HTTP: one client for each, which follows no redirect, asks no proxy, and reads no more of
//! an answer than it must. What goes wrong is sorted by one question: could the request have been read?

use super::{BadSetting, request::Prepared, settings::Request};
use crate::SendError;
use http::{HeaderMap, StatusCode, Version};
use reqwest::{Certificate, Client, Response, redirect::Policy};
use std::{error::Error as _, fs, net::SocketAddr, time::Duration};

/// As much as is read of an answer.
const LONGEST_ANSWER: usize = 64 * 1024;
/// A connection that is not used this long is closed.
const KEPT_FOR: Duration = Duration::from_secs(20);

/// The connections to one provider.
pub(super) struct Exchange {
    client: Client,
    timeout: Duration,
    connect_timeout: Duration,
}

/// What was answered.
pub(super) struct Answered {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
    /// For showing.
    pub version: Version,
    /// For showing.
    pub peer: Option<SocketAddr>,
}

impl Exchange {
    pub fn new(settings: &Request) -> Result<Self, BadSetting> {
        if !(1..=14).contains(&settings.timeout_seconds) {
            return Err(BadSetting::new("request.timeout_seconds", "must be from 1 to 14"));
        }
        let timeout = Duration::from_secs(settings.timeout_seconds.into());
        // A host that swallows packets is given up early enough for the next provider to be quick.
        let connect_timeout = timeout / 2;
        let mut builder = Client::builder()
            .redirect(Policy::none())
            .referer(false)
            .no_proxy()
            .user_agent(concat!("countersign/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(connect_timeout)
            .timeout(timeout)
            .pool_idle_timeout(KEPT_FOR);
        if let Some(path) = &settings.ca_file {
            let bad = |problem: String| BadSetting::new("request.ca_file", problem);
            let pem = fs::read(path).map_err(|error| bad(format!("cannot read {}: {error}", path.display())))?;
            let certificates = Certificate::from_pem_bundle(&pem).unwrap_or_default();
            if certificates.is_empty() {
                return Err(bad("must hold certificates in PEM form".to_owned()));
            }
            builder = builder.tls_certs_merge(certificates);
        }
        let built = builder.build();
        let client =
            built.map_err(|_| BadSetting::new("request.ca_file", "TLS cannot be set up with these certificates"))?;
        Ok(Self { client, timeout, connect_timeout })
    }

    /// Sends a request and reads the answer, within the time limit.
    pub async fn ask(&self, prepared: Prepared) -> Result<Answered, SendError> {
        let request = self.client.request(prepared.method, prepared.url).headers(prepared.headers);
        let mut response = request.body(prepared.body).send().await.map_err(|error| self.failure(&error))?;
        let (status, headers) = (response.status(), response.headers().clone());
        let (version, peer) = (response.version(), response.remote_addr());
        let body = match read(&mut response).await {
            Ok(body) => body,
            // The status alone says that it was not taken.
            Err(_) if !status.is_success() => Vec::new(),
            Err(error) => return Err(self.failure(&error)),
        };
        Ok(Answered { status, headers, body, version, peer })
    }

    fn failure(&self, error: &reqwest::Error) -> SendError {
        if error.is_connect() && error.is_timeout() {
            return SendError::Retry(format!("no connection to the provider within {:?}", self.connect_timeout));
        }
        if error.is_connect() {
            return SendError::Retry(format!("no connection to the provider: {}", cause(error)));
        }
        if error.is_builder() {
            return SendError::Retry("the request could not be put together".to_owned());
        }
        if error.is_timeout() {
            return SendError::Unknown(format!("no answer from the provider within {:?}", self.timeout));
        }
        SendError::Unknown(format!("the connection broke before the whole answer was there: {}", cause(error)))
    }
}

async fn read(response: &mut Response) -> reqwest::Result<Vec<u8>> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await? {
        let room = LONGEST_ANSWER - body.len();
        body.extend_from_slice(chunk.get(..room).unwrap_or(&chunk));
        if body.len() >= LONGEST_ANSWER {
            break;
        }
    }
    Ok(body)
}

/// What the network, TLS or HTTP on this side says: the innermost words, which are never the provider's.
fn cause(error: &reqwest::Error) -> String {
    let mut innermost = error.source();
    while let Some(deeper) = innermost.and_then(|source| source.source()) {
        innermost = Some(deeper);
    }
    innermost.map_or_else(|| "no reason is known".to_owned(), ToString::to_string)
}
