//! The research agent: search, ingestion, extraction, verification and synthesis over documents.

mod answer;
mod document_ingestion;
mod document_search;
mod entities;
mod evidence;
mod fact_verification;
mod information_extraction;
mod intent;
pub mod profile;
mod research_synthesis;
pub mod retrieval;
pub mod scorer;
mod sentence_ranking;
mod snippet;
mod spelling;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use chrono::{DateTime, Utc};
use engine::ports::{Agent, AgentError, AgentProfile, Clock, DocumentStore, Job, StoreError, Update};
use futures::{StreamExt, stream::BoxStream};
use protocol::types::{Message, Part, Role, TaskState};

use crate::say;
use intent::{Skill, skill_of};

/// Works on the documents of a store.
#[derive(Clone)]
pub struct ResearchAgent {
    profile: Arc<AgentProfile>,
    documents: Arc<dyn DocumentStore>,
    clock: Arc<dyn Clock>,
}

impl ResearchAgent {
    /// Over these documents.
    pub fn new(documents: Arc<dyn DocumentStore>, clock: Arc<dyn Clock>) -> Self {
        ResearchAgent { profile: Arc::new(profile::profile()), documents, clock }
    }

    fn documents(&self) -> &dyn DocumentStore {
        &*self.documents
    }

    fn now(&self) -> DateTime<Utc> {
        self.clock.now()
    }

    async fn answer(&self, skill: Skill, job: &Job) -> Result<Vec<Update>, AgentError> {
        match skill {
            Skill::DocumentSearch => document_search::run(self, job).await,
            Skill::DocumentIngestion => document_ingestion::run(self, job).await,
            Skill::InformationExtraction => information_extraction::run(self, job).await,
            Skill::FactVerification => fact_verification::run(self, job).await,
            Skill::ResearchSynthesis => research_synthesis::run(self, job).await,
        }
    }
}

impl Agent for ResearchAgent {
    fn profile(&self) -> &AgentProfile {
        &self.profile
    }

    fn run(&self, job: Job) -> BoxStream<'static, Result<Update, AgentError>> {
        let agent = self.clone();
        let updates = async_stream::try_stream! {
            let skill = match skill_of(&job) {
                Ok(skill) => skill,
                Err(reason) => {
                    yield say::status_saying(TaskState::Rejected, reason);
                    return;
                }
            };
            yield say::status(TaskState::Working);
            let updates = agent.answer(skill, &job).await?;
            let has_ended = updates.iter().any(|update| matches!(update, Update::Status { .. }));
            for update in updates {
                if job.cancellation.is_cancelled() {
                    yield say::status(TaskState::Canceled);
                    return;
                }
                yield update;
                // Whoever listens gets each chunk as it is made.
                tokio::task::yield_now().await;
            }
            if !has_ended {
                yield say::status(TaskState::Completed);
            }
        };
        updates.boxed()
    }
}

/// A question to the client; the task waits for the next message. It remembers the skill, which the next message need not name.
fn ask(skill: Skill, question: &str) -> Update {
    let metadata = [("skillId".to_owned(), skill.id().into())].into();
    let message = Message { metadata: Some(metadata), ..Message::new(Role::Agent, vec![Part::text(question)]) };
    Update::Status { state: TaskState::InputRequired, message: Some(message) }
}

/// The store's failure, told without its insides.
fn failed(error: StoreError) -> AgentError {
    tracing::error!(error = %error, "the document store failed");
    AgentError::new(match error {
        StoreError::Unavailable(_) => "the document store is unavailable; try again",
        _ => "the document store failed",
    })
}
