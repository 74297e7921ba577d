//! The oracle: keeps every word that a server said, and holds it to that afterwards.
//!
//! Each message that a test sends is noted with what came back: tasks, events with their sequences, webhooks. After the fault,
//! [`Oracle::verify`] sends every message once more with its old id and reads everything back. It fails where something that was told is lost
//! or changed, where a sequence has a gap or a repetition, where a message had no effect or two, where a task doesn't end.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{
        Mutex,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use super::{
    client::{Client, Ending, over},
    inbox::Inbox,
};

/// Recovery takes less: what a dead gateway was carrying to SQS is another's after 30 s, and found by the next sweep, a minute later at most;
/// a lease or a message in dead hands is held for 15 s.
const RECOVERED_WITHIN: Duration = Duration::from_secs(150);
const PAUSE: Duration = Duration::from_millis(100);

/// How a message is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// SendMessage that waits for the end.
    Blocking,
    /// SendStreamingMessage.
    Streaming,
    /// SendMessage with `returnImmediately`: a worker runs it.
    Queued,
}

impl Way {
    pub const ALL: [Way; 3] = [Way::Blocking, Way::Streaming, Way::Queued];
}

/// A message to send.
#[derive(Debug, Clone)]
pub struct Message {
    /// Unique: `messageId`; the context of a first message, too.
    pub id: String,
    pub way: Way,
    pub steps: u32,
    pub pause_ms: u32,
    /// Whether the task waits for another message then.
    pub keep: bool,
    /// The task to go on with.
    pub task: Option<(String, String)>,
}

impl Message {
    pub fn new(id: impl Into<String>, way: Way, steps: u32, pause_ms: u32) -> Message {
        Message { id: id.into(), way, steps, pause_ms, keep: false, task: None }
    }

    fn params(&self, inbox: &Inbox) -> Value {
        let text = format!("{} steps of {} ms{}", self.steps, self.pause_ms, if self.keep { " keep" } else { "" });
        let mut message = json!({"messageId": self.id, "role": "ROLE_USER", "parts": [{"text": text}], "contextId": self.id});
        if let Some((task, context)) = &self.task {
            message["taskId"] = json!(task);
            message["contextId"] = json!(context);
        }
        let mut configuration = json!({"taskPushNotificationConfig": {"id": self.id, "url": inbox.url(&self.id)}});
        if self.way == Way::Queued {
            configuration["returnImmediately"] = json!(true);
        }
        json!({"message": message, "configuration": configuration})
    }
}

/// What is known of a message.
#[derive(Debug, Clone)]
struct Record {
    message: Message,
    /// As it was first told.
    task_id: Option<String>,
    /// Every task that was told.
    tasks: Vec<Value>,
    /// Every event that was told.
    events: BTreeMap<u64, Value>,
}

pub struct Oracle {
    pub client: Client,
    pub inbox: Inbox,
    records: Mutex<BTreeMap<String, Record>>,
    wrongs: Mutex<Vec<String>>,
    cuts: AtomicU32,
    refusals: AtomicU32,
}

impl Oracle {
    pub async fn new() -> Oracle {
        Oracle::with(Client::new(false)).await
    }

    /// One of gateways whose functions are processes.
    pub async fn of_processes() -> Oracle {
        Oracle::with(Client::new(true)).await
    }

    async fn with(client: Client) -> Oracle {
        Oracle {
            client,
            inbox: Inbox::open().await,
            records: Mutex::default(),
            wrongs: Mutex::default(),
            cuts: AtomicU32::new(0),
            refusals: AtomicU32::new(0),
        }
    }

    /// Sends a message and keeps what is told of it. Sent again, it has to be told the same.
    pub async fn send(&self, base: &str, message: &Message) -> Ending {
        self.records.lock().unwrap().entry(message.id.clone()).or_insert_with(|| Record {
            message: message.clone(),
            task_id: None,
            tasks: Vec::new(),
            events: BTreeMap::new(),
        });
        let params = message.params(&self.inbox);
        let ending = match message.way {
            Way::Streaming => {
                let mut last = None;
                let hear = |sequence, event| self.heard(&message.id, &mut last, sequence, event);
                self.client.stream(base, "SendStreamingMessage", params, None, hear).await
            }
            Way::Blocking | Way::Queued => match self.client.call(base, "SendMessage", params).await {
                (Ending::Done, result) => match self.told(&message.id, result["task"].clone()) {
                    Ok(()) => Ending::Done,
                    Err(wrong) => Ending::Wrong(wrong),
                },
                (ending, _) => ending,
            },
        };
        if let Ending::Wrong(wrong) = &ending {
            self.wrongs.lock().unwrap().push(format!("{}: {wrong}", message.id));
        }
        ending
    }

    /// Sends a message again and again until its answer is whole, as clients do that want to know.
    pub async fn insist(&self, base: &str, message: &Message) {
        self.insist_on_one_of(&[base.to_owned()], &[], message).await;
    }

    /// As [`Self::insist`], at one gateway after the other: first these, then others round and round.
    pub async fn insist_on_one_of(&self, first: &[String], then: &[String], message: &Message) {
        let start = Instant::now();
        let others = if then.is_empty() { first } else { then };
        let mut bases = first.iter().chain(others.iter().cycle());
        loop {
            let base = bases.next().expect("a gateway");
            match self.send(base, message).await {
                Ending::Done => return,
                Ending::Wrong(wrong) => panic!("{}: {wrong}", message.id),
                Ending::Refused => drop(self.refusals.fetch_add(1, Ordering::SeqCst)),
                Ending::Cut => drop(self.cuts.fetch_add(1, Ordering::SeqCst)),
            }
            assert!(start.elapsed() < RECOVERED_WITHIN, "`{}` isn't answered {RECOVERED_WITHIN:?} after the fault", message.id);
            sleep(PAUSE).await;
        }
    }

    /// How many calls were cut.
    pub fn cuts(&self) -> u32 {
        self.cuts.load(Ordering::SeqCst)
    }

    /// How many calls were refused.
    pub fn refusals(&self) -> u32 {
        self.refusals.load(Ordering::SeqCst)
    }

    /// The id of the task that a message was told to have made.
    pub fn task(&self, message_id: &str) -> String {
        self.records.lock().unwrap()[message_id].task_id.clone().expect("a task that was told")
    }

    /// The id of a task that was told.
    pub fn some_task(&self) -> String {
        let records = self.records.lock().unwrap();
        records.values().find_map(|record| record.task_id.clone()).expect("a task that was told")
    }

    /// A message that goes on with the task of another.
    pub fn next_turn(&self, of: &str, message: Message) -> Message {
        let records = self.records.lock().unwrap();
        let task = records[of].task_id.clone().expect("a task that was told");
        Message { task: Some((task, of.to_owned())), ..message }
    }

    fn told(&self, id: &str, task: Value) -> Result<(), String> {
        let mut records = self.records.lock().unwrap();
        let record = records.get_mut(id).expect("a message that was sent");
        let task_id = task["id"].as_str().ok_or_else(|| format!("a task without an id: {task}"))?.to_owned();
        match &record.task_id {
            Some(known) if *known != task_id => return Err(format!("the message made task {known}, and then task {task_id}")),
            _ => record.task_id = Some(task_id),
        }
        record.tasks.push(task);
        Ok(())
    }

    fn heard(&self, id: &str, last: &mut Option<u64>, sequence: Option<u64>, event: Value) -> Result<(), String> {
        let sequence = sequence.ok_or_else(|| format!("an event without a sequence: {event}"))?;
        if last.is_some_and(|last| sequence != last + 1) {
            return Err(format!("event {sequence} follows event {last:?}"));
        }
        *last = Some(sequence);
        if let Some(task) = event.get("task") {
            return self.told(id, task.clone());
        }
        let mut records = self.records.lock().unwrap();
        let record = records.get_mut(id).expect("a message that was sent");
        match record.events.insert(sequence, event.clone()) {
            Some(before) if before != event => Err(format!("event {sequence} was {before} and is now {event}")),
            _ => Ok(()),
        }
    }

    /// Holds a server to everything that was told by it or by another of the same database.
    pub async fn verify(&self, base: &str) {
        // A client that went on had its answer: a message is remembered as long as it is its task's latest.
        let records: Vec<Record> = self.records.lock().unwrap().values().cloned().collect();
        let went_on: BTreeSet<_> = records.iter().filter_map(|record| record.message.task.as_ref()).map(|(task, _)| task.clone()).collect();
        let latest = |record: &&Record| record.message.task.is_some() || record.task_id.as_ref().is_none_or(|task| !went_on.contains(task));
        futures::future::join_all(records.iter().filter(latest).map(|record| self.insist(base, &record.message))).await;
        let wrongs = self.wrongs.lock().unwrap().clone();
        assert!(wrongs.is_empty(), "{wrongs:#?}");

        let records: Vec<Record> = self.records.lock().unwrap().values().cloned().collect();
        let mut tasks: BTreeMap<String, Vec<Record>> = BTreeMap::new();
        for record in records {
            tasks.entry(record.task_id.clone().expect("an answer names a task")).or_default().push(record);
        }
        futures::future::join_all(tasks.iter().map(|(id, records)| self.verify_task(base, id, records))).await;
        self.verify_list(base, &tasks.keys().cloned().collect()).await;
        for records in tasks.values() {
            let first = records.iter().find(|record| record.message.task.is_none()).expect("a message that made the task");
            let page = self.ok(base, "ListTasks", json!({"contextId": first.message.id})).await;
            assert_eq!(page["totalSize"], 1, "`{}` had one effect: {page}", first.message.id);
        }
    }

    /// Everything about one task; `records` are of the messages that went to it.
    async fn verify_task(&self, base: &str, id: &str, records: &[Record]) {
        let task = self.ended(base, id, records).await;
        let events = self.replayed(base, id).await;
        let said = |what: &str| {
            format!("{what} of task {id} ({:?})\nnow {task}\nevents {events:#?}", records.iter().map(|r| &r.message.id).collect::<Vec<_>>())
        };

        let mut statuses = events.iter().filter_map(|event| event.pointer("/statusUpdate/status"));
        assert_eq!(statuses.next_back(), Some(&task["status"]), "{}", said("the last event is the status"));
        for record in records {
            for (sequence, event) in &record.events {
                assert_eq!(events.get(*sequence as usize - 1), Some(event), "{}", said(&format!("event {sequence} is as it was told,")));
            }
            self.verify_effect(&task, &record.message, &said);
            for told in &record.tasks {
                // A stream that is taken up in a later turn begins with the task as of then, without its history.
                let begun = told.pointer("/history/0/messageId").unwrap_or(&task["history"][0]["messageId"]);
                let before = [&told["id"], &told["contextId"], begun];
                assert_eq!(before, [&task["id"], &task["contextId"], &task["history"][0]["messageId"]], "{}", said("identity"));
                let state = told["status"]["state"].as_str().unwrap_or_default();
                let ended = over(state) && (state != "TASK_STATE_INPUT_REQUIRED" || records.len() == 1);
                // A stream's first task is as of its first event, so only answers that were the last word count as a whole.
                if ended && record.message.way != Way::Streaming {
                    assert_eq!(told, &task, "{}", said("what was told to be over"));
                }
            }
            self.verify_webhooks(&record.message, &events).await;
        }
    }

    /// The message stands in the history once, and its work was done once.
    fn verify_effect(&self, task: &Value, message: &Message, said: &impl Fn(&str) -> String) {
        let times = task["history"].as_array().into_iter().flatten().filter(|one| one["messageId"] == *message.id).count();
        assert_eq!(times, 1, "{}", said("the message in the history"));
        let artifact = format!("steps-{}", message.id);
        let artifacts: Vec<_> = task["artifacts"].as_array().into_iter().flatten().filter(|one| one["artifactId"] == artifact).collect();
        assert_eq!(artifacts.len(), 1, "{}", said("one artifact"));
        let chunks: Vec<_> = artifacts[0]["parts"].as_array().into_iter().flatten().map(|part| part["text"].as_str().unwrap_or_default()).collect();
        let expected: Vec<_> = (1..=message.steps).map(|step| format!("{} {step}/{}\n", message.id, message.steps)).collect();
        assert_eq!(chunks, expected, "{}", said("each step once, in order,"));
    }

    /// Each event came in order with no gap; one that came again came with the same body.
    async fn verify_webhooks(&self, message: &Message, events: &[Value]) {
        // The webhook of a later turn begins there.
        let begins = |event: &Value| event.pointer("/statusUpdate/status/state") == Some(&json!("TASK_STATE_SUBMITTED"));
        let first = if message.task.is_some() { events.iter().position(begins).unwrap_or(0) } else { 0 };
        let expected = &events[first..];
        let start = Instant::now();
        loop {
            let bodies = self.inbox.bodies(&message.id);
            let mut next = 0;
            for body in &bodies {
                if expected.get(next) == Some(body) {
                    next += 1;
                } else {
                    assert!(expected[..next].contains(body), "webhook of `{}`: {body} after {next} of {expected:#?}", message.id);
                }
            }
            if next == expected.len() {
                return;
            }
            assert!(start.elapsed() < RECOVERED_WITHIN, "webhook of `{}`: {next} of {} events came: {bodies:#?}", message.id, expected.len());
            sleep(PAUSE).await;
        }
    }

    /// The task once its turn is over, in the state that its last message asks for.
    async fn ended(&self, base: &str, id: &str, records: &[Record]) -> Value {
        let keeps = records.iter().all(|record| record.message.keep);
        let last = if keeps { "TASK_STATE_INPUT_REQUIRED" } else { "TASK_STATE_COMPLETED" };
        let start = Instant::now();
        loop {
            let task = self.ok(base, "GetTask", json!({"id": id})).await;
            let state = task["status"]["state"].as_str().unwrap_or_default();
            if over(state) {
                assert_eq!(state, last, "{task}");
                return task;
            }
            assert!(start.elapsed() < RECOVERED_WITHIN, "the task doesn't end: {task}");
            sleep(PAUSE).await;
        }
    }

    /// All events of a task from the first on: numbered from 1, none missing, none twice.
    async fn replayed(&self, base: &str, id: &str) -> Vec<Value> {
        let mut events: Vec<Value> = Vec::new();
        let hear = |sequence: Option<u64>, event: Value| {
            if event.get("task").is_some() {
                return Ok(());
            }
            events.push(event);
            if sequence == Some(events.len() as u64) { Ok(()) } else { Err(format!("event {sequence:?} comes as number {}", events.len())) }
        };
        let ending = self.client.stream(base, "SubscribeToTask", json!({"id": id}), Some(0), hear).await;
        assert_eq!(ending, Ending::Done, "the replay of task {id}");
        events
    }

    /// Lists everything page by page: each task once, and `totalSize` is right.
    async fn verify_list(&self, base: &str, ids: &BTreeSet<String>) {
        let mut listed = BTreeSet::new();
        let mut token = String::new();
        loop {
            let page = self.ok(base, "ListTasks", json!({"pageSize": 7, "pageToken": token})).await;
            assert_eq!(page["totalSize"], ids.len(), "totalSize counts each task once");
            for task in page["tasks"].as_array().into_iter().flatten() {
                assert!(listed.insert(task["id"].as_str().unwrap_or_default().to_owned()), "a list has {} twice", task["id"]);
            }
            token = page["nextPageToken"].as_str().unwrap_or_default().to_owned();
            if token.is_empty() {
                break;
            }
        }
        assert_eq!(&listed, ids, "the list has each task that was made, and no other");
    }

    async fn ok(&self, base: &str, method: &str, params: Value) -> Value {
        let (ending, result) = self.client.call(base, method, params).await;
        assert_eq!(ending, Ending::Done, "{method} of a server that is well");
        result
    }
}
