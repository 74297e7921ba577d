//! What a change brings beside the task itself: webhooks, and work to queue.

use std::collections::BTreeMap;

use engine::ports::{Change, PushConfig, StoreError, Work};
use sqlx::{Postgres, postgres::PgArguments, query::Query};

use super::{
    names,
    values::{number, to_json},
};
use crate::values::milliseconds;

/// Columns of `push_configs` and of `jobs`.
#[derive(Default)]
pub(super) struct Outbox {
    config_ids: Vec<String>,
    configs: Vec<String>,
    dialects: Vec<&'static str>,
    cursors: Vec<i64>,
    created_at: Vec<i64>,
    keys: Vec<String>,
    queues: Vec<&'static str>,
    works: Vec<String>,
    /// Those of `keys` whose work keeps its pause.
    pausing: Vec<String>,
    now: i64,
}

impl Outbox {
    /// `None` where the change brings nothing of the kind, as most do.
    pub(super) fn of(change: &Change) -> Result<Option<Self>, StoreError> {
        if change.push_configs.is_empty() && change.work.is_empty() {
            return Ok(None);
        }
        let mut outbox = Outbox { now: milliseconds(change.now), ..Outbox::default() };
        // Each once, and in an order that all who write them at the same time share.
        let configs: BTreeMap<_, &PushConfig> = change.push_configs.iter().map(|config| (&config.config.id, config)).collect();
        for config in configs.into_values() {
            outbox.config_ids.push(names::column(config.config.id.as_deref().unwrap_or_default()).into_owned());
            outbox.configs.push(to_json(&config.config)?);
            outbox.dialects.push(config.dialect.as_str());
            outbox.cursors.push(number(config.cursor));
            outbox.created_at.push(milliseconds(config.created_at));
        }
        let work: BTreeMap<String, &Work> = change.work.iter().map(|work| (work.key(), work)).collect();
        for (key, work) in work {
            let key = names::column(&key).into_owned();
            if work.keeps_its_pause() {
                outbox.pausing.push(key.clone());
            }
            outbox.keys.push(key);
            outbox.queues.push(work.queue().as_str());
            outbox.works.push(to_json(work)?);
        }
        Ok(Some(outbox))
    }
}

/// Gives a statement the ten values of an outbox, if it has one.
pub(super) fn bind<'q>(query: Query<'q, Postgres, PgArguments>, outbox: Option<&Outbox>) -> Query<'q, Postgres, PgArguments> {
    let Some(outbox) = outbox else { return query };
    query
        .bind(&outbox.config_ids)
        .bind(&outbox.configs)
        .bind(&outbox.dialects)
        .bind(&outbox.cursors)
        .bind(&outbox.created_at)
        .bind(&outbox.keys)
        .bind(&outbox.queues)
        .bind(&outbox.works)
        .bind(&outbox.pausing)
        .bind(outbox.now)
}
