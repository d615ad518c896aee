//! How connections come in: accept loops of our own over hyper, since time-outs for heads, a cap on connections and an end with
//! a deadline need the loop. HTTP/1.1 and HTTP/2, plain or over TLS.
//!
//! Every request gets two extensions: `axum::extract::ConnectInfo<SocketAddr>` (the peer) and `http::uri::Scheme` (how it
//! came in). Body limits and body time-outs are `countersign-web`'s business, since their answers have a dialect.
//! Entry points: [`Listener::bind`], then [`serve`].

mod activity;
mod connection;
mod transport;
mod unreadable;

use crate::Failure;
use axum::{Router, http::uri::Scheme};
use connection::Connections;
use std::{
    io::{self, ErrorKind},
    net::SocketAddr,
    sync::Arc,
    time::Duration,
};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

/// What a connection may take.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Connections served at one time. Further ones wait.
    pub max_connections: u32,
    /// For the TLS handshake, and for each request's head from its first byte on.
    pub header_timeout: Duration,
    /// For a connection without a request.
    pub keep_alive: Duration,
    /// For the peer to take something of an answer.
    pub send_timeout: Duration,
    /// For requests that have begun, at a stop.
    pub drain: Duration,
}

/// A socket that listens.
#[derive(Debug)]
pub struct Listener {
    socket: TcpListener,
    address: SocketAddr,
    tls: Option<Arc<rustls::ServerConfig>>,
}

impl Listener {
    /// Takes the port. Port 0 is any free port: see [`Self::local_addr`].
    ///
    /// # Errors
    /// When the port is taken or not permitted, in one line that says what to do.
    pub async fn bind(address: SocketAddr) -> Result<Self, Failure> {
        let bound = TcpListener::bind(address).await.and_then(|socket| Ok((socket.local_addr()?, socket)));
        let (address, socket) = bound.map_err(|error| Failure::other(cannot_bind(address, &error)))?;
        Ok(Self { socket, address, tls: None })
    }

    /// The same socket, answering HTTPS.
    #[must_use]
    pub fn with_tls(self, config: Arc<rustls::ServerConfig>) -> Self {
        Self { tls: Some(config), ..self }
    }

    /// The address, with the port that was found.
    #[must_use]
    pub const fn local_addr(&self) -> SocketAddr {
        self.address
    }

    /// `http://127.0.0.1:8080`.
    #[must_use]
    pub fn url(&self) -> String {
        format!("{}://{}", self.scheme(), self.address)
    }

    fn scheme(&self) -> Scheme {
        if self.tls.is_some() { Scheme::HTTPS } else { Scheme::HTTP }
    }
}

fn cannot_bind(address: SocketAddr, error: &io::Error) -> String {
    let kind = error.kind();
    let why = if kind == ErrorKind::AddrInUse {
        "another program has this port; stop it, or choose another port".to_owned()
    } else if kind == ErrorKind::PermissionDenied {
        "not permitted; choose a port above 1023, or give the program the right to (CAP_NET_BIND_SERVICE)".to_owned()
    } else if kind == ErrorKind::AddrNotAvailable {
        "this machine does not have this address; choose one that it has".to_owned()
    } else {
        error.to_string()
    };
    format!("cannot listen on {address}: {why}")
}

/// Answers on all listeners until `stop`; then takes no more connections, lets requests that have begun end within
/// [`Limits::drain`], and closes what is left. Returns how many connections were cut off. `public_url` is the address of this server for
/// links in refusals that are said here, before the router.
pub async fn serve(
    listeners: Vec<Listener>,
    router: Router,
    public_url: Option<String>,
    limits: Limits,
    stop: CancellationToken,
) -> usize {
    let connections = Arc::new(Connections::new(router, public_url, limits, stop.clone()));
    let loops = TaskTracker::new();
    for listener in listeners {
        loops.spawn(accept(listener, Arc::clone(&connections), stop.clone()));
    }
    loops.close();
    loops.wait().await;
    connections.drained().await
}

async fn accept(listener: Listener, connections: Arc<Connections>, stop: CancellationToken) {
    let (scheme, tls) = (listener.scheme(), listener.tls.map(TlsAcceptor::from));
    let mut pause = Pause::default();
    loop {
        let accepted = tokio::select! {
            () = stop.cancelled() => return,
            accepted = listener.socket.accept() => accepted,
        };
        let (stream, peer) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                pause.after(&error, &stop).await;
                continue;
            }
        };
        pause = Pause::default();
        let Some(place) = connections.place(&stop).await else { return };
        without_delay(&stream);
        connections.spawn(place, stream, tls.clone(), peer, scheme.clone());
    }
}

/// Small answers leave at once. A socket that refuses this is slower, not broken.
fn without_delay(stream: &TcpStream) {
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "cannot set TCP_NODELAY");
    }
}

/// Waits after a failed accept: when the process has no file descriptors left, the next accept fails at once, and again.
struct Pause(Duration);

impl Default for Pause {
    fn default() -> Self {
        Self(Duration::from_millis(10))
    }
}

impl Pause {
    const LONGEST: Duration = Duration::from_secs(1);

    async fn after(&mut self, error: &io::Error, stop: &CancellationToken) {
        // These belong to the connection that came and went, not to the socket.
        if matches!(
            error.kind(),
            ErrorKind::ConnectionAborted | ErrorKind::ConnectionReset | ErrorKind::ConnectionRefused
        ) {
            return;
        }
        tracing::error!(%error, pause_ms = self.0.as_millis(), "cannot accept connections");
        _ = tokio::time::timeout(self.0, stop.cancelled()).await;
        self.0 = (self.0 * 2).min(Self::LONGEST);
    }
}
