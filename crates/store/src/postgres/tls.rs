//! TLS to the database, with the meaning that libpq gives to `sslmode`: `prefer` and `require` encrypt and believe any
//! certificate, `verify-full` wants one of a known authority for that host, and naming an authority (`sslrootcert`)
//! always means to verify.

use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme,
    client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    crypto::{CryptoProvider, aws_lc_rs, verify_tls12_signature, verify_tls13_signature},
    pki_types::{CertificateDer, ServerName, UnixTime, pem::PemObject as _},
};
use rustls_platform_verifier::BuilderVerifierExt as _;
use std::{error::Error as StdError, io, path::Path, sync::Arc};
use tokio_postgres_rustls::MakeRustlsConnect;

/// What makes connections secure.
pub(super) type Connector = MakeRustlsConnect;

/// Verifies against the system's authorities, or against those of a file.
pub(super) fn connector(verify: bool, authority: Option<&Path>) -> Result<Connector, String> {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let failed = |error: Error| format!("TLS cannot be set up: {error}");
    let builder = ClientConfig::builder_with_provider(Arc::clone(&provider));
    let builder = builder.with_safe_default_protocol_versions().map_err(failed)?;
    let config = match (verify, authority) {
        (_, Some(file)) => builder.with_root_certificates(roots(file)?).with_no_client_auth(),
        (true, None) => builder.with_platform_verifier().map_err(failed)?.with_no_client_auth(),
        (false, None) => {
            let anybody = Arc::new(Anybody(provider));
            builder.dangerous().with_custom_certificate_verifier(anybody).with_no_client_auth()
        }
    };
    Ok(MakeRustlsConnect::new(config))
}

fn roots(file: &Path) -> Result<RootCertStore, String> {
    let shown = file.display();
    let found =
        CertificateDer::pem_file_iter(file).map_err(|error| format!("sslrootcert: cannot read {shown}: {error}"))?;
    let mut roots = RootCertStore::empty();
    for certificate in found {
        let certificate = certificate.map_err(|error| format!("sslrootcert: {shown}: {error}"))?;
        roots.add(certificate).map_err(|error| format!("sslrootcert: {shown}: {error}"))?;
    }
    if roots.is_empty() { Err(format!("sslrootcert: {shown} holds no certificate")) } else { Ok(roots) }
}

/// What is wrong about the certificate of the other side, if that is the trouble.
pub(super) fn certificate_trouble(error: &(dyn StdError + 'static)) -> Option<&'static str> {
    let inner = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
    let error = inner.map_or(error, |inner| inner as _);
    match error.downcast_ref::<Error>() {
        // The latter of one that only has the name of a trusted one.
        Some(Error::InvalidCertificate(CertificateError::UnknownIssuer | CertificateError::BadSignature)) => {
            Some("its certificate is of an authority that is not trusted; name the right one as sslrootcert in the URL")
        }
        Some(Error::InvalidCertificate(
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
        )) => Some("its certificate is not for this host name; name the host as the certificate does"),
        _ => None,
    }
}

/// Encrypts, and does not ask with whom: what `sslmode=prefer` and `require` mean.
#[derive(Debug)]
struct Anybody(Arc<CryptoProvider>);

impl ServerCertVerifier for Anybody {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, certificate, signed, &self.0.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, certificate, signed, &self.0.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
