//! A function as Lambda runs it: environments on demand up to a limit, one invocation at a time in each.

use std::{
    path::PathBuf,
    sync::{
        Arc, Weak,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use anyhow::Result;
use bytes::Bytes;
use metrics::{counter, gauge};
use telemetry::metric;
use tokio::{
    sync::{AcquireError, OwnedSemaphorePermit, Semaphore, mpsc, oneshot, watch},
    time::{Instant, sleep},
};

use super::{
    Failure, ProcessGroup,
    environment::{Environment, Left},
    pool::{Place, Pool, Taken},
    runtime_api::{Answer, Invocation},
};
use crate::template;

/// Invocations of a function at the same time where the template reserves none: a process of each has to fit into this machine.
const MAX_CONCURRENCY: usize = 256;
/// Environments that start at the same time: more would only make each other slow.
const MAX_STARTS: usize = 8;
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

/// What all functions share.
pub struct Service {
    group: ProcessGroup,
    /// Invocations under way.
    running: watch::Sender<usize>,
    /// As many as may start at the same time.
    starts: Arc<Semaphore>,
}

impl Service {
    /// Without a function yet.
    ///
    /// # Errors
    /// Where processes can't be started.
    pub fn new() -> Result<Arc<Self>> {
        Ok(Arc::new(Service { group: ProcessGroup::new()?, running: watch::Sender::new(0), starts: Arc::new(Semaphore::new(MAX_STARTS)) }))
    }

    /// How many invocations are under way: changes when one begins and when one ends.
    pub fn running(&self) -> watch::Receiver<usize> {
        self.running.subscribe()
    }
}

/// A function and its environments.
pub struct Function {
    service: Arc<Service>,
    described: template::Function,
    bootstrap: PathBuf,
    arn: Arc<str>,
    pool: Arc<Pool<Environment>>,
    started: AtomicU64,
    /// In bytes, of the environment that had the most.
    most_memory: AtomicU64,
}

impl Function {
    /// A function without an environment yet.
    pub fn new(service: Arc<Service>, described: template::Function, bootstrap: PathBuf) -> Arc<Self> {
        let arn = format!("arn:aws:lambda:local:000000000000:function:{}", described.name).into();
        let pool = Pool::new(described.reserved_concurrency.unwrap_or(MAX_CONCURRENCY));
        let function = Arc::new(Function { service, described, bootstrap, arn, pool, started: AtomicU64::new(0), most_memory: AtomicU64::new(0) });
        tokio::spawn(stop_idle(Arc::downgrade(&function), IDLE));
        function
    }

    /// As the template describes it.
    pub fn described(&self) -> &template::Function {
        &self.described
    }

    /// Has the event handled. The invocation goes on to its end, or to the function's timeout, even when nobody waits for it any longer.
    ///
    /// # Errors
    /// Say why there is no response.
    pub async fn invoke(self: &Arc<Self>, event: Bytes, now_milliseconds: i64) -> Result<Reply, Failure> {
        let asked = Instant::now();
        let (place, taken) = self
            .pool
            .take(self.service.starts.clone().acquire_owned())
            .await
            .inspect_err(|_| tracing::warn!(function = self.described.name, "throttled"))?;
        let (answer, answered) = oneshot::channel();
        let function = self.clone();
        let deadline = move |timeout: Duration| {
            let after = i64::try_from((asked.elapsed() + timeout).as_millis()).unwrap_or(i64::MAX);
            u64::try_from(now_milliseconds.saturating_add(after)).unwrap_or_default()
        };
        tokio::spawn(async move {
            function.service.running.send_modify(|running| *running += 1);
            function.attend(event, deadline, answer, place, taken).await;
            function.service.running.send_modify(|running| *running -= 1);
        });
        answered.await.unwrap_or(Err(Failure::Failed("the function's process ended")))
    }

    async fn attend(
        &self,
        event: Bytes,
        deadline: impl FnOnce(Duration) -> u64,
        answer: Answer,
        place: Arc<Place<Environment>>,
        taken: Taken<Environment, Result<OwnedSemaphorePermit, AcquireError>>,
    ) {
        let mut environment = match taken {
            Taken::Environment(environment) => environment,
            Taken::MayStart(_permit) => match self.start().await {
                Ok(environment) => environment,
                Err(error) => {
                    tracing::error!(function = self.described.name, error = format!("{error:#}"), "can't start");
                    let _ = answer.send(Err(Failure::Failed("the function can't start")));
                    return;
                }
            },
        };
        let timeout = self.described.timeout;
        let invocation = Invocation {
            id: uuid::Uuid::new_v4().to_string(),
            event,
            deadline: deadline(timeout),
            arn: self.arn.clone(),
            answer,
            answered: Box::new({
                let place = place.clone();
                move || place.answered()
            }),
        };
        let begun = Instant::now();
        let left = environment.invoke(invocation, begun + timeout).await;
        counter!(metric::INVOCATIONS, "function" => self.described.name.clone()).increment(1);
        self.bill(begun.elapsed(), environment.most_memory());
        match left {
            Left::Waiting => self.pool.put(environment),
            Left::Gone => tracing::warn!(function = self.described.name, "an environment is gone"),
        }
    }

    async fn start(&self) -> Result<Environment> {
        let number = self.started.fetch_add(1, Relaxed) + 1;
        let begun = Instant::now();
        let environment = Environment::start(&self.described, &self.bootstrap, &self.service.group, number).await?;
        counter!(metric::COLD_STARTS, "function" => self.described.name.clone()).increment(1);
        // A start is billed as an invocation is.
        self.bill(begun.elapsed(), environment.most_memory());
        let init_ms = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
        tracing::info!(function = self.described.name, environment = number, pid = environment.pid(), init_ms, "cold start");
        Ok(environment)
    }

    /// Counts what Lambda would put on the bill, which rounds up to a millisecond.
    fn bill(&self, time: Duration, most_memory: Option<u64>) {
        let name = &self.described.name;
        let milliseconds = u64::try_from(time.as_micros().div_ceil(1000)).unwrap_or(u64::MAX);
        counter!(metric::BILLED, "function" => name.clone()).increment(milliseconds);
        if let Some(bytes) = most_memory {
            let most = self.most_memory.fetch_max(bytes, Relaxed).max(bytes);
            gauge!(metric::FUNCTION_MEMORY, "function" => name.clone()).set(most as f64);
        }
    }

    /// Ends the environments that have no work.
    pub async fn stop(&self) {
        futures::future::join_all(self.pool.remove(|_| true).into_iter().map(Environment::stop)).await;
    }
}

/// Ends environments that had no work for a while, as long as there is the function.
async fn stop_idle(function: Weak<Function>, idle: Duration) {
    loop {
        sleep(idle / 4).await;
        let Some(function) = function.upgrade() else { return };
        for environment in function.pool.remove(|environment| environment.idle_since.elapsed() >= idle) {
            environment.stop().await;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeMap, fs, path::Path};

    use super::*;

    /// As the kernel says.
    fn state(pid: u32) -> Option<char> {
        let status = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        status.rsplit(") ").next()?.chars().next()
    }

    #[tokio::test]
    async fn an_environment_that_has_no_work_for_a_while_is_ended() {
        let described = template::Function {
            name: "asks-for-work".into(),
            timeout: Duration::from_secs(3),
            memory_mb: 128,
            reserved_concurrency: None,
            variables: BTreeMap::new(),
            events: Vec::new(),
        };
        let bootstrap = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/lambda/asks_for_work.sh");
        let function = Function::new(Service::new().unwrap(), described, bootstrap);
        let environment = function.start().await.unwrap();
        let pid = environment.pid().unwrap();
        function.pool.put(environment);
        while state(pid) != Some('T') {
            tokio::task::yield_now().await;
        }
        let ending = tokio::spawn(stop_idle(Arc::downgrade(&function), Duration::from_millis(20)));
        while state(pid).is_some() {
            sleep(Duration::from_millis(1)).await;
        }
        let (_place, taken) = function.pool.take(std::future::ready(())).await.unwrap();
        assert!(matches!(taken, Taken::MayStart(())), "nobody is given what has ended");
        drop(function);
        ending.await.unwrap();
    }
}
