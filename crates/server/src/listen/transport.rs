//! The bytes of one connection, plain or over TLS, with a note of when some came in, went out, or could not.

use super::{activity::Activity, unreadable};
use countersign_web::dialects::Refusal;
use std::{
    io,
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll, ready},
};
use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, ReadBuf},
    net::TcpStream,
};
use tokio_rustls::server::TlsStream;

/// No more of what a refused peer still sends is read than this.
const MOST_UNREAD: u64 = 1024 * 1024;

pub(super) enum Stream {
    Plain(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
    /// It was given back.
    Gone,
}

impl Stream {
    /// Writes these bytes, and closes. What the peer still sends is read first: a socket that is closed with unread bytes
    /// is reset, and the peer may then lose what it was told.
    ///
    /// # Errors
    /// When the peer is gone.
    pub(super) async fn say(self, bytes: &[u8]) -> io::Result<()> {
        async fn all(mut stream: impl AsyncRead + AsyncWrite + Unpin, bytes: &[u8]) -> io::Result<()> {
            stream.write_all(bytes).await?;
            stream.shutdown().await?;
            tokio::io::copy(&mut stream.take(MOST_UNREAD), &mut tokio::io::sink()).await.map(drop)
        }
        match self {
            Self::Plain(stream) => all(stream, bytes).await,
            Self::Tls(stream) => all(stream, bytes).await,
            Self::Gone => Err(io::ErrorKind::NotConnected.into()),
        }
    }
}

/// What is left when a [`Transport`] was dropped: hyper does not give back what it served.
#[derive(Clone, Default)]
pub(super) struct Returned(Arc<Mutex<Option<Left>>>);

/// The stream, and what was held back of what hyper wrote to it.
type Left = (Stream, Option<Refusal>);

impl Returned {
    pub(super) fn take(&self) -> Option<Left> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

pub(super) struct Transport {
    stream: Stream,
    activity: Arc<Activity>,
    returned: Returned,
    /// hyper's own refusal of a head, which was not written.
    held_back: Option<Refusal>,
}

impl Transport {
    pub(super) fn new(stream: Stream, activity: Arc<Activity>, returned: Returned) -> Self {
        Self { stream, activity, returned, held_back: None }
    }

    /// Notes whether the peer takes what is to be written.
    fn noted(&self, written: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        if written.is_pending() {
            self.activity.bytes_wait();
        } else {
            self.activity.bytes_went();
        }
        written
    }
}

impl Drop for Transport {
    fn drop(&mut self) {
        let stream = std::mem::replace(&mut self.stream, Stream::Gone);
        let held_back = self.held_back.take();
        *self.returned.0.lock().unwrap_or_else(PoisonError::into_inner) = Some((stream, held_back));
    }
}

/// Asks the stream, whichever it is.
macro_rules! ask {
    ($transport:expr, $stream:ident => $question:expr) => {
        match &mut $transport.stream {
            Stream::Plain(stream) => {
                let $stream = Pin::new(stream);
                $question
            }
            Stream::Tls(stream) => {
                let $stream = Pin::new(stream);
                $question
            }
            Stream::Gone => Poll::Ready(Err(io::ErrorKind::NotConnected.into())),
        }
    };
}

impl AsyncRead for Transport {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        ready!(ask!(self, stream => stream.poll_read(cx, buf)))?;
        match buf.filled().get(before..) {
            Some(bytes) if !bytes.is_empty() => self.activity.bytes_came(bytes),
            Some(_) | None => {}
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Transport {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let bytes = match unreadable::in_written(bytes) {
            None => bytes,
            Some((0, refusal)) => {
                self.held_back = Some(refusal);
                return Poll::Ready(Ok(bytes.len()));
            }
            // What comes before it goes out; it will be asked for again.
            Some((before, _)) => bytes.get(..before).unwrap_or_default(),
        };
        let written = ask!(self, stream => stream.poll_write(cx, bytes));
        self.noted(written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        if let Some((last, earlier)) = slices.split_last()
            && unreadable::in_written(last).is_some()
        {
            let first = earlier.iter().find(|slice| !slice.is_empty());
            return self.poll_write(cx, first.unwrap_or(last));
        }
        let written = ask!(self, stream => stream.poll_write_vectored(cx, slices));
        self.noted(written)
    }

    fn is_write_vectored(&self) -> bool {
        match &self.stream {
            Stream::Plain(stream) => stream.is_write_vectored(),
            Stream::Tls(stream) => stream.is_write_vectored(),
            Stream::Gone => false,
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = ask!(self, stream => stream.poll_flush(cx));
        // Over TLS bytes wait in a buffer of the stream's own.
        if flushed.is_pending() {
            self.activity.bytes_wait();
        } else {
            self.activity.all_went();
        }
        flushed
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        // Something is still to be said.
        if self.held_back.is_some() {
            return Poll::Ready(Ok(()));
        }
        ask!(self, stream => stream.poll_shutdown(cx))
    }
}
