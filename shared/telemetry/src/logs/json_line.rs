//! A line of the log as one JSON object, written straight into the line's buffer: there is one for each request.

use std::fmt;

use tracing::{
    Event, Subscriber,
    field::{Field, Visit},
};
use tracing_subscriber::{
    fmt::{
        FmtContext, FormatEvent, FormatFields,
        format::Writer,
        time::{FormatTime, SystemTime},
    },
    registry::LookupSpan,
};

/// `timestamp`, `level`, the event's own fields, `target`.
pub(super) struct JsonLine;

impl<S, N> FormatEvent<S, N> for JsonLine
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(&self, _: &FmtContext<'_, S, N>, mut writer: Writer<'_>, event: &Event<'_>) -> fmt::Result {
        writer.write_str("{\"timestamp\":\"")?;
        SystemTime.format_time(&mut writer)?;
        let metadata = event.metadata();
        write!(writer, "\",\"level\":\"{}\"", metadata.level())?;
        let mut members = Members { writer: &mut writer, outcome: Ok(()) };
        event.record(&mut members);
        members.outcome?;
        writer.write_str(",\"target\":")?;
        string(&mut writer, metadata.target())?;
        writer.write_str("}\n")
    }
}

/// Writes fields as members of an object.
struct Members<'a, 'w> {
    writer: &'a mut Writer<'w>,
    /// The first failure; nothing is written after it.
    outcome: fmt::Result,
}

impl Members<'_, '_> {
    fn member(&mut self, field: &Field, value: impl FnOnce(&mut Writer<'_>) -> fmt::Result) {
        if self.outcome.is_ok() {
            // Names of fields are Rust's: nothing in them needs escaping but what raw identifiers begin with.
            let name = field.name().strip_prefix("r#").unwrap_or(field.name());
            self.outcome = write!(self.writer, ",\"{name}\":").and_then(|()| value(self.writer));
        }
    }
}

impl Visit for Members<'_, '_> {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.member(field, |writer| string(writer, value));
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.member(field, |writer| write!(writer, "{value}"));
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.member(field, |writer| write!(writer, "{value}"));
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.member(field, |writer| write!(writer, "{value}"));
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        // JSON knows no infinities and no NaN.
        self.member(field, |writer| if value.is_finite() { write!(writer, "{value}") } else { writer.write_str("null") });
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.member(field, |writer| string(writer, &format!("{value:?}")));
    }
}

fn string(writer: &mut Writer<'_>, text: &str) -> fmt::Result {
    writer.write_char('"')?;
    let mut plain = 0;
    for (at, byte) in text.bytes().enumerate() {
        if byte >= b' ' && byte != b'"' && byte != b'\\' {
            continue;
        }
        writer.write_str(&text[plain..at])?;
        plain = at + 1;
        match byte {
            b'"' => writer.write_str("\\\"")?,
            b'\\' => writer.write_str("\\\\")?,
            b'\n' => writer.write_str("\\n")?,
            control => write!(writer, "\\u{control:04x}")?,
        }
    }
    writer.write_str(&text[plain..])?;
    writer.write_char('"')
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn written(text: &str) -> String {
        let mut buffer = String::new();
        string(&mut Writer::new(&mut buffer), text).unwrap();
        buffer
    }

    #[test]
    fn any_text_becomes_one_json_string() {
        for text in ["", "plain", "\"quoted\"", "back\\slash", "a\nb\r\tc\0d\u{1f}", "ü\u{2028}\u{1f600}", "\\\"\\"] {
            assert_eq!(serde_json::from_str::<Value>(&written(text)).unwrap(), json!(text), "{text:?}");
        }
    }
}
