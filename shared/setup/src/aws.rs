//! What AWS's own variables say: region, credentials, endpoints. Read as every AWS tool reads them.

use aws_config::{BehaviorVersion, SdkConfig};
use aws_smithy_http_client::{
    Builder,
    tls::{Provider, rustls_provider::CryptoMode},
};

/// For the clients of AWS's services. Nobody is asked anything but where this machine is, and that only where no variable says it.
pub(crate) async fn config() -> SdkConfig {
    let client = Builder::new().tls_provider(Provider::Rustls(CryptoMode::AwsLc)).build_https();
    aws_config::defaults(BehaviorVersion::latest()).http_client(client).load().await
}
