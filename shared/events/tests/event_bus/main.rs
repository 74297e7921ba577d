//! What every event bus must do, whatever carries the signals. A backend adds its line at the end.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "what fails here fails a test")]

mod one_process;
mod outages;
mod redis_only;
mod redis_server;
mod two_processes;
mod words;

use std::sync::Arc;

use engine::ports::EventBus;
use events::{InProcessEventBus, RedisEventBus, RedisSettings};
use redis_server::RedisServer;

type Bus = Arc<dyn EventBus>;

macro_rules! event_bus {
    ($backend:ident, $world:expr) => {
        event_bus! { $backend, $world;
            one_process: every_listener_hears_everything_in_order, listeners_hear_of_their_task_only, what_was_said_before_is_not_heard,
                nobody_waits_for_a_slow_listener, a_slow_listener_is_told_of_the_gap, a_listener_that_left_changes_nothing_for_others;
            two_processes: processes_hear_each_other_in_order, every_listener_of_every_process_follows_to_the_end,
                who_comes_late_loses_nothing, a_cancel_reaches_a_runner_in_another_process, an_old_cancel_is_not_heard_by_a_later_turn,
                who_listens_again_hears_on }
    };
    ($backend:ident, $world:expr; $($module:ident: $($fact:ident),+);+) => {
        mod $backend {
            use super::*;
            $($(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $fact() {
                    let world: World = $world;
                    $module::$fact(world).await;
                }
            )+)+
        }
    };
}

event_bus!(in_process, World::in_process());
event_bus!(redis, World::redis(tests::servers::redis()));
event_bus!(redis_cluster, World::own(RedisServer::cluster_of_one(&[]).await));

/// Where processes are that can hear each other.
pub struct World {
    bus: Box<dyn Fn() -> Bus + Send + Sync>,
    _server: Option<RedisServer>,
}

impl World {
    fn in_process() -> Self {
        let bus = InProcessEventBus::new();
        World { bus: Box::new(move || Arc::new(bus.clone())), _server: None }
    }

    fn redis(url: String) -> Self {
        World { bus: Box::new(move || Arc::new(redis_bus(&url, 50))), _server: None }
    }

    fn own(server: RedisServer) -> Self {
        World { _server: Some(server.clone()), ..World::redis(server.url()) }
    }

    /// The bus of one more process.
    pub fn process(&self) -> Bus {
        (self.bus)()
    }
}

fn redis_bus(url: &str, max_connections: u32) -> RedisEventBus {
    RedisEventBus::new(RedisSettings { url, max_connections, outlives_response: true }).unwrap()
}
