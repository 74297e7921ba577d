//! The analysis agent: computes on what the caller sends, answers in numbers, words and a chart, and asks for data where there is none.

mod anomalies;
mod answer;
mod calendar;
mod chart;
mod dates;
mod describe;
mod input;
#[cfg(test)]
mod nist;
mod number;
mod patterns;
mod regression;
mod relations;
mod seasonality;
mod settings;
mod skill;
mod student_t;
mod table;
mod trend;
mod wide;

use std::{collections::HashMap, sync::Arc};

use chrono::{DateTime, SecondsFormat, Utc};
use engine::ports::{Agent, AgentError, AgentProfile, Clock, Job, Update};
use futures::stream::BoxStream;
use protocol::types::{Artifact, Message, Part, Role, TaskState};
use serde_json::Value;

use self::{
    answer::{Answer, NoAnswer},
    chart::Kind,
    input::Refusal,
    settings::Settings,
    skill::Skill,
    table::Table,
};
use crate::say;

/// Statistics, trends, anomalies, patterns and charts of the numbers in a message.
pub struct AnalysisAgent {
    profile: AgentProfile,
    clock: Arc<dyn Clock>,
}

const ID: &str = "analysis";
const NAME: &str = "Analysis Agent";

impl AnalysisAgent {
    /// The clock dates its answers.
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        AnalysisAgent { clock, profile: profile() }
    }
}

/// What it says of itself.
pub fn profile() -> AgentProfile {
    let owned = |texts: &[&str]| texts.iter().map(|text| (*text).to_string()).collect();
    let description = "Analyzes data that it is sent: statistics, trends and forecasts, anomalies, patterns and charts of numbers in data parts, CSV \
                       and JSON files or text.";
    AgentProfile {
        input_modes: owned(&[
            "text/plain",
            "application/json",
            "text/csv",
            "text/tab-separated-values",
            "application/x-ndjson",
            "application/jsonl",
            "text/markdown",
            "application/octet-stream",
        ]),
        output_modes: owned(&["application/json", "text/plain", "image/svg+xml"]),
        extended_agent_card: true,
        ..AgentProfile::new(ID, NAME, description, Skill::ALL.map(Skill::card).into())
    }
}

impl Agent for AnalysisAgent {
    fn profile(&self) -> &AgentProfile {
        &self.profile
    }

    fn run(&self, job: Job) -> BoxStream<'static, Result<Update, AgentError>> {
        let clock = Arc::clone(&self.clock);
        Box::pin(async_stream::stream! {
            yield Ok(say::status(TaskState::Working));
            let canceled = job.cancellation.clone();
            // Reading and computing may take seconds; the threads that answer others must not.
            let work = tokio::task::spawn_blocking(move || work(&job));
            let outcome = tokio::select! {
                // The thread notices by itself, a column later.
                () = canceled.cancelled() => Ok(Outcome::Canceled),
                outcome = work => outcome,
            };
            match outcome {
                Ok(Outcome::Answered(answer)) => {
                    yield Ok(Update::Artifact { artifact: dated(answer.into_artifact(), clock.now()), append: false, last_chunk: true });
                    yield Ok(say::status(TaskState::Completed));
                }
                Ok(Outcome::Asked(message)) => yield Ok(Update::Status { state: TaskState::InputRequired, message: Some(message) }),
                Ok(Outcome::Rejected(reason)) => yield Ok(say::status_saying(TaskState::Rejected, reason)),
                Ok(Outcome::Failed(reason)) => yield Err(AgentError::new(reason)),
                Ok(Outcome::Canceled) => yield Ok(say::status(TaskState::Canceled)),
                Err(stopped) => yield Err(AgentError::new(format!("the analysis stopped: {stopped}"))),
            }
        })
    }
}

/// Says who made an artifact and when, as clients of the v0.1 server read it.
fn dated(mut artifact: Artifact, now: DateTime<Utc>) -> Artifact {
    let made = [
        ("agent_id", ID.to_string()),
        ("agent_name", NAME.to_string()),
        ("agent_type", protocol::agent_type(ID)),
        ("timestamp", now.to_rfc3339_opts(SecondsFormat::Millis, true)),
    ];
    artifact.metadata = Some(made.map(|(name, value)| (name.to_string(), Value::String(value))).into());
    artifact
}

/// What comes of a job.
enum Outcome {
    Answered(Box<Answer>),
    Asked(Message),
    Rejected(String),
    Failed(String),
    Canceled,
}

const ACCEPTED: &str = "Send them as a data part {\"values\": [1, 2, 3]} or {\"columns\": {\"x\": [1, 2], \"y\": [3, 4]}}, as a CSV or JSON file, \
                        or as numbers in the text such as: 3, 5, 8.5";

fn work(job: &Job) -> Outcome {
    let skill = match skill(job) {
        Ok(skill) => skill,
        Err(reason) => return Outcome::Rejected(reason),
    };
    let mut settings = match Settings::of(job) {
        Ok(settings) => settings,
        Err(reason) => return ask(job, &format!("The setting {reason}. Please send it again.")),
    };
    if skill == Skill::DataVisualization && settings.chart.is_none() {
        settings.chart = texts(job).find_map(|text| Kind::of_text(beginning(text)));
    }
    let table = match table(job) {
        Ok(Some(table)) => table,
        Ok(None) => return ask(job, &format!("Which numbers should I analyze? {ACCEPTED}.")),
        Err(Refusal::TooLarge(reason)) => return Outcome::Failed(reason),
        Err(Refusal::Unreadable(reason)) => return ask(job, &format!("I can't read that: {reason}. {ACCEPTED}.")),
    };
    match answer::answer(skill, &table, &settings, &|| job.cancellation.is_cancelled()) {
        Ok(answer) => Outcome::Answered(Box::new(answer)),
        Err(NoAnswer::Setting(reason)) => ask(job, &format!("That doesn't fit the data: {reason}.")),
        Err(NoAnswer::Canceled) => Outcome::Canceled,
    }
}

/// A question that remembers the skill that was named, for a client whose next message brings nothing but data. It may have stood in the
/// request, which history doesn't keep.
fn ask(job: &Job, text: &str) -> Outcome {
    let mut message = Message::new(Role::Agent, vec![Part::text(text)]);
    message.metadata = settings::setting(job, "skillId").map(|id| HashMap::from([("skillId".to_string(), id.clone())]));
    Outcome::Asked(message)
}

/// The skill that is named now or was named before; else what the texts ask for, the newest first; else statistics.
fn skill(job: &Job) -> Result<Skill, String> {
    match settings::setting(job, "skillId") {
        Some(id) => Skill::of_id(id.as_str().unwrap_or_default())
            .ok_or_else(|| format!("`{id}` is no skill of this agent ({})", Skill::ALL.map(Skill::id).join(", ")).replace('"', "")),
        None => Ok(texts(job).find_map(|text| Skill::of_text(beginning(text))).unwrap_or(Skill::StatisticalAnalysis)),
    }
}

/// What a text asks for stands at its beginning; data may follow.
fn beginning(text: &str) -> &str {
    &text[..text.floor_char_boundary(500)]
}

/// What the client wrote, the newest first.
fn texts(job: &Job) -> impl Iterator<Item = &str> {
    let said = std::iter::once(&job.message).chain(job.history.iter().rev().filter(|message| message.role == Role::User));
    said.flat_map(|message| message.parts.iter().filter_map(Part::as_text))
}

/// The data of the message, or the newest that the task has had before.
fn table(job: &Job) -> Result<Option<Table>, Refusal> {
    let now = input::table_of(&job.message)?;
    let earlier = || job.history.iter().rev().filter(|message| message.role == Role::User).find_map(|message| input::table_of(message).ok()?);
    Ok(now.or_else(earlier))
}

#[cfg(test)]
mod tests;
