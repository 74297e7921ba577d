//! The agents by name, as `A2A_AGENTS` names them.

use std::sync::Arc;

use engine::ports::{Agent, AgentError, AgentProfile, Clock, DocumentStore, Job, Update};
use futures::{StreamExt, stream, stream::BoxStream};

use crate::{
    analysis::{self, AnalysisAgent},
    conformance::{self, ConformanceAgent},
    echo::{self, EchoAgent},
    research::{self, ResearchAgent},
    steps::{self, StepsAgent},
};

/// What agents are built on.
#[derive(Clone)]
pub struct Dependencies {
    /// What the research agent searches.
    pub documents: Arc<dyn DocumentStore>,
    /// For what agents date.
    pub clock: Arc<dyn Clock>,
    /// Whether the conformance agent declares none of the optional capabilities.
    pub minimal_conformance: bool,
}

/// A name that no agent has.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{name}` is no agent ({known})", known = known_names())]
pub struct UnknownAgent {
    /// As it was given.
    pub name: String,
}

type Constructor = fn(&Dependencies) -> Arc<dyn Agent>;
type Profile = fn(bool) -> AgentProfile;

/// One row for each agent: its name, which is its tenant as well, and how it is made.
const AGENTS: [(&str, Constructor); 5] = [
    ("analysis", |dependencies| Arc::new(AnalysisAgent::new(dependencies.clock.clone()))),
    ("conformance", |dependencies| Arc::new(ConformanceAgent::new(dependencies.minimal_conformance))),
    ("echo", |_| Arc::new(EchoAgent::default())),
    ("research", |dependencies| Arc::new(ResearchAgent::new(dependencies.documents.clone(), dependencies.clock.clone()))),
    ("steps", |_| Arc::new(StepsAgent::default())),
];

/// The same agents, and what each says of itself: a table of its own, so that a function that runs no agent links none.
const PROFILES: [(&str, Profile); AGENTS.len()] = [
    ("analysis", |_| analysis::profile()),
    ("conformance", conformance::profile),
    ("echo", |_| echo::profile()),
    ("research", |_| research::profile::profile()),
    ("steps", |_| steps::profile()),
];

/// The agents of these names, in this order; the first is the default one.
///
/// # Errors
/// The first name that no agent has. An empty list gives an empty list.
pub fn from_names<S: AsRef<str>>(names: &[S], dependencies: &Dependencies) -> Result<Vec<Arc<dyn Agent>>, UnknownAgent> {
    names.iter().map(|name| Ok(row(&AGENTS, name.as_ref())?(dependencies))).collect()
}

/// The same agents for who only has to know them: their tasks are run by others. `minimal_conformance` is as in [`Dependencies`].
///
/// # Errors
/// As [`from_names`].
pub fn known_by_names<S: AsRef<str>>(names: &[S], minimal_conformance: bool) -> Result<Vec<Arc<dyn Agent>>, UnknownAgent> {
    names.iter().map(|name| Ok(Arc::new(KnownAgent(row(&PROFILES, name.as_ref())?(minimal_conformance))) as Arc<dyn Agent>)).collect()
}

/// An agent that runs elsewhere.
struct KnownAgent(AgentProfile);

impl Agent for KnownAgent {
    fn profile(&self) -> &AgentProfile {
        &self.0
    }

    fn run(&self, _: Job) -> BoxStream<'static, Result<Update, AgentError>> {
        stream::iter([Err(AgentError::new(format!("the agent `{}` doesn't run in this function", self.0.id)))]).boxed()
    }
}

fn row<T: Copy>(table: &[(&str, T)], name: &str) -> Result<T, UnknownAgent> {
    let name = name.trim();
    let row = table.iter().find(|(known, _)| *known == name);
    row.map(|(_, found)| *found).ok_or_else(|| UnknownAgent { name: name.into() })
}

fn known_names() -> String {
    PROFILES.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_name_is_told_with_the_known_ones() {
        let error = UnknownAgent { name: "reserch".into() };
        assert_eq!(error.to_string(), "`reserch` is no agent (analysis, conformance, echo, research, steps)");
    }

    #[test]
    fn an_agent_is_known_by_what_it_says_of_itself() {
        for minimal in [false, true] {
            let documents: Arc<dyn DocumentStore> = Arc::new(store::SqliteDocumentStore::new(store::SqliteDatabase::temporary().unwrap()));
            let dependencies = Dependencies { documents, clock: Arc::new(engine::ports::SystemClock), minimal_conformance: minimal };
            let names = AGENTS.map(|(name, _)| name);
            let agents = from_names(&names, &dependencies).unwrap();
            let known = known_by_names(&names, minimal).unwrap();
            for ((name, agent), known) in names.iter().zip(&agents).zip(&known) {
                assert_eq!(known.profile().id, *name);
                assert_eq!(format!("{:?}", agent.profile()), format!("{:?}", known.profile()));
            }
        }
    }

    #[test]
    fn types_are_labelled_as_old_clients_read_them() {
        assert_eq!(protocol::agent_type("research"), "AgentType.RESEARCH");
        assert_eq!(protocol::agent_type("my-agent"), "AgentType.MY_AGENT");
    }
}
