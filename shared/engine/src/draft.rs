//! A task with what happened to it since it was last stored.

use std::{collections::HashMap, sync::Arc};

use chrono::{DateTime, Utc};
use protocol::types::{Message, StreamResponse, TaskState};
use serde_json::Value;

use crate::{
    ports::{ArtifactChunk, Change, Expect, LeaseChange, NewTask, PushConfig, RememberedMessage, SequencedEvent, StoredTask, Update, Work},
    state::{self, InvalidUpdate},
};

/// A task as it will stand, and the change that gets the store there.
pub(crate) struct Draft {
    /// As it will stand. Its version is that of the store.
    pub(crate) stored: StoredTask,
    messages: Vec<Message>,
    chunks: Vec<ArtifactChunk>,
    events: Vec<SequencedEvent>,
    first: Option<NewTask>,
    turn: TurnStart,
    since: DateTime<Utc>,
}

/// What is stored once, with the first change of a turn.
#[derive(Default)]
pub(crate) struct TurnStart {
    /// The request's.
    pub(crate) metadata: Option<HashMap<String, Value>>,
    /// Webhooks that came with the message.
    pub(crate) push_configs: Vec<PushConfig>,
    /// The message itself, so that its retry is recognised.
    pub(crate) remember: Option<RememberedMessage>,
}

impl Draft {
    /// A task that the store has.
    pub(crate) fn of(stored: StoredTask) -> Self {
        let since = stored.task.status.timestamp.unwrap_or_default();
        Draft { stored, messages: Vec::new(), chunks: Vec::new(), events: Vec::new(), first: None, turn: TurnStart::default(), since }
    }

    /// A task that the store doesn't have yet, with the message that makes it.
    pub(crate) fn new_task(task_id: String, message: Message, new: NewTask, turn: TurnStart, now: DateTime<Utc>) -> Self {
        let stored = StoredTask {
            task: state::submitted(task_id, new.context_id.clone(), message.clone(), now),
            version: 0,
            owner: new.owner.clone(),
            agent: new.agent.clone(),
            dialect: new.dialect,
            last_sequence: 0,
            message_count: 1,
            artifact_chunks: Vec::new(),
            push_config_ids: turn.push_configs.iter().filter_map(|config| config.config.id.clone()).collect(),
            lease: None,
            attempts: 0,
            cancel_requested: false,
            request_metadata: turn.metadata.clone().unwrap_or_default(),
            caller_role: new.caller_role.clone(),
        };
        Draft { messages: vec![message], first: Some(new), turn, ..Draft::of(stored) }
    }

    /// Begins the next turn of a task that the store has.
    pub(crate) fn begin_turn(&mut self, message: Message, turn: TurnStart, now: DateTime<Utc>) {
        let (messages, event) = state::begin_turn(&mut self.stored.task, message, now);
        self.stored.message_count += messages.len() as u64;
        self.messages.extend(messages);
        self.tell(event);
        self.since = now;
        self.stored.attempts = 0;
        self.stored.cancel_requested = false;
        self.stored.request_metadata = turn.metadata.clone().unwrap_or_default();
        for id in turn.push_configs.iter().filter_map(|config| config.config.id.as_ref()) {
            if !self.stored.push_config_ids.contains(id) {
                self.stored.push_config_ids.push(id.clone());
            }
        }
        self.turn = turn;
    }

    /// Applies an update of the agent; after an error the draft is as it was.
    pub(crate) fn apply(&mut self, update: Update, now: DateTime<Utc>) -> Result<(), InvalidUpdate> {
        let effect = state::apply(&mut self.stored.task, &mut self.stored.artifact_chunks, update, now)?;
        self.stored.message_count += u64::from(effect.superseded.is_some());
        self.messages.extend(effect.superseded);
        self.chunks.extend(effect.chunk);
        self.tell(effect.event);
        Ok(())
    }

    /// Ends the turn in a state that may follow any but a terminal one, which is left as it is.
    pub(crate) fn end(&mut self, state: TaskState, message: Option<Message>, now: DateTime<Utc>) {
        let ended = self.apply(Update::Status { state, message }, now);
        debug_assert!(ended.is_ok() || self.stored.task.status.state.is_terminal());
    }

    /// When the task came to the status that it had at first: where a worker takes a turn up, when its message came.
    pub(crate) fn since(&self) -> DateTime<Utc> {
        self.since
    }

    /// Whether the store is behind.
    pub(crate) fn has_changes(&self) -> bool {
        self.first.is_some() || !self.events.is_empty() || !self.messages.is_empty()
    }

    /// How many events the store doesn't have.
    pub(crate) fn event_count(&self) -> usize {
        self.events.len()
    }

    /// The change that brings the store up to date, which the draft then counts as stored: see [`Draft::confirm`].
    /// `requeue`: whether a worker is to run the turn.
    pub(crate) fn take_change(&mut self, lease: LeaseChange, requeue: bool, now: DateTime<Utc>) -> Change {
        let messages = std::mem::take(&mut self.messages);
        let turn = std::mem::take(&mut self.turn);
        let events: Arc<[SequencedEvent]> = std::mem::take(&mut self.events).into();
        let mut work = self.deliveries(&events);
        if requeue {
            work.push(Work::RunTask { task_id: self.stored.task.id.clone() });
        }
        Change {
            task_id: self.stored.task.id.clone(),
            expect: self.first.take().map_or(Expect::Version(self.stored.version), Expect::New),
            status: self.stored.task.status.clone(),
            first_message_number: self.stored.message_count - messages.len() as u64,
            messages,
            chunks: std::mem::take(&mut self.chunks),
            events,
            lease,
            attempts: self.stored.attempts,
            cancel_requested: self.stored.cancel_requested,
            request_metadata: turn.metadata,
            push_configs: turn.push_configs,
            remember: turn.remember,
            work,
            // Lists are in the order of status timestamps, so a change without a new status must not move the task.
            now: self.stored.task.status.timestamp.unwrap_or(now),
        }
    }

    /// The change is stored.
    pub(crate) fn confirm(&mut self, change: &Change) {
        self.stored.version += 1;
        match &change.lease {
            LeaseChange::Hold { runner, until } => self.stored.lease = Some((runner.clone(), *until)),
            LeaseChange::Release => self.stored.lease = None,
            LeaseChange::Keep => {}
        }
    }

    /// The same change for a store that went on to this version, because something beside the run changed.
    pub(crate) fn rebase(&mut self, change: &Change, on: &StoredTask) -> Change {
        self.stored.version = on.version;
        self.stored.cancel_requested = on.cancel_requested;
        self.stored.push_config_ids.clone_from(&on.push_config_ids);
        let mut work = self.deliveries(&change.events);
        work.extend(change.work.iter().filter(|work| matches!(work, Work::RunTask { .. })).cloned());
        Change { expect: Expect::Version(on.version), cancel_requested: on.cancel_requested, work, ..change.clone() }
    }

    fn deliveries(&self, events: &[SequencedEvent]) -> Vec<Work> {
        if events.is_empty() {
            return Vec::new();
        }
        let deliver = |config_id: &String| Work::DeliverPush { task_id: self.stored.task.id.clone(), config_id: config_id.clone() };
        self.stored.push_config_ids.iter().map(deliver).collect()
    }

    fn tell(&mut self, event: StreamResponse) {
        self.stored.last_sequence += 1;
        self.events.push(SequencedEvent { sequence: self.stored.last_sequence, event });
    }
}
