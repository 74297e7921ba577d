//! The agents by name, as `A2A_AGENTS` names them.

use std::sync::Arc;

use engine::ports::{Agent, Clock, DocumentStore};

use crate::{analysis::AnalysisAgent, conformance::ConformanceAgent, echo::EchoAgent, research::ResearchAgent, steps::StepsAgent};

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

/// One row for each agent: its name, which is its tenant as well, and how it is made.
const AGENTS: &[(&str, Constructor)] = &[
    ("analysis", |dependencies| Arc::new(AnalysisAgent::new(dependencies.clock.clone()))),
    ("conformance", |dependencies| Arc::new(ConformanceAgent::new(dependencies.minimal_conformance))),
    ("echo", |_| Arc::new(EchoAgent::default())),
    ("research", |dependencies| Arc::new(ResearchAgent::new(dependencies.documents.clone(), dependencies.clock.clone()))),
    ("steps", |_| Arc::new(StepsAgent::default())),
];

/// The agents of these names, in this order; the first is the default one.
///
/// # Errors
/// The first name that no agent has. An empty list gives an empty list.
pub fn from_names<S: AsRef<str>>(names: &[S], dependencies: &Dependencies) -> Result<Vec<Arc<dyn Agent>>, UnknownAgent> {
    let made = |name: &S| {
        let name = name.as_ref().trim();
        let row = AGENTS.iter().find(|(known, _)| *known == name);
        row.map(|(_, make)| make(dependencies)).ok_or_else(|| UnknownAgent { name: name.into() })
    };
    names.iter().map(made).collect()
}

fn known_names() -> String {
    AGENTS.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", ")
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
    fn types_are_labelled_as_old_clients_read_them() {
        assert_eq!(protocol::agent_type("research"), "AgentType.RESEARCH");
        assert_eq!(protocol::agent_type("my-agent"), "AgentType.MY_AGENT");
    }
}
