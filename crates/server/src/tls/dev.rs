//! Dev mode's own certificate authority: made once, kept in the data folder, so that a client that was told to trust it still
//! does after a restart. The server's certificate is issued by it, and anew when its end comes near.

use super::server_config;
use crate::Failure;
use countersign_model::Timestamp;
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose,
    date_time_ymd,
};
use rustls::{
    RootCertStore, ServerConfig,
    client::{WebPkiServerVerifier, danger::ServerCertVerifier as _},
    crypto::aws_lc_rs,
    pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime, pem::PemObject as _},
};
use std::{
    fs,
    io::{self, ErrorKind, Write as _},
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

/// Who can be reached under the certificate.
const NAMES: [&str; 3] = ["localhost", "127.0.0.1", "::1"];
const DAY: Duration = days(1);
/// Some clients refuse anything that lives longer than 825 days.
const SERVER_LIFE: Duration = days(800);
const AUTHORITY_LIFE: Duration = days(20 * 365);
/// A certificate with less than this left is issued anew.
const NEAR_ITS_END: Duration = days(30);

const fn days(days: u64) -> Duration {
    Duration::from_hours(24 * days)
}

/// Dev mode's TLS.
#[derive(Debug)]
pub struct DevTls {
    /// For the listener.
    pub config: Arc<ServerConfig>,
    /// The authority's certificate, for clients to trust.
    pub ca_file: PathBuf,
}

/// Takes the authority and the server's certificate from `dir`, making what is missing or near its end.
///
/// # Errors
/// When the folder cannot be written, or holds something else under these names.
pub fn dev_certificate(dir: &Path, now: Timestamp) -> Result<DevTls, Failure> {
    let folder = Folder { dir };
    if !(folder.has("ca.pem") && folder.has("ca.key")) {
        folder.make_authority(now)?;
    }
    if !folder.certificate_is_good(now) {
        folder.issue(now)?;
        if !folder.certificate_is_good(now) {
            let dir = dir.display();
            return Err(Failure::other(format!(
                "{dir}/ca.pem and {dir}/ca.key do not belong together: delete both, and let clients trust the new ca.pem"
            )));
        }
    }
    let (chain, key) = (folder.certificate("server.pem")?, folder.key("server.key")?);
    let config = server_config(vec![chain], key).map_err(|error| folder.unusable("server.pem", &error))?;
    Ok(DevTls { config, ca_file: dir.join("ca.pem") })
}

struct Folder<'a> {
    dir: &'a Path,
}

impl Folder<'_> {
    fn has(&self, name: &str) -> bool {
        self.dir.join(name).exists()
    }

    fn make_authority(&self, now: Timestamp) -> Result<(), Failure> {
        let key = KeyPair::generate().map_err(|error| self.unusable("ca.key", &error))?;
        let certificate = authority(now).self_signed(&key).map_err(|error| self.unusable("ca.pem", &error))?;
        // Without the certificate the key is made anew, so this order survives a crash between the two.
        self.write("ca.key", &key.serialize_pem(), 0o600)?;
        self.write("ca.pem", &certificate.pem(), 0o644)
    }

    fn issue(&self, now: Timestamp) -> Result<(), Failure> {
        let authority_key =
            KeyPair::from_pem(&self.read("ca.key")?).map_err(|error| self.unusable("ca.key", &error))?;
        let issuer = Issuer::new(authority(now), authority_key);
        let key = KeyPair::generate().map_err(|error| self.unusable("server.key", &error))?;
        let certificate = server(now)
            .and_then(|params| params.signed_by(&key, &issuer))
            .map_err(|error| self.unusable("server.pem", &error))?;
        self.write("server.key", &key.serialize_pem(), 0o600)?;
        self.write("server.pem", &certificate.pem(), 0o644)
    }

    /// Asks the way a client would ask a while from now: trusted by this authority, for all names, and not over by then.
    fn certificate_is_good(&self, now: Timestamp) -> bool {
        self.verify(now.plus(NEAR_ITS_END)).unwrap_or(false)
    }

    fn verify(&self, when: Timestamp) -> Result<bool, Failure> {
        let mut roots = RootCertStore::empty();
        roots.add(self.certificate("ca.pem")?).map_err(|error| self.unusable("ca.pem", &error))?;
        let provider = Arc::new(aws_lc_rs::default_provider());
        let verifier = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider)
            .build()
            .map_err(|error| self.unusable("ca.pem", &error))?;
        let certificate = self.certificate("server.pem")?;
        server_config(vec![certificate.clone()], self.key("server.key")?)
            .map_err(|error| self.unusable("server.key", &error))?;
        let when = UnixTime::since_unix_epoch(since_epoch(when));
        Ok(NAMES.iter().all(|name| {
            ServerName::try_from(*name)
                .is_ok_and(|name| verifier.verify_server_cert(&certificate, &[], &name, &[], when).is_ok())
        }))
    }

    fn certificate(&self, name: &str) -> Result<CertificateDer<'static>, Failure> {
        CertificateDer::from_pem_file(self.dir.join(name)).map_err(|error| self.unusable(name, &error))
    }

    fn key(&self, name: &str) -> Result<PrivateKeyDer<'static>, Failure> {
        PrivateKeyDer::from_pem_file(self.dir.join(name)).map_err(|error| self.unusable(name, &error))
    }

    fn read(&self, name: &str) -> Result<String, Failure> {
        fs::read_to_string(self.dir.join(name)).map_err(|error| self.unusable(name, &error))
    }

    /// Writes beside, then renames: a crash leaves the old file or the new one, and a key is never readable by others.
    fn write(&self, name: &str, text: &str, mode: u32) -> Result<(), Failure> {
        let (beside, path) = (self.dir.join(format!("{name}.new")), self.dir.join(name));
        let written = match fs::remove_file(&beside) {
            Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
            Ok(()) | Err(_) => create(&beside, mode),
        };
        written
            .and_then(|mut file| file.write_all(text.as_bytes()).and_then(|()| file.sync_all()))
            .and_then(|()| fs::rename(&beside, &path))
            .map_err(|error| Failure::other(format!("cannot write {}: {error}", path.display())))
    }

    fn unusable(&self, name: &str, error: &dyn std::fmt::Display) -> Failure {
        let path = self.dir.join(name);
        let path = path.display();
        Failure::other(format!("cannot use {path}: {error}; if it is damaged, delete it and start again"))
    }
}

#[cfg(unix)]
fn create(path: &Path, mode: u32) -> io::Result<fs::File> {
    use std::os::unix::fs::OpenOptionsExt as _;
    fs::OpenOptions::new().write(true).create_new(true).mode(mode).open(path)
}

#[cfg(not(unix))]
fn create(path: &Path, _mode: u32) -> io::Result<fs::File> {
    fs::OpenOptions::new().write(true).create_new(true).open(path)
}

fn authority(now: Timestamp) -> CertificateParams {
    let mut params = CertificateParams::default();
    name(&mut params, "Countersign dev CA");
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    lives(&mut params, now, AUTHORITY_LIFE);
    params
}

fn server(now: Timestamp) -> Result<CertificateParams, rcgen::Error> {
    let mut params = CertificateParams::new(NAMES.map(str::to_owned))?;
    name(&mut params, "Countersign dev server");
    params.use_authority_key_identifier_extension = true;
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    lives(&mut params, now, SERVER_LIFE);
    Ok(params)
}

fn name(params: &mut CertificateParams, common_name: &str) {
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, common_name);
}

/// A day early, for clients whose clock is behind.
fn lives(params: &mut CertificateParams, now: Timestamp, life: Duration) {
    let now = date_time_ymd(1970, 1, 1) + since_epoch(now);
    params.not_before = now - DAY;
    params.not_after = now + life;
}

fn since_epoch(when: Timestamp) -> Duration {
    when.since(Timestamp::from_ms(0))
}
