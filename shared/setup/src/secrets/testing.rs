//! Secrets in moto's Secrets Manager, for tests.

use futures::future::BoxFuture;

use super::client;

pub(crate) fn moto() -> BoxFuture<'static, aws_config::SdkConfig> {
    Box::pin(async { ::tests::servers::aws_config() })
}

pub(crate) fn nobody() -> BoxFuture<'static, aws_config::SdkConfig> {
    Box::pin(async { ::tests::servers::aws_config_at("http://127.0.0.1:9") })
}

pub(crate) async fn keep(secret: &str) -> String {
    let created = client(moto).await.create_secret().name(::tests::servers::unique_name()).secret_string(secret);
    created.client_request_token(uuid::Uuid::now_v7().to_string()).send().await.unwrap().arn.unwrap()
}

pub(crate) async fn change(arn: &str, secret: &str) {
    let client = client(moto).await;
    client.put_secret_value().secret_id(arn).secret_string(secret).client_request_token(uuid::Uuid::now_v7().to_string()).send().await.unwrap();
}
