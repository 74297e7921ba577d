//! A world for the engine to live in, and short words for what tests say in it.

mod agents;
mod ports;

use std::{sync::Arc, time::Duration};

use engine::{
    CallContext, Caller, Engine, EngineSettings, Ports, Reply, Role, StreamItem,
    ports::{EventBus, QueueName, Scope, StoredTask, TaskStore, View, WorkQueue},
};
use events::InProcessEventBus;
use futures::{StreamExt, stream::BoxStream};
use protocol::{
    A2aError, Answer, Call, Dialect, SendMessage,
    types::{
        CancelTaskRequest, GetTaskRequest, ListTasksRequest, ListTasksResponse, Message, Part, Role as MessageRole, SendMessageConfiguration,
        SendMessageRequest, StreamResponse, SubscribeToTaskRequest, Task, TaskState,
    },
};
use queue::RowsWorkQueue;
use store::{SqliteDatabase, SqliteTaskStore};

pub use agents::{Gate, Scripted, artifact, chunk, says, script, status};
pub use ports::{DeafBus, FewKeys, RecordedWebhooks, SteadyClock, WatchedStore};

pub struct World {
    pub engine: Engine,
    pub store: Arc<WatchedStore>,
    pub queue: Arc<RowsWorkQueue>,
    pub webhooks: Arc<RecordedWebhooks>,
    pub clock: Arc<SteadyClock>,
}

impl World {
    pub fn new(agents: Vec<Scripted>) -> Self {
        World::with(agents, EngineSettings::default(), Arc::new(InProcessEventBus::new()))
    }

    pub fn with(agents: Vec<Scripted>, settings: EngineSettings, bus: Arc<dyn EventBus>) -> Self {
        let database = SqliteDatabase::temporary().unwrap();
        let clock = Arc::new(SteadyClock::default());
        let store = Arc::new(WatchedStore::new(SqliteTaskStore::new(database.clone())));
        let queue = Arc::new(RowsWorkQueue::new(Arc::new(database), clock.clone()));
        let webhooks = Arc::new(RecordedWebhooks::default());
        let ports = Ports {
            tasks: store.clone(),
            events: bus,
            queue: queue.clone(),
            webhooks: webhooks.clone(),
            clock: clock.clone(),
            agents: agents.into_iter().map(|agent| Arc::new(agent) as _).collect(),
        };
        World { engine: Engine::new(ports, settings), store, queue, webhooks, clock }
    }

    /// Another process over the same store, bus and queue, with agents of its own.
    pub fn another(&self, agents: Vec<Scripted>) -> Engine {
        let agents = agents.into_iter().map(|agent| Arc::new(agent) as _).collect();
        Engine::new(Ports { agents, ..self.engine.ports().clone() }, self.engine.settings().clone())
    }

    pub async fn call(&self, call: Call) -> Result<Reply, A2aError> {
        self.engine.call(call, alice()).await
    }

    pub async fn send(&self, text: &str) -> Result<Task, A2aError> {
        task_of(self.call(Call::SendMessage(message(text))).await)
    }

    pub async fn get(&self, id: &str) -> Result<Task, A2aError> {
        task_of(self.call(Call::GetTask(GetTaskRequest { id: id.into(), history_length: None, tenant: None })).await)
    }

    pub async fn cancel(&self, id: &str) -> Result<Task, A2aError> {
        task_of(self.call(cancel(id)).await)
    }

    pub async fn stream(&self, text: &str) -> Result<Events, A2aError> {
        events_of(self.call(Call::SendStreamingMessage(message(text))).await)
    }

    pub async fn subscribe(&self, id: &str, last_event_id: Option<u64>) -> Result<Events, A2aError> {
        events_of(self.engine.call(subscribe(id), CallContext { last_event_id, ..alice() }).await)
    }

    pub async fn list(&self) -> ListTasksResponse {
        match self.call(Call::ListTasks(list())).await {
            Ok(Reply::Answer { answer: Answer::Tasks(page), .. }) => page,
            _ => panic!("no list"),
        }
    }

    pub async fn stored(&self, id: &str) -> StoredTask {
        self.store.task_of_any_owner(id, View::WHOLE).await.unwrap().unwrap()
    }

    /// Lets workers do all that is due; says how many pieces there were.
    pub async fn work(&self) -> usize {
        let mut done = 0;
        loop {
            let mut taken = Vec::new();
            for queue in [QueueName::RunTask, QueueName::DeliverPush] {
                taken.extend(self.queue.receive(queue, 10, Duration::from_secs(30), Duration::ZERO).await.unwrap());
            }
            if taken.is_empty() {
                return done;
            }
            done += taken.len();
            for delivery in taken {
                self.engine.work(&delivery).await.unwrap();
            }
        }
    }

    /// The one task there is, once there is one.
    pub async fn only_task(&self) -> Task {
        loop {
            if let Some(task) = self.list().await.tasks.pop() {
                return task;
            }
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }

    /// The task as soon as it is in this state.
    pub async fn reaches(&self, id: &str, state: TaskState) -> Task {
        loop {
            let task = self.get(id).await.unwrap();
            if task.status.state == state {
                return task;
            }
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }
}

pub type Events = BoxStream<'static, Result<StreamItem, A2aError>>;

pub fn alice() -> CallContext {
    CallContext {
        caller: Caller { owner: "alice".into(), role: Role::Authenticated },
        tenant: None,
        dialect: Dialect::V1_0,
        extensions: vec![],
        last_event_id: None,
        time_left: Duration::from_secs(30),
        stream_left: None,
        traceparent: None,
    }
}

pub fn bob() -> CallContext {
    CallContext { caller: Caller { owner: "bob".into(), role: Role::Authenticated }, ..alice() }
}

pub fn scope() -> Scope {
    Scope { owner: "alice".into(), agent: None }
}

pub fn message(text: &str) -> SendMessage {
    let message = Message::new(MessageRole::User, vec![Part::text(text)]);
    SendMessage { request: SendMessageRequest { message, configuration: None, metadata: None, tenant: None }, task_id_may_be_new: false }
}

pub fn reply_to(task: &Task, text: &str) -> SendMessage {
    let mut send = message(text);
    send.request.message.task_id = Some(task.id.clone());
    send
}

pub fn configured(mut send: SendMessage, change: impl FnOnce(&mut SendMessageConfiguration)) -> SendMessage {
    let mut configuration =
        SendMessageConfiguration { accepted_output_modes: None, task_push_notification_config: None, history_length: None, return_immediately: None };
    change(&mut configuration);
    send.request.configuration = Some(configuration);
    send
}

pub fn immediately(text: &str) -> Call {
    Call::SendMessage(configured(message(text), |configuration| configuration.return_immediately = Some(true)))
}

pub fn cancel(id: &str) -> Call {
    Call::CancelTask(CancelTaskRequest { id: id.into(), metadata: None, tenant: None })
}

pub fn subscribe(id: &str) -> Call {
    Call::SubscribeToTask(SubscribeToTaskRequest { id: id.into(), tenant: None })
}

pub fn list() -> ListTasksRequest {
    ListTasksRequest {
        context_id: None,
        status: None,
        page_size: None,
        page_token: None,
        history_length: None,
        status_timestamp_after: None,
        include_artifacts: None,
        tenant: None,
    }
}

pub fn task_of(reply: Result<Reply, A2aError>) -> Result<Task, A2aError> {
    match reply? {
        Reply::Answer { answer: Answer::Task(task), .. } => Ok(Arc::unwrap_or_clone(task)),
        _ => panic!("the answer is no task"),
    }
}

pub fn events_of(reply: Result<Reply, A2aError>) -> Result<Events, A2aError> {
    match reply? {
        Reply::Stream { events, .. } => Ok(events),
        _ => panic!("the answer is no stream"),
    }
}

/// All that a stream tells, in short: the task's state, texts of artifacts, states, each with its sequence.
pub async fn told(events: Events) -> Vec<String> {
    events.map(|item| in_short(&item.unwrap())).collect().await
}

pub fn in_short(item: &StreamItem) -> String {
    let what = match &item.event {
        StreamResponse::Task(task) => format!("task {:?}", task.status.state),
        StreamResponse::Message(message) => format!("message {}", message.text().unwrap_or_default()),
        StreamResponse::StatusUpdate(update) => format!("{:?}", update.status.state),
        StreamResponse::ArtifactUpdate(update) => update.artifact.parts.iter().filter_map(Part::as_text).collect(),
    };
    match item.sequence {
        Some(sequence) => format!("{sequence}: {what}"),
        None => what,
    }
}

pub fn history(task: &Task) -> Vec<&str> {
    task.history.iter().flatten().filter_map(Message::text).collect()
}

pub fn status_text(task: &Task) -> Option<&str> {
    task.status.message.as_ref().and_then(Message::text)
}
