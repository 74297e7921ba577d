//! The official Rust server with its in-memory store and an agent that echoes.

use std::{net::SocketAddr, sync::Arc};

use a2a::{
    A2AError, AgentCapabilities, AgentCard, AgentInterface, AgentSkill, Artifact, Part, StreamResponse, TRANSPORT_PROTOCOL_JSONRPC,
    TaskArtifactUpdateEvent, TaskState, TaskStatus, TaskStatusUpdateEvent,
};
use a2a_server::{AgentExecutor, DefaultRequestHandler, ExecutorContext, InMemoryTaskStore, StaticAgentCard};
use axum::Router;
use futures::stream::{self, BoxStream, StreamExt};

struct Echo;

/// The server as its documentation builds it.
pub fn router(address: SocketAddr) -> Router {
    let handler = Arc::new(DefaultRequestHandler::new(Echo, InMemoryTaskStore::new()));
    let card = Arc::new(StaticAgentCard::new(card(address)));
    a2a_server::jsonrpc::jsonrpc_router(handler).merge(a2a_server::agent_card::agent_card_router(card))
}

impl AgentExecutor for Echo {
    fn execute(&self, context: ExecutorContext) -> BoxStream<'static, Result<StreamResponse, A2AError>> {
        let text = context.message.as_ref().and_then(|message| message.text()).unwrap_or_default().to_owned();
        let (task_id, context_id) = context.task_info();
        let status = |state| {
            StreamResponse::StatusUpdate(TaskStatusUpdateEvent {
                task_id: task_id.clone(),
                context_id: context_id.clone(),
                status: TaskStatus { state, message: None, timestamp: Some(chrono::Utc::now()) },
                metadata: None,
            })
        };
        let artifact =
            Artifact { artifact_id: "echo".into(), name: None, description: None, parts: vec![Part::text(text)], metadata: None, extensions: None };
        let update = TaskArtifactUpdateEvent {
            task_id: task_id.clone(),
            context_id: context_id.clone(),
            artifact,
            append: None,
            last_chunk: Some(true),
            metadata: None,
        };
        let events = [status(TaskState::Working), StreamResponse::ArtifactUpdate(update), status(TaskState::Completed)];
        stream::iter(events.map(Ok)).boxed()
    }

    fn cancel(&self, _: ExecutorContext) -> BoxStream<'static, Result<StreamResponse, A2AError>> {
        stream::empty().boxed()
    }
}

fn card(address: SocketAddr) -> AgentCard {
    AgentCard {
        name: "Echo".into(),
        description: "Echoes.".into(),
        version: "1".into(),
        provider: None,
        capabilities: AgentCapabilities { streaming: Some(true), push_notifications: None, extensions: None, extended_agent_card: None },
        skills: vec![AgentSkill {
            id: "echo".into(),
            name: "Echo".into(),
            description: "Echoes.".into(),
            tags: vec!["echo".into()],
            examples: None,
            input_modes: None,
            output_modes: None,
            security_requirements: None,
        }],
        default_input_modes: vec!["text/plain".into()],
        default_output_modes: vec!["text/plain".into()],
        supported_interfaces: vec![AgentInterface::new(format!("http://{address}/"), TRANSPORT_PROTOCOL_JSONRPC)],
        security_schemes: None,
        security_requirements: None,
        documentation_url: None,
        icon_url: None,
        signatures: None,
    }
}
