//! Writes: one by itself, or several that happen together or not at all.

use std::time::Duration;

use aws_sdk_dynamodb::{
    error::{ProvideErrorMetadata, SdkError},
    operation::transact_write_items::TransactWriteItemsError,
    types::{AttributeValue, Delete, Put, TransactWriteItem, Update as UpdateOperation},
};
use engine::ports::StoreError;

use super::{
    attributes::{failed, names},
    database::{DynamoDbDatabase, store_error},
    keys::Item,
};

/// How often a transaction is tried that met another one at an item, or was throttled.
const TRIES: u32 = 12;
/// The longest pause before the second try; it doubles from there, up to [`LONGEST_PAUSE`].
pub(super) const FIRST_PAUSE: Duration = Duration::from_millis(10);
const LONGEST_PAUSE: Duration = Duration::from_millis(400);

/// A write of one item.
#[derive(Debug, Clone)]
pub(super) struct Write {
    operation: Operation,
    condition: Option<String>,
    values: Vec<(String, AttributeValue)>,
}

#[derive(Debug, Clone)]
enum Operation {
    Put(Item),
    Delete(Item),
    Update { key: Item, set: Vec<String>, remove: Vec<String>, add: Vec<String> },
}

impl Write {
    /// Puts an item in place of what is there.
    pub(super) fn put(item: Item) -> Self {
        Write { operation: Operation::Put(item), condition: None, values: Vec::new() }
    }

    /// Deletes an item, there or not.
    pub(super) fn delete(key: Item) -> Self {
        Write { operation: Operation::Delete(key), condition: None, values: Vec::new() }
    }

    /// Changes attributes of an item, which is made if it isn't there.
    pub(super) fn update(key: Item) -> Self {
        Write { operation: Operation::Update { key, set: Vec::new(), remove: Vec::new(), add: Vec::new() }, condition: None, values: Vec::new() }
    }

    /// In an update: gives an attribute a value.
    pub(super) fn set(self, name: &str, value: AttributeValue) -> Self {
        self.set_to(name, &format!(":{name}"), value)
    }

    /// In an update: gives an attribute what an expression yields; a value for it is named `:NAME`.
    pub(super) fn set_to(mut self, name: &str, expression: &str, value: AttributeValue) -> Self {
        if let Operation::Update { set, .. } = &mut self.operation {
            set.push(format!("#{name} = {expression}"));
            self.values.push((format!(":{name}"), value));
        }
        self
    }

    /// In an update: adds to a number, which is 0 where it isn't there.
    pub(super) fn add(mut self, name: &str, value: AttributeValue) -> Self {
        if let Operation::Update { add, .. } = &mut self.operation {
            add.push(format!("#{name} :{name}"));
            self.values.push((format!(":{name}"), value));
        }
        self
    }

    /// In an update: takes an attribute away.
    pub(super) fn remove(mut self, name: &str) -> Self {
        if let Operation::Update { remove, .. } = &mut self.operation {
            remove.push(format!("#{name}"));
        }
        self
    }

    /// What must hold for the write to be made.
    pub(super) fn when<const N: usize>(mut self, condition: &str, values: [(&str, AttributeValue); N]) -> Self {
        self.condition = Some(condition.to_owned());
        self.values.extend(values.map(|(name, value)| (name.to_owned(), value)));
        self
    }

    fn update_expression(set: &[String], remove: &[String], add: &[String]) -> String {
        let clause = |word: &str, parts: &[String]| if parts.is_empty() { String::new() } else { format!("{word} {} ", parts.join(", ")) };
        format!("{}{}{}", clause("SET", set), clause("REMOVE", remove), clause("ADD", add))
    }

    fn into_operation(self, table: &str) -> Result<TransactWriteItem, StoreError> {
        let Write { operation, condition, values } = self;
        let conditions = condition.as_deref().into_iter();
        let values = (!values.is_empty()).then(|| values.into_iter().collect());
        let item = TransactWriteItem::builder();
        let some = |names: std::collections::HashMap<String, String>| (!names.is_empty()).then_some(names);
        Ok(match operation {
            Operation::Put(put) => item.put(
                Put::builder()
                    .table_name(table)
                    .set_item(Some(put))
                    .set_expression_attribute_names(some(names(conditions)))
                    .set_expression_attribute_values(values)
                    .set_condition_expression(condition)
                    .build()
                    .map_err(failed)?,
            ),
            Operation::Delete(key) => item.delete(
                Delete::builder()
                    .table_name(table)
                    .set_key(Some(key))
                    .set_expression_attribute_names(some(names(conditions)))
                    .set_expression_attribute_values(values)
                    .set_condition_expression(condition)
                    .build()
                    .map_err(failed)?,
            ),
            Operation::Update { key, set, remove, add } => {
                let expression = Write::update_expression(&set, &remove, &add);
                item.update(
                    UpdateOperation::builder()
                        .table_name(table)
                        .set_key(Some(key))
                        .set_expression_attribute_names(some(names(conditions.chain([expression.as_str()]))))
                        .set_expression_attribute_values(values)
                        .set_condition_expression(condition)
                        .update_expression(expression)
                        .build()
                        .map_err(failed)?,
                )
            }
        }
        .build())
    }
}

/// What came of a transaction.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Transacted {
    /// All of it is durable.
    Done,
    /// Nothing was written, because the conditions of these writes don't hold.
    Refused(Vec<usize>),
}

impl DynamoDbDatabase {
    /// One write; `false` if its condition doesn't hold.
    pub(super) async fn write(&self, write: Write) -> Result<bool, StoreError> {
        // A transaction of one costs twice as much as the write by itself, so it is made of the parts of one.
        let operation = write.into_operation(self.table())?;
        let mut pause = FIRST_PAUSE;
        let mut attempt = 1;
        loop {
            match self.write_once(&operation).await {
                Ok(()) => return Ok(true),
                Err(Refusal { code: Some(code), .. }) if code == "ConditionalCheckFailedException" => return Ok(false),
                Err(Refusal { code: Some(code), .. }) if code == "TransactionConflictException" && attempt < TRIES => {
                    tracing::debug!(attempt, "a write met a transaction; trying again");
                    rest(&mut pause).await;
                    attempt += 1;
                }
                Err(Refusal { error, .. }) => return Err(error),
            }
        }
    }

    async fn write_once(&self, operation: &TransactWriteItem) -> Result<(), Refusal> {
        let client = self.client().await;
        if let Some(put) = operation.put() {
            let request = client.put_item().table_name(put.table_name()).set_item(Some(put.item().clone()));
            let request = request
                .set_condition_expression(put.condition_expression().map(str::to_owned))
                .set_expression_attribute_names(put.expression_attribute_names().cloned())
                .set_expression_attribute_values(put.expression_attribute_values().cloned());
            return request.send().await.map(drop).map_err(Refusal::of);
        }
        if let Some(delete) = operation.delete() {
            let request = client.delete_item().table_name(delete.table_name()).set_key(Some(delete.key().clone()));
            let request = request
                .set_condition_expression(delete.condition_expression().map(str::to_owned))
                .set_expression_attribute_names(delete.expression_attribute_names().cloned())
                .set_expression_attribute_values(delete.expression_attribute_values().cloned());
            return request.send().await.map(drop).map_err(Refusal::of);
        }
        let Some(update) = operation.update() else { return Ok(()) };
        let request = client.update_item().table_name(update.table_name()).set_key(Some(update.key().clone()));
        let request = request
            .update_expression(update.update_expression())
            .set_condition_expression(update.condition_expression().map(str::to_owned))
            .set_expression_attribute_names(update.expression_attribute_names().cloned())
            .set_expression_attribute_values(update.expression_attribute_values().cloned());
        request.send().await.map(drop).map_err(Refusal::of)
    }

    /// Several writes together or none. Meeting another transaction at an item isn't a refusal: it is tried again.
    pub(super) async fn transact(&self, writes: Vec<Write>) -> Result<Transacted, StoreError> {
        let operations = writes.into_iter().map(|write| write.into_operation(self.table())).collect::<Result<Vec<_>, _>>()?;
        let mut pause = FIRST_PAUSE;
        let mut attempt = 1;
        loop {
            let turn = self.transactions().acquire().await;
            let sent = self.client().await.transact_write_items().set_transact_items(Some(operations.clone())).send().await;
            drop(turn);
            let error = match sent {
                Ok(_) => return Ok(Transacted::Done),
                Err(error) => error,
            };
            match outcome_of(&error) {
                Outcome::Refused(which) => return Ok(Transacted::Refused(which)),
                Outcome::Busy if attempt < TRIES => {
                    tracing::debug!(attempt, "a transaction met another; trying again");
                    rest(&mut pause).await;
                    attempt += 1;
                }
                Outcome::Busy => return Err(StoreError::Unavailable(Box::new(error))),
                Outcome::Other => return Err(store_error(error)),
            }
        }
    }
}

/// An error of a write with the code that says what it is.
struct Refusal {
    code: Option<String>,
    error: StoreError,
}

impl Refusal {
    fn of<E, R>(error: SdkError<E, R>) -> Self
    where
        E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
        R: std::fmt::Debug + Send + Sync + 'static,
    {
        Refusal { code: error.as_service_error().and_then(ProvideErrorMetadata::code).map(str::to_owned), error: store_error(error) }
    }
}

enum Outcome {
    Refused(Vec<usize>),
    Busy,
    Other,
}

fn outcome_of<R>(error: &SdkError<TransactWriteItemsError, R>) -> Outcome {
    match error.as_service_error() {
        Some(TransactWriteItemsError::TransactionCanceledException(canceled)) => {
            let codes: Vec<&str> = canceled.cancellation_reasons().iter().map(|reason| reason.code().unwrap_or("None")).collect();
            let of = |wanted: &str| (0..codes.len()).filter(|n| codes[*n] == wanted).collect::<Vec<_>>();
            let refused = of("ConditionalCheckFailed");
            if !refused.is_empty() {
                Outcome::Refused(refused)
            } else if codes.iter().any(|code| matches!(*code, "TransactionConflict" | "ThrottlingError" | "ProvisionedThroughputExceeded")) {
                Outcome::Busy
            } else {
                Outcome::Other
            }
        }
        Some(TransactWriteItemsError::TransactionInProgressException(_)) => Outcome::Busy,
        _ => Outcome::Other,
    }
}

/// Waits a random part of the pause, and doubles it for the next time.
pub(super) async fn rest(pause: &mut Duration) {
    let random = uuid::Uuid::new_v4().as_u64_pair().0;
    tokio::time::sleep(pause.mul_f64((random >> 11) as f64 / (1_u64 << 53) as f64)).await;
    *pause = (*pause * 2).min(LONGEST_PAUSE);
}
