//! Agents that do what a test says.

use std::{collections::VecDeque, sync::Arc};

use engine::ports::{Agent, AgentError, AgentProfile, Job, Update, skill};
use futures::{StreamExt, stream::BoxStream};
use protocol::types::{Artifact, Message, Part, Role, TaskState};
use tokio::sync::Semaphore;

/// An agent whose run is a function.
pub struct Scripted {
    pub profile: AgentProfile,
    run: Box<dyn Fn(Job) -> BoxStream<'static, Result<Update, AgentError>> + Send + Sync>,
}

impl Scripted {
    pub fn new(run: impl Fn(Job) -> BoxStream<'static, Result<Update, AgentError>> + Send + Sync + 'static) -> Self {
        let skill = skill("act", "Acting", "Plays its part.", &["test"], &[]);
        let mut profile = AgentProfile::new("actor", "Actor", "Does as it is told.", vec![skill]);
        profile.input_modes.push("application/json".into());
        Scripted { profile, run: Box::new(run) }
    }

    pub fn named(mut self, id: &str) -> Self {
        self.profile.id = id.into();
        self
    }

    pub fn with(mut self, change: impl FnOnce(&mut AgentProfile)) -> Self {
        change(&mut self.profile);
        self
    }
}

impl Agent for Scripted {
    fn profile(&self) -> &AgentProfile {
        &self.profile
    }

    fn run(&self, job: Job) -> BoxStream<'static, Result<Update, AgentError>> {
        (self.run)(job)
    }
}

/// Holds an agent's run up until it is opened, once for each opening.
#[derive(Clone)]
pub struct Gate(Arc<Semaphore>);

impl Gate {
    pub fn closed() -> Self {
        Gate(Arc::new(Semaphore::new(0)))
    }

    pub fn open(&self) {
        self.0.add_permits(1);
    }

    pub async fn pass(&self) {
        self.0.acquire().await.unwrap().forget();
    }
}

/// An agent that says the same in each run; a gate between two updates holds it up.
pub fn script(updates: Vec<Update>, gate: Option<Gate>) -> Scripted {
    Scripted::new(move |_job| {
        let rest: VecDeque<Update> = updates.clone().into();
        futures::stream::unfold((rest, gate.clone(), false), |(mut rest, gate, started)| async move {
            if let (Some(gate), true) = (&gate, started) {
                gate.pass().await;
            }
            rest.pop_front().map(|update| (Ok(update), (rest, gate, true)))
        })
        .boxed()
    })
}

pub fn status(state: TaskState) -> Update {
    Update::Status { state, message: None }
}

pub fn says(state: TaskState, text: &str) -> Update {
    Update::Status { state, message: Some(Message::new(Role::Agent, vec![Part::text(text)])) }
}

pub fn artifact(id: &str, text: &str) -> Update {
    chunk(id, text, false)
}

pub fn chunk(id: &str, text: &str, append: bool) -> Update {
    let artifact =
        Artifact { artifact_id: id.into(), name: None, description: None, parts: vec![Part::text(text)], metadata: None, extensions: None };
    Update::Artifact { artifact, append, last_chunk: false }
}
