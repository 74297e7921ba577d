//! Bodies with bounds: what is read from a client, and what is written to it.

use std::{
    convert::Infallible,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use bytes::{Bytes, BytesMut};
use http_body::{Body, Frame, SizeHint};
use http_body_util::BodyExt;
use tokio::time::{Instant, Sleep, sleep_until, timeout_at};
use tokio_util::sync::WaitForCancellationFutureOwned;

/// How long a client may be silent within a body.
const READ_IDLE: Duration = Duration::from_secs(10);
/// How long a whole body may take.
const READ_TOTAL: Duration = Duration::from_secs(60);
/// How much of a body that is too large is read, so that its sender gets to read the refusal: many send all before they read.
const MAX_DRAINED_BYTES: usize = 64 * 1024 * 1024;

/// Why a body wasn't taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReadError {
    /// It has more bytes than it may.
    TooLarge,
    /// It did not come in time.
    TooSlow,
    /// The client hung up, or sent no HTTP.
    Broken,
}

/// Reads a body of at most `limit` bytes.
pub async fn read<B>(mut body: B, limit: usize) -> Result<Bytes, ReadError>
where
    B: Body<Data = Bytes> + Unpin,
{
    if body.is_end_stream() {
        return Ok(Bytes::new());
    }
    let end = Instant::now() + READ_TOTAL;
    let first = next(&mut body, end).await?.unwrap_or_default();
    if body.is_end_stream() && first.len() <= limit {
        return Ok(first);
    }
    let expected = usize::try_from(body.size_hint().lower()).unwrap_or(usize::MAX).saturating_add(first.len());
    let mut bytes = BytesMut::with_capacity(expected.min(limit));
    let mut chunk = first;
    let mut read = 0_usize;
    loop {
        read += chunk.len();
        match read {
            _ if read <= limit => bytes.extend_from_slice(&chunk),
            _ if read <= MAX_DRAINED_BYTES => bytes.clear(),
            _ => return Err(ReadError::TooLarge),
        }
        match next(&mut body, end).await {
            Ok(Some(next)) => chunk = next,
            Ok(None) if read <= limit => return Ok(bytes.freeze()),
            Ok(None) => return Err(ReadError::TooLarge),
            Err(_) if read > limit => return Err(ReadError::TooLarge),
            Err(error) => return Err(error),
        }
    }
}

/// The next piece of data; `None` at the end.
async fn next<B>(body: &mut B, end: Instant) -> Result<Option<Bytes>, ReadError>
where
    B: Body<Data = Bytes> + Unpin,
{
    loop {
        match timeout_at(end.min(Instant::now() + READ_IDLE), body.frame()).await {
            Err(_) => return Err(ReadError::TooSlow),
            Ok(Some(Err(_))) => return Err(ReadError::Broken),
            Ok(None) => return Ok(None),
            Ok(Some(Ok(frame))) => {
                if let Ok(data) = frame.into_data() {
                    return Ok(Some(data));
                }
            }
        }
    }
}

/// What goes out.
pub enum ResponseBody {
    /// All there is; `None` once it was taken.
    Whole(Option<Bytes>),
    /// Pieces as they come.
    Streamed(Box<Streamed>),
}

/// A body that ends, whatever its source does: after a while of silence, at its deadline, or when the server closes.
pub struct Streamed {
    source: edge::Body,
    idle: Duration,
    silence: Pin<Box<Sleep>>,
    deadline: Instant,
    closing: Pin<Box<WaitForCancellationFutureOwned>>,
}

impl ResponseBody {
    /// All of it at once.
    pub fn whole(bytes: impl Into<Bytes>) -> Self {
        ResponseBody::Whole(Some(bytes.into()))
    }

    /// Piece by piece, with these bounds. Silence is measured from piece to piece.
    pub fn streamed(source: edge::Body, idle: Duration, deadline: Instant, closing: WaitForCancellationFutureOwned) -> Self {
        let silence = Box::pin(sleep_until(deadline.min(Instant::now() + idle)));
        ResponseBody::Streamed(Box::new(Streamed { source, idle, silence, deadline, closing: Box::pin(closing) }))
    }
}

impl Body for ResponseBody {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        match self.get_mut() {
            ResponseBody::Whole(bytes) => Poll::Ready(bytes.take().map(|bytes| Ok(Frame::data(bytes)))),
            ResponseBody::Streamed(streamed) => streamed.poll(cx),
        }
    }

    fn is_end_stream(&self) -> bool {
        matches!(self, ResponseBody::Whole(None))
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            ResponseBody::Whole(bytes) => SizeHint::with_exact(bytes.as_ref().map_or(0, |bytes| bytes.len() as u64)),
            ResponseBody::Streamed(_) => SizeHint::default(),
        }
    }
}

impl Streamed {
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        use std::future::Future;
        if self.closing.as_mut().poll(cx).is_ready() {
            return Poll::Ready(None);
        }
        if let Poll::Ready(frame) = Pin::new(&mut self.source).poll_frame(cx) {
            let now = Instant::now();
            if now >= self.deadline {
                return Poll::Ready(None);
            }
            self.silence.as_mut().reset(self.deadline.min(now + self.idle));
            return Poll::Ready(frame);
        }
        ready!(self.silence.as_mut().poll(cx));
        Poll::Ready(None)
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use futures::{StreamExt, stream};
    use http_body_util::{Full, StreamBody};
    use tokio_util::sync::CancellationToken;

    use super::*;

    fn chunks(sizes: &'static [usize]) -> impl Body<Data = Bytes, Error = Infallible> + Unpin {
        StreamBody::new(stream::iter(sizes).map(|size| Ok(Frame::data(Bytes::from(vec![b'x'; *size])))))
    }

    #[tokio::test]
    async fn a_body_up_to_the_limit_is_read_whole() {
        assert_eq!(read(Full::from("hello"), 5).await.unwrap(), "hello");
        assert_eq!(read(Full::<Bytes>::default(), 5).await.unwrap(), "");
        assert_eq!(read(chunks(&[2, 2, 1]), 5).await.unwrap().len(), 5);
    }

    #[tokio::test]
    async fn one_byte_more_is_too_large() {
        assert_eq!(read(Full::from("hello!"), 5).await, Err(ReadError::TooLarge));
        assert_eq!(read(chunks(&[2, 2, 2]), 5).await, Err(ReadError::TooLarge));
    }

    #[tokio::test(start_paused = true)]
    async fn endless_and_silent_bodies_are_cut_off() {
        let endless = StreamBody::new(stream::repeat_with(|| Ok::<_, Infallible>(Frame::data(Bytes::from_static(&[0; 65536])))));
        assert_eq!(read(endless, 10).await, Err(ReadError::TooLarge));
        let silent = StreamBody::new(stream::pending::<Result<Frame<Bytes>, Infallible>>());
        assert_eq!(read(silent, 10).await, Err(ReadError::TooSlow));
    }

    fn body(source: edge::Body, seconds: u64, closing: &CancellationToken) -> ResponseBody {
        let deadline = Instant::now() + Duration::from_secs(seconds);
        ResponseBody::streamed(source, Duration::from_secs(300), deadline, closing.clone().cancelled_owned())
    }

    #[tokio::test(start_paused = true)]
    async fn a_silent_stream_ends_after_five_minutes_and_a_busy_one_at_its_deadline() {
        let closing = CancellationToken::new();
        let started = Instant::now();
        let silent = body(edge::Body::stream(stream::pending()), 900, &closing);
        assert_eq!(silent.collect().await.unwrap().to_bytes(), "");
        assert_eq!(started.elapsed().as_secs(), 300);

        let started = Instant::now();
        let ticks =
            stream::unfold((), |()| async { Some((tokio::time::sleep(Duration::from_secs(100)).await, ())) }).map(|()| Bytes::from_static(b"."));
        let busy = body(edge::Body::stream(ticks), 850, &closing);
        assert_eq!(busy.collect().await.unwrap().to_bytes(), "........");
        assert_eq!(started.elapsed().as_secs(), 850);
    }

    #[tokio::test]
    async fn a_stream_ends_cleanly_when_the_server_closes() {
        let closing = CancellationToken::new();
        let first = stream::iter([Bytes::from_static(b"one")]).chain(stream::pending());
        let mut body = body(edge::Body::stream(first), 900, &closing);
        assert_eq!(body.frame().await.unwrap().unwrap().into_data().unwrap(), "one");
        closing.cancel();
        assert!(body.frame().await.is_none());
    }
}
