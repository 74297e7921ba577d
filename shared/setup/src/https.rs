//! The client of HTTPS for AWS's services and identity providers. It speaks HTTP/1.1 alone, which all of them do: HTTP/2 would be a twentieth of a
//! function's size.

use std::time::Duration;

use aws_smithy_runtime_api::client::{
    http::{HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector},
    orchestrator::{HttpRequest, HttpResponse},
    result::ConnectorError,
    runtime_components::RuntimeComponents,
};
use aws_smithy_types::body::SdkBody;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector as TcpConnector},
    rt::{TokioExecutor, TokioTimer},
};
use rustls::{ClientConfig, RootCertStore};
use tokio::time::timeout;

/// How long a connection may take, as in AWS's own clients.
const CONNECT: Duration = Duration::from_millis(3100);

/// Connections, which clones share. Those that can't be made are tried again by who asked.
#[derive(Debug, Clone)]
pub(crate) struct HttpsClient(Client<HttpsConnector<TcpConnector>, SdkBody>);

impl HttpsClient {
    /// Trusts whom the machine trusts: reading those certificates takes a while.
    pub(crate) fn new() -> Self {
        let mut roots = RootCertStore::empty();
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        let mut tcp = TcpConnector::new();
        tcp.enforce_http(false);
        tcp.set_nodelay(true);
        tcp.set_connect_timeout(Some(CONNECT));
        let tls = ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
        let connector = HttpsConnectorBuilder::new().with_tls_config(tls).https_or_http().enable_http1().wrap_connector(tcp);
        HttpsClient(Client::builder(TokioExecutor::new()).pool_timer(TokioTimer::new()).build(connector))
    }

    /// # Errors
    /// A server that can't be reached, or hangs up.
    pub(crate) async fn send(&self, request: HttpRequest) -> Result<HttpResponse, ConnectorError> {
        let request = request.try_into_http1x().map_err(|error| ConnectorError::user(error.into()))?;
        let response = self.0.request(request).await.map_err(|error| ConnectorError::io(error.into()))?;
        HttpResponse::try_from(response.map(SdkBody::from_body_1_x)).map_err(|error| ConnectorError::other(error.into(), None))
    }
}

impl HttpClient for HttpsClient {
    fn http_connector(&self, settings: &HttpConnectorSettings, _: &RuntimeComponents) -> SharedHttpConnector {
        SharedHttpConnector::new(Patient { client: self.clone(), patience: settings.read_timeout() })
    }
}

/// The client for one service, which has its own patience.
#[derive(Debug)]
struct Patient {
    client: HttpsClient,
    /// How long a response is waited for; `None`: the service's own limits hold.
    patience: Option<Duration>,
}

impl HttpConnector for Patient {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let (client, patience) = (self.client.clone(), self.patience);
        HttpConnectorFuture::new(async move {
            match patience {
                Some(patience) => timeout(patience, client.send(request)).await.unwrap_or_else(|late| Err(ConnectorError::timeout(late.into()))),
                None => client.send(request).await,
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use tokio::net::TcpListener;

    use super::*;

    async fn call(port: u16, patience: Option<Duration>) -> Result<HttpResponse, ConnectorError> {
        let request = HttpRequest::get(format!("http://127.0.0.1:{port}/")).unwrap();
        Patient { client: HttpsClient::new(), patience }.call(request).await
    }

    #[tokio::test]
    async fn a_server_that_is_not_there_or_hangs_up_is_the_networks_fault() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let hanging_up = tokio::spawn(async move { drop(listener.accept().await) });
        let hung_up = call(port, None).await.unwrap_err();
        assert!(hung_up.is_io(), "{hung_up:?}");
        hanging_up.await.unwrap();
        let refused = call(port, None).await.unwrap_err();
        assert!(refused.is_io(), "{refused:?}");
    }

    #[tokio::test]
    async fn a_server_that_says_nothing_is_waited_for_as_long_as_the_service_says() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let late = call(listener.local_addr().unwrap().port(), Some(Duration::from_millis(20))).await.unwrap_err();
        assert!(late.is_timeout(), "{late:?}");
    }
}
