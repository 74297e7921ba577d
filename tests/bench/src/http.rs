//! A client that costs little: HTTP/1.1 over one kept connection.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::TcpStream,
};

/// One connection to a server.
pub struct Connection {
    stream: BufReader<TcpStream>,
    address: String,
    /// Lines that each POST has besides.
    headers: String,
    line: String,
}

/// An answer, read to its end.
pub struct Answer {
    pub status: u16,
    pub body: Vec<u8>,
    /// From the first byte sent to the first event, where it is a stream.
    pub first: Duration,
    /// From the first byte sent to the last of the body.
    pub whole: Duration,
}

impl Connection {
    /// Connects to `HOST:PORT`.
    pub async fn open(address: &str) -> Result<Connection> {
        let stream = TcpStream::connect(address).await.with_context(|| format!("can't connect to {address}"))?;
        stream.set_nodelay(true)?;
        Ok(Connection {
            stream: BufReader::with_capacity(64 * 1024, stream),
            address: address.to_owned(),
            headers: String::new(),
            line: String::new(),
        })
    }

    /// The same connection, whose POSTs have one header more.
    #[cfg(feature = "servers")]
    pub fn with_header(mut self, name: &str, value: &str) -> Connection {
        self.headers += &format!("{name}: {value}\r\n");
        self
    }

    /// POST of JSON.
    pub async fn post(&mut self, path: &str, body: &str) -> Result<Answer> {
        let request = format!(
            "POST {path} HTTP/1.1\r\nhost: {}\r\ncontent-type: application/json\r\na2a-version: 1.0\r\ncontent-length: {}\r\n{}\r\n{body}",
            self.address,
            body.len(),
            self.headers
        );
        self.exchange(&request).await
    }

    /// GET.
    pub async fn get(&mut self, path: &str) -> Result<Answer> {
        let request = format!("GET {path} HTTP/1.1\r\nhost: {}\r\na2a-version: 1.0\r\n\r\n", self.address);
        self.exchange(&request).await
    }

    async fn exchange(&mut self, request: &str) -> Result<Answer> {
        let begun = Instant::now();
        self.stream.get_mut().write_all(request.as_bytes()).await?;
        let status = self.next_line().await?.split(' ').nth(1).and_then(|status| status.parse().ok()).context("no HTTP status")?;
        let (mut length, mut chunked) = (0, false);
        loop {
            let line = self.next_line().await?;
            let Some((name, value)) = line.split_once(':') else { break };
            match name.to_ascii_lowercase().as_str() {
                "content-length" => length = value.trim().parse()?,
                "transfer-encoding" => chunked = value.contains("chunked"),
                _ => {}
            }
        }
        let (mut body, mut first) = (Vec::new(), None);
        if chunked {
            loop {
                let line = self.next_line().await?;
                let size = usize::from_str_radix(line.split(';').next().unwrap_or_default().trim(), 16)?;
                self.read(size, &mut body).await?;
                if first.is_none() && body.windows(5).any(|window| window == b"data:") {
                    first = Some(begun.elapsed());
                }
                self.next_line().await?;
                if size == 0 {
                    break;
                }
            }
        } else {
            self.read(length, &mut body).await?;
        }
        let whole = begun.elapsed();
        Ok(Answer { status, body, first: first.unwrap_or(whole), whole })
    }

    async fn read(&mut self, size: usize, body: &mut Vec<u8>) -> Result<()> {
        let start = body.len();
        body.resize(start + size, 0);
        self.stream.read_exact(&mut body[start..]).await?;
        Ok(())
    }

    async fn next_line(&mut self) -> Result<&str> {
        self.line.clear();
        if self.stream.read_line(&mut self.line).await? == 0 {
            bail!("{} closed the connection", self.address);
        }
        Ok(self.line.trim_end())
    }
}
