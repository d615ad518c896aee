//! Calls to callers' own servers. The address comes from a caller, so it is held against a guard: only http and https, and
//! only to addresses of the public internet; redirects are not followed. Every address that a name stands for is judged at
//! the moment of connecting, so that a name cannot be good when it is asked for and bad when it is used.

use async_trait::async_trait;
use countersign_model::TenantId;
use ipnet::IpNet;
use reqwest::{
    Client, StatusCode, Url,
    dns::{Addrs, Name, Resolve, Resolving},
    redirect,
};
use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    sync::Arc,
    time::Duration,
};

/// One call.
#[derive(Clone, Debug)]
pub struct Call {
    /// Whose.
    pub tenant: TenantId,
    /// Where to.
    pub url: String,
    /// What is sent besides the body.
    pub headers: Vec<(&'static str, String)>,
    /// What is sent.
    pub body: Vec<u8>,
}

/// Why a call did not get through. The texts hold no address.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CallError {
    /// It will never be made.
    #[error("refused: {0}")]
    Refused(String),
    /// The server says that nobody is to call this address again (410, RFC 9110).
    #[error("status 410")]
    Gone,
    /// Trying again may help.
    #[error("{0}")]
    Retry(String),
}

/// Somebody who makes calls.
#[async_trait]
pub trait Caller: Send + Sync {
    /// Makes one by POST. Any 2xx counts as taken.
    ///
    /// # Errors
    /// When it was not taken.
    async fn post(&self, call: &Call) -> Result<(), CallError>;

    /// Why an address would be refused without asking for its name; none if nothing speaks against it so far.
    fn refusal(&self, url: &str) -> Option<&'static str>;
}

/// Makes calls to the public internet, and to the networks that the operator allows besides.
pub struct GuardedCaller {
    client: Client,
    allowed: Allowed,
}

/// The private networks that may be called: none, as a rule.
type Allowed = Arc<[IpNet]>;

const PATIENCE: Duration = Duration::from_secs(10);

impl GuardedCaller {
    /// One that may call these networks too.
    ///
    /// # Errors
    /// When the system has no trusted certificates, or the TLS library fails.
    pub fn new(allowed: &[IpNet]) -> Result<Self, CallError> {
        let allowed: Allowed = allowed.into();
        let client = Client::builder()
            .dns_resolver(Arc::new(GuardedNames(Arc::clone(&allowed))))
            .redirect(redirect::Policy::none())
            .no_proxy()
            .timeout(PATIENCE)
            .build()
            .map_err(|_| CallError::Retry("the HTTP client cannot be made".to_owned()))?;
        Ok(Self { client, allowed })
    }

    fn judge(&self, url: &str) -> Option<&'static str> {
        let Ok(url) = Url::parse(url) else { return Some("not an absolute address") };
        if !["http", "https"].contains(&url.scheme()) {
            return Some("neither http nor https");
        }
        let host = url.host_str().unwrap_or_default().trim_start_matches('[').trim_end_matches(']');
        let named_local = host.eq_ignore_ascii_case("localhost") || host.to_ascii_lowercase().ends_with(".localhost");
        let address = if named_local { Some(IpAddr::V4(Ipv4Addr::LOCALHOST)) } else { host.parse().ok() };
        address.filter(|address| !may_call(*address, &self.allowed)).map(|_| PRIVATE)
    }
}

const PRIVATE: &str = "a private address";

#[async_trait]
impl Caller for GuardedCaller {
    async fn post(&self, call: &Call) -> Result<(), CallError> {
        if let Some(why) = self.refusal(&call.url) {
            return Err(CallError::Refused(why.to_owned()));
        }
        let mut request = self.client.post(&call.url).body(call.body.clone());
        for (name, value) in &call.headers {
            request = request.header(*name, value);
        }
        match request.send().await {
            Ok(response) if response.status().is_success() => Ok(()),
            Ok(response) if response.status() == StatusCode::GONE => Err(CallError::Gone),
            Ok(response) => Err(CallError::Retry(format!("status {}", response.status().as_u16()))),
            Err(error) if error.is_timeout() => Err(CallError::Retry("no answer in time".to_owned())),
            Err(_) => Err(CallError::Retry("no connection".to_owned())),
        }
    }

    fn refusal(&self, url: &str) -> Option<&'static str> {
        self.judge(url)
    }
}

/// The system's resolver, less what may not be called.
struct GuardedNames(Allowed);

impl Resolve for GuardedNames {
    fn resolve(&self, name: Name) -> Resolving {
        let allowed = Arc::clone(&self.0);
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let good: Vec<SocketAddr> = found.filter(|address| may_call(address.ip(), &allowed)).collect();
            if good.is_empty() {
                return Err(PRIVATE.into());
            }
            Ok(Box::new(good.into_iter()) as Addrs)
        })
    }
}

fn may_call(address: IpAddr, allowed: &[IpNet]) -> bool {
    let address = address.to_canonical();
    let is_public = match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    };
    is_public || allowed.iter().any(|network| network.contains(&address))
}

/// Not in IANA's registry of special-purpose addresses (RFC 6890), multicast and broadcast included.
fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    let shared = a == 100 && (64..128).contains(&b);
    let protocol = a == 192 && b == 0 && c == 0;
    let relay = a == 192 && b == 88 && c == 99;
    let benchmark = a == 198 && (18..20).contains(&b);
    !(a == 0
        || a == 127
        || a >= 224
        || address.is_private()
        || address.is_link_local()
        || address.is_documentation()
        || shared
        || protocol
        || relay
        || benchmark)
}

/// Global unicast (2000::/3), less documentation, and less the forms that carry an IPv4 address inside.
fn is_public_v6(address: Ipv6Addr) -> bool {
    let [a, b, c, ..] = address.segments();
    let embedded = match (a, b) {
        (0x2002, _) => Some(Ipv4Addr::from((u32::from(b) << 16) | u32::from(c))),
        _ => None,
    };
    let teredo_or_special = a == 0x2001 && b < 0x0200;
    let documentation = (a == 0x2001 && b == 0x0db8) || (a == 0x3fff && b < 0x1000);
    (a & 0xe000) == 0x2000 && !teredo_or_special && !documentation && embedded.is_none_or(is_public_v4)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_public_internet_may_be_called() {
        for good in ["8.8.8.8", "93.184.216.34", "2606:4700::1111", "2002:0808:0808::1"] {
            assert!(may_call(good.parse().unwrap(), &[]), "{good}");
        }
        for bad in [
            "127.0.0.1",
            "127.9.9.9",
            "::1",
            "0.0.0.0",
            "10.0.0.1",
            "172.16.0.1",
            "192.168.1.1",
            "169.254.169.254",
            "100.64.0.1",
            "192.0.0.1",
            "192.0.2.1",
            "198.18.0.1",
            "224.0.0.1",
            "255.255.255.255",
            "fc00::1",
            "fe80::1",
            "ff02::1",
            "::",
            "::ffff:10.0.0.1",
            "::ffff:127.0.0.1",
            "2001:db8::1",
            "2002:0a00:0001::1",
            "64:ff9b::a00:1",
            "2001::1",
        ] {
            assert!(!may_call(bad.parse().unwrap(), &[]), "{bad}");
        }
        let mine: [IpNet; 2] = ["127.0.0.0/8".parse().unwrap(), "10.1.0.0/16".parse().unwrap()];
        for good in ["127.0.0.1", "::ffff:127.0.0.1", "10.1.2.3"] {
            assert!(may_call(good.parse().unwrap(), &mine), "{good}");
        }
        assert!(!may_call("10.2.0.1".parse().unwrap(), &mine) && !may_call("::1".parse().unwrap(), &mine));
    }

    #[tokio::test]
    async fn what_cannot_be_called_is_refused_before_anything_is_sent() {
        let caller = GuardedCaller::new(&[]).unwrap();
        for url in [
            "http://localhost",
            "http://LOCALHOST:8080/x",
            "http://a.localhost/",
            "http://127.0.0.1/",
            "http://[::1]:1/",
            "http://2130706433/",
            "http://0x7f.1/",
            "ftp://example.com/",
            "file:///etc/passwd",
            "not a url",
            "//x",
        ] {
            let call =
                Call { tenant: TenantId::from_bytes([0; 16]), url: url.to_owned(), headers: vec![], body: vec![] };
            assert!(matches!(caller.post(&call).await, Err(CallError::Refused(_))), "{url}");
        }
        assert_eq!(caller.refusal("https://example.com/reports"), None);
    }
}
