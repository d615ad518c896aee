//! What a call leaves of a request's body when it refuses before reading it. On HTTP/1.1 the next request comes behind that rest:
//! a connection with an unread rest is closed, and the client, who was told nothing, finds out with its next request. So the
//! rest is read and thrown away if it is small and comes in time; or else the answer says that the connection ends.

use crate::body::{self, MOST_BYTES};
use axum::{
    body::{Body, BodyDataStream, Bytes, HttpBody as _},
    extract::Request,
    http::{HeaderMap, HeaderValue, Version, header},
    response::Response,
};
use futures_util::{Stream, StreamExt as _};
use std::{
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll},
    time::Duration,
};

/// Where the rest of a body is left.
#[derive(Clone, Default)]
struct Place(Arc<Mutex<Option<BodyDataStream>>>);

impl Place {
    fn take(&self) -> Option<BodyDataStream> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

/// A body that leaves its rest in a place when it is dropped.
struct Lent {
    rest: Option<BodyDataStream>,
    place: Place,
}

impl Stream for Lent {
    type Item = Result<Bytes, axum::Error>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let Some(rest) = &mut self.rest else { return Poll::Ready(None) };
        let next = rest.poll_next_unpin(context);
        if !matches!(next, Poll::Ready(Some(Ok(_))) | Poll::Pending) {
            self.rest = None;
        }
        next
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        *self.place.0.lock().unwrap_or_else(PoisonError::into_inner) = self.rest.take();
    }
}

/// Answers a request, and sees to it that nothing of its body is left.
pub(crate) async fn answered<F>(request: Request, longest: Duration, answer: impl FnOnce(Request) -> F) -> Response
where
    F: Future<Output = Response>,
{
    if request.version() > Version::HTTP_11 || request.body().is_end_stream() {
        return answer(request).await;
    }
    let (parts, body) = request.into_parts();
    let place = Place::default();
    let lent = Lent { rest: Some(body.into_data_stream()), place: place.clone() };
    // Whoever waits to be asked for the body is not asked for one that nobody wants.
    let waits = parts.headers.contains_key(header::EXPECT);
    let length = parts.headers.get(header::CONTENT_LENGTH).cloned();
    let mut response = answer(Request::from_parts(parts, Body::from_stream(lent))).await;
    let Some(rest) = place.take() else { return response };
    if !response.headers().contains_key(header::CONNECTION) && (waits || !is_read(rest, length, longest).await) {
        response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
    response
}

async fn is_read(rest: BodyDataStream, length: Option<HeaderValue>, longest: Duration) -> bool {
    let headers: HeaderMap = length.into_iter().map(|length| (header::CONTENT_LENGTH, length)).collect();
    body::read_up_to(MOST_BYTES, &headers, Body::from_stream(rest), longest).await.is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::response::IntoResponse as _;
    use futures_util::stream;
    use std::{
        convert::Infallible,
        sync::atomic::{AtomicUsize, Ordering},
    };

    const LONG: Duration = Duration::from_mins(1);

    /// A body of so many pieces, and how many were read.
    fn pieces(count: usize, size: usize) -> (Body, Arc<AtomicUsize>) {
        let read = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&read);
        let piece = move |_| {
            counter.fetch_add(1, Ordering::Relaxed);
            Ok::<_, Infallible>(vec![b'x'; size])
        };
        (Body::from_stream(stream::iter(0..count).map(piece)), read)
    }

    async fn refused(body: Body, longest: Duration) -> Response {
        answered(Request::new(body), longest, async |_| ().into_response()).await
    }

    #[tokio::test]
    async fn a_rest_is_read_where_it_is_small() {
        let (body, read) = pieces(3, 10);
        let response = refused(body, LONG).await;
        assert_eq!(read.load(Ordering::Relaxed), 3);
        assert!(!response.headers().contains_key(header::CONNECTION));
    }

    #[tokio::test]
    async fn what_was_begun_is_read_to_its_end_too() {
        let (body, read) = pieces(3, 10);
        let one = async |request: Request| {
            let mut body = request.into_body().into_data_stream();
            assert!(body.next().await.is_some());
            ().into_response()
        };
        answered(Request::new(body), LONG, one).await;
        assert_eq!(read.load(Ordering::Relaxed), 3);
    }

    #[tokio::test]
    async fn a_large_one_and_one_that_never_comes_end_the_connection() {
        let (body, read) = pieces(100, MOST_BYTES);
        assert_eq!(refused(body, LONG).await.headers()[header::CONNECTION], "close");
        assert!(read.load(Ordering::Relaxed) < 4, "it is not read to its end");
        let stuck = Body::from_stream(stream::pending::<Result<Vec<u8>, Infallible>>());
        assert_eq!(refused(stuck, Duration::from_millis(5)).await.headers()[header::CONNECTION], "close");
    }

    #[tokio::test]
    async fn whoever_waits_to_be_asked_is_not_asked() {
        let (body, read) = pieces(3, 10);
        let mut request = Request::new(body);
        request.headers_mut().insert(header::EXPECT, HeaderValue::from_static("100-continue"));
        let response = answered(request, LONG, async |_| ().into_response()).await;
        assert_eq!(
            (read.load(Ordering::Relaxed), &response.headers()[header::CONNECTION]),
            (0, &HeaderValue::from_static("close"))
        );
    }
}
