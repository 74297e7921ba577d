//! What is refused before anything happens (spec sections 3.1.1, 3.1.11 and 3.3.4).

use engine::{CallContext, Caller, Reply};
use protocol::{
    A2aError, Call,
    types::{AgentExtension, GetExtendedAgentCardRequest, Part},
};
use serde_json::json;

use crate::world::*;

fn with_part(part: Part) -> Call {
    let mut send = message("see");
    send.request.message.parts.push(part);
    Call::SendMessage(send)
}

#[tokio::test]
async fn a_media_type_that_no_skill_takes_is_refused_before_a_task_exists() {
    let world = World::new(vec![script(vec![], None)]);
    let refused = world.call(with_part(Part::raw(vec![1]).with_media_type("application/x-unheard-of"))).await.map(drop);
    let expected =
        A2aError::ContentTypeNotSupported { media_type: "application/x-unheard-of".into(), accepted: "text/plain, application/json".into() };
    assert_eq!(refused, Err(expected));
    assert!(world.call(with_part(Part::raw(vec![1]))).await.is_err(), "a nameless file, where no files are taken");
    assert_eq!(world.store.counts().0, 0);
    assert!(world.call(with_part(Part::data(json!({})))).await.is_ok());
    assert!(world.call(with_part(Part::text("x").with_media_type("text/plain; charset=utf-8"))).await.is_ok());
}

#[tokio::test]
async fn a_nameless_file_passes_where_files_are_taken() {
    let world = World::new(vec![script(vec![], None).with(|profile| profile.input_modes.push("application/pdf".into()))]);
    assert!(world.call(with_part(Part::raw(vec![1]))).await.is_ok());
}

#[tokio::test]
async fn a_required_extension_has_to_be_named() {
    let uri = "https://example.org/ext".to_owned();
    let extension = AgentExtension { uri: uri.clone(), description: None, required: Some(true), params: None };
    let world = World::new(vec![script(vec![], None).with(|profile| profile.extensions.push(extension))]);
    assert_eq!(world.send("go").await, Err(A2aError::ExtensionSupportRequired { uri: uri.clone() }));
    let naming = CallContext { extensions: vec![uri], ..alice() };
    assert!(world.engine.call(Call::SendMessage(message("go")), naming).await.is_ok());
}

#[tokio::test]
async fn an_agent_that_does_not_stream_says_so() {
    let world = World::new(vec![script(vec![], None).with(|profile| profile.streaming = false)]);
    for call in [Call::SendStreamingMessage(message("go")), subscribe("any")] {
        assert!(matches!(world.call(call).await.map(drop), Err(A2aError::UnsupportedOperation { .. })));
    }
    assert_eq!(world.store.counts(), (0, 0));
}

#[tokio::test]
async fn an_unknown_tenant_is_refused_by_name() {
    let world = World::new(vec![script(vec![], None)]);
    let lost = CallContext { tenant: Some("nobody".into()), ..alice() };
    let Err(A2aError::InvalidParams { violations }) = world.engine.call(Call::SendMessage(message("go")), lost).await.map(drop) else {
        panic!("not refused")
    };
    assert_eq!(violations[0].field, "tenant");
}

#[tokio::test]
async fn the_extended_card_is_for_those_who_show_who_they_are() {
    let card = || Call::GetExtendedAgentCard(GetExtendedAgentCardRequest { tenant: None });
    let world = World::new(vec![script(vec![], None)]);
    assert!(matches!(world.call(card()).await.map(drop), Err(A2aError::UnsupportedOperation { .. })));
    let world = World::new(vec![script(vec![], None).with(|profile| profile.extended_agent_card = true)]);
    let stranger = CallContext { caller: Caller::anonymous(), ..alice() };
    assert!(matches!(world.engine.call(card(), stranger).await.map(drop), Err(A2aError::Unauthenticated { .. })));
    assert!(matches!(world.call(card()).await, Ok(Reply::ExtendedAgentCard { agent: None })));
    let tenant = CallContext { tenant: Some("actor".into()), ..alice() };
    assert!(matches!(world.engine.call(card(), tenant).await, Ok(Reply::ExtendedAgentCard { agent: Some(agent) }) if agent == "actor"));
}
