//! TLS to a real PostgreSQL, which demands it and has a certificate of an authority of its own.

use crate::{program::run, running::Running};
use countersign_store::testing::{self, Server};
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use std::{fs, path::Path};

struct Authority {
    issuer: Issuer<'static, KeyPair>,
    certificate: String,
}

impl Authority {
    fn called(name: &str) -> Self {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        let certificate = params.self_signed(&key).unwrap().pem();
        Self { issuer: Issuer::new(params, key), certificate }
    }

    /// The file that `sslrootcert` names.
    fn written(&self, dir: &Path, name: &str) -> String {
        let file = dir.join(name);
        fs::write(&file, &self.certificate).unwrap();
        file.display().to_string()
    }

    /// A server with a certificate for this name that takes nobody without TLS.
    async fn server_called(&self, name: &str) -> Server {
        let (server, key) = (Server::start(), KeyPair::generate().unwrap());
        let params = CertificateParams::new([name.to_owned()]).unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        server.demand_tls(&certificate.pem(), &key.serialize_pem()).await;
        server
    }
}

/// What the command says that cannot start on this database.
fn refusal(data: &Path, url: &str) -> String {
    let data = data.display().to_string();
    let (status, out, err) = run(&["dev", "--listen", "127.0.0.1:0", "--data", &data, "--store-url", url]);
    assert_eq!((status, out.as_str()), (Some(1), ""), "{err}");
    assert_eq!(err.lines().count(), 1, "{err}");
    err
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_is_known_by_its_certificate_and_another_one_is_refused_in_one_line() {
    let (authority, stranger, dir) =
        (Authority::called("ours"), Authority::called("theirs"), tempfile::tempdir().unwrap());
    let server = authority.server_called("localhost").await;
    let ours = authority.written(dir.path(), "ca.pem");
    let theirs = stranger.written(dir.path(), "other.pem");
    let url = |host: &str, rest: &str| format!("postgres://countersign@{host}:{}/postgres?{rest}", server.port());

    let wrong_authority = refusal(dir.path(), &url("localhost", &format!("sslmode=verify-full&sslrootcert={theirs}")));
    assert!(wrong_authority.contains("its certificate is of an authority that is not trusted"), "{wrong_authority}");
    let wrong_name = refusal(dir.path(), &url("127.0.0.1", &format!("sslmode=verify-full&sslrootcert={ours}")));
    assert!(wrong_name.contains("its certificate is not for this host name"), "{wrong_name}");
    let nobodys = refusal(dir.path(), &url("localhost", "sslmode=verify-full"));
    assert!(nobodys.contains("its certificate is of an authority that is not trusted"), "{nobodys}");
    let plain = refusal(dir.path(), &url("localhost", "sslmode=disable"));
    assert!(plain.contains("no encryption"), "{plain}");

    // To name an authority always means to verify, and not to name one means to encrypt all the same.
    for rest in
        [&format!("sslmode=verify-full&sslrootcert={ours}"), &format!("sslrootcert={ours}"), "sslmode=require", ""]
    {
        let node = Running::node(dir.path(), &url("localhost", rest), &[]).await;
        assert_eq!(node.get("/healthz/ready").await.status, 200, "{rest}");
        assert_eq!(node.stop().0.code(), Some(0));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_without_tls_is_refused_where_it_is_wanted() {
    let (dir, url) = (tempfile::tempdir().unwrap(), testing::empty_database().await);
    let refused = refusal(dir.path(), &format!("{url}?sslmode=verify-full"));
    assert!(refused.contains("server does not support TLS"), "{refused}");
}
