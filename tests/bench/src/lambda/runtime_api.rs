//! A Runtime API that starts one function, hands it events one after the other, and looks at its clocks.

use std::{
    process::{Child, Command, Stdio},
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail, ensure};
use axum::{
    Router,
    body::{Body, to_bytes},
    extract::{Request, State},
    response::Response,
};
use tokio::{
    net::TcpListener,
    runtime::Builder,
    sync::{Mutex, mpsc},
    time::{sleep, timeout},
};

/// Between a start and its first event Lambda takes about so long.
const REST: Duration = Duration::from_millis(100);
/// Longer no function takes to start or to answer.
const PATIENCE: Duration = Duration::from_secs(30);

/// One start and its events.
pub struct Measured {
    /// From the start of the process to its asking for an event.
    pub start_ms: f64,
    pub start_cpu_ms: f64,
    /// From the first event to its answer.
    pub first_ms: f64,
    /// From the start of the process to that answer.
    pub first_cpu_ms: f64,
    /// The same of later events, at the median.
    pub further_us: f64,
    /// On average, with what is done between them.
    pub further_cpu_us: f64,
    /// Resident at the end.
    pub memory_mb: f64,
    /// To the first event.
    pub answer: String,
}

/// What the function does.
enum Told {
    AsksForEvent,
    Answers(String),
    Fails(String),
}

struct Api {
    told: mpsc::UnboundedSender<(Instant, Told)>,
    events: Mutex<mpsc::UnboundedReceiver<String>>,
}

/// Starts a function, waits until it answers, and ends it.
pub fn measure(command: &mut Command, event: &str, marks: &str, answers: &str, further: usize) -> Result<Measured> {
    Builder::new_current_thread().enable_all().build()?.block_on(async {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?.to_string();
        let ((told, mut hears), (events, waiting)) = (mpsc::unbounded_channel(), mpsc::unbounded_channel());
        let api = Arc::new(Api { told, events: Mutex::new(waiting) });
        let routes = Router::new().fallback(answer).with_state(api);
        tokio::spawn(async move { axum::serve(axum::serve::ListenerExt::tap_io(listener, |stream| drop(stream.set_nodelay(true))), routes).await });

        let begun = Instant::now();
        let function = Function(start(command, &address)?);
        let polled = asks(&mut hears).await?;
        let (start, start_cpu) = (polled - begun, function.cpu()?);
        sleep(REST).await;
        let mut hand_out = async |index: usize| -> Result<(Duration, String)> {
            let sent = Instant::now();
            events.send(event.replace("MESSAGE", &format!("{marks}-{index}-{}", std::process::id())))?;
            match hear(&mut hears).await? {
                (at, Told::Answers(answer)) if answer.contains(answers) => {
                    asks(&mut hears).await?;
                    Ok((at - sent, answer))
                }
                (_, Told::Answers(answer) | Told::Fails(answer)) => bail!("it answered {answer}"),
                (_, Told::AsksForEvent) => bail!("it asked for another event before it answered one"),
            }
        };
        let (first, answer) = hand_out(0).await?;
        let first_cpu = function.cpu()?;
        let mut times = Vec::with_capacity(further);
        for index in 1..=further {
            times.push(hand_out(index).await?.0);
        }
        times.sort_unstable();
        let milliseconds = |time: Duration| time.as_secs_f64() * 1e3;
        Ok(Measured {
            start_ms: milliseconds(start),
            start_cpu_ms: milliseconds(start_cpu),
            first_ms: milliseconds(first),
            first_cpu_ms: milliseconds(first_cpu),
            further_us: times.get(further / 2).map_or(0.0, |time| milliseconds(*time) * 1e3),
            further_cpu_us: milliseconds(function.cpu()? - first_cpu) * 1e3 / further.max(1) as f64,
            memory_mb: function.resident_mb()?,
            answer,
        })
    })
}

async fn hear(hears: &mut mpsc::UnboundedReceiver<(Instant, Told)>) -> Result<(Instant, Told)> {
    timeout(PATIENCE, hears.recv()).await.context("it keeps silent")?.context("the Runtime API is gone")
}

async fn asks(hears: &mut mpsc::UnboundedReceiver<(Instant, Told)>) -> Result<Instant> {
    match hear(hears).await? {
        (at, Told::AsksForEvent) => Ok(at),
        (_, Told::Answers(answer) | Told::Fails(answer)) => bail!("it said, without an event: {answer}"),
    }
}

/// One request of the function.
async fn answer(State(api): State<Arc<Api>>, request: Request) -> Response {
    let at = Instant::now();
    let path = request.uri().path().to_owned();
    if path.ends_with("/invocation/next") {
        let _ = api.told.send((at, Told::AsksForEvent));
        let event = api.events.lock().await.recv().await.unwrap_or_default();
        let ends = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default() + PATIENCE;
        return Response::builder()
            .header("lambda-runtime-aws-request-id", "8476a536-e9f4-11e8-9739-2dfe598c3fcd")
            .header("lambda-runtime-deadline-ms", ends.as_millis().to_string())
            .header("lambda-runtime-invoked-function-arn", "arn:aws:lambda:us-east-1:123456789012:function:bench")
            .header("lambda-runtime-trace-id", "Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700;Sampled=0")
            .header("content-type", "application/json")
            .body(Body::from(event))
            .unwrap_or_default();
    }
    let body = to_bytes(request.into_body(), usize::MAX).await.unwrap_or_default();
    let body = String::from_utf8_lossy(&body).into_owned();
    if path.ends_with("/response") {
        let _ = api.told.send((Instant::now(), Told::Answers(body)));
    } else if path.ends_with("/error") {
        let _ = api.told.send((at, Told::Fails(body)));
    }
    // An extension that registers is told its name.
    Response::builder()
        .status(if path.ends_with("/register") { 200 } else { 202 })
        .header("lambda-extension-identifier", "bench")
        .body(Body::empty())
        .unwrap_or_default()
}

fn start(command: &mut Command, address: &str) -> Result<Child> {
    let name = command.get_program().display().to_string();
    let variables = [
        ("AWS_LAMBDA_RUNTIME_API", address),
        ("AWS_LAMBDA_FUNCTION_NAME", "bench"),
        ("AWS_LAMBDA_FUNCTION_VERSION", "1"),
        ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "512"),
        ("AWS_LAMBDA_LOG_GROUP_NAME", "bench"),
        ("AWS_LAMBDA_LOG_STREAM_NAME", "bench"),
        ("AWS_LAMBDA_INITIALIZATION_TYPE", "on-demand"),
        ("AWS_REGION", "us-east-1"),
        ("AWS_ACCESS_KEY_ID", "bench"),
        ("AWS_SECRET_ACCESS_KEY", "bench"),
    ];
    command.envs(variables).stdin(Stdio::null()).stdout(Stdio::null()).spawn().with_context(|| format!("can't start {name}"))
}

/// A running function, killed when it is dropped.
struct Function(Child);

impl Function {
    /// What its threads have computed, which Linux counts in nanoseconds.
    fn cpu(&self) -> Result<Duration> {
        let mut nanoseconds = 0;
        for thread in std::fs::read_dir(format!("/proc/{}/task", self.0.id()))? {
            let schedstat = std::fs::read_to_string(thread?.path().join("schedstat")).context("this needs Linux's schedstat")?;
            nanoseconds += schedstat.split(' ').next().unwrap_or_default().parse::<u64>()?;
        }
        Ok(Duration::from_nanos(nanoseconds))
    }

    fn resident_mb(&self) -> Result<f64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.0.id()))?;
        let kilobytes: Option<f64> =
            status.lines().find_map(|line| line.strip_prefix("VmRSS:")).and_then(|value| value.trim().trim_end_matches(" kB").parse().ok());
        ensure!(kilobytes.is_some(), "a process without memory");
        Ok(kilobytes.unwrap_or_default() * 1024.0 / 1e6)
    }
}

impl Drop for Function {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
