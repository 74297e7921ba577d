//! The functions that this binary carries, by the folders of their crates.

use std::{future::Future, sync::Arc};

use edge::{App, Request, Response, ScheduledEvent, SqsBatchResponse, SqsEvent, Swept};
use futures::future::BoxFuture;
use serde::{Serialize, de::DeserializeOwned};

use crate::{
    lambda::{self, Reply},
    template::Event,
};

/// Answers events of the API.
pub type HttpHandler = Arc<dyn Fn(Arc<App>, Request) -> BoxFuture<'static, Response> + Send + Sync>;
/// Works through a batch of a queue.
pub type QueueHandler = Arc<dyn Fn(Arc<App>, SqsEvent) -> BoxFuture<'static, SqsBatchResponse> + Send + Sync>;
/// Does what is due.
pub type ScheduleHandler = Arc<dyn Fn(Arc<App>, ScheduledEvent) -> BoxFuture<'static, Swept> + Send + Sync>;

/// A function's handler, by what calls it.
#[derive(Clone)]
pub enum Handler {
    /// Called by routes.
    Http(HttpHandler),
    /// Called by routes, in a process of its own.
    Process(Arc<lambda::Function>),
    /// Called by a queue.
    Queue {
        /// Works through a batch.
        handle: QueueHandler,
        /// Whether what it handled is still to be taken off the queue: our own functions in this process do that themselves, with the work.
        leaves_messages: bool,
    },
    /// Called by the clock.
    Schedule(ScheduleHandler),
}

/// `None` if there is no such function.
pub fn handler(name: &str) -> Option<Handler> {
    Some(match name {
        "admin" => http(admin_function::handle),
        "agent-card" => http(agent_card_function::handle),
        "agents" => http(agents_function::handle),
        "cancel-task" => http(cancel_task_function::handle),
        "create-push-notification-config" => http(create_push_notification_config_function::handle),
        "delete-push-notification-config" => http(delete_push_notification_config_function::handle),
        "front-door" => http(front_door_function::handle),
        "get-extended-agent-card" => http(get_extended_agent_card_function::handle),
        "get-push-notification-config" => http(get_push_notification_config_function::handle),
        "get-task" => http(get_task_function::handle),
        "health" => http(health_function::handle),
        "list-push-notification-configs" => http(list_push_notification_configs_function::handle),
        "list-tasks" => http(list_tasks_function::handle),
        "send-message" => http(send_message_function::handle),
        "send-streaming-message" => http(send_streaming_message_function::handle),
        "subscribe-to-task" => http(subscribe_to_task_function::handle),
        "deliver-push" => queue(deliver_push_function::handle),
        "run-task" => queue(run_task_function::handle),
        "sweep" => schedule(sweep_function::handle),
        _ => return None,
    })
}

/// A function as processes of its own, called by the events that the template gives it.
pub fn in_processes(function: Arc<lambda::Function>) -> Option<Handler> {
    Some(match function.described().events.first()? {
        Event::Route(_) => Handler::Process(function),
        Event::Queue { .. } => Handler::Queue {
            handle: Arc::new(move |app, event| {
                let function = function.clone();
                Box::pin(async move {
                    let ids: Vec<_> = event.records.iter().filter_map(|message| message.message_id.clone()).collect();
                    invoke(&app, &function, &event).await.unwrap_or_else(|| {
                        let mut failed = SqsBatchResponse::default();
                        ids.into_iter().for_each(|id| failed.add_failure(id));
                        failed
                    })
                })
            }),
            leaves_messages: true,
        },
        Event::Schedule { .. } => schedule(move |app, event: ScheduledEvent| {
            let function = function.clone();
            async move { invoke(&app, &function, &event).await.unwrap_or_default() }
        }),
    })
}

/// `None` where the function fails, which is logged where it is found.
async fn invoke<E: Serialize, R: DeserializeOwned>(app: &App, function: &Arc<lambda::Function>, event: &E) -> Option<R> {
    let event = serde_json::to_vec(event).ok()?;
    match function.invoke(event.into(), app.engine.ports().clock.now().timestamp_millis()).await {
        Ok(Reply::Whole(outcome)) => serde_json::from_slice(&outcome).ok(),
        Ok(Reply::Stream(_)) | Err(_) => None,
    }
}

fn http<F>(handle: impl Fn(Arc<App>, Request) -> F + Send + Sync + 'static) -> Handler
where
    F: Future<Output = Response> + Send + 'static,
{
    Handler::Http(Arc::new(move |app, request| Box::pin(handle(app, request))))
}

fn queue<F>(handle: impl Fn(Arc<App>, SqsEvent) -> F + Send + Sync + 'static) -> Handler
where
    F: Future<Output = SqsBatchResponse> + Send + 'static,
{
    Handler::Queue { handle: Arc::new(move |app, event| Box::pin(handle(app, event))), leaves_messages: false }
}

fn schedule<F>(handle: impl Fn(Arc<App>, ScheduledEvent) -> F + Send + Sync + 'static) -> Handler
where
    F: Future<Output = Swept> + Send + 'static,
{
    Handler::Schedule(Arc::new(move |app, event| Box::pin(handle(app, event))))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::template::{BUILT_IN, Template};

    #[test]
    fn every_function_of_the_template_is_carried() {
        for function in Template::parse(BUILT_IN).unwrap().functions {
            assert!(handler(&function.name).is_some(), "{}", function.name);
        }
    }
}
