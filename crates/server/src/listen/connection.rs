//! One connection from its first byte to its last, and the count of all of them.

use super::{
    Limits,
    activity::{Activity, Answer, Overdue},
    transport::{Returned, Stream, Transport},
    unreadable,
};
use axum::{
    Router,
    body::Body,
    extract::ConnectInfo,
    http::{Request, Response, uri::Scheme},
};
use countersign_web::dialects::Refusal;
use hyper::{body::Incoming, service::service_fn};
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::conn::auto,
};
use std::{convert::Infallible, net::SocketAddr, pin::pin, sync::Arc, time::Duration};
use tokio::{
    net::TcpStream,
    sync::{OwnedSemaphorePermit, Semaphore},
    time::{Instant, MissedTickBehavior, interval, timeout},
};
use tokio_rustls::TlsAcceptor;
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tower::ServiceExt as _;

/// The head of one request, at most. RFC 9110 asks for at least 8000 bytes of request line; tokens are long.
const MAX_HEAD_BYTES: u32 = 32 * 1024;
/// How long a connection that was asked to end may take for it, at most.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// All connections of one server.
pub(super) struct Connections {
    router: Router,
    public_url: Option<String>,
    limits: Limits,
    http: auto::Builder<TokioExecutor>,
    places: Arc<Semaphore>,
    tasks: TaskTracker,
    stop: CancellationToken,
    cut: CancellationToken,
}

impl Connections {
    pub(super) fn new(router: Router, public_url: Option<String>, limits: Limits, stop: CancellationToken) -> Self {
        let mut http = auto::Builder::new(TokioExecutor::new());
        // `Activity` watches over heads and idle times: one clock, not two.
        http.http1().timer(TokioTimer::new()).header_read_timeout(None).max_buf_size(MAX_HEAD_BYTES as usize);
        http.http2()
            .timer(TokioTimer::new())
            .max_header_list_size(MAX_HEAD_BYTES)
            .keep_alive_interval(limits.header_timeout)
            .keep_alive_timeout(limits.header_timeout);
        let places = Arc::new(Semaphore::new(limits.max_connections as usize));
        let (tasks, cut) = (TaskTracker::new(), CancellationToken::new());
        Self { router, public_url, limits, http, places, tasks, stop, cut }
    }

    /// Waits for a free place; none if everything stops first.
    pub(super) async fn place(&self, stop: &CancellationToken) -> Option<OwnedSemaphorePermit> {
        tokio::select! {
            () = stop.cancelled() => None,
            place = Arc::clone(&self.places).acquire_owned() => place.ok(),
        }
    }

    /// Serves a connection in a task of its own: its panic is its own too.
    pub(super) fn spawn(
        self: &Arc<Self>,
        place: OwnedSemaphorePermit,
        stream: TcpStream,
        tls: Option<TlsAcceptor>,
        peer: SocketAddr,
        scheme: Scheme,
    ) {
        let all = Arc::clone(self);
        self.tasks.spawn(async move {
            let _place = place;
            tokio::select! {
                () = all.cut.cancelled() => {}
                () = all.handle(stream, tls, peer, scheme) => {}
            }
        });
    }

    /// Waits for the last connection, at most [`Limits::drain`]; returns how many it cut off then.
    pub(super) async fn drained(&self) -> usize {
        self.tasks.close();
        if timeout(self.limits.drain, self.tasks.wait()).await.is_ok() {
            return 0;
        }
        let left = self.tasks.len();
        self.cut.cancel();
        self.tasks.wait().await;
        left
    }

    async fn handle(&self, stream: TcpStream, tls: Option<TlsAcceptor>, peer: SocketAddr, scheme: Scheme) {
        let stream = match tls {
            None => Stream::Plain(stream),
            Some(tls) => tokio::select! {
                () = self.stop.cancelled() => return,
                shaken = timeout(self.limits.header_timeout, tls.accept(stream)) => match shaken {
                    Ok(Ok(stream)) => Stream::Tls(Box::new(stream)),
                    Ok(Err(error)) => return tracing::debug!(%error, "no TLS handshake"),
                    Err(_) => return tracing::debug!("a TLS handshake took too long"),
                },
            },
        };
        let (activity, returned) = (Arc::new(Activity::new(Instant::now())), Returned::default());
        let transport = Transport::new(stream, Arc::clone(&activity), returned.clone());
        let overdue = self.converse(transport, &activity, (peer, scheme)).await;
        let Some((stream, held_back)) = returned.take() else { return };
        let refusal = if overdue == Some(Overdue::LateHead) { Some(Refusal::LateHead) } else { held_back };
        let Some(refusal) = refusal else { return };
        let answer = unreadable::answer(&activity.head(), &refusal, self.public_url.as_deref()).await;
        if let Ok(Err(error)) = timeout(LAST_WORDS, stream.say(&answer)).await {
            tracing::debug!(%error, "a connection ended early");
        }
    }

    /// Until the connection ends, or there is a reason to end it.
    async fn converse(
        &self,
        transport: Transport,
        activity: &Arc<Activity>,
        (peer, scheme): (SocketAddr, Scheme),
    ) -> Option<Overdue> {
        let service = service_fn(|request| self.answer(request, peer, scheme.clone(), activity));
        let mut connection = pin!(self.http.serve_connection(TokioIo::new(transport), service));
        tokio::select! {
            ended = connection.as_mut() => return log_end(ended),
            overdue = self.overdue(activity) => {
                if overdue != Overdue::LateHead {
                    connection.as_mut().graceful_shutdown();
                    if let Ok(ended) = timeout(LAST_WORDS.min(self.limits.header_timeout), connection.as_mut()).await {
                        return log_end(ended);
                    }
                }
                return Some(overdue);
            }
            () = self.stop.cancelled() => connection.as_mut().graceful_shutdown(),
        }
        // At a stop the deadline is that of all connections; a head that has begun still has its own.
        tokio::select! {
            ended = connection.as_mut() => log_end(ended),
            overdue = self.overdue(activity) => Some(overdue),
        }
    }

    /// Ends when the connection has done nothing for too long.
    async fn overdue(&self, activity: &Activity) -> Overdue {
        let mut looks = interval(Activity::looks_every(&self.limits));
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let now = looks.tick().await;
            if let Some(overdue) = activity.overdue(&self.limits, now) {
                return overdue;
            }
        }
    }

    fn answer(
        &self,
        request: Request<Incoming>,
        peer: SocketAddr,
        scheme: Scheme,
        activity: &Arc<Activity>,
    ) -> impl Future<Output = Result<Response<Answer>, Infallible>> + Send + use<> {
        let in_flight = activity.request(request.version());
        let mut request = request.map(Body::new);
        request.extensions_mut().insert(ConnectInfo(peer));
        request.extensions_mut().insert(scheme);
        let router = self.router.clone();
        async move {
            let Ok(answer) = router.oneshot(request).await;
            Ok(answer.map(|body| Answer::new(body, in_flight)))
        }
    }
}

/// How a connection ends is the client's business: nothing to do about it, and too much to log by default.
fn log_end(ended: Result<(), Box<dyn std::error::Error + Send + Sync>>) -> Option<Overdue> {
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection ended early");
    }
    None
}
