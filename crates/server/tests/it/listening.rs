//! Slow, silent, broken and too many clients against [`listen::serve`] with a router of its own. Nothing sleeps: time-outs are
//! small, and a test waits for what they cause.

use axum::{Router, extract::ConnectInfo, http::uri::Scheme, routing::get};
use countersign_model::Timestamp;
use countersign_server::{
    listen::{self, Limits, Listener},
    tls::dev::{DevTls, dev_certificate},
};
use std::{future::pending, net::SocketAddr, time::Duration};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    task::JoinHandle,
    time::timeout,
};
use tokio_util::sync::CancellationToken;

const SHORT: Duration = Duration::from_millis(60);
const LONG: Duration = Duration::from_mins(1);

const LIMITS: Limits =
    Limits { max_connections: 100, header_timeout: LONG, keep_alive: LONG, send_timeout: LONG, drain: LONG };
const PUBLIC_URL: &str = "https://verify.example.com/";
/// More than fits between a server that writes and a client that does not read.
const LARGE: usize = 64 * 1024 * 1024;

struct Running {
    address: SocketAddr,
    stop: CancellationToken,
    release: CancellationToken,
    serving: JoinHandle<usize>,
}

impl Running {
    async fn with(limits: Limits) -> Self {
        Self::on(bound().await, limits)
    }

    fn on(listener: Listener, limits: Limits) -> Self {
        let (address, stop, release) = (listener.local_addr(), CancellationToken::new(), CancellationToken::new());
        let serving = tokio::spawn(listen::serve(
            vec![listener],
            router(&release),
            Some(PUBLIC_URL.to_owned()),
            limits,
            stop.clone(),
        ));
        Self { address, stop, release, serving }
    }

    async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }

    /// Stops it; returns how many connections were cut off.
    async fn stopped(self) -> usize {
        self.stop.cancel();
        soon(self.serving).await.unwrap()
    }
}

async fn bound() -> Listener {
    Listener::bind("127.0.0.1:0".parse().unwrap()).await.unwrap()
}

fn router(release: &CancellationToken) -> Router {
    let release = release.clone();
    Router::new()
        .route("/", get(async || "hello"))
        .route(
            "/from",
            get(async |ConnectInfo(peer): ConnectInfo<SocketAddr>, scheme: axum::Extension<Scheme>| {
                format!("{} {peer}", scheme.0)
            }),
        )
        .route(
            "/until-released",
            get(async move || {
                release.cancelled().await;
                "the last one"
            }),
        )
        .route("/large", get(async || vec![b'x'; LARGE]))
        .route("/never", get(async || pending::<&'static str>().await))
        .route("/panic", get(async || -> &'static str { panic!("a bug") }))
}

/// A test that waits in vain fails instead of hanging.
async fn soon<T>(what: impl Future<Output = T>) -> T {
    timeout(Duration::from_secs(20), what).await.expect("nothing happened for 20 s")
}

async fn send(client: &mut TcpStream, text: &str) {
    client.write_all(text.as_bytes()).await.unwrap();
}

/// Everything until the server closes. Closing with bytes unread looks like a reset, and is as good.
async fn rest(client: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    let mut chunk = [0; 4096];
    while let Ok(count @ 1..) = soon(client.read(&mut chunk)).await {
        bytes.extend_from_slice(&chunk[..count]);
    }
    String::from_utf8(bytes).unwrap()
}

/// One answer with the body `hello`, on a connection that stays open.
async fn hello(client: &mut TcpStream) {
    send(client, "GET / HTTP/1.1\r\nhost: x\r\n\r\n").await;
    let mut text = String::new();
    while !text.ends_with("\r\n\r\nhello") {
        let mut chunk = [0; 512];
        let count = soon(client.read(&mut chunk)).await.unwrap();
        assert_ne!(count, 0, "closed after {text:?}");
        text.push_str(std::str::from_utf8(&chunk[..count]).unwrap());
    }
    assert!(text.starts_with("HTTP/1.1 200 OK\r\n"), "{text}");
}

#[tokio::test]
async fn a_client_that_says_nothing_is_closed() {
    let server = Running::with(Limits { header_timeout: SHORT, ..LIMITS }).await;
    assert_eq!(rest(&mut server.connect().await).await, "");
}

#[tokio::test]
async fn a_head_that_never_ends_is_told_and_closed() {
    let server = Running::with(Limits { header_timeout: SHORT, ..LIMITS }).await;
    let mut client = server.connect().await;
    send(&mut client, "GET / HTTP/1.1\r\nhost: x\r\n").await;
    is_refused(
        &rest(&mut client).await,
        "408 Request Timeout",
        "application/problem+json",
        r#""code":"head_too_slow""#,
    );
}

/// The whole answer: a status and a body in the words of one API, and no more.
fn is_refused(answer: &str, status: &str, media_type: &str, word: &str) {
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or_else(|| panic!("no whole head: {answer:?}"));
    assert!(head.starts_with(&format!("HTTP/1.1 {status}\r\nconnection: close\r\n")), "{answer}");
    assert!(head.contains(&format!("\r\ncontent-type: {media_type}\r\n")), "{answer}");
    assert!(head.ends_with(&format!("\r\ncontent-length: {}", body.len())), "{answer}");
    assert!(body.contains(word), "{answer}");
}

#[tokio::test]
async fn a_second_head_that_never_ends_is_closed_too() {
    let server = Running::with(Limits { header_timeout: SHORT, ..LIMITS }).await;
    let mut client = server.connect().await;
    hello(&mut client).await;
    send(&mut client, "GET /api/2fa/verify HT").await;
    is_refused(&rest(&mut client).await, "408 Request Timeout", "application/json", r#""status":"error""#);
}

#[tokio::test]
async fn an_idle_connection_outlives_the_time_for_a_head() {
    let server = Running::with(Limits { header_timeout: SHORT, ..LIMITS }).await;
    let mut idle = server.connect().await;
    hello(&mut idle).await;
    // This one came later, so when its time is over, the time of the first one would be over as well.
    assert_eq!(rest(&mut server.connect().await).await, "");
    hello(&mut idle).await;
}

#[tokio::test]
async fn an_idle_connection_is_closed_at_its_own_time() {
    let server = Running::with(Limits { keep_alive: SHORT, ..LIMITS }).await;
    let mut client = server.connect().await;
    hello(&mut client).await;
    assert_eq!(rest(&mut client).await, "");
}

#[tokio::test]
async fn a_request_in_flight_is_not_idle() {
    let server = Running::with(Limits { header_timeout: SHORT, keep_alive: SHORT, ..LIMITS }).await;
    let mut client = server.connect().await;
    send(&mut client, "GET /until-released HTTP/1.1\r\nhost: x\r\n\r\n").await;
    // Each of them lasts as long as an idle connection may, and an end takes as long again.
    for _ in 0..4 {
        assert_eq!(rest(&mut server.connect().await).await, "");
    }
    server.release.cancel();
    assert!(rest(&mut client).await.ends_with("the last one"));
}

#[tokio::test]
async fn a_connection_above_the_cap_waits_for_a_place() {
    let server = Running::with(Limits { max_connections: 1, ..LIMITS }).await;
    let mut first = server.connect().await;
    hello(&mut first).await;
    let mut second = server.connect().await;
    send(&mut second, "GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").await;
    assert!(timeout(SHORT, second.read_u8()).await.is_err(), "it was answered above the cap");
    drop(first);
    assert!(rest(&mut second).await.ends_with("hello"));
}

#[tokio::test]
async fn a_stop_lets_a_request_end() {
    let server = Running::with(LIMITS).await;
    let mut client = server.connect().await;
    hello(&mut client).await;
    send(&mut client, "GET /until-released HTTP/1.1\r\nhost: x\r\n\r\n").await;
    let mut idle = server.connect().await;
    hello(&mut idle).await;
    server.stop.cancel();
    assert_eq!(rest(&mut idle).await, "", "an idle connection ends at once");
    assert!(TcpStream::connect(server.address).await.is_err(), "it still listens");
    // Another server's patience with a silent client: long enough for a request to be cut off, if it were.
    let other = Running::with(Limits { header_timeout: SHORT, ..LIMITS }).await;
    assert_eq!(rest(&mut other.connect().await).await, "");
    server.release.cancel();
    assert!(rest(&mut client).await.ends_with("the last one"));
    assert_eq!(server.stopped().await, 0);
}

#[tokio::test]
async fn a_stop_cuts_off_what_does_not_end_in_time() {
    let server = Running::with(Limits { drain: SHORT, ..LIMITS }).await;
    let mut client = server.connect().await;
    hello(&mut client).await;
    send(&mut client, "GET /never HTTP/1.1\r\nhost: x\r\n\r\n").await;
    // The answer to a later connection tells that the request above was read: one thread serves both in turn.
    hello(&mut server.connect().await).await;
    assert_eq!(server.stopped().await, 1);
    assert_eq!(rest(&mut client).await, "");
}

#[tokio::test]
async fn a_panic_ends_its_own_connection_only() {
    let server = Running::with(LIMITS).await;
    let (mut bystander, mut client) = (server.connect().await, server.connect().await);
    hello(&mut bystander).await;
    send(&mut client, "GET /panic HTTP/1.1\r\nhost: x\r\n\r\n").await;
    assert_eq!(rest(&mut client).await, "");
    hello(&mut bystander).await;
    hello(&mut server.connect().await).await;
}

#[tokio::test]
async fn what_is_no_http_is_refused_in_the_words_of_the_api_that_it_names() {
    const PROBLEM: &str = "application/problem+json";
    let server = Running::with(LIMITS).await;
    let long = "x".repeat(40_000);
    let many = "h: x\r\n".repeat(101);
    let (bad, large) = ("400 Bad Request", "431 Request Header Fields Too Large");
    let documentation = r#""documentation":"https://verify.example.com/help/apidocs/error/100.htm""#;
    let cases = [
        ("nonsense\r\n\r\n".to_owned(), bad, PROBLEM, "malformed_request"),
        ("GET / HTTP/9.9\r\n\r\n".to_owned(), bad, PROBLEM, "malformed_request"),
        ("GET / HTTP/1.1\r\nno colon\r\n\r\n".to_owned(), bad, PROBLEM, "malformed_request"),
        ("GET / HTTP/1.1\r\nhost: x\r\ncontent-length: -1\r\n\r\n".to_owned(), bad, PROBLEM, "malformed_request"),
        (format!("GET /v1/keys HTTP/1.1\r\n{many}\r\n"), large, PROBLEM, "head_too_large"),
        (format!("GET / HTTP/1.1\r\nhost: x\r\nlong: {long}\r\n\r\n"), large, PROBLEM, "head_too_large"),
        ("GET /api/2fa/verify HTTP/9.9\r\n\r\n".to_owned(), bad, "application/json", "UNKNOWN_ERROR"),
        (format!("GET /api/hlr/x HTTP/1.1\r\n{many}\r\n"), large, "application/json", "UNKNOWN_ERROR"),
        (format!("GET /rest/auth HTTP/1.1\r\n{many}\r\n"), large, "application/json", documentation),
    ];
    for (request, status, media_type, word) in cases {
        let mut client = server.connect().await;
        send(&mut client, &request).await;
        is_refused(&rest(&mut client).await, status, media_type, word);
    }
}

#[tokio::test]
async fn what_follows_a_request_and_is_no_http_is_refused_after_its_answer() {
    let server = Running::with(LIMITS).await;
    let mut client = server.connect().await;
    send(&mut client, "GET / HTTP/1.1\r\nhost: x\r\n\r\nnonsense\r\n\r\n").await;
    let answer = rest(&mut client).await;
    let (first, second) = answer.split_once("hello").unwrap();
    assert!(first.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
    is_refused(second, "400 Bad Request", "application/problem+json", "malformed_request");
}

#[tokio::test]
async fn a_request_knows_its_peer_and_its_scheme() {
    let server = Running::with(LIMITS).await;
    let mut client = server.connect().await;
    send(&mut client, "GET /from HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").await;
    let expected = format!("\r\n\r\nhttp {}", client.local_addr().unwrap());
    assert!(rest(&mut client).await.ends_with(&expected));
}

#[tokio::test]
async fn a_port_that_is_taken_is_told_in_one_line() {
    let taken = bound().await.local_addr();
    let listener = Listener::bind(taken).await.unwrap();
    let failure = Listener::bind(listener.local_addr()).await.unwrap_err();
    assert_eq!(failure.status(), 1);
    assert_eq!(
        failure.lines(),
        [format!("cannot listen on {taken}: another program has this port; stop it, or choose another port")]
    );
    let foreign = Listener::bind("192.0.2.1:0".parse().unwrap()).await.unwrap_err();
    assert_eq!(
        foreign.lines(),
        ["cannot listen on 192.0.2.1:0: this machine does not have this address; choose one that it has"]
    );
}

/// How HTTP/2 begins, with no room for any byte of an answer.
const HTTP2_WITHOUT_ROOM: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\x06\x04\0\0\0\0\0\0\x04\0\0\0\0";
/// `GET /` as its first request.
const HTTP2_REQUEST: &[u8] = b"\0\0\x06\x01\x05\0\0\0\x01\x82\x86\x84\x41\x01x";

#[tokio::test]
async fn an_http2_client_without_room_for_its_answer_is_closed() {
    let server = Running::with(Limits { send_timeout: SHORT, ..LIMITS }).await;
    let mut client = server.connect().await;
    client.write_all(&[HTTP2_WITHOUT_ROOM, HTTP2_REQUEST].concat()).await.unwrap();
    let mut bytes = Vec::new();
    soon(client.read_to_end(&mut bytes)).await.unwrap();
    assert!(!bytes.is_empty() && !bytes.windows(5).any(|window| window == b"hello"));
}

#[tokio::test]
async fn an_http2_connection_without_a_request_is_closed_without_words_of_http1() {
    let server = Running::with(Limits { header_timeout: SHORT, ..LIMITS }).await;
    let mut client = server.connect().await;
    client.write_all(HTTP2_WITHOUT_ROOM).await.unwrap();
    let mut bytes = Vec::new();
    soon(client.read_to_end(&mut bytes)).await.unwrap();
    assert!(!bytes.is_empty() && !bytes.windows(8).any(|window| window == b"HTTP/1.1"));
}

#[tokio::test]
async fn a_client_that_never_reads_its_answer_loses_its_place() {
    let server = Running::with(Limits { send_timeout: SHORT, max_connections: 1, ..LIMITS }).await;
    let mut deaf = server.connect().await;
    send(&mut deaf, "GET /large HTTP/1.1\r\nhost: x\r\n\r\n").await;
    hello(&mut server.connect().await).await;
}

#[tokio::test]
async fn a_client_that_reads_slowly_gets_all_of_its_answer() {
    let server = Running::with(Limits { send_timeout: Duration::from_secs(1), header_timeout: SHORT, ..LIMITS }).await;
    let mut slow = server.connect().await;
    send(&mut slow, "GET /large HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").await;
    let mut piece = vec![0; LARGE / 25];
    for _ in 0..24 {
        soon(slow.read_exact(&mut piece)).await.unwrap();
        // All pauses together are longer than the time without any byte may be.
        assert_eq!(rest(&mut server.connect().await).await, "");
    }
    let mut last = Vec::new();
    soon(slow.read_to_end(&mut last)).await.unwrap();
    assert!(piece.len() * 24 + last.len() > LARGE);
}

#[tokio::test]
async fn an_answer_that_has_not_begun_may_take_its_time() {
    let server = Running::with(Limits { header_timeout: SHORT, send_timeout: SHORT, ..LIMITS }).await;
    let mut client = server.connect().await;
    send(&mut client, "GET /until-released HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").await;
    for _ in 0..4 {
        assert_eq!(rest(&mut server.connect().await).await, "");
    }
    server.release.cancel();
    assert!(rest(&mut client).await.ends_with("the last one"));
}

mod over_tls {
    use super::*;

    async fn secure(limits: Limits) -> (Running, DevTls, tempfile::TempDir) {
        let dir = tempfile::tempdir().unwrap();
        let made = dev_certificate(dir.path(), now()).unwrap();
        let listener = bound().await.with_tls(made.config.clone());
        (Running::on(listener, limits), made, dir)
    }

    /// A client looks at the real clock, so the certificate must count now.
    fn now() -> Timestamp {
        countersign_engine::clock::Clock::system().wall()
    }

    fn client(made: &DevTls) -> reqwest::Client {
        let authority = std::fs::read(&made.ca_file).unwrap();
        let authority = reqwest::Certificate::from_pem(&authority).unwrap();
        reqwest::Client::builder().tls_certs_only([authority]).no_proxy().build().unwrap()
    }

    #[tokio::test]
    async fn a_client_that_trusts_the_authority_is_served_over_http2() {
        let (server, made, _dir) = secure(LIMITS).await;
        let client = client(&made);
        for host in ["localhost", "127.0.0.1"] {
            let url = format!("https://{host}:{}/from", server.address.port());
            let answer = soon(client.get(url).send()).await.unwrap();
            assert_eq!(answer.version(), reqwest::Version::HTTP_2);
            assert!(answer.text().await.unwrap().starts_with("https 127.0.0.1:"));
        }
        // An idle HTTP/2 connection is open, and ends at once.
        assert_eq!(server.stopped().await, 0);
    }

    #[tokio::test]
    async fn a_handshake_that_never_ends_is_closed() {
        let (server, _made, _dir) = secure(Limits { header_timeout: SHORT, ..LIMITS }).await;
        assert_eq!(rest(&mut server.connect().await).await, "");
    }

    #[tokio::test]
    async fn a_handshake_that_has_not_ended_does_not_hold_up_a_stop() {
        let (server, _made, _dir) = secure(LIMITS).await;
        let mut silent = server.connect().await;
        assert_eq!(server.stopped().await, 0);
        assert_eq!(rest(&mut silent).await, "");
    }
}
