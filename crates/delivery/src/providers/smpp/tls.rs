//! The connection to a carrier: TCP, and TLS over it where it is asked for, trusting what the system trusts and what the
//! operator adds.

use super::{
    BadSetting,
    settings::{Settings, Tls},
};
use rustls_platform_verifier::Verifier;
use std::{fs, io, sync::Arc};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
};
use tokio_rustls::{
    TlsConnector,
    rustls::{
        ClientConfig,
        crypto::aws_lc_rs,
        pki_types::{CertificateDer, ServerName, pem::PemObject as _},
    },
};

/// A connection in either form.
pub(super) trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}

impl<S: AsyncRead + AsyncWrite + Unpin + Send> Stream for S {}

/// Where a carrier is, and how it is spoken to.
pub(super) struct Endpoint {
    host: String,
    port: u16,
    tls: Option<(TlsConnector, ServerName<'static>)>,
}

impl Endpoint {
    pub fn new(settings: &Settings) -> Result<Self, BadSetting> {
        let tls = match settings.tls {
            Tls::None => None,
            Tls::Implicit => {
                let name = ServerName::try_from(settings.host.clone());
                let name = name.map_err(|_| BadSetting::new("host", "must be a host name or an IP address"))?;
                Some((connector(settings)?, name))
            }
        };
        Ok(Self { host: settings.host.clone(), port: settings.port(), tls })
    }

    pub fn shown(&self) -> String {
        format!("{}:{}, {}", self.host, self.port, if self.tls.is_some() { "TLS" } else { "no TLS" })
    }

    pub async fn connect(&self) -> io::Result<Box<dyn Stream>> {
        let stream = TcpStream::connect((self.host.as_str(), self.port)).await?;
        stream.set_nodelay(true)?;
        match &self.tls {
            None => Ok(Box::new(stream)),
            Some((connector, name)) => Ok(Box::new(connector.connect(name.clone(), stream).await?)),
        }
    }
}

fn connector(settings: &Settings) -> Result<TlsConnector, BadSetting> {
    let cannot = |error: &dyn std::fmt::Display| BadSetting::new("tls", format!("cannot be set up: {error}"));
    let provider = Arc::new(aws_lc_rs::default_provider());
    let verifier = Verifier::new_with_extra_roots(extra_roots(settings)?, Arc::clone(&provider));
    let verifier = verifier.map_err(|error| cannot(&error))?;
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| cannot(&error))?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier))
        .with_no_client_auth();
    Ok(TlsConnector::from(Arc::new(config)))
}

fn extra_roots(settings: &Settings) -> Result<Vec<CertificateDer<'static>>, BadSetting> {
    let Some(path) = &settings.ca_file else { return Ok(Vec::new()) };
    let pem = fs::read(path)
        .map_err(|error| BadSetting::new("ca_file", format!("cannot read {}: {error}", path.display())))?;
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&pem).collect();
    let found = found.ok().filter(|found| !found.is_empty());
    found.ok_or_else(|| BadSetting::new("ca_file", "must hold certificates in PEM form"))
}
