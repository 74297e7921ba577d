//! The file with the documents that everyone sees: on this machine, or fetched from S3 when the first search needs it.

use std::{
    path::Path,
    sync::Arc,
    time::{Duration, SystemTime},
};

use anyhow::{Context, Result, anyhow, bail};
use aws_config::SdkConfig;
use aws_credential_types::provider::ProvideCredentials;
use aws_sigv4::{
    http_request::{PayloadChecksumKind, PercentEncodingMode, SignableBody, SignableRequest, SigningSettings, UriPathNormalizationMode, sign},
    sign::v4,
};
use engine::ports::{Clock, DocumentStore, StoreError, SystemClock};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use store::{OpenCorpus, SqliteDatabase, SqliteDocumentStore};
use tempfile::TempDir;
use tokio::io::AsyncWriteExt;

use crate::{aws::AwsConfig, settings::CorpusFile};

/// Documents on their way to a file that A2A_CORPUS can name.
pub struct Corpus {
    database: SqliteDatabase,
}

impl Corpus {
    /// None yet; they are gathered in the directory for temporary files.
    pub fn new() -> Result<Self> {
        Ok(Corpus { database: SqliteDatabase::temporary()? })
    }

    /// Where they are put.
    pub fn documents(&self) -> Arc<dyn DocumentStore> {
        Arc::new(SqliteDocumentStore::new(self.database.clone()))
    }

    /// Writes them all, in place of what is there.
    pub async fn write_to(&self, path: &Path) -> Result<()> {
        Ok(self.database.copy_to(path).await?)
    }
}

/// A connection to S3 takes no longer, and neither does the next piece of a file.
const PATIENCE: Duration = Duration::from_secs(10);
/// What stays as it is in the path of an object, as S3 signs it.
const IN_PATH: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~').remove(b'/');

/// A file that is here is opened now, so that a wrong path stops the start; one in S3 is fetched when it is first needed.
pub(crate) fn opens(file: &CorpusFile, aws: AwsConfig) -> Result<OpenCorpus> {
    match file.clone() {
        CorpusFile::Path(path) => {
            let store = open(&path, None).with_context(|| format!("the corpus `{}` (A2A_CORPUS)", path.display()))?;
            Ok(Box::new(move || {
                let store = store.clone();
                Box::pin(async move { Ok(store) })
            }))
        }
        CorpusFile::S3 { bucket, key, endpoint } => Ok(Box::new(move || {
            let (bucket, key, endpoint) = (bucket.clone(), key.clone(), endpoint.clone());
            Box::pin(async move {
                let fetched = fetch(&aws().await, &bucket, &key, endpoint.as_deref()).await;
                let named = fetched.with_context(|| format!("the corpus `s3://{bucket}/{key}` (A2A_CORPUS)"));
                named.map_err(|error| StoreError::Unavailable(format!("{error:#}").into()))
            })
        })),
    }
}

/// Into the directory for temporary files; the file goes with the store.
async fn fetch(config: &SdkConfig, bucket: &str, key: &str, endpoint: Option<&str>) -> Result<SqliteDocumentStore> {
    let region = config.region().context("AWS_REGION isn't set")?.as_ref();
    guard::use_ring();
    let client = reqwest::Client::builder().connect_timeout(PATIENCE).read_timeout(PATIENCE).build()?;
    let request = signed(config, region, &url(bucket, key, endpoint, region), SystemClock.now().into()).await?;
    let mut response = client.execute(request).await?;
    let status = response.status();
    if !status.is_success() {
        let said: String = response.text().await?.chars().take(300).collect();
        bail!("S3 answered {status}: {said}");
    }
    let directory = tempfile::Builder::new().prefix("a2a-corpus-").tempdir()?;
    let path = directory.path().join("corpus.db");
    let mut file = tokio::fs::File::create(&path).await?;
    // A body that ends too soon is an error of the client.
    while let Some(chunk) = response.chunk().await? {
        file.write_all(&chunk).await?;
    }
    file.flush().await?;
    open(&path, Some(directory))
}

/// The store's error says its cause already: a chain would say it twice.
fn open(path: &Path, directory: Option<TempDir>) -> Result<SqliteDocumentStore> {
    SqliteDocumentStore::finished(path, directory).map_err(|error| anyhow!("{error}"))
}

/// Of an object. A bucket with a dot in its name is no name that AWS's certificate covers.
fn url(bucket: &str, key: &str, endpoint: Option<&str>, region: &str) -> String {
    let key = utf8_percent_encode(key, IN_PATH);
    match endpoint {
        Some(endpoint) => format!("{}/{bucket}/{key}", endpoint.trim_end_matches('/')),
        None if bucket.contains('.') => format!("https://s3.{region}.amazonaws.com/{bucket}/{key}"),
        None => format!("https://{bucket}.s3.{region}.amazonaws.com/{key}"),
    }
}

async fn signed(config: &SdkConfig, region: &str, url: &str, now: SystemTime) -> Result<reqwest::Request> {
    let credentials = config.credentials_provider().context("there are no credentials of AWS")?.provide_credentials().await?;
    let mut settings = SigningSettings::default();
    // As S3 wants it.
    settings.percent_encoding_mode = PercentEncodingMode::Single;
    settings.uri_path_normalization_mode = UriPathNormalizationMode::Disabled;
    settings.payload_checksum_kind = PayloadChecksumKind::XAmzSha256;
    let identity = credentials.into();
    let parameters = v4::SigningParams::builder().identity(&identity).region(region).name("s3").time(now).settings(settings).build()?.into();
    let signable = SignableRequest::new("GET", url, std::iter::empty(), SignableBody::Bytes(&[]))?;
    let (instructions, _) = sign(signable, &parameters)?.into_parts();
    let mut request = http::Request::get(url).body("")?;
    instructions.apply_to_request_http1x(&mut request);
    Ok(request.try_into()?)
}

#[cfg(test)]
mod tests {
    use engine::ports::NewDocument;

    use super::*;

    async fn put(config: &SdkConfig, path: &str, body: Vec<u8>) {
        let url = format!("{}/{path}", config.endpoint_url().unwrap());
        let response =
            ::tests::http().build().unwrap().put(url).header("Authorization", "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/s3/aws4_request");
        assert!(response.body(body).send().await.unwrap().status().is_success());
    }

    #[tokio::test]
    async fn a_corpus_is_fetched_from_s3_and_searched() {
        let config = ::tests::servers::aws_config();
        let directory = tempfile::tempdir().unwrap();
        let corpus = Corpus::new().unwrap();
        let document = NewDocument { id: "a".into(), title: "A".into(), source: "a.txt".into(), fingerprint: "1".into(), passages: Vec::new() };
        corpus.documents().put(&engine::ports::Corpus::Shared, vec![document]).await.unwrap();
        let path = directory.path().join("corpus.db");
        corpus.write_to(&path).await.unwrap();

        let bucket = ::tests::servers::unique_name().replace('_', "-");
        put(&config, &bucket, Vec::new()).await;
        put(&config, &format!("{bucket}/of%20mine/corpus.db"), std::fs::read(&path).unwrap()).await;
        put(&config, &format!("{bucket}/nonsense"), b"no database".to_vec()).await;
        let fetched = async |key: &str| fetch(&config, &bucket, key, config.endpoint_url()).await;
        assert_eq!(fetched("of mine/corpus.db").await.unwrap().count("anyone").await.unwrap(), 1);
        assert!(fetched("nonsense").await.is_err());
        let error = fetched("missing").await.err().unwrap().to_string();
        assert!(error.contains("404") && error.contains("NoSuchKey"), "{error}");
    }

    #[test]
    fn objects_have_urls() {
        assert_eq!(url("b", "a b/c.db", None, "eu-west-1"), "https://b.s3.eu-west-1.amazonaws.com/a%20b/c.db");
        assert_eq!(url("b.c", "k", None, "eu-west-1"), "https://s3.eu-west-1.amazonaws.com/b.c/k");
        assert_eq!(url("b", "k", Some("http://127.0.0.1:1/"), "eu-west-1"), "http://127.0.0.1:1/b/k");
    }

    #[test]
    fn a_path_that_is_wrong_is_named() {
        let error = opens(&CorpusFile::Path("nowhere/corpus.db".into()), crate::aws::config).err().unwrap();
        assert!(format!("{error:#}").starts_with("the corpus `nowhere/corpus.db` (A2A_CORPUS): "), "{error:#}");
    }
}
