//! Which Redis: what its URL says, and how connections to it are opened, a single server's or a cluster's.

use std::time::Duration;

use redis::{
    AsyncConnectionConfig, Client, Cmd, ConnectionAddr, ConnectionInfo, IntoConnectionInfo, Pipeline, RedisError, RedisFuture, RedisResult,
    TlsCertificates, Value,
    aio::{ConnectionLike, MultiplexedConnection},
    cluster::ClusterClientBuilder,
    cluster_async::ClusterConnection,
    cmd,
};

/// A server that takes longer to answer is as good as away.
pub(super) const ANSWERS_WITHIN: Duration = Duration::from_millis(500);
const CONNECTS_WITHIN: Duration = Duration::from_secs(1);

/// What is wrong with a URL of Redis. It never shows the URL, which may hold a password.
#[derive(Debug, thiserror::Error)]
pub enum RedisUrlError {
    /// Not a URL of Redis.
    #[error("isn't `redis://` or `rediss://[USER:PASSWORD@]HOST[:PORT][/DATABASE]`: {0}")]
    Invalid(String),
    /// A parameter that isn't known, or a value that it doesn't take.
    #[error("takes the parameters `cluster=true`, `cluster=false` and `ca=FILE`, not `{0}`")]
    Parameter(String),
    /// The file with the certificates can't be read.
    #[error("the certificates in `{path}`: {reason}")]
    Certificates {
        /// The file.
        path: String,
        /// Why not.
        reason: String,
    },
}

/// A server or a cluster, and how to speak to it.
#[derive(Clone)]
pub(super) struct Server {
    info: ConnectionInfo,
    certificates: Option<TlsCertificates>,
    /// What the URL says; `None`: the server is asked.
    cluster: Option<bool>,
}

/// The connection that all share: it never waits for anything but an answer.
#[derive(Clone)]
pub enum SharedConnection {
    /// To one server.
    Single(MultiplexedConnection),
    /// To each primary of a cluster.
    Cluster(ClusterConnection),
}

impl Server {
    pub(super) fn new(url: &str) -> Result<Self, RedisUrlError> {
        let invalid = |error: RedisError| RedisUrlError::Invalid(error.category().to_owned());
        let parsed = redis::parse_redis_url(url).ok_or_else(|| RedisUrlError::Invalid("no such URL".into()))?;
        let (mut cluster, mut certificates) = (None, None);
        for (name, value) in parsed.query_pairs() {
            match (&*name, &*value) {
                ("cluster", "true") => cluster = Some(true),
                ("cluster", "false") => cluster = Some(false),
                ("ca", path) => certificates = Some(read_certificates(path)?),
                _ => return Err(RedisUrlError::Parameter(name.into_owned())),
            }
        }
        // Nothing but TLS knows what to do with certificates.
        if let (Some(_), "redis") = (&certificates, parsed.scheme()) {
            return Err(RedisUrlError::Parameter("ca` without `rediss://".into()));
        }
        let info = parsed.into_connection_info().map_err(invalid)?;
        // Whoever else is linked may know another provider; with two of them TLS would take none by itself.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let server = Server { info, certificates, cluster };
        server.client(None).map_err(invalid)?;
        Ok(server)
    }

    /// The shared connection, and to how many nodes it leads.
    pub(super) async fn connect(&self) -> RedisResult<(SharedConnection, usize)> {
        let config = AsyncConnectionConfig::new().set_connection_timeout(Some(CONNECTS_WITHIN)).set_response_timeout(Some(ANSWERS_WITHIN));
        let mut connection = self.client(None)?.get_multiplexed_async_connection_with_config(&config).await?;
        if self.cluster == Some(false) {
            return Ok((SharedConnection::Single(connection), 1));
        }
        // A server that is no cluster says so by an error.
        let about: RedisResult<String> = cmd("CLUSTER").arg("INFO").query_async(&mut connection).await;
        match about {
            Ok(about) => Ok((SharedConnection::Cluster(self.connect_cluster().await?), primaries(&about))),
            Err(error) if error.is_io_error() => Err(error),
            Err(_) if self.cluster == Some(true) => Ok((SharedConnection::Cluster(self.connect_cluster().await?), 1)),
            Err(_) => Ok((SharedConnection::Single(connection), 1)),
        }
    }

    /// A connection of its own for who waits `longest` for an answer, to that node or to the one in the URL.
    pub(super) async fn connect_alone(&self, node: Option<&str>, longest: Duration) -> RedisResult<MultiplexedConnection> {
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(CONNECTS_WITHIN))
            .set_response_timeout(Some(longest + ANSWERS_WITHIN))
            .set_pipeline_buffer_size(1);
        self.client(node)?.get_multiplexed_async_connection_with_config(&config).await
    }

    async fn connect_cluster(&self) -> RedisResult<ClusterConnection> {
        let mut builder = ClusterClientBuilder::new([self.info.clone()])
            .connection_timeout(CONNECTS_WITHIN)
            .response_timeout(ANSWERS_WITHIN)
            .overall_response_timeout(Some(ANSWERS_WITHIN))
            // Enough to follow a slot that moved; whatever lasts longer is an outage.
            .retries(2)
            .max_retry_wait(100);
        if let Some(certificates) = &self.certificates {
            builder = builder.certs(certificates.clone());
        }
        builder.build()?.get_async_connection().await
    }

    fn client(&self, node: Option<&str>) -> RedisResult<Client> {
        let mut info = self.info.clone();
        if let Some((host, port)) = node.and_then(|node| node.rsplit_once(':')) {
            // A node that doesn't know its own name names none.
            let named = |known: String| if host.is_empty() { known } else { host.to_owned() };
            let addr = match (info.addr().clone(), port.parse()) {
                (ConnectionAddr::Tcp(known, _), Ok(port)) => ConnectionAddr::Tcp(named(known), port),
                (ConnectionAddr::TcpTls { host: known, insecure, tls_params, .. }, Ok(port)) => {
                    ConnectionAddr::TcpTls { host: named(known), port, insecure, tls_params }
                }
                (addr, _) => addr,
            };
            info = info.set_addr(addr);
        }
        match &self.certificates {
            Some(certificates) => Client::build_with_tls(info, certificates.clone()),
            None => Client::open(info),
        }
    }
}

fn read_certificates(path: &str) -> Result<TlsCertificates, RedisUrlError> {
    let pem = std::fs::read(path).map_err(|error| RedisUrlError::Certificates { path: path.to_owned(), reason: error.to_string() })?;
    Ok(TlsCertificates { client_tls: None, root_cert: Some(pem) })
}

/// How many primaries a cluster has, by what it says of itself.
fn primaries(about: &str) -> usize {
    let size = about.lines().find_map(|line| line.strip_prefix("cluster_size:"));
    size.and_then(|size| size.trim().parse().ok()).unwrap_or(1).max(1)
}

impl ConnectionLike for SharedConnection {
    fn req_packed_command<'a>(&'a mut self, cmd: &'a Cmd) -> RedisFuture<'a, Value> {
        match self {
            SharedConnection::Single(connection) => connection.req_packed_command(cmd),
            SharedConnection::Cluster(connection) => connection.req_packed_command(cmd),
        }
    }

    fn req_packed_commands<'a>(&'a mut self, pipeline: &'a Pipeline, offset: usize, count: usize) -> RedisFuture<'a, Vec<Value>> {
        match self {
            SharedConnection::Single(connection) => connection.req_packed_commands(pipeline, offset, count),
            SharedConnection::Cluster(connection) => connection.req_packed_commands(pipeline, offset, count),
        }
    }

    fn get_db(&self) -> i64 {
        match self {
            SharedConnection::Single(connection) => connection.get_db(),
            SharedConnection::Cluster(connection) => connection.get_db(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_says_what_is_wrong_with_it_and_never_its_password() {
        let refused = |url: &str| Server::new(url).err().map(|error| error.to_string()).unwrap_or_default();
        for url in ["redis://u:geheim@host:1/x", "rediss://u:geheim@host?cluster=maybe", "redis://u:geheim@host?ca=/none", "no:geheim"] {
            let said = refused(url);
            assert!(!said.is_empty() && !said.contains("geheim"), "{url}: {said}");
        }
        assert!(refused("rediss://host?ca=/no/such/file").contains("/no/such/file"));
        assert!(refused("rediss://host?speed=high").contains("speed"));
    }

    #[test]
    fn a_url_may_hold_credentials_and_a_database() {
        let server = Server::new("rediss://us%40er:p%3Ass@host/3?cluster=true").unwrap();
        let settings = server.info.redis_settings();
        assert_eq!((settings.username(), settings.password(), settings.db()), (Some("us@er"), Some("p:ss"), 3));
        assert_eq!(server.cluster, Some(true));
    }

    #[test]
    fn the_primaries_of_a_cluster_are_counted() {
        assert_eq!(primaries("cluster_state:ok\r\ncluster_size:3\r\n"), 3);
        assert_eq!(primaries("cluster_size:0"), 1);
        assert_eq!(primaries(""), 1);
    }
}
