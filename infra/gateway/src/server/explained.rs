//! A connection on which refusals without a word get some: where a request's head can't be read, the HTTP library answers for us, with an empty body.

use std::{
    io::{self, IoSlice},
    pin::Pin,
    task::{Context, Poll, ready},
};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::gateway::{MAX_HEADER_BYTES, MAX_HEADERS};

/// How the library's refusals begin. They say that the body is empty, which no answer of ours says.
const REFUSAL: &[u8] = b"HTTP/1.1 4";
const WORDLESS: &str = "\r\ncontent-length: 0\r\n";
/// As all answers have them.
const HEADERS: &str = "content-type: application/json\r\nx-content-type-options: nosniff\r\nx-frame-options: DENY\r\nx-xss-protection: 0\r\n\
    strict-transport-security: max-age=31536000; includeSubDomains\r\ncontent-security-policy: default-src 'none'; frame-ancestors 'none'\r\n\
    referrer-policy: no-referrer\r\n";

/// Passes everything on, but for such refusals.
pub(super) struct Explained<S> {
    stream: S,
    /// What stands in for a refusal and isn't written yet, and how much the library thinks that it is.
    instead: Option<(Vec<u8>, usize)>,
}

impl<S> Explained<S> {
    pub(super) fn new(stream: S) -> Self {
        Explained { stream, instead: None }
    }
}

impl<S: AsyncWrite + Unpin> Explained<S> {
    /// Writes what stands in for the refusal; says that the refusal is written.
    fn write_instead(&mut self, cx: &mut Context<'_>) -> Poll<Option<io::Result<usize>>> {
        let Some((left, refusal)) = &mut self.instead else { return Poll::Ready(None) };
        while !left.is_empty() {
            match ready!(Pin::new(&mut self.stream).poll_write(cx, left)) {
                Ok(0) => return Poll::Ready(Some(Err(io::ErrorKind::WriteZero.into()))),
                Ok(written) => drop(left.drain(..written)),
                Err(error) => return Poll::Ready(Some(Err(error))),
            }
        }
        let refusal = *refusal;
        self.instead = None;
        Poll::Ready(Some(Ok(refusal)))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Explained<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        if self.instead.is_none() && bytes.starts_with(REFUSAL) {
            self.instead = explained(bytes).map(|instead| (instead, bytes.len()));
        }
        match ready!(self.write_instead(cx)) {
            Some(written) => Poll::Ready(written),
            None => Pin::new(&mut self.stream).poll_write(cx, bytes),
        }
    }

    fn poll_write_vectored(mut self: Pin<&mut Self>, cx: &mut Context<'_>, pieces: &[IoSlice<'_>]) -> Poll<io::Result<usize>> {
        match pieces {
            [head, ..] if self.instead.is_some() || head.starts_with(REFUSAL) => self.poll_write(cx, head),
            _ => Pin::new(&mut self.stream).poll_write_vectored(cx, pieces),
        }
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Explained<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buffer)
    }
}

/// The same refusal in our form; `None` for what is no such refusal.
fn explained(bytes: &[u8]) -> Option<Vec<u8>> {
    let head = str::from_utf8(bytes).ok()?;
    // A body follows, or it says itself that there is none.
    if !head.ends_with("\r\n\r\n") || !head.contains(WORDLESS) {
        return None;
    }
    let code: u16 = head.get(9..12)?.parse().ok()?;
    let (status, message) = match code {
        414 => ("INVALID_ARGUMENT", "the URL is longer than 8 KiB".to_owned()),
        431 => ("RESOURCE_EXHAUSTED", format!("there are more headers than the {MAX_HEADERS} of {MAX_HEADER_BYTES} bytes that are taken")),
        _ => ("INVALID_ARGUMENT", "the request can't be read: it is no HTTP/1.1".to_owned()),
    };
    let error = serde_json::json!({"code": code, "status": status, "message": message, "details": []});
    let body = serde_json::json!({"jsonrpc": "2.0", "id": null, "error": error}).to_string();
    let head = head.strip_suffix("\r\n")?.replacen(WORDLESS, &format!("\r\ncontent-length: {}\r\n{HEADERS}", body.len()), 1);
    Some(format!("{head}\r\n{body}").into_bytes())
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    const BARE: &str =
        "HTTP/1.1 431 Request Header Fields Too Large\r\nconnection: close\r\ncontent-length: 0\r\ndate: Thu, 01 Jan 1970 00:00:00 GMT\r\n\r\n";

    #[tokio::test]
    async fn a_refusal_is_explained_through_a_connection_that_takes_few_bytes_at_a_time() {
        let (here, mut there) = tokio::io::duplex(7);
        let reading = tokio::spawn(async move {
            let mut read = String::new();
            there.read_to_string(&mut read).await.unwrap();
            read
        });
        let mut connection = Explained::new(here);
        connection.write_all(BARE.as_bytes()).await.unwrap();
        drop(connection);
        let read = reading.await.unwrap();
        let (head, body) = read.split_once("\r\n\r\n").unwrap();
        assert!(head.starts_with("HTTP/1.1 431 Request Header Fields Too Large\r\nconnection: close\r\n"), "{head}");
        assert!(head.contains(&format!("\r\ncontent-length: {}\r\n", body.len())) && head.contains("\r\nx-content-type-options: nosniff"), "{head}");
        let body: serde_json::Value = serde_json::from_str(body).unwrap();
        assert_eq!((&body["error"]["code"], &body["error"]["status"]), (&431.into(), &"RESOURCE_EXHAUSTED".into()));
    }

    #[test]
    fn answers_with_words_of_their_own_are_left_alone() {
        for answer in ["HTTP/1.1 404 Not Found\r\ncontent-length: 2\r\n\r\n{}", "HTTP/1.1 404 Not Found\r\ncontent-length: 2\r\n\r\n"] {
            assert_eq!(explained(answer.as_bytes()), None);
        }
    }
}
