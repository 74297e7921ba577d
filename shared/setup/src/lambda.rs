//! Runs a function's handler in AWS Lambda, or anything that speaks its Runtime API.

mod runtime_api;

use std::{future::Future, panic::AssertUnwindSafe, pin::pin, sync::Arc, time::Duration};

use anyhow::Context as _;
use edge::{App, Body, Request, Response, api_gateway};
use futures::{FutureExt, StreamExt, future::BoxFuture, stream};
use lambda_runtime::Context;
use serde::{Serialize, de::DeserializeOwned};
use telemetry::metric;
use tokio::{
    signal::unix::{SignalKind, signal},
    task::yield_now,
    time::timeout,
};

use crate::{
    Parts, Settings,
    backends::Database,
    settings::{self, LogFormat},
    wiring,
};
use runtime_api::{Invocation, Outcome, RuntimeApi};

/// How long the threads of what computes for long are kept without work: to begin one takes longer than many an event.
const THREADS_KEPT: Duration = Duration::from_secs(15 * 60);
/// Lambda kills a process so long after `SIGTERM`, less a margin.
const CLOSED_WITHIN: Duration = Duration::from_millis(400);

/// Runs a handler whose responses are sent whole.
///
/// # Errors
/// A setting that is wrong, which Lambda is told as well; a Runtime API that is gone.
pub fn run_buffered<H, F>(parts: &Parts, handle: H) -> crate::Result
where
    H: Fn(Arc<App>, Request) -> F,
    F: Future<Output = Response>,
{
    start(parts, async |app, Invocation { context, event }| match api_gateway::request(event, context) {
        Ok(request) => api_gateway::whole(handle(app, request).await).await.map_or_else(|error| failed(&error), Outcome::Whole),
        Err(error) => not_understood(context, &error),
    })
}

/// Runs a handler whose responses are streamed.
///
/// # Errors
/// As [`run_buffered`].
pub fn run_streaming<H, F>(parts: &Parts, handle: H) -> crate::Result
where
    H: Fn(Arc<App>, Request) -> F,
    F: Future<Output = Response>,
{
    start(parts, async |app, Invocation { context, event }| match api_gateway::request(event, context) {
        Ok(request) => Outcome::Streamed(api_gateway::streamed(handle(app, request).await)),
        Err(error) => not_understood(context, &error),
    })
}

/// Runs a handler of events of a queue or a schedule.
///
/// # Errors
/// As [`run_buffered`].
pub fn run_events<E, R, H, F>(parts: &Parts, handle: H) -> crate::Result
where
    E: DeserializeOwned,
    R: Serialize,
    H: Fn(Arc<App>, E) -> F,
    F: Future<Output = R>,
{
    start(parts, async |app, invocation| match serde_json::from_slice(&invocation.event) {
        Ok(event) => serde_json::to_vec(&handle(app, event).await).map_or_else(|error| failed(&error), Outcome::Whole),
        Err(error) => not_understood(&invocation.context, &error),
    })
}

/// One thread is enough for one event at a time, and starts sooner than several; what computes for long has threads of its own.
fn start(parts: &Parts, answer: impl AsyncFn(Arc<App>, &Invocation) -> Outcome) -> crate::Result {
    tokio::runtime::Builder::new_current_thread().enable_all().thread_keep_alive(THREADS_KEPT).build()?.block_on(async {
        let mut api = RuntimeApi::new(settings::runtime_api().context("AWS_LAMBDA_RUNTIME_API isn't set: this is a function of AWS Lambda")?);
        let made = Settings::from_env().map_err(anyhow::Error::from).and_then(|settings| {
            let log = telemetry::logs::start(&settings.logging).context("A2A_LOG_DIR, RUST_LOG")?;
            // Who asks for JSON has a machine read it.
            let is_read = settings.logging.format == Some(LogFormat::Json);
            let metrics = is_read.then(|| telemetry::install_embedded(&settings.logging.metrics_namespace)).flatten();
            if let Some(bytes) = settings.serving.memory_bytes {
                telemetry::resources::limit_memory_to(bytes);
            }
            if let Some(function) = settings.serving.function.clone() {
                metrics::counter!(metric::COLD_STARTS, "function" => function).increment(1);
            }
            Ok((log, metrics, wiring::app_of(settings, parts)?))
        });
        match made {
            Ok((_log, metrics, (app, database))) => {
                let audit = app.audit.clone();
                let flush = move || {
                    let audit = audit.clone();
                    let flush = async move {
                        audit.write().await;
                        // A log that can't be written to can't be told of either.
                        let _ = metrics.map(|metrics| metrics.write(std::io::stdout()));
                    };
                    flush.boxed()
                };
                serve(api, parts, app, database, answer, flush).await
            }
            Err(error) => {
                api.init_failed(&format!("{error:#}")).await?;
                Err(error)
            }
        }
    })
}

async fn serve(
    mut api: RuntimeApi,
    parts: &Parts,
    app: Arc<App>,
    database: Database,
    answer: impl AsyncFn(Arc<App>, &Invocation) -> Outcome,
    flush: impl Fn() -> BoxFuture<'static, ()> + Clone + Send + 'static,
) -> crate::Result {
    let mut terminated = signal(SignalKind::terminate())?;
    if database.is_connected_to()
        && let Err(error) = api.register_for_shutdown().await
    {
        tracing::debug!(%error, "connections will end without a farewell");
    }
    // A file is there already; and who is frozen in a transaction on it would lock out all others.
    if database.is_elsewhere() {
        let (warm_up, warmed) = (parts.warm_up, app.clone());
        tokio::spawn(async move {
            // First Lambda hears that the init phase is over. Its first event is on its way while the connection is made.
            yield_now().await;
            warm_up(&warmed).await;
        });
    }
    let ended = async {
        terminated.recv().await;
    };
    let answer = async |invocation: &Invocation| {
        database.begin_event();
        answer(app.clone(), invocation).await
    };
    each(&mut api, answer, flush, ended).await?;
    let farewell = async {
        app.audit.drain().await;
        drop(app);
        database.close().await;
    };
    // What isn't closed by then the server finds out.
    let _ = timeout(CLOSED_WITHIN, pin!(farewell)).await;
    Ok(())
}

/// Answers one event after the other until the end; what is begun by then is answered yet. A panic that unwinds is told as an error of its event alone.
/// Flushes before Lambda takes an event for done: after the last piece of a response, and before its end.
async fn each(
    api: &mut RuntimeApi,
    answer: impl AsyncFn(&Invocation) -> Outcome,
    flush: impl Fn() -> BoxFuture<'static, ()> + Clone + Send + 'static,
    ended: impl Future<Output = ()>,
) -> crate::Result {
    let mut ended = pin!(ended);
    loop {
        let invocation = tokio::select! {
            biased;
            () = &mut ended => return Ok(()),
            next = api.next() => next?,
        };
        let answered = AssertUnwindSafe(answer(&invocation)).catch_unwind().await;
        let outcome = answered.unwrap_or_else(|_| Outcome::Failed { kind: "Runtime.Panic", message: "the function panicked".into() });
        let outcome = match outcome {
            Outcome::Streamed(body) => Outcome::Streamed(then(body, flush.clone())),
            outcome => {
                flush().await;
                outcome
            }
        };
        api.tell(&invocation.context, outcome).await?;
    }
}

/// The same body, at whose end something is done yet.
fn then(body: Body, last: impl FnOnce() -> BoxFuture<'static, ()> + Send + 'static) -> Body {
    let pieces = match body {
        Body::Whole(bytes) => stream::iter(bytes).boxed(),
        Body::Stream(pieces) => pieces,
    };
    let end = stream::once(async { last().await }).filter_map(|()| std::future::ready(None));
    Body::stream(pieces.chain(end))
}

/// What an event gets that isn't what the function is for.
fn not_understood(context: &Context, error: &serde_json::Error) -> Outcome {
    tracing::error!(request_id = context.request_id, %error, "the event can't be read");
    Outcome::Failed { kind: "Runtime.UnmarshalError", message: format!("the event can't be read: {error}") }
}

fn failed(error: &serde_json::Error) -> Outcome {
    tracing::error!(%error, "the response can't be written");
    Outcome::Failed { kind: "Runtime.MarshalError", message: error.to_string() }
}

#[cfg(test)]
mod tests;
