//! Listens, and ends without cutting anyone off: accepts no more, lets what runs finish, then closes.

mod explained;

use std::{convert::Infallible, future::Future, net::SocketAddr, sync::Arc, time::Duration};

use anyhow::{Context, Result};
use http::{Request, Response};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    server::graceful::GracefulShutdown,
};
use tokio::{net::TcpListener, time::timeout};
use tokio_util::sync::CancellationToken;

use self::explained::Explained;

/// How long a connection may take to send a request's head, or be idle between two.
const HEAD_TIME: Duration = Duration::from_secs(30);

/// Takes an address, or says in one line why it can't be had.
pub async fn bind(address: &str) -> Result<(TcpListener, SocketAddr)> {
    let listener = TcpListener::bind(address).await.with_context(|| format!("can't listen on {address}"))?;
    let chosen = listener.local_addr()?;
    Ok((listener, chosen))
}

/// Serves until `stop`, then lets requests in flight finish for `grace`. `meet` gives each connection what answers its requests.
pub async fn serve<A, B, F>(listener: TcpListener, meet: impl Fn(SocketAddr) -> A, stop: CancellationToken, grace: Duration)
where
    A: Fn(Request<Incoming>) -> F + Send + 'static,
    F: Future<Output = Response<B>> + Send + 'static,
    B: http_body::Body<Data = bytes::Bytes, Error = Infallible> + Send + 'static,
{
    serve_heads_within(HEAD_TIME, listener, meet, stop, grace).await;
}

async fn serve_heads_within<A, B, F>(
    head_time: Duration,
    listener: TcpListener,
    meet: impl Fn(SocketAddr) -> A,
    stop: CancellationToken,
    grace: Duration,
) where
    A: Fn(Request<Incoming>) -> F + Send + 'static,
    F: Future<Output = Response<B>> + Send + 'static,
    B: http_body::Body<Data = bytes::Bytes, Error = Infallible> + Send + 'static,
{
    let connections = GracefulShutdown::new();
    let http = Arc::new({
        let mut http = http1::Builder::new();
        // No `pipeline_flush`: with it a refusal of a head that can't be read is never written.
        http.timer(TokioTimer::new()).header_read_timeout(head_time);
        http
    });
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = stop.cancelled() => break,
        };
        let (stream, peer) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                // Mostly a lack of file descriptors, which passes when connections close.
                tracing::warn!(%error, "a connection was not accepted");
                tokio::time::sleep(Duration::from_millis(50)).await;
                continue;
            }
        };
        // The first event of a stream must not wait for the client's delayed acknowledgement.
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "TCP_NODELAY");
        }
        let answer = meet(peer);
        let service = service_fn(move |request| {
            let answered = answer(request);
            async move { Ok::<_, Infallible>(answered.await) }
        });
        let connection = connections.watch(http.serve_connection(TokioIo::new(Explained::new(stream)), service));
        tokio::spawn(async move {
            if let Err(error) = connection.await {
                tracing::debug!(%error, %peer, "a connection ended early");
            }
        });
    }
    drop(listener);
    if timeout(grace, connections.shutdown()).await.is_err() {
        tracing::warn!("connections were closed before their requests had ended");
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use http_body_util::Full;
    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt},
        net::TcpStream,
        time::Instant,
    };

    use super::*;

    #[tokio::test]
    async fn a_client_that_never_ends_its_head_is_hung_up_on_and_others_are_answered() {
        let (listener, address) = bind("127.0.0.1:0").await.unwrap();
        let meet = |_| |_: Request<Incoming>| async { Response::new(Full::<Bytes>::default()) };
        let stop = CancellationToken::new();
        let server = tokio::spawn(serve_heads_within(Duration::from_millis(300), listener, meet, stop.clone(), Duration::ZERO));
        let mut slow = TcpStream::connect(address).await.unwrap();
        let started = Instant::now();
        slow.write_all(b"GET / HTTP/1.1\r\nHost: x\r\n").await.unwrap();
        let (mut from_server, mut to_server) = slow.into_split();
        let drips = tokio::spawn(async move {
            // A header now and then doesn't win time.
            while to_server.write_all(b"X-Slow: 1\r\n").await.is_ok() {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        });
        let mut other = TcpStream::connect(address).await.unwrap();
        other.write_all(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").await.unwrap();
        let mut answer = String::new();
        other.read_to_string(&mut answer).await.unwrap();
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
        let mut rest = Vec::new();
        // An end, or a reset, because what was sent afterwards was never read.
        let _ = from_server.read_to_end(&mut rest).await;
        assert!((Duration::from_millis(250)..Duration::from_secs(10)).contains(&started.elapsed()), "{:?}", started.elapsed());
        assert!(!rest.starts_with(b"HTTP/1.1 200"));
        drips.abort();
        stop.cancel();
        server.await.unwrap();
    }
}
