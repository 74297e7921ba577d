//! The one executor: runs an agent's turn, stores what it does, and then tells. Whoever calls it, inline or from the queue.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
    time::Duration,
};

use futures::{FutureExt, StreamExt, future::BoxFuture, stream::BoxStream};
use protocol::{
    A2aError,
    types::{Message, Part, Role, TaskState},
};
use tokio::{sync::mpsc, time::Instant};
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::{
    Engine,
    commit::{ANSWERED_WITHIN, unanswerable},
    draft::Draft,
    ports::{Agent, AgentError, Change, Committed, Expect, Job, LeaseChange, SequencedEvent, Signal, StoreError, StoredTask, Update, View},
    state::ends_turn,
};

/// How long the first commit of a call that blocks may wait for the end.
const FIRST_COMMIT_WITHIN: Duration = Duration::from_millis(50);
/// So many updates are taken at once before others get their turn.
const UPDATES_AT_ONCE: usize = 64;
/// Or as many as it gives in this time, so that what it gave first is told soon.
const READY_WITHIN: Duration = Duration::from_millis(1);
/// An agent that is so many events ahead of the store waits for it.
const EVENTS_AHEAD: usize = 512;

/// A turn that is ready to run.
pub(crate) struct Turn {
    pub(crate) draft: Draft,
    pub(crate) agent: Arc<dyn Agent>,
    pub(crate) job: Job,
}

/// How soon a run stores what happens.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Pace {
    /// Someone listens: at once.
    Eager,
    /// Nobody hears anything before the end: the first commit may wait.
    Patient,
}

/// What a run lets its caller know, in order.
pub(crate) enum Told {
    /// The first commit is made: there is a task.
    Begun,
    /// These are stored.
    Events(Arc<[SequencedEvent]>),
    /// It is over; nothing follows.
    Ended(Ended),
}

/// How a run ended.
pub(crate) enum Ended {
    /// The turn is over, or was handed to the queue; the task as it is stored.
    Stored(Box<StoredTask>),
    /// The agent answered without a task.
    Message(Box<Message>),
    /// The message was sent before and went to this task; nothing was stored.
    Duplicate(String),
    /// The task wasn't as expected before the turn began; nothing was stored.
    Conflict,
    /// Someone else has the task now: the store knows more than this run.
    Lost,
    /// The store failed.
    Error(A2aError),
}

/// A run that goes on by itself.
pub(crate) struct Running {
    pub(crate) told: mpsc::UnboundedReceiver<Told>,
    hand_over: DropGuard,
}

impl Running {
    /// Asks the run to leave the rest to the queue, where this process won't live on. It still tells how it ends.
    pub(crate) fn hand_over(self) -> mpsc::UnboundedReceiver<Told> {
        drop(self.hand_over);
        self.told
    }
}

type Updates = BoxStream<'static, std::thread::Result<Result<Update, AgentError>>>;
type Commit = BoxFuture<'static, (Arc<Change>, Result<Committed, StoreError>)>;

struct Run {
    engine: Engine,
    draft: Draft,
    runner: String,
    /// The task's version from which on it is this run's.
    since: u64,
    /// `None` once the turn is over.
    updates: Option<Updates>,
    cancellation: CancellationToken,
    pace: Pace,
    /// Whether the task is in the store with this run as its runner.
    begun: bool,
    /// Whether anything came of the agent yet.
    silent: bool,
    requeue: bool,
    told: Option<mpsc::UnboundedSender<Told>>,
}

impl Engine {
    /// Starts a turn that isn't stored yet. It goes on when the caller goes away, or hands over where the process won't.
    pub(crate) fn start(&self, turn: Turn, pace: Pace) -> Running {
        let (sender, told) = mpsc::unbounded_channel();
        let left = CancellationToken::new();
        let hand_over = left.clone().drop_guard();
        let left = if self.settings().outlives_response { CancellationToken::new() } else { left };
        let mut run = Run::new(self.clone(), turn, pace, false);
        run.draft.stored.attempts = 1;
        run.told = Some(sender.clone());
        self.runs().spawn(async move {
            let ended = run.drive(left).await;
            // The caller may be gone.
            let _ = sender.send(Told::Ended(ended));
        });
        Running { told, hand_over }
    }

    /// Runs a turn whose lease this runner holds already.
    pub(crate) async fn run_held(&self, turn: Turn, runner: String) -> Ended {
        let mut run = Run::new(self.clone(), turn, Pace::Eager, true);
        run.runner = runner;
        run.drive(CancellationToken::new()).await
    }
}

impl Run {
    fn new(engine: Engine, turn: Turn, pace: Pace, begun: bool) -> Self {
        let Turn { draft, agent, job } = turn;
        let cancellation = job.cancellation.clone();
        let updates: Updates = match catch_unwind(AssertUnwindSafe(|| agent.run(job))) {
            Ok(updates) => AssertUnwindSafe(updates).catch_unwind().boxed(),
            Err(panic) => futures::stream::iter([Err(panic)]).boxed(),
        };
        let runner = uuid::Uuid::now_v7().to_string();
        let since = draft.stored.version + u64::from(!begun);
        Run { engine, draft, runner, since, updates: Some(updates), cancellation, pace, begun, silent: true, requeue: false, told: None }
    }

    async fn drive(mut self, left: CancellationToken) -> Ended {
        let mut commit: Option<Commit> = None;
        let mut signals: Option<BoxStream<'static, Signal>> = None;
        let due = tokio::time::sleep(FIRST_COMMIT_WITHIN);
        tokio::pin!(due);
        let mut pressed = self.pace == Pace::Eager && !self.begun;
        if self.begun {
            signals = Some(self.engine.told_to_runner(&self.draft.stored.task.id).await);
            due.as_mut().reset(Instant::now() + self.heartbeat());
        }
        loop {
            if let Some(message) = self.absorb(commit.is_some()) {
                return Ended::Message(message);
            }
            let over = self.updates.is_none();
            if commit.is_none() && (over || pressed || (self.begun && self.draft.has_changes())) {
                pressed = false;
                if !over && signals.is_none() {
                    signals = Some(self.engine.told_to_runner(&self.draft.stored.task.id).await);
                }
                commit = Some(self.commit());
            }
            let open = self.updates.is_some() && self.draft.event_count() < EVENTS_AHEAD;
            tokio::select! {
                biased;
                (change, committed) = or_never(&mut commit) => {
                    let last = change.lease == LeaseChange::Release;
                    match self.committed(change, committed).await {
                        Ok(None) => commit = None,
                        Ok(Some(again)) => { commit = Some(again); continue }
                        Err(ended) => return ended,
                    }
                    due.as_mut().reset(Instant::now() + self.heartbeat());
                    if last {
                        return Ended::Stored(Box::new(self.draft.stored));
                    }
                }
                signal = next_of(&mut signals) => match signal {
                    Some(Signal::Cancel { version }) if version >= self.since => self.cancellation.cancel(),
                    // What was missed may have been a wish to cancel: a commit would conflict with it.
                    Some(Signal::Gap) if self.begun => pressed = true,
                    Some(_) => {}
                    None => signals = None,
                },
                () = &mut due, if commit.is_none() => pressed = true,
                () = left.cancelled(), if !over && !self.requeue => {
                    self.requeue = true;
                    self.draft.stored.attempts = 0;
                    self.updates = None;
                }
                // Last, because an agent may always be ready.
                update = next_of(&mut self.updates), if open => {
                    if let Some(message) = self.take(update, commit.is_some()) {
                        return Ended::Message(message);
                    }
                }
            }
        }
    }

    /// Takes what the agent has ready. A message in place of a task ends the run.
    fn absorb(&mut self, committing: bool) -> Option<Box<Message>> {
        let began = Instant::now();
        for _ in 0..UPDATES_AT_ONCE {
            if self.draft.event_count() >= EVENTS_AHEAD || began.elapsed() > READY_WITHIN {
                break;
            }
            let update = self.updates.as_mut()?.next().now_or_never()?;
            if let Some(message) = self.take(update, committing) {
                return Some(message);
            }
        }
        None
    }

    /// Applies one update, or the end of them.
    fn take(&mut self, update: Option<std::thread::Result<Result<Update, AgentError>>>, committing: bool) -> Option<Box<Message>> {
        let now = self.engine.now();
        let first = std::mem::replace(&mut self.silent, false);
        match update {
            Some(Ok(Ok(Update::Message(message)))) if first => {
                if !self.begun && !committing && self.draft.stored.version == 0 {
                    return Some(Box::new(self.direct(message)));
                }
                // There is a task already, so the answer becomes its last word.
                self.draft.end(TaskState::Completed, Some(message), now);
            }
            Some(Ok(Ok(update))) => {
                if let Err(invalid) = self.draft.apply(update, now) {
                    tracing::warn!(task_id = self.draft.stored.task.id, agent = self.draft.stored.agent, %invalid, "the agent broke the protocol");
                    self.fail(A2aError::InvalidAgentResponse { reason: invalid.to_string() }.to_string());
                }
            }
            Some(Ok(Err(error))) if !self.cancellation.is_cancelled() => self.fail(error.reason),
            Some(Err(_panic)) if !self.cancellation.is_cancelled() => {
                tracing::error!(task_id = self.draft.stored.task.id, agent = self.draft.stored.agent, "the agent panicked");
                self.fail("the agent stopped unexpectedly".into());
            }
            None if !self.cancellation.is_cancelled() => self.draft.end(TaskState::Completed, None, now),
            Some(Ok(Err(_)) | Err(_)) | None => self.draft.end(TaskState::Canceled, None, now),
        }
        if ends_turn(&self.draft.stored.task.status.state) {
            self.updates = None;
        }
        None
    }

    fn fail(&mut self, reason: String) {
        // An alarm counts these lines. The reason is the client's to read.
        tracing::warn!(task_id = self.draft.stored.task.id, agent = self.draft.stored.agent, "the agent failed");
        let message = Message::new(Role::Agent, vec![Part::text(reason)]);
        self.draft.end(TaskState::Failed, Some(message), self.engine.now());
    }

    fn direct(&self, mut message: Message) -> Message {
        message.role = Role::Agent;
        message.context_id = Some(self.draft.stored.task.context_id.clone());
        if message.message_id.is_empty() {
            message.message_id = protocol::types::new_message_id();
        }
        message
    }

    fn commit(&mut self) -> Commit {
        let now = self.engine.now();
        let lease = if self.updates.is_some() {
            LeaseChange::Hold { runner: self.runner.clone(), until: now + self.engine.settings().lease }
        } else {
            LeaseChange::Release
        };
        let change = self.draft.take_change(lease, self.requeue, now);
        self.try_commit(Arc::new(change))
    }

    fn try_commit(&self, change: Arc<Change>) -> Commit {
        let engine = self.engine.clone();
        // While the store is away nobody else can take the task either; what the agent does meanwhile isn't lost so soon.
        let patience = if self.begun { self.engine.settings().lease } else { ANSWERED_WITHIN };
        Box::pin(async move {
            let committed = engine.store(&change, patience).await;
            (change, committed)
        })
    }

    /// What follows a commit: telling of it, another try (`Some`), or the end of the run.
    async fn committed(&mut self, change: Arc<Change>, committed: Result<Committed, StoreError>) -> Result<Option<Commit>, Ended> {
        match committed {
            Ok(Committed::Done) => {}
            // An earlier try got through, though nobody heard of it: the task waits for nobody but this run.
            Ok(Committed::DuplicateMessage { .. } | Committed::Conflict) if !self.begun && self.has_the_lease_of(&change).await? => {}
            Ok(Committed::DuplicateMessage { task_id }) => return Err(Ended::Duplicate(task_id)),
            Ok(Committed::Conflict) if !self.begun => return Err(Ended::Conflict),
            Ok(Committed::Conflict) => {
                if let Some(again) = self.reconcile(&change).await? {
                    return Ok(Some(self.try_commit(Arc::new(again))));
                }
            }
            Err(error) => return Err(Ended::Error(unanswerable(error))),
        }
        self.draft.confirm(&change);
        self.engine.tell_of_end(&self.draft, &change);
        if let Some(told) = &self.told {
            // The caller may be gone, which never ends the task.
            if !self.begun {
                let _ = told.send(Told::Begun);
            }
            if !change.events.is_empty() {
                let _ = told.send(Told::Events(change.events.clone()));
            }
        }
        self.begun = true;
        if matches!(change.expect, Expect::New(_)) && change.lease == LeaseChange::Release {
            // Nobody can have subscribed to what nobody knew of.
            self.engine.announce(&change).await;
        } else {
            self.engine.tell(&change).await;
        }
        Ok(None)
    }

    /// After the refusal of a first commit that takes the lease: whether the store has it as this run's.
    async fn has_the_lease_of(&mut self, change: &Change) -> Result<bool, Ended> {
        if !matches!(change.lease, LeaseChange::Hold { .. }) {
            return Ok(false);
        }
        let found = self.engine.ports().tasks.task_of_any_owner(&change.task_id, View::STATUS).await;
        let stored = found.map_err(|error| Ended::Error(unanswerable(error)))?;
        Ok(stored.is_some_and(|stored| stored.lease.is_some_and(|(runner, _)| runner == self.runner)))
    }

    /// After a conflict: `None` where the change is stored after all, the change to try next where only something beside
    /// the run changed. A run that lost its task stops without a trace.
    async fn reconcile(&mut self, change: &Change) -> Result<Option<Change>, Ended> {
        let found = self.engine.ports().tasks.task_of_any_owner(&change.task_id, View::STATUS).await;
        let stored = found.map_err(|error| Ended::Error(unanswerable(error)))?;
        let Some(stored) = stored else { return Err(Ended::Lost) };
        let last = change.events.last().map(|event| event.sequence);
        let ours = stored.lease.as_ref().is_some_and(|(runner, _)| *runner == self.runner);
        if last == Some(stored.last_sequence) && stored.task.status == change.status && (ours || stored.version == self.draft.stored.version + 1) {
            // Stored after all, whatever came since.
            self.draft.stored.version = stored.version - 1;
            self.draft.stored.push_config_ids = stored.push_config_ids;
            return Ok(None);
        }
        if !ours || last.is_some_and(|last| last != stored.last_sequence + change.events.len() as u64) {
            tracing::info!(task_id = change.task_id, "another runner has the task; this one stops");
            return Err(Ended::Lost);
        }
        if stored.cancel_requested {
            self.cancellation.cancel();
        }
        Ok(Some(self.draft.rebase(change, &stored)))
    }

    fn heartbeat(&self) -> Duration {
        self.engine.settings().lease / 3
    }
}

async fn or_never(commit: &mut Option<Commit>) -> (Arc<Change>, Result<Committed, StoreError>) {
    match commit {
        Some(commit) => commit.await,
        None => std::future::pending().await,
    }
}

async fn next_of<T>(stream: &mut Option<BoxStream<'static, T>>) -> Option<T> {
    match stream {
        Some(stream) => stream.next().await,
        None => std::future::pending().await,
    }
}
