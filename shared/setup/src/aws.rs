//! What AWS's own variables say: region, credentials, endpoints. Read as every AWS tool reads them.

use aws_config::{BehaviorVersion, SdkConfig};
use aws_smithy_http_client::{
    Builder,
    tls::{Provider, rustls_provider::CryptoMode},
};
use tokio::sync::OnceCell;

/// For the clients of AWS's services, which share connections, certificates and credentials by it. Nobody is asked anything but where this
/// machine is, and that only where no variable says it.
pub(crate) async fn config() -> SdkConfig {
    static CONFIG: OnceCell<SdkConfig> = OnceCell::const_new();
    CONFIG.get_or_init(load).await.clone()
}

async fn load() -> SdkConfig {
    let client = Builder::new().tls_provider(Provider::Rustls(CryptoMode::AwsLc)).build_https();
    aws_config::defaults(BehaviorVersion::latest()).http_client(client).load().await
}
