//! A function as Lambda runs it: environments on demand up to a limit, one invocation at a time in each, the last used first.

use std::{
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use anyhow::Result;
use bytes::Bytes;
use metrics::counter;
use parking_lot::Mutex;
use telemetry::metric;
use tokio::{
    sync::{Semaphore, mpsc, oneshot},
    time::{Instant, sleep},
};

use super::{
    Failure,
    environment::{Environment, Left},
    runtime_api::{Answer, Invocation},
};
use crate::template;

/// Environments of a function at the same time; who comes after that waits for one.
const MAX_ENVIRONMENTS: usize = 100;
/// How long an environment is kept without work.
const IDLE: Duration = Duration::from_secs(120);

/// What a function answered.
#[derive(Debug)]
pub enum Reply {
    /// All at once.
    Whole(Bytes),
    /// Piece by piece; the first ones are the prelude.
    Stream(mpsc::Receiver<Bytes>),
}

/// A function and its environments.
pub struct Function {
    described: template::Function,
    bootstrap: PathBuf,
    arn: Arc<str>,
    /// The last used at the end.
    idle: Mutex<Vec<Environment>>,
    slots: Arc<Semaphore>,
    started: AtomicU64,
}

impl Function {
    /// A function without an environment yet.
    pub fn new(described: template::Function, bootstrap: PathBuf) -> Arc<Self> {
        let arn = format!("arn:aws:lambda:local:000000000000:function:{}", described.name).into();
        let function = Arc::new(Function {
            described,
            bootstrap,
            arn,
            idle: Mutex::default(),
            slots: Arc::new(Semaphore::new(MAX_ENVIRONMENTS)),
            started: AtomicU64::new(0),
        });
        tokio::spawn(stop_idle(Arc::downgrade(&function)));
        function
    }

    /// Has the event handled. The invocation goes on to its end, or to the function's timeout, even when nobody waits for it any longer.
    pub async fn invoke(self: &Arc<Self>, event: Bytes, now_milliseconds: i64) -> Result<Reply, Failure> {
        let (answer, answered) = oneshot::channel();
        let function = self.clone();
        tokio::spawn(async move { function.attend(event, now_milliseconds, answer).await });
        answered.await.unwrap_or(Err(Failure::Failed("the function's process ended")))
    }

    async fn attend(self: Arc<Self>, event: Bytes, now_milliseconds: i64, answer: Answer) {
        let asked = Instant::now();
        let Ok(_slot) = self.slots.acquire().await else { return };
        let warm = self.idle.lock().pop();
        let mut environment = match warm {
            Some(environment) => environment,
            None => match self.start().await {
                Ok(environment) => environment,
                Err(error) => {
                    tracing::error!(function = self.described.name, error = format!("{error:#}"), "can't start");
                    let _ = answer.send(Err(Failure::Failed("the function can't start")));
                    return;
                }
            },
        };
        let timeout = self.described.timeout;
        let deadline = now_milliseconds.saturating_add(i64::try_from((asked.elapsed() + timeout).as_millis()).unwrap_or(i64::MAX));
        let invocation = Invocation {
            id: uuid::Uuid::new_v4().to_string(),
            event,
            deadline: u64::try_from(deadline).unwrap_or_default(),
            arn: self.arn.clone(),
            answer,
        };
        match environment.invoke(invocation, Instant::now() + timeout).await {
            Left::Waiting => self.idle.lock().push(environment),
            Left::Gone => tracing::warn!(function = self.described.name, "an environment is gone"),
        }
    }

    async fn start(&self) -> Result<Environment> {
        let number = self.started.fetch_add(1, Relaxed) + 1;
        let begun = Instant::now();
        let environment = Environment::start(&self.described, &self.bootstrap, number).await?;
        counter!(metric::COLD_STARTS, "function" => self.described.name.clone()).increment(1);
        let init_ms = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
        tracing::info!(function = self.described.name, environment = number, init_ms, "cold start");
        Ok(environment)
    }

    /// Ends the environments that have no work.
    pub async fn stop(&self) {
        let idle = std::mem::take(&mut *self.idle.lock());
        futures::future::join_all(idle.into_iter().map(Environment::stop)).await;
    }
}

/// Ends environments that had no work for a while, as long as there is the function.
async fn stop_idle(function: std::sync::Weak<Function>) {
    loop {
        sleep(IDLE / 4).await;
        let Some(function) = function.upgrade() else { return };
        let stale: Vec<_> = function.idle.lock().extract_if(.., |environment| environment.idle_since.elapsed() >= IDLE).collect();
        for environment in stale {
            environment.stop().await;
        }
    }
}
