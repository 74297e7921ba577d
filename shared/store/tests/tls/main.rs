//! Whom a connection to Postgres trusts: a server with a certificate of an authority of these tests stands before the real one.
#![allow(clippy::unwrap_used, reason = "what fails here fails a test")]

use std::sync::Arc;

use store::PostgresDatabase;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional},
    net::{TcpListener, TcpStream},
};
use tokio_rustls::{
    TlsAcceptor,
    rustls::{
        ServerConfig,
        crypto::ring,
        pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
    },
};

/// How a client asks Postgres for TLS: a length of 8 and a number that is no version.
const SSL_REQUEST: [u8; 8] = [0, 0, 0, 8, 4, 210, 22, 47];

const AUTHORITY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/tls/authority.pem");

/// The certificate is for `localhost`.
fn certificate() -> ServerConfig {
    let chain = CertificateDer::pem_slice_iter(include_bytes!("server.pem")).map(Result::unwrap).collect();
    let key = PrivateKeyDer::from_pem_slice(include_bytes!("server.key")).unwrap();
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider())).with_safe_default_protocol_versions().unwrap();
    config.with_no_client_auth().with_single_cert(chain, key).unwrap()
}

/// A database that answers by TLS, or says that it has none: who is let in, the port, and its name.
async fn database(tls: bool) -> (String, u16, String) {
    let url = tests::servers::postgres_database().await;
    let (user, rest) = url.trim_start_matches("postgres://").rsplit_once('@').unwrap();
    let (server, name) = rest.split_once('/').unwrap();
    let (user, server, name) = (user.to_owned(), server.to_owned(), name.split('?').next().unwrap().to_owned());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let acceptor = TlsAcceptor::from(Arc::new(certificate()));
    tokio::spawn(async move {
        loop {
            let (mut client, _) = listener.accept().await.unwrap();
            let (acceptor, server) = (acceptor.clone(), server.clone());
            tokio::spawn(async move {
                let mut request = [0; 8];
                client.read_exact(&mut request).await.unwrap();
                assert_eq!(request, SSL_REQUEST);
                client.write_all(if tls { b"S" } else { b"N" }).await.unwrap();
                // Clients that trust nobody go away here.
                let Ok(mut client) = acceptor.accept(client).await else { return };
                let mut server = TcpStream::connect(server).await.unwrap();
                let _ = copy_bidirectional(&mut client, &mut server).await;
            });
        }
    });
    (user, port, name)
}

/// Whether a connection is made, and else why not.
async fn connects(tls: bool, host: &str, parameters: &str) -> Result<(), String> {
    let (user, port, name) = database(tls).await;
    let database = PostgresDatabase::open(&format!("postgres://{user}@{host}:{port}/{name}?{parameters}"), 1).unwrap();
    database.ping().await.map_err(|error| error.to_string())
}

#[tokio::test]
async fn a_server_with_the_name_and_an_authority_that_are_asked_for_is_trusted() {
    connects(true, "localhost", &format!("sslmode=verify-full&sslrootcert={AUTHORITY}")).await.unwrap();
}

#[tokio::test]
async fn a_server_of_another_name_is_refused() {
    let refused = connects(true, "127.0.0.1", &format!("sslmode=verify-full&sslrootcert={AUTHORITY}")).await.unwrap_err();
    assert!(refused.contains("certificate"), "{refused}");
}

#[tokio::test]
async fn a_server_of_an_unknown_authority_is_refused() {
    for mode in ["verify-full", "verify-ca"] {
        let refused = connects(true, "localhost", &format!("sslmode={mode}")).await.unwrap_err();
        assert!(refused.contains("UnknownIssuer"), "{refused}");
    }
}

#[tokio::test]
async fn a_server_without_tls_is_refused_where_tls_is_asked_for() {
    let refused = connects(false, "localhost", &format!("sslmode=verify-full&sslrootcert={AUTHORITY}")).await.unwrap_err();
    assert!(refused.contains("TLS"), "{refused}");
}
