//! Routing as a table.

use std::collections::HashMap;

use futures::stream::BoxStream;
use protocol::types::{AgentSkill, Part, Role};
use serde_json::json;

use super::*;
use crate::ports::{AgentError, Job, Update, skill};

struct Profiled(AgentProfile);

impl Agent for Profiled {
    fn profile(&self) -> &AgentProfile {
        &self.0
    }

    fn run(&self, _job: Job) -> BoxStream<'static, Result<Update, AgentError>> {
        Box::pin(futures::stream::empty())
    }
}

fn agent(id: &str, input_modes: &[&str], skills: Vec<AgentSkill>) -> Candidate {
    let profile = AgentProfile::new(id, &format!("{id} agent"), &format!("Does {id}."), skills);
    Candidate::new(Arc::new(Profiled(AgentProfile {
        input_modes: input_modes.iter().map(|mode| (*mode).into()).collect(),
        output_modes: vec![],
        ..profile
    })))
}

fn agents() -> Vec<Candidate> {
    let search = skill("document_search", "Document search", "Finds documents by their words.", &["search", "documents"], &["Find papers on wings"]);
    let synthesis = skill("research_synthesis", "Research synthesis", "Many sources into one text.", &["synthesis"], &["Summarize what is known"]);
    let statistics = skill(
        "statistical_analysis",
        "Statistical analysis",
        "Means and deviations of data and numbers.",
        &["statistics"],
        &["What is the mean of 1, 2, 3?"],
    );
    let trend = skill("trend_analysis", "Trend analysis", "Where numbers are going.", &["trend", "forecast"], &["Forecast next month"]);
    vec![
        agent("research", &["text/plain", "application/pdf"], vec![search, synthesis]),
        agent("analysis", &["text/plain", "application/json", "text/csv"], vec![statistics, trend]),
    ]
}

fn saying(parts: Vec<Part>) -> SendMessageRequest {
    SendMessageRequest { message: Message::new(Role::User, parts), configuration: None, metadata: None, tenant: None }
}

fn routed(tenant: Option<&str>, request: &SendMessageRequest) -> Result<String, A2aError> {
    route(&agents(), tenant, request).map(|agent| agent.profile().id.clone())
}

#[test]
fn intent_decides_where_nothing_is_named() {
    for (text, expected) in [
        ("Search for documents about machine learning algorithms", "research"),
        ("Analyze statistical trends in AI research", "analysis"),
        ("Synthesize findings from multiple research sources", "research"),
        ("find me papers on airfoils", "research"),
        ("what is the mean and deviation of 3, 4, 5", "analysis"),
        ("please forecast our sales", "analysis"),
        ("find documents about statistical trend analysis", "research"),
        ("1, 2, 3", "analysis"),
        ("hello, what of 10 20 and 30?", "analysis"),
        ("papers from 1999", "research"),
        ("hello", "research"),
    ] {
        assert_eq!(routed(None, &saying(vec![Part::text(text)])), Ok(expected.into()), "{text}");
    }
}

#[test]
fn a_media_type_that_only_one_takes_decides() {
    assert_eq!(routed(None, &saying(vec![Part::data(json!({"values": [1, 2]}))])), Ok("analysis".into()));
    let pdf = Part::raw(vec![1]).with_media_type("application/pdf");
    assert_eq!(routed(None, &saying(vec![pdf, Part::text("statistics?")])), Ok("research".into()));
}

#[test]
fn the_keys_of_data_speak_for_it() {
    let skills = |word: &str| vec![skill(word, word, word, &[], &[])];
    let candidates = [agent("numbers", &["application/json"], skills("values")), agent("library", &["application/json"], skills("documents"))];
    for (data, expected) in [(json!({"values": [1, 2]}), "numbers"), (json!({"documents": [{"text": "wings"}]}), "library")] {
        let chosen = route(&candidates, None, &saying(vec![Part::data(data.clone())])).map(|agent| agent.profile().id.clone());
        assert_eq!(chosen, Ok(expected.into()), "{data}");
    }
}

#[test]
fn a_named_skill_decides_and_a_tenant_before_it() {
    let mut request = saying(vec![Part::text("search documents")]);
    request.metadata = Some(HashMap::from([("skillId".into(), json!("trend_analysis"))]));
    assert_eq!(routed(None, &request), Ok("analysis".into()));
    assert_eq!(routed(Some("research"), &request), Ok("research".into()));
    request.message.metadata = Some(HashMap::from([("skillId".into(), json!("document_search"))]));
    assert_eq!(routed(None, &request), Ok("research".into()), "the message's own metadata comes first");
}

#[test]
fn what_does_not_exist_is_named() {
    let mut request = saying(vec![Part::text("x")]);
    let Err(A2aError::InvalidParams { violations }) = routed(Some("nobody"), &request) else { panic!("no such tenant") };
    assert_eq!(violations[0].field, "tenant");
    request.metadata = Some(HashMap::from([("skillId".into(), json!("cooking"))]));
    let Err(A2aError::InvalidParams { violations }) = routed(None, &request) else { panic!("no such skill") };
    assert_eq!(violations[0].field, "metadata.skillId");
    assert!(violations[0].description.contains("trend_analysis"));
}
