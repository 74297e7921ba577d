//! `a2a serve`: everything that runs on one machine, from the first connection to the last.

use std::{collections::BTreeMap, path::PathBuf, sync::Arc, time::Duration};

use anyhow::{Context, Result};
use edge::App;
use setup::Settings;
use tokio::{
    signal::unix::{Signal, SignalKind, signal},
    task::JoinSet,
    time::{Instant, sleep, timeout_at},
};
use tokio_util::sync::CancellationToken;

use super::say;
use crate::{
    cli::{FunctionMode, ServeOptions},
    functions::{Handler, handler, in_processes},
    gateway::Gateway,
    lambda, metrics_page, project_documents, server,
    template::{BUILT_IN, Template},
    workers,
};

/// How long streams go on after the server was told to end.
const STREAMS_END: Duration = Duration::from_secs(3);
/// When the process ends at the latest, done or not: containers are killed after 10 s.
const DRAIN: Duration = Duration::from_secs(8);

/// Serves until it is told to end.
pub async fn run(options: ServeOptions) -> Result<()> {
    let signals = Signals::new()?;
    let settings = Settings::from_env()?;
    let template = template(&options)?;
    let bootstraps = bootstraps(&options, &template).await?;
    let (listener, address) = server::bind(&options.addr).await.context("clients (--addr)")?;
    let (metrics_listener, metrics_address) = server::bind(&options.metrics_addr).await.context("metrics (--metrics-addr)")?;
    let page = telemetry::install_prometheus()?;
    let (stop, closing, ended) = (CancellationToken::new(), CancellationToken::new(), CancellationToken::new());
    let (_log, spans) = log(&settings, &ended)?;
    // A corpus in a file is as whoever wrote it wants it.
    if settings.storage.corpus.is_none() {
        project_documents::index(&*setup::documents(&settings).await?).await.context("the project's own documents")?;
    }
    let app = setup::app(settings).await?;

    let functions = Functions::new(&template, bootstraps)?;
    let gateway = Arc::new(Gateway::new(app.clone(), &template, |name| functions.handler(name), closing.clone())?);
    let mut workers = workers::start(&app, &template, |name| functions.handler(name), &stop)?;
    if let Some(service) = &functions.service {
        workers.spawn(workers::look_while_functions_run(app.clone(), service.running(), stop.clone()));
    }
    say(format_args!("a2a listening on http://{address}"));
    say(format_args!("metrics on http://{metrics_address}/metrics"));

    tokio::spawn(app.audit.clone().keep_writing());
    tokio::spawn(metrics_page::serve(metrics_listener, app.clone(), page, ended.clone()));
    let server = tokio::spawn(gateway.serve(listener, stop.clone(), DRAIN));

    signals.told_to_end().await;
    tracing::info!("draining");
    stop.cancel();
    let end = Instant::now() + DRAIN;
    let drained = timeout_at(end, drain(&app, server, workers, closing)).await.is_ok();
    functions.stop().await;
    ended.cancel();
    tracing::info!(drained, "ended");
    let _ = timeout_at(end, spans.join_all()).await;
    Ok(())
}

/// Starts the log, and what tells a collector of requests until `ended`.
#[cfg(feature = "otlp")]
fn log(settings: &Settings, ended: &CancellationToken) -> Result<(telemetry::logs::LogGuard, JoinSet<()>)> {
    let mut telling = JoinSet::new();
    let started = match collector(settings.serving.otlp_url.clone(), true)? {
        None => telemetry::logs::start(&settings.logging),
        Some(url) => {
            let (layer, spans) = crate::otlp::spans();
            telling.spawn(crate::otlp::send(url, spans, ended.clone()));
            telemetry::logs::start_with(&settings.logging, layer)
        }
    };
    Ok((started.context("A2A_LOG_DIR, RUST_LOG")?, telling))
}

/// Starts the log.
#[cfg(not(feature = "otlp"))]
fn log(settings: &Settings, _: &CancellationToken) -> Result<(telemetry::logs::LogGuard, JoinSet<()>)> {
    collector(settings.serving.otlp_url.clone(), false)?;
    Ok((telemetry::logs::start(&settings.logging).context("A2A_LOG_DIR, RUST_LOG")?, JoinSet::new()))
}

/// The collector that is to be told of requests; refused where this program is built to tell none.
fn collector(url: Option<String>, can_tell: bool) -> Result<Option<String>> {
    anyhow::ensure!(url.is_none() || can_tell, "A2A_OTLP_URL is set, but this program was built without `--features otlp`");
    Ok(url)
}

/// The functions, each in the way that was asked for.
struct Functions {
    /// By name; none where they run within this process.
    processes: BTreeMap<String, Arc<lambda::Function>>,
    /// What runs them, if something does.
    service: Option<Arc<lambda::Service>>,
}

impl Functions {
    fn new(template: &Template, bootstraps: Option<BTreeMap<String, PathBuf>>) -> Result<Self> {
        let Some(mut bootstraps) = bootstraps else { return Ok(Functions { processes: BTreeMap::new(), service: None }) };
        let service = lambda::Service::new().context("processes of functions")?;
        let process = |function: &crate::template::Function| {
            let bootstrap = bootstraps.remove(&function.name)?;
            Some((function.name.clone(), lambda::Function::new(service.clone(), function.clone(), bootstrap)))
        };
        Ok(Functions { processes: template.functions.iter().filter_map(process).collect(), service: Some(service) })
    }

    fn handler(&self, name: &str) -> Option<Handler> {
        match self.processes.get(name) {
            Some(function) => in_processes(function.clone()),
            None => handler(name),
        }
    }

    async fn stop(&self) {
        futures::future::join_all(self.processes.values().map(|function| function.stop())).await;
    }
}

/// The functions' programs, where they are to run by themselves.
async fn bootstraps(options: &ServeOptions, template: &Template) -> Result<Option<BTreeMap<String, PathBuf>>> {
    match options.functions {
        FunctionMode::InProcess => Ok(None),
        FunctionMode::Processes => {
            let names: Vec<_> = template.functions.iter().map(|function| function.name.as_str()).collect();
            Ok(Some(lambda::find(&names, options.bootstraps.as_deref()).await?))
        }
    }
}

fn template(options: &ServeOptions) -> Result<Template> {
    match &options.template {
        None => Template::parse(BUILT_IN).context("the built-in template"),
        Some(path) => {
            let name = path.display();
            let yaml = std::fs::read_to_string(path).with_context(|| format!("can't read the template `{name}`"))?;
            Template::parse(&yaml).with_context(|| format!("the template `{name}`"))
        }
    }
}

/// Requests in flight, then what was queued and taken, then the tasks that outlived their requests.
async fn drain(app: &App, server: tokio::task::JoinHandle<()>, mut workers: JoinSet<()>, closing: CancellationToken) {
    let streams = async {
        sleep(STREAMS_END).await;
        closing.cancel();
    };
    let requests = async {
        let _ = server.await;
        closing.cancel();
    };
    tokio::join!(requests, async {
        tokio::select! { () = streams => {}, () = closing.cancelled() => {} }
    });
    while workers.join_next().await.is_some() {}
    // Tasks of other processes on the same database are theirs to wait for.
    app.engine.drain().await;
    app.audit.drain().await;
}

/// Listened to from the very start, so that none is missed.
struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    fn new() -> Result<Self> {
        Ok(Signals { terminate: signal(SignalKind::terminate())?, interrupt: signal(SignalKind::interrupt())? })
    }

    /// By SIGTERM or Ctrl-C. The second Ctrl-C ends the process at once.
    async fn told_to_end(mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
        tokio::spawn(async move {
            self.interrupt.recv().await;
            std::process::exit(130);
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_collector_is_refused_by_a_program_that_cannot_tell_it() {
        let url = || Some("http://127.0.0.1:4318".to_owned());
        assert_eq!(collector(url(), true).unwrap(), url());
        assert_eq!((collector(None, true).unwrap(), collector(None, false).unwrap()), (None, None));
        let refused = collector(url(), false).unwrap_err().to_string();
        assert!(refused.contains("A2A_OTLP_URL") && refused.contains("--features otlp"), "{refused}");
    }
}
