//! Runs a function's handler in AWS Lambda, or anything that speaks its Runtime API.

use std::{future::Future, sync::Arc};

use edge::{App, Body, Request, Response};
use http_body_util::BodyExt;
use lambda_http::{Error, service_fn};
use lambda_runtime::LambdaEvent;
use serde::{Serialize, de::DeserializeOwned};

use crate::Settings;

/// Runs a handler whose responses are sent whole.
pub fn run_buffered<H, F>(handle: H) -> crate::Result
where
    H: Fn(Arc<App>, Request) -> F,
    F: Future<Output = Response> + Send,
{
    start(async |app: Arc<App>| {
        let handle = &handle;
        let service = service_fn(|request: Request| {
            let answer = handle(app.clone(), request);
            async move { Ok::<_, Error>(whole(answer.await).await) }
        });
        lambda_http::run(service).await
    })
}

/// Runs a handler whose responses are streamed.
pub fn run_streaming<H, F>(handle: H) -> crate::Result
where
    H: Fn(Arc<App>, Request) -> F,
    F: Future<Output = Response> + Send,
{
    start(async |app: Arc<App>| {
        let handle = &handle;
        let service = service_fn(|request: Request| {
            let answer = handle(app.clone(), request);
            async move { Ok::<_, Error>(answer.await.map(said)) }
        });
        lambda_http::run_with_streaming_response(service).await
    })
}

/// Runs a handler of events of a queue or a schedule.
pub fn run_events<E, R, H, F>(handle: H) -> crate::Result
where
    E: DeserializeOwned,
    R: Serialize,
    H: Fn(Arc<App>, E) -> F,
    F: Future<Output = R>,
{
    start(async |app: Arc<App>| {
        let handle = &handle;
        let service = service_fn(|event: LambdaEvent<E>| {
            let outcome = handle(app.clone(), event.payload);
            async move { Ok::<_, Error>(outcome.await) }
        });
        lambda_runtime::run(service).await
    })
}

fn start(run: impl AsyncFnOnce(Arc<App>) -> Result<(), Error>) -> crate::Result {
    tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(async {
        let app = crate::app(Settings::from_env()?).await?;
        run(app).await.map_err(|error| anyhow::anyhow!(error))
    })
}

/// A streamed response must have a byte, or its reader waits for one.
fn said(body: Body) -> Body {
    match body {
        Body::Whole(None) => Body::from("\n"),
        body => body,
    }
}

/// As text: all that we answer is text, whatever its content type, and needs no base64 on its way through API Gateway.
async fn whole(response: Response) -> http::Response<lambda_http::Body> {
    let (parts, body) = response.into_parts();
    let bytes = match body.collect().await {
        Ok(collected) => collected.to_bytes(),
        Err(never) => match never {},
    };
    http::Response::from_parts(parts, lambda_http::Body::Text(String::from_utf8_lossy(&bytes).into_owned()))
}
