//! How values of the engine stand in columns of Postgres.

use engine::ports::StoreError;
use serde::{Serialize, de::DeserializeOwned};
use sqlx::{Row, postgres::PgRow};

use super::store_error;

/// As a column's number.
pub(super) fn number(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// As a column's text.
pub(super) fn to_json<T: Serialize + ?Sized>(value: &T) -> Result<String, StoreError> {
    serde_json::to_string(value).map_err(|error| StoreError::Failed(Box::new(error)))
}

/// A text as what it was.
pub(super) fn from_json<T: DeserializeOwned>(text: &str) -> Result<T, StoreError> {
    serde_json::from_str(text).map_err(|error| StoreError::Failed(Box::new(error)))
}

/// A column of a row.
pub(super) fn column<'r, T>(row: &'r PgRow, index: usize) -> Result<T, StoreError>
where
    T: sqlx::Decode<'r, sqlx::Postgres> + sqlx::Type<sqlx::Postgres>,
{
    row.try_get(index).map_err(store_error)
}

/// A column that is never negative.
pub(super) fn count(row: &PgRow, index: usize) -> Result<u64, StoreError> {
    Ok(column::<i64>(row, index)?.unsigned_abs())
}

/// A column's text through `FromStr`.
pub(super) fn parse<T: std::str::FromStr<Err = String>>(row: &PgRow, index: usize) -> Result<T, StoreError> {
    column::<&str>(row, index)?.parse().map_err(|error: String| StoreError::Failed(error.into()))
}
