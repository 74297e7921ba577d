//! A TCP proxy before a server, that makes the way to it long, breaks it, or lets nothing through.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{
        TcpListener, TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    sync::Notify,
    time::sleep,
};

/// Carries connections until it is dropped.
pub struct Proxy {
    pub port: u16,
    way: Arc<Way>,
    serving: tokio::task::JoinHandle<()>,
}

#[derive(Default)]
struct Way {
    /// Added to whatever a client sends at once.
    delay_ms: AtomicU64,
    /// Nothing gets through, and nobody is told.
    blocked: AtomicBool,
    cut: Notify,
}

impl Proxy {
    pub async fn before(server: SocketAddr) -> Proxy {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let way = Arc::new(Way::default());
        let serving = tokio::spawn({
            let way = way.clone();
            async move {
                while let Ok((client, _)) = listener.accept().await {
                    tokio::spawn(carry(client, server, way.clone()));
                }
            }
        });
        Proxy { port, way, serving }
    }

    /// Each thing that a client asks for reaches the server so much later.
    pub fn delay(&self, by: Duration) {
        self.way.delay_ms.store(by.as_millis() as u64, Ordering::SeqCst);
    }

    /// From now on, or no longer, everything is swallowed.
    pub fn block(&self, blocked: bool) {
        self.way.blocked.store(blocked, Ordering::SeqCst);
    }

    /// Breaks all connections that there are.
    pub fn cut(&self) {
        self.way.cut.notify_waiters();
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.serving.abort();
        self.way.cut.notify_waiters();
    }
}

async fn carry(client: TcpStream, server: SocketAddr, way: Arc<Way>) {
    let Ok(server) = TcpStream::connect(server).await else { return };
    let _ = (client.set_nodelay(true), server.set_nodelay(true));
    let ((from_client, to_client), (from_server, to_server)) = (client.into_split(), server.into_split());
    tokio::select! {
        () = pour(from_client, to_server, &way, true) => {}
        () = pour(from_server, to_client, &way, false) => {}
        () = way.cut.notified() => {}
    }
}

async fn pour(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, way: &Way, asks: bool) {
    let mut buffer = vec![0; 64 * 1024];
    loop {
        let Ok(read @ 1..) = from.read(&mut buffer).await else { return };
        if asks {
            sleep(Duration::from_millis(way.delay_ms.load(Ordering::SeqCst))).await;
        }
        while way.blocked.load(Ordering::SeqCst) {
            sleep(Duration::from_millis(10)).await;
        }
        if to.write_all(&buffer[..read]).await.is_err() {
            return;
        }
    }
}
