//! Listens, and ends without cutting anyone off: accepts no more, lets what runs finish, then closes.

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

/// How long a connection may take to send a request's head, or be idle between two.
const HEAD_TIME: Duration = Duration::from_secs(75);

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
    let connections = GracefulShutdown::new();
    let http = Arc::new({
        let mut http = http1::Builder::new();
        http.timer(TokioTimer::new()).header_read_timeout(HEAD_TIME).pipeline_flush(true);
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
        let connection = connections.watch(http.serve_connection(TokioIo::new(stream), service));
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
