//! One environment: a process of a function, the Runtime API that it speaks, and the signals that stop and wake it.

use std::{net::SocketAddr, path::Path, process::Stdio, sync::Arc, time::Duration};

use anyhow::{Context, Result, bail};
use rustix::process::{Pid, Signal, kill_process};
use tokio::{
    net::TcpListener,
    process::{Child, Command},
    sync::{mpsc, watch},
    task::JoinHandle,
    time::{Instant, timeout, timeout_at},
};

use super::{
    Failure, ProcessGroup, logs,
    runtime_api::{Invocation, RuntimeApi, State},
};
use crate::template::Function;

/// How long Lambda gives a process to ask for its first work. After that it begins anew, and counts the time as that of the first invocation: here the
/// same process is given the function's timeout on top.
const INIT: Duration = Duration::from_secs(10);
/// How long Lambda gives a process between SIGTERM and SIGKILL.
const SHUTDOWN: Duration = Duration::from_millis(500);

/// How long what an ended process left in its connections is read, at most.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// What is said of an invocation that took longer than its function may.
pub const KILLED: &str = "the function was killed at its timeout";

/// A process, which is frozen while it has no work.
pub(super) struct Environment {
    child: Child,
    api: Arc<RuntimeApi>,
    invocations: mpsc::Sender<Invocation>,
    state: watch::Receiver<State>,
    serving: JoinHandle<()>,
    /// Of its Runtime API.
    address: SocketAddr,
    /// Invocations, from its start on.
    given: u64,
    /// Since when it has no work.
    pub(super) idle_since: Instant,
}

/// How an invocation left its environment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Left {
    /// It asked for more work.
    Waiting,
    /// It is no more.
    Gone,
}

impl Environment {
    /// Starts a process and waits until it asks for work; it is frozen then.
    pub(super) async fn start(function: &Function, bootstrap: &Path, group: &ProcessGroup, number: u64) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await.context("no port for the Runtime API")?;
        let address = listener.local_addr()?;
        let (api, invocations, state) = RuntimeApi::new();
        let serving = tokio::spawn(api.clone().serve(listener));
        let mut command = Command::new(bootstrap);
        command
            .envs(&function.variables)
            .env("AWS_LAMBDA_RUNTIME_API", address.to_string())
            .env("AWS_LAMBDA_FUNCTION_NAME", &function.name)
            .env("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST")
            .env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", function.memory_mb.to_string())
            .env("AWS_LAMBDA_INITIALIZATION_TYPE", "on-demand")
            .env("AWS_LAMBDA_LOG_GROUP_NAME", format!("/aws/lambda/{}", function.name))
            .env("AWS_LAMBDA_LOG_STREAM_NAME", number.to_string())
            .env("_HANDLER", "bootstrap")
            // With its metrics, which are shown with our own.
            .env("A2A_LOG_FORMAT", "json")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        group.join(&mut command);
        let mut child = command.spawn().with_context(|| format!("`{}` can't be started", bootstrap.display()))?;
        logs::forward(&function.name, number, child.stdout.take());
        logs::forward(&function.name, number, child.stderr.take());
        let mut environment = Environment { child, api, invocations, state, serving, address, given: 0, idle_since: Instant::now() };
        match environment.asks_or_ends(Instant::now() + INIT + function.timeout).await {
            Some(Left::Waiting) => {
                environment.freeze();
                Ok(environment)
            }
            Some(Left::Gone) => bail!("its process ended before it asked for work"),
            None => bail!("it did not ask for work within {} s", (INIT + function.timeout).as_secs()),
        }
    }

    /// The process's id, as long as it lives.
    pub(super) fn pid(&self) -> Option<u32> {
        self.child.id()
    }

    /// The most memory that it had so far, in bytes, as the kernel says; `None` where it has ended or the kernel doesn't say.
    pub(super) fn most_memory(&self) -> Option<u64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.pid()?)).ok()?;
        let kilobytes = status.lines().find_map(|line| line.strip_prefix("VmHWM:")?.trim().strip_suffix(" kB"))?;
        Some(kilobytes.parse::<u64>().ok()? * 1024)
    }

    /// Gives it an invocation, and sees to it until it asks for more work, ends or is killed at the deadline.
    pub(super) async fn invoke(&mut self, invocation: Invocation, deadline: Instant) -> Left {
        self.signal(Signal::CONT);
        self.given += 1;
        let ended = match self.invocations.send(invocation).await {
            Ok(()) => self.asks_or_ends(deadline).await,
            Err(_) => Some(Left::Gone),
        };
        match ended {
            Some(Left::Waiting) => {
                self.freeze();
                Left::Waiting
            }
            Some(Left::Gone) => self.gone().await,
            None => {
                self.api.fail(Failure::Failed(KILLED));
                self.signal(Signal::KILL);
                Left::Gone
            }
        }
    }

    /// The last words of a process that ended are heard, then there are no more.
    async fn gone(&self) -> Left {
        let _ = timeout(LAST_WORDS, self.api.heard_out(self.address)).await;
        self.api.fail(Failure::Failed("the function's process ended"));
        Left::Gone
    }

    /// Waits until it asks for more than it was given, or ends; `None` if it does neither until the deadline.
    async fn asks_or_ends(&mut self, deadline: Instant) -> Option<Left> {
        let given = self.given;
        let next = self.state.wait_for(|state| matches!(state, State::Failed) || *state == State::Asked { given });
        tokio::select! {
            state = timeout_at(deadline, next) => match state {
                Ok(Ok(state)) if *state != State::Failed => Some(Left::Waiting),
                Ok(_) => Some(Left::Gone),
                Err(_) => None,
            },
            _ = self.child.wait() => Some(Left::Gone),
        }
    }

    /// Lambda freezes an environment that has no work: whatever it left running stands still.
    fn freeze(&mut self) {
        self.idle_since = Instant::now();
        self.signal(Signal::STOP);
    }

    /// Asks a process to end that wants to be asked, and ends it if it doesn't.
    pub(super) async fn stop(mut self) {
        let asked = self.api.hears_of_its_end();
        if asked {
            self.signal(Signal::TERM);
            self.signal(Signal::CONT);
        }
        if !asked || timeout(SHUTDOWN, self.child.wait()).await.is_err() {
            self.signal(Signal::KILL);
        }
        let _ = self.child.wait().await;
    }

    fn signal(&self, signal: Signal) {
        // No id: it has ended.
        let pid = self.child.id().and_then(|id| Pid::from_raw(id.cast_signed()));
        if let Some(pid) = pid
            && let Err(error) = kill_process(pid, signal)
        {
            tracing::debug!(%error, ?signal, "a function's process takes no signal");
        }
    }
}

impl Drop for Environment {
    fn drop(&mut self) {
        self.serving.abort();
    }
}
