//! What AWS's own variables say: region, credentials, endpoints. Read as every AWS tool reads them.

use std::env;

use aws_config::{BehaviorVersion, Region, SdkConfig, environment::EnvironmentVariableCredentialsProvider};
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use aws_types::service_config::{LoadServiceConfig, ServiceConfigKey};
use futures::future::BoxFuture;
use tokio::sync::OnceCell;

use crate::https::HttpsClient;

/// For the clients of AWS's services, which share connections, certificates and credentials by it. Made when one of them is first needed.
pub(crate) type AwsConfig = fn() -> BoxFuture<'static, SdkConfig>;

static CONFIG: OnceCell<SdkConfig> = OnceCell::const_new();

/// Nobody is asked anything but where this machine is, and that only where no variable says it.
pub(crate) fn config() -> BoxFuture<'static, SdkConfig> {
    Box::pin(async {
        let load = async || aws_config::defaults(BehaviorVersion::latest()).http_client(http_client()).load().await;
        CONFIG.get_or_init(load).await.clone()
    })
}

/// Lambda says everything in variables: no file is read, nobody is asked, and a function links none of the ways to do so.
pub(crate) fn config_of_a_lambda() -> BoxFuture<'static, SdkConfig> {
    Box::pin(async { CONFIG.get_or_init(async || of_variables()).await.clone() })
}

fn of_variables() -> SdkConfig {
    let variable = |name| env::var(name).ok().filter(|value| !value.is_empty());
    let mut config = SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .http_client(http_client())
        .credentials_provider(SharedCredentialsProvider::new(EnvironmentVariableCredentialsProvider::new()))
        .region(variable("AWS_REGION").or_else(|| variable("AWS_DEFAULT_REGION")).map(Region::new))
        .service_config(Variables);
    config.set_endpoint_url(variable("AWS_ENDPOINT_URL"));
    config.build()
}

fn http_client() -> SharedHttpClient {
    SharedHttpClient::new(HttpsClient::new())
}

/// `AWS_ENDPOINT_URL_SQS` and the like.
#[derive(Debug)]
struct Variables;

impl LoadServiceConfig for Variables {
    fn load_config(&self, key: ServiceConfigKey<'_>) -> Option<String> {
        let service: String = key.service_id().chars().map(|letter| if letter == ' ' { '_' } else { letter.to_ascii_uppercase() }).collect();
        env::var(format!("{}_{service}", key.env())).ok().filter(|value| !value.is_empty())
    }
}
