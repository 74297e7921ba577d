//! The page that Prometheus reads.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use edge::App;
use engine::ports::QueueName;
use http::{HeaderValue, Method, Response, StatusCode, header::CONTENT_TYPE};
use http_body_util::Full;
use metrics::counter;
use telemetry::{MetricsPage, metric};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::server;

/// Between two runs of the page's upkeep.
const UPKEEP: Duration = Duration::from_secs(5);

/// Serves `GET /metrics` until `stop`.
pub async fn serve(listener: TcpListener, app: Arc<App>, page: MetricsPage, stop: CancellationToken) {
    // What is alarmed about from the first one on stands at zero before, or Prometheus would see no rise.
    for queue in [QueueName::RunTask, QueueName::DeliverPush] {
        counter!(metric::WORK, "queue" => queue.as_str(), "outcome" => "park").increment(0);
    }
    counter!(metric::AUDIT_DROPPED).increment(0);
    let upkeep = tokio::spawn({
        let page = page.clone();
        async move {
            let mut ticks = tokio::time::interval(UPKEEP);
            loop {
                ticks.tick().await;
                page.upkeep();
            }
        }
    });
    let meet = move |_| {
        let (app, page) = (app.clone(), page.clone());
        move |request: http::Request<hyper::body::Incoming>| {
            let (app, page) = (app.clone(), page.clone());
            async move { answer(request.method(), request.uri().path(), &app, &page).await }
        }
    };
    server::serve(listener, meet, stop, Duration::from_millis(100)).await;
    upkeep.abort();
}

async fn answer(method: &Method, path: &str, app: &App, page: &MetricsPage) -> Response<Full<Bytes>> {
    let found = path.trim_end_matches('/') == "/metrics" && matches!(*method, Method::GET | Method::HEAD);
    let (status, kind, text) = if found {
        edge::measure(app).await;
        telemetry::resources::show();
        telemetry::availability::show();
        (StatusCode::OK, MetricsPage::CONTENT_TYPE, page.text())
    } else {
        (
            StatusCode::NOT_FOUND,
            "application/json",
            r#"{"error":{"code":404,"status":"NOT_FOUND","message":"only `GET /metrics` is here"}}"#.to_owned(),
        )
    };
    let mut response = Response::new(Full::from(text));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    response
}
