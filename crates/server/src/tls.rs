//! TLS for the listeners: certificates from the operator's files, or, in dev mode, from a private authority ([`dev`]).
//! One provider of cryptography for the whole program: aws-lc-rs.

pub mod dev;

use crate::Failure;
use rustls::{
    ServerConfig,
    crypto::aws_lc_rs,
    pki_types::{
        CertificateDer, PrivateKeyDer,
        pem::{self, PemObject as _},
    },
};
use std::{path::Path, sync::Arc};

/// Reads a certificate chain and its private key (both PEM; PKCS#8, PKCS#1 or SEC1).
///
/// # Errors
/// When a file cannot be read or holds something else, or the two do not belong together. One line that says what to do.
pub fn from_files(certificate: &Path, key: &Path) -> Result<Arc<ServerConfig>, Failure> {
    server_config(read_chain(certificate)?, read_key(key)?).map_err(|error| {
        let (certificate, key) = (certificate.display(), key.display());
        Failure::usage(vec![if matches!(error, rustls::Error::InconsistentKeys(_)) {
            format!("{key} is not the private key of {certificate}: use the key that the certificate was made with")
        } else {
            format!("the certificate {certificate} and the key {key} cannot be used: {error}")
        }])
    })
}

fn server_config(
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
) -> Result<Arc<ServerConfig>, rustls::Error> {
    let mut config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(chain, key)?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

fn read_chain(path: &Path) -> Result<Vec<CertificateDer<'static>>, Failure> {
    let chain: Result<Vec<_>, _> = CertificateDer::pem_file_iter(path).and_then(Iterator::collect);
    match chain {
        Ok(chain) if chain.is_empty() => Err(bad_file("certificate", "CERTIFICATE", path, &pem::Error::NoItemsFound)),
        Ok(chain) => Ok(chain),
        Err(error) => Err(bad_file("certificate", "CERTIFICATE", path, &error)),
    }
}

fn read_key(path: &Path) -> Result<PrivateKeyDer<'static>, Failure> {
    PrivateKeyDer::from_pem_file(path).map_err(|error| bad_file("private key", "PRIVATE KEY", path, &error))
}

fn bad_file(what: &str, label: &str, path: &Path, error: &pem::Error) -> Failure {
    let path = path.display();
    Failure::usage(vec![if let pem::Error::Io(error) = error {
        format!("cannot read the {what} {path}: {error}")
    } else {
        format!("{path} holds no {what}: it must be a PEM file with a part -----BEGIN {label}-----")
    }])
}

#[cfg(test)]
mod tests;
