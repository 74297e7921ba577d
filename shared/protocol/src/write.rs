//! JSON text out of views: borrowed structs that serialise in one dialect's form.

use chrono::{DateTime, SecondsFormat, Utc};
use serde::{Serialize, Serializer, ser::SerializeMap};

use crate::fields::Struct;

/// Any view as text.
pub(crate) fn json(view: &impl Serialize) -> String {
    // Views have string keys and finite numbers only, so this can't fail; `null` is at least JSON.
    serde_json::to_string(view).unwrap_or_else(|_| "null".to_owned())
}

/// A time in UTC with exactly three fraction digits (spec section 5.6.1): more of them break older readers.
#[derive(Clone, Copy)]
pub(crate) struct Millis<'a>(pub &'a DateTime<Utc>);

impl Serialize for Millis<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0.to_rfc3339_opts(SecondsFormat::Millis, true))
    }
}

/// A list whose items are views made on the fly.
pub(crate) struct Each<'a, T, F>(pub &'a [T], pub F);

impl<'a, T, F, V> Serialize for Each<'a, T, F>
where
    F: Fn(&'a T) -> V,
    V: Serialize,
{
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.iter().map(&self.1))
    }
}

/// The content of an optional free-form object, unless it is empty.
pub(crate) fn filled(metadata: &Option<Struct>) -> Option<&Struct> {
    metadata.as_ref().filter(|map| !map.is_empty())
}

/// An optional list, unless it is empty.
pub(crate) fn some<T>(list: &Option<Vec<T>>) -> Option<&[T]> {
    list.as_deref().filter(|list| !list.is_empty())
}

/// An object with one member.
pub(crate) struct One<'a, T>(pub &'static str, pub &'a T);

impl<T: Serialize> Serialize for One<'_, T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(1))?;
        map.serialize_entry(self.0, self.1)?;
        map.end()
    }
}
