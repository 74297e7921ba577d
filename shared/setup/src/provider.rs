//! The keys of an identity provider, fetched by HTTP.

use std::time::Duration;

use anyhow::{Context, Result, anyhow, ensure};
use async_trait::async_trait;
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use guard::KeySetSource;
use http_body_util::{BodyExt, Limited};
use tokio::{sync::OnceCell, time::timeout};

use crate::https::HttpsClient;

/// A fetch takes no longer, from the lookup of the name to the last byte.
const FETCH: Duration = Duration::from_secs(5);
/// A longer set is refused.
const MAX_BYTES: usize = 256 * 1024;

/// A JSON Web Key Set at a URL. It is fetched by the client that speaks to AWS, which functions link already; redirects aren't followed.
pub(crate) struct HttpKeySet {
    url: String,
    /// Made at the first fetch: reading the trusted certificates takes a while.
    client: OnceCell<HttpsClient>,
}

impl HttpKeySet {
    pub(crate) fn new(url: String) -> Self {
        HttpKeySet { url, client: OnceCell::new() }
    }

    async fn get(&self) -> Result<String> {
        let client = self.client.get_or_init(async || HttpsClient::new()).await;
        let response = client.send(HttpRequest::get(self.url.as_str())?).await?;
        ensure!(response.status().as_u16() == 200, "it answered {}", response.status().as_u16());
        let body = Limited::new(response.into_body(), MAX_BYTES).collect().await.map_err(|error| anyhow!(error))?.to_bytes();
        String::from_utf8(body.into()).context("it answered what is no text")
    }
}

#[async_trait]
impl KeySetSource for HttpKeySet {
    async fn fetch(&self) -> Result<String, String> {
        let fetched = timeout(FETCH, self.get()).await.unwrap_or_else(|_| Err(anyhow!("no answer within {} s", FETCH.as_secs())));
        fetched.map_err(|error| format!("`{}` (A2A_JWKS_URL): {error:#}", self.url))
    }
}

#[cfg(test)]
mod tests {
    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt},
        net::TcpListener,
    };

    use super::*;

    /// Answers the first request so.
    async fn answers(response: String) -> HttpKeySet {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/jwks", listener.local_addr().unwrap());
        tokio::spawn(async move {
            let (mut connection, _) = listener.accept().await.unwrap();
            let _ = connection.read(&mut [0; 4096]).await;
            // A client that has heard enough hangs up.
            let _ = connection.write_all(response.as_bytes()).await;
        });
        HttpKeySet::new(url)
    }

    #[tokio::test]
    async fn what_is_no_key_set_is_told_with_its_url() {
        let ok = |body: &str| format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}", body.len());
        assert_eq!(answers(ok("{\"keys\":[]}")).await.fetch().await.unwrap(), "{\"keys\":[]}");
        for response in [
            ok("").replace("200 OK", "500 Internal Server Error"),
            ok("x").replace('x', "\u{fffd}").replace("Content-Length: 1", "Content-Length: 9"),
            ok(&"x".repeat(MAX_BYTES + 1)),
            "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n".to_owned(),
            "HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n".to_owned(),
            String::new(),
        ] {
            let source = answers(response).await;
            let told = source.fetch().await;
            assert!(told.as_ref().is_err_and(|reason| reason.contains(&source.url) && reason.contains("A2A_JWKS_URL")), "{told:?}");
        }
    }
}
