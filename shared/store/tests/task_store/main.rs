//! What every task store must do, whatever it is made of. A backend adds its line at the end.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "what fails here fails a test")]

mod artifacts;
mod commits;
mod given;
mod lists;
mod messages;
mod reads;
mod webhooks;
mod workers;

use std::sync::Arc;

use engine::ports::TaskStore;

/// The suite for one backend: `$store` makes an empty store, any number of times, each apart from the others.
macro_rules! task_store {
    ($backend:ident, $store:expr) => {
        task_store! { $backend, $store;
            commits: a_new_task_is_read_as_it_was_committed, a_second_task_of_the_same_id_conflicts, a_change_needs_the_version_it_was_made_for,
                a_change_of_no_task_conflicts, of_many_writers_with_the_same_version_exactly_one_wins, a_lease_is_taken_by_one_runner_only,
                a_lease_is_kept_extended_and_released, a_conflict_leaves_nothing_behind, of_many_commits_at_once_only_the_conflicting_fail,
                a_change_that_does_not_follow_the_task_fails_alone, request_metadata_stay_until_a_new_turn_brings_others,
                any_text_is_kept_whatever_its_size;
            messages: a_message_sent_again_leads_to_its_task, the_same_message_sent_at_once_makes_one_task, other_content_or_owners_make_another_message,
                a_message_is_forgotten_in_time, a_message_of_a_deleted_task_is_forgotten, a_retried_turn_leads_to_its_task_though_it_went_on,
                a_message_whose_client_went_on_is_a_new_one,
                history_is_the_latest_messages_in_order;
            artifacts: chunks_make_one_artifact, a_first_chunk_replaces_the_artifact, artifacts_are_read_only_when_asked_for;
            reads: tasks_of_other_owners_and_agents_are_not_seen, events_follow_a_sequence_in_order, events_of_one_commit_can_be_read_in_part;
            lists: an_empty_list_is_one_empty_page, the_latest_status_comes_first, pages_have_every_task_once, pages_are_stable_while_tasks_are_made,
                a_full_last_page_has_no_next, page_tokens_of_other_lists_are_refused, lists_stay_in_scope, filters_hold_all_at_once,
                the_total_follows_every_change, the_time_filter_includes_its_moment, listed_tasks_have_what_is_asked_for;
            workers: expired_leases_are_found_in_order, the_next_expiry_is_the_earliest, active_tasks_are_those_at_work, the_longest_without_a_runner_is_known,
                finished_tasks_are_deleted_with_all_they_had, deletion_stops_at_its_limit, a_ping_is_answered;
            webhooks: webhooks_are_kept_in_order_of_id, webhooks_come_with_a_task, a_webhook_is_replaced, webhooks_stay_in_scope,
                a_change_of_webhooks_is_a_change_of_the_task, a_cursor_moves_only_from_where_it_stands;
        }
    };
    ($backend:ident, $store:expr; $($file:ident: $($fact:ident),+;)+) => {
        mod $backend {
            $(mod $file {
                $(
                    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                    async fn $fact() {
                        let store: $crate::Store = std::sync::Arc::new($store);
                        $crate::$file::$fact(store).await;
                    }
                )+
            })+
        }
    };
}

/// The store under test.
type Store = Arc<dyn TaskStore>;

task_store!(sqlite, store::SqliteTaskStore::new(store::SqliteDatabase::temporary().unwrap()));
task_store!(postgres, crate::postgres_store().await);

async fn postgres_store() -> store::PostgresTaskStore {
    let database = store::PostgresDatabase::open(&tests::servers::postgres_database().await, 20).unwrap();
    database.migrate().await.unwrap();
    store::PostgresTaskStore::new(database)
}

task_store!(dynamodb, store::DynamoDbTaskStore::new(crate::dynamodb_table().await));

async fn dynamodb_table() -> store::DynamoDbDatabase {
    let database = store::DynamoDbDatabase::new(tests::servers::unique_name(), async || tests::servers::aws_config());
    database.create_table().await.unwrap();
    database
}
