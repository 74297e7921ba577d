//! Webhooks: their configs, and what is delivered to them.

use std::{sync::Arc, time::Duration};

use engine::{
    CallContext, EngineSettings, Reply, WebhookKey, WorkOutcome,
    ports::{Clock, PushConfig, QueueName, ReadyPost, Scope, TaskStore, WebhookError, WorkQueue},
};
use events::InProcessEventBus;
use futures::StreamExt;
use protocol::{
    A2aError, Answer, Call, Dialect,
    types::{
        AuthenticationInfo, DeleteTaskPushNotificationConfigRequest, GetTaskPushNotificationConfigRequest, ListTaskPushNotificationConfigsRequest,
        TaskPushNotificationConfig, TaskState,
    },
};

use crate::world::*;

fn config(task_id: &str, id: Option<&str>) -> TaskPushNotificationConfig {
    TaskPushNotificationConfig {
        url: "https://example.org/hook".into(),
        id: id.map(str::to_owned),
        task_id: task_id.into(),
        token: Some("token".into()),
        authentication: Some(AuthenticationInfo { scheme: "Bearer".into(), credentials: Some("secret".into()) }),
        tenant: None,
    }
}

async fn create(world: &World, config: TaskPushNotificationConfig, context: CallContext) -> Result<TaskPushNotificationConfig, A2aError> {
    match world.engine.call(Call::CreateTaskPushNotificationConfig(config), context).await? {
        Reply::Answer { answer: Answer::PushNotificationConfig(config), .. } => Ok(config),
        _ => panic!("no config"),
    }
}

fn with_webhook(text: &str) -> Call {
    Call::SendMessage(configured(message(text), |configuration| configuration.task_push_notification_config = Some(config("", None))))
}

async fn get(world: &World, task_id: &str, id: &str) -> Result<TaskPushNotificationConfig, A2aError> {
    let request = GetTaskPushNotificationConfigRequest { task_id: task_id.into(), id: id.into(), tenant: None };
    match world.call(Call::GetTaskPushNotificationConfig(request)).await? {
        Reply::Answer { answer: Answer::PushNotificationConfig(config), .. } => Ok(config),
        _ => panic!("no config"),
    }
}

fn sealing(keys: Arc<FewKeys>) -> World {
    let settings = EngineSettings { credential_keys: Some(keys), ..EngineSettings::default() };
    World::with(vec![script(vec![status(TaskState::Completed)], None)], settings, Arc::new(InProcessEventBus::new()))
}

fn posted(world: &World) -> Vec<serde_json::Value> {
    let posted = world.webhooks.posted.lock().unwrap();
    posted.iter().map(|request| serde_json::from_str(&request.body).unwrap()).collect()
}

/// What a body tells, in short.
fn kind(body: &serde_json::Value) -> String {
    let event = body.as_object().unwrap();
    match event.keys().next().unwrap().as_str() {
        "statusUpdate" => event["statusUpdate"]["status"]["state"].as_str().unwrap().to_owned(),
        "artifactUpdate" => event["artifactUpdate"]["artifact"]["parts"][0]["text"].as_str().unwrap().to_owned(),
        other => other.to_owned(),
    }
}

#[tokio::test]
async fn a_webhook_that_comes_with_the_message_hears_every_event_in_order() {
    let world = World::new(vec![script(vec![status(TaskState::Working), artifact("a", "out"), status(TaskState::Completed)], None)]);
    task_of(world.call(with_webhook("go")).await).unwrap();
    assert_eq!(world.store.counts(), (1, 0));
    world.work().await;
    let bodies = posted(&world);
    assert_eq!(bodies.iter().map(kind).collect::<Vec<_>>(), ["TASK_STATE_WORKING", "out", "TASK_STATE_COMPLETED"]);
    let request = world.webhooks.posted.lock().unwrap()[0].clone();
    assert_eq!(request.url, "https://example.org/hook");
    let header = |name: &str| request.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str());
    assert_eq!(header("Content-Type"), Some("application/json"));
    assert_eq!(header("Authorization"), Some("Bearer secret"));
    assert_eq!(header("X-A2A-Notification-Token"), Some("token"));
    assert_eq!(header("X-A2A-Signature"), None);
    assert_eq!(world.queue.depth(QueueName::DeliverPush).await.unwrap(), 0);
}

#[tokio::test]
async fn a_webhook_is_signed_where_there_is_a_key() {
    let settings = EngineSettings { webhook_key: Some(WebhookKey::Known(b"0123456789"[..].into())), ..EngineSettings::default() };
    let world = World::with(vec![script(vec![], None)], settings, Arc::new(InProcessEventBus::new()));
    task_of(world.call(with_webhook("go")).await).unwrap();
    world.work().await;
    let request = world.webhooks.posted.lock().unwrap()[0].clone();
    let (_, signature) = request.headers.iter().find(|(name, _)| name == "X-A2A-Signature").unwrap();
    let time = world.clock.now().timestamp();
    let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, b"0123456789");
    let tag = ring::hmac::sign(&key, format!("{time}.{}", request.body).as_bytes());
    let hex: String = tag.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(*signature, format!("t={time},v1={hex}"));
}

#[tokio::test]
async fn credentials_are_stored_sealed_and_sent_and_shown_as_they_were_given() {
    let keys = Arc::new(FewKeys::default());
    let world = sealing(keys.clone());
    let task = task_of(world.call(with_webhook("go")).await).unwrap();
    let stored = world.store.push_configs_of_any_owner(&task.id).await.unwrap().remove(0);
    let sealed = |text: &str| text.starts_with("sealed.1.") && !text.contains("token") && !text.contains("secret");
    assert!(sealed(stored.config.token.as_deref().unwrap()), "{stored:?}");
    assert!(sealed(stored.config.authentication.as_ref().unwrap().credentials.as_deref().unwrap()), "{stored:?}");
    // What was sealed before there was a newer key opens as ever.
    keys.change();
    world.work().await;
    let request = world.webhooks.posted.lock().unwrap()[0].clone();
    for header in [("Authorization", "Bearer secret"), ("X-A2A-Notification-Token", "token")] {
        assert!(request.headers.contains(&(header.0.to_owned(), header.1.to_owned())), "{:?}", request.headers);
    }
    let another = create(&world, config(&task.id, Some("b")), alice()).await.unwrap();
    assert_eq!(another, config(&task.id, Some("b")));
    assert_eq!(get(&world, &task.id, "b").await, Ok(config(&task.id, Some("b"))));
    let stored = world.store.push_configs_of_any_owner(&task.id).await.unwrap();
    assert!(stored.iter().any(|stored| stored.config.token.as_deref().unwrap().contains("sealed.1.") && stored.config.id.as_deref() == Some("b")));
}

#[tokio::test]
async fn credentials_that_were_stored_before_there_were_keys_are_taken_as_they_are() {
    let world = sealing(Arc::new(FewKeys::default()));
    let task = world.send("go").await.unwrap();
    let scope = Scope { owner: alice().caller.owner, agent: None };
    let old = PushConfig { config: config(&task.id, Some("old")), dialect: Dialect::V1_0, cursor: 0, created_at: world.clock.now() };
    assert!(world.store.put_push_config(&scope, old).await.unwrap());
    assert_eq!(get(&world, &task.id, "old").await, Ok(config(&task.id, Some("old"))));
}

#[tokio::test]
async fn sealed_credentials_open_for_no_other_task_webhook_or_url() {
    let world = sealing(Arc::new(FewKeys::default()));
    let (one, other) = (world.send("go").await.unwrap(), world.send("go again").await.unwrap());
    create(&world, config(&one.id, Some("a")), alice()).await.unwrap();
    let sealed = world.store.push_configs_of_any_owner(&one.id).await.unwrap().remove(0);
    let scope = Scope { owner: alice().caller.owner, agent: None };
    let put = async |task: &str, edit: &dyn Fn(&mut TaskPushNotificationConfig)| {
        let mut moved = sealed.clone();
        edit(&mut moved.config);
        moved.config.task_id = task.to_owned();
        assert!(world.store.put_push_config(&scope, moved).await.unwrap());
    };
    put(&other.id, &|_| {}).await;
    assert_eq!(get(&world, &other.id, "a").await, Err(A2aError::Internal));
    put(&one.id, &|config| config.id = Some("b".into())).await;
    assert_eq!(get(&world, &one.id, "b").await, Err(A2aError::Internal));
    assert!(get(&world, &one.id, "a").await.is_ok());
    put(&one.id, &|config| config.url = "https://elsewhere.example.org/".into()).await;
    assert_eq!(get(&world, &one.id, "a").await, Err(A2aError::Internal));
}

#[tokio::test]
async fn a_webhook_whose_key_is_gone_waits_for_it_and_is_called_when_it_is_back() {
    let keys = Arc::new(FewKeys::default());
    let world = sealing(keys.clone());
    let task = task_of(world.call(with_webhook("go")).await).unwrap();
    let lost = keys.lose();
    assert_eq!(world.work().await, 1);
    assert!(posted(&world).is_empty());
    let id = world.store.push_configs_of_any_owner(&task.id).await.unwrap().remove(0).config.id.unwrap();
    assert_eq!(get(&world, &task.id, &id).await, Err(A2aError::Internal));
    keys.find(lost);
    world.clock.advance(Duration::from_secs(3600));
    world.work().await;
    assert_eq!(posted(&world).len(), 1);
}

#[tokio::test]
async fn a_post_that_was_ready_has_its_credentials_opened_for_its_own_webhook_alone() {
    let world = sealing(Arc::new(FewKeys::default()));
    let task = task_of(world.call(with_webhook("go")).await).unwrap();
    let stored = world.store.push_configs_of_any_owner(&task.id).await.unwrap().remove(0).config;
    let headers = vec![
        ("Authorization".to_owned(), format!("Bearer {}", stored.authentication.unwrap().credentials.unwrap())),
        ("X-A2A-Notification-Token".to_owned(), stored.token.unwrap()),
    ];
    let post = ReadyPost { task_id: task.id, config_id: stored.id.unwrap(), sequence: 1, url: stored.url, headers, body: "{}".into() };
    assert!(!format!("{post:?}").contains("secret"), "{post:?}");
    assert_eq!(world.engine.post_webhook(&post, 1, world.clock.now()).await, WorkOutcome::Done);
    let made = world.webhooks.posted.lock().unwrap().pop().unwrap();
    let opened = [("Authorization", "Bearer secret"), ("X-A2A-Notification-Token", "token")].map(|(name, value)| (name.to_owned(), value.to_owned()));
    assert_eq!(made.headers[..2], opened);
    for moved in [
        ReadyPost { url: "https://elsewhere.example.org/".into(), ..post.clone() },
        ReadyPost { config_id: "other".into(), ..post.clone() },
        ReadyPost { task_id: "other".into(), ..post },
    ] {
        assert_eq!(world.engine.post_webhook(&moved, 1, world.clock.now()).await, WorkOutcome::Retry { delay: Duration::from_secs(1) });
    }
    assert!(posted(&world).is_empty());
}

#[tokio::test]
async fn a_post_that_was_ready_is_signed_when_it_is_made_and_comes_again_after_a_failure() {
    let settings = EngineSettings { webhook_key: Some(WebhookKey::Known(b"0123456789"[..].into())), ..EngineSettings::default() };
    let world = World::with(vec![script(vec![], None)], settings, Arc::new(InProcessEventBus::new()));
    let headers = vec![("Authorization".to_owned(), "Bearer secret".to_owned())];
    let url = "https://example.org/hook".to_owned();
    let post = ReadyPost { task_id: "t".into(), config_id: "p".into(), sequence: 1, url, headers: headers.clone(), body: "{}".into() };
    let queued_at = world.clock.now();
    world.clock.advance(Duration::from_secs(3600));
    assert_eq!(world.engine.post_webhook(&post, 1, queued_at).await, WorkOutcome::Done);
    let made = world.webhooks.posted.lock().unwrap()[0].clone();
    assert_eq!((made.url, made.body, &made.headers[..1]), (post.url.clone(), "{}".into(), &headers[..]));
    let time = world.clock.now().timestamp();
    assert!(made.headers[1].0 == "X-A2A-Signature" && made.headers[1].1.starts_with(&format!("t={time},v1=")), "{:?}", made.headers);

    *world.webhooks.failing.lock().unwrap() = Some(WebhookError::Failed { reason: "it answered 500".into() });
    assert_eq!(world.engine.post_webhook(&post, 3, queued_at).await, WorkOutcome::Retry { delay: Duration::from_secs(4) });
    world.clock.advance(Duration::from_secs(24 * 3600));
    let outcome = world.engine.post_webhook(&post, 36, queued_at).await;
    assert!(matches!(&outcome, WorkOutcome::Park { reason } if reason.contains("500")), "{outcome:?}");
}

#[tokio::test]
async fn a_webhook_made_while_the_task_runs_hears_what_follows() {
    let gate = Gate::closed();
    let world = World::new(vec![script(vec![status(TaskState::Working), artifact("a", "out"), status(TaskState::Completed)], Some(gate.clone()))]);
    let mut events = world.stream("go").await.unwrap();
    let _ = (events.next().await, events.next().await);
    let id = world.only_task().await.id;
    let made = create(&world, config(&id, None), alice()).await.unwrap();
    assert!(made.id.is_some_and(|id| !id.is_empty()));
    gate.open();
    gate.open();
    told(events).await;
    world.work().await;
    assert_eq!(posted(&world).iter().map(kind).collect::<Vec<_>>(), ["out", "TASK_STATE_COMPLETED"]);
}

#[tokio::test]
async fn an_older_dialect_gets_the_task_once_for_all_that_happened() {
    let world = World::new(vec![script(vec![status(TaskState::Working), artifact("a", "out"), status(TaskState::Completed)], None)]);
    let older = CallContext { dialect: Dialect::V0_3, ..alice() };
    let task = task_of(world.engine.call(with_webhook("go"), older).await).unwrap();
    world.work().await;
    let bodies = posted(&world);
    assert_eq!(bodies.len(), 1);
    assert_eq!((bodies[0]["id"].as_str(), bodies[0]["status"]["state"].as_str()), (Some(task.id.as_str()), Some("completed")));
}

#[tokio::test]
async fn a_webhook_that_fails_is_tried_for_a_day_and_loses_nothing() {
    let world = World::new(vec![script(vec![artifact("a", "out")], None)]);
    task_of(world.call(with_webhook("go")).await).unwrap();
    *world.webhooks.failing.lock().unwrap() = Some(WebhookError::Failed { reason: "503".into() });
    let mut tries = 0;
    while tries < 12 {
        tries += world.work().await;
        world.clock.advance(Duration::from_secs(3600));
    }
    *world.webhooks.failing.lock().unwrap() = None;
    world.work().await;
    assert_eq!(posted(&world).iter().map(kind).collect::<Vec<_>>(), ["out", "TASK_STATE_COMPLETED"]);

    task_of(world.call(with_webhook("again")).await).unwrap();
    *world.webhooks.failing.lock().unwrap() = Some(WebhookError::Failed { reason: "503".into() });
    world.work().await;
    world.clock.advance(Duration::from_secs(25 * 3600));
    world.work().await;
    *world.webhooks.failing.lock().unwrap() = None;
    world.clock.advance(Duration::from_secs(25 * 3600));
    assert_eq!(world.work().await, 0, "parked");
    assert_eq!(posted(&world).len(), 2);
}

#[tokio::test]
async fn a_webhook_that_turns_out_to_be_refused_is_parked() {
    let world = World::new(vec![script(vec![], None)]);
    task_of(world.call(with_webhook("go")).await).unwrap();
    *world.webhooks.failing.lock().unwrap() = Some(WebhookError::Refused { reason: "it leads inside".into() });
    assert_eq!(world.work().await, 1);
    world.clock.advance(Duration::from_secs(7200));
    assert_eq!(world.work().await, 0);
}

#[tokio::test]
async fn a_url_that_could_never_be_called_is_refused_by_name() {
    let world = World::new(vec![script(vec![says(TaskState::InputRequired, "?")], None)]);
    let task = world.send("go").await.unwrap();
    let bad = TaskPushNotificationConfig { url: "ftp://x".into(), ..config(&task.id, None) };
    let Err(A2aError::InvalidParams { violations }) = create(&world, bad.clone(), alice()).await else { panic!("not refused") };
    assert_eq!(violations[0].field, "url");
    let send = configured(message("go"), |configuration| configuration.task_push_notification_config = Some(bad));
    let Err(A2aError::InvalidParams { violations }) = world.call(Call::SendMessage(send)).await.map(drop) else { panic!("not refused") };
    assert_eq!(violations[0].field, "configuration.taskPushNotificationConfig.url");
}

#[tokio::test]
async fn configs_are_made_read_listed_in_pages_and_deleted() {
    let world = World::new(vec![script(vec![says(TaskState::InputRequired, "?")], None)]);
    let task = world.send("go").await.unwrap();
    for id in ["a", "b", "c", "b"] {
        create(&world, config(&task.id, Some(id)), alice()).await.unwrap();
    }
    let get = |id: &str| {
        Call::GetTaskPushNotificationConfig(GetTaskPushNotificationConfigRequest { task_id: task.id.clone(), id: id.into(), tenant: None })
    };
    let Ok(Reply::Answer { answer: Answer::PushNotificationConfig(found), .. }) = world.call(get("b")).await else { panic!("no config") };
    assert_eq!(found, config(&task.id, Some("b")));
    assert!(matches!(world.call(get("x")).await.map(drop), Err(A2aError::TaskNotFound { .. })));
    assert!(matches!(world.engine.call(get("b"), bob()).await.map(drop), Err(A2aError::TaskNotFound { .. })));

    let list = |page_size, page_token| {
        Call::ListTaskPushNotificationConfigs(ListTaskPushNotificationConfigsRequest {
            task_id: task.id.clone(),
            page_size,
            page_token,
            tenant: None,
        })
    };
    let ids = async |call| match world.call(call).await {
        Ok(Reply::Answer { answer: Answer::PushNotificationConfigs(page), .. }) => {
            (page.configs.into_iter().filter_map(|config| config.id).collect::<Vec<_>>(), page.next_page_token)
        }
        _ => panic!("no list"),
    };
    assert_eq!(ids(list(None, None)).await, (vec!["a".into(), "b".into(), "c".into()], None));
    let (first, token) = ids(list(Some(2), None)).await;
    assert_eq!(first, ["a", "b"]);
    assert_eq!(ids(list(Some(2), token)).await, (vec!["c".to_owned()], None));

    let delete =
        Call::DeleteTaskPushNotificationConfig(DeleteTaskPushNotificationConfigRequest { task_id: task.id.clone(), id: "b".into(), tenant: None });
    for _ in 0..2 {
        assert!(matches!(world.call(delete.clone()).await, Ok(Reply::Answer { answer: Answer::Deleted, .. })));
    }
    assert!(world.engine.call(delete, bob()).await.is_err());
    assert_eq!(ids(list(None, None)).await.0, ["a", "c"]);
}

#[tokio::test]
async fn an_agent_without_webhooks_says_so() {
    let world = World::new(vec![script(vec![], None).with(|profile| profile.push_notifications = false)]);
    assert_eq!(create(&world, config("any", None), alice()).await, Err(A2aError::PushNotificationNotSupported));
    assert_eq!(world.call(with_webhook("go")).await.map(drop), Err(A2aError::PushNotificationNotSupported));
}
