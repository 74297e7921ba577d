//! Data as JSON, in the shapes that people send.

use serde_json::Value;

use crate::analysis::table::{Cell, MAX_LABELS, Table, UNNAMED};

/// Keys under which the data proper may lie.
const ENVELOPES: [&str; 11] = ["values", "columns", "data", "value", "rows", "records", "series", "dataset", "datasets", "points", "table"];
/// Envelopes within envelopes, at most.
const MAX_DEPTH: usize = 8;

/// A JSON text, or one of JSON objects line by line; `None` if it holds no numbers.
///
/// # Errors
/// What is wrong with it, if it is no JSON.
pub(crate) fn parse(text: &str) -> Result<Option<Table>, serde_json::Error> {
    match serde_json::from_str(text.trim()) {
        Ok(value) => Ok(table(&value)),
        Err(error) => lines(text).map(Some).ok_or(error),
    }
}

/// One JSON object on each line.
fn lines(text: &str) -> Option<Table> {
    let records: Option<Vec<Value>> = text.lines().filter(|line| !line.trim().is_empty()).map(|line| serde_json::from_str(line).ok()).collect();
    table(&Value::Array(records?))
}

/// The first JSON array or object in a text that holds numbers.
pub(crate) fn within(text: &str) -> Option<Table> {
    let starts = text.char_indices().filter(|(_, c)| matches!(c, '[' | '{')).map(|(at, _)| at).take(16);
    starts.into_iter().find_map(|at| {
        let value = serde_json::Deserializer::from_str(&text[at..]).into_iter::<Value>().next()?.ok()?;
        table(&value)
    })
}

/// `None` if no numbers are found.
pub(crate) fn table(value: &Value) -> Option<Table> {
    find(value, 0).filter(|table| !table.columns.is_empty())
}

fn find(value: &Value, depth: usize) -> Option<Table> {
    match value {
        Value::Array(items) => array(items),
        Value::Object(map) if depth < MAX_DEPTH => {
            if let Some(table) = named_rows(map) {
                return Some(table);
            }
            let lists = map.iter().filter(|(_, value)| value.as_array().is_some_and(|items| items.iter().all(is_scalar)));
            let columns: Vec<_> = lists.map(|(name, value)| (name.clone(), cells(value))).collect();
            if let [(name, cells)] = columns.as_slice()
                && ENVELOPES.contains(&name.as_str())
            {
                return Some(Table::of_cells(vec![(UNNAMED.into(), cells.clone())]));
            }
            let names = map.iter().find_map(|(name, items)| Some((name, names(items.as_array()?.iter())?)));
            let table = Table::of_cells(columns);
            if !table.columns.is_empty() {
                return Some(labelled(table, names));
            }
            let within = |inner: &Value| find(inner, depth + 1).filter(|table| !table.columns.is_empty());
            let wrapped = ENVELOPES.iter().filter_map(|key| map.get(*key)).find_map(within);
            wrapped
                .map(|table| labelled(table, names))
                .or_else(|| scalars(map))
                .or_else(|| map.values().filter(|inner| !is_scalar(inner)).find_map(within))
        }
        _ => None,
    }
}

/// `{"columns": ["x", "y"], "rows": [[1, 2], …]}`, as data frames are often written.
fn named_rows(map: &serde_json::Map<String, Value>) -> Option<Table> {
    let names = map.get("columns").or_else(|| map.get("header")).or_else(|| map.get("fields"))?.as_array()?;
    let names: Option<Vec<&str>> = names.iter().map(Value::as_str).collect();
    let rows = ["rows", "data", "values"].iter().find_map(|key| map.get(*key)?.as_array())?;
    let mut rows_with_header = vec![Value::from(names?)];
    rows_with_header.extend(rows.iter().cloned());
    array_of_rows(&rows_with_header)
}

/// `{"Jan": 10, "Feb": 12, …}`: one value for each label.
fn scalars(map: &serde_json::Map<String, Value>) -> Option<Table> {
    let values: Option<Vec<f64>> = map.values().map(Value::as_f64).collect();
    values.filter(|values| values.len() >= 3).map(|values| Table::of_values(values).labelled("", map.keys().cloned()))
}

fn labelled(table: Table, names: Option<(impl AsRef<str>, Vec<String>)>) -> Table {
    match names {
        Some((of, names)) => table.labelled(of.as_ref(), names),
        None => table,
    }
}

/// What rows are called: words, and neither numbers nor dates.
fn names<'a>(values: impl Iterator<Item = &'a Value>) -> Option<Vec<String>> {
    let name = |value: &Value| value.as_str().filter(|text| Cell::read(text, false) == Cell::Words).map(Into::into);
    values.take(MAX_LABELS + 1).map(name).collect::<Option<Vec<String>>>().filter(|names| !names.is_empty())
}

fn array(items: &[Value]) -> Option<Table> {
    if items.iter().any(Value::is_object) {
        return named_columns(items).or_else(|| Some(records(items)));
    }
    if items.iter().any(Value::is_array) {
        return array_of_rows(items);
    }
    if !items.is_empty() && items.iter().all(Value::is_number) {
        // The usual case, and the one that may be long.
        let values = items.iter().map(|item| item.as_f64().unwrap_or(f64::NAN)).collect();
        return Some(Table::of_values(values));
    }
    Some(Table::of_cells(vec![(UNNAMED.into(), items.iter().map(cell).collect())]))
}

/// `[{"name": "x", "values": [1, 2]}, …]`: a column each.
fn named_columns(items: &[Value]) -> Option<Table> {
    let column = |item: &Value| {
        let name = ["name", "label", "title", "column", "id"].iter().find_map(|key| item.get(*key)?.as_str())?;
        let list = ["values", "data", "points", "y"].iter().find_map(|key| item.get(*key)?.as_array()).filter(|list| list.iter().all(is_scalar))?;
        Some((name.to_owned(), list.iter().map(cell).collect()))
    };
    Some(Table::of_cells(items.iter().map(column).collect::<Option<_>>()?))
}

/// `[{"x": 1, "y": 2}, …]`: columns by key, in the order in which they first come.
fn records(items: &[Value]) -> Table {
    let mut columns: Vec<(String, Vec<Cell>)> = vec![];
    let mut places = std::collections::HashMap::new();
    for (row, item) in items.iter().enumerate() {
        for (name, value) in item.as_object().into_iter().flatten() {
            let place = *places.entry(name.clone()).or_insert_with(|| {
                columns.push((name.clone(), vec![]));
                columns.len() - 1
            });
            if let Some((_, cells)) = columns.get_mut(place) {
                cells.resize(row, Cell::Missing);
                cells.push(cell(value));
            }
        }
    }
    columns.iter_mut().for_each(|(_, cells)| cells.resize(items.len(), Cell::Missing));
    let keys = items.first().and_then(Value::as_object).into_iter().flat_map(|map| map.keys());
    let names = keys.into_iter().find_map(|key| Some((key, names(items.iter().map(|item| &item[key.as_str()]))?)));
    labelled(Table::of_cells(columns), names)
}

/// `[[1, 2], [3, 4]]`, perhaps with a first row of names.
fn array_of_rows(items: &[Value]) -> Option<Table> {
    let names: Option<Vec<String>> = items.first()?.as_array()?.iter().map(|name| name.as_str().map(Into::into)).collect();
    let rows = &items[usize::from(names.is_some())..];
    let width = rows.iter().filter_map(Value::as_array).map(Vec::len).max()?;
    if width > crate::analysis::table::MAX_COLUMNS {
        return Some(Table::too_wide(width));
    }
    let name = |place: usize| names.as_ref().and_then(|names| names.get(place).cloned()).unwrap_or_else(|| format!("column {}", place + 1));
    let column = |place: usize| {
        let cells = rows.iter().map(|row| row.get(place).map_or(Cell::Missing, cell)).collect();
        (name(place), cells)
    };
    let names = (0..width).find_map(|place| Some((name(place), self::names(rows.iter().map(|row| &row[place]))?)));
    Some(labelled(Table::of_cells((0..width).map(column).collect()), names))
}

fn cells(value: &Value) -> Vec<Cell> {
    value.as_array().into_iter().flatten().map(cell).collect()
}

fn cell(value: &Value) -> Cell {
    match value {
        Value::Number(number) => number.as_f64().map_or(Cell::Missing, Cell::Number),
        Value::String(text) => Cell::read(text, false),
        Value::Null => Cell::Missing,
        Value::Bool(_) | Value::Array(_) | Value::Object(_) => Cell::Words,
    }
}

fn is_scalar(value: &Value) -> bool {
    !value.is_array() && !value.is_object()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn check(value: Value, columns: &[(&str, &[f64])]) {
        let found = table(&value).unwrap_or_default();
        let found: Vec<(&str, &[f64])> = found.columns.iter().map(|column| (column.name.as_str(), column.values.as_slice())).collect();
        assert_eq!(found, columns, "{value}");
    }

    #[test]
    fn every_usual_shape_is_understood() {
        let one: &[(&str, &[f64])] = &[("values", &[1.0, 2.5, 3.0])];
        let two: &[(&str, &[f64])] = &[("x", &[1.0, 2.0]), ("y", &[3.0, 4.0])];
        check(json!({"values": [1, 2.5, 3]}), one);
        check(json!([1, 2.5, 3]), one);
        check(json!({"value": {"values": [1, 2.5, "3"]}}), one);
        check(json!({"data": [1, 2.5, 3], "skillId": "trend_analysis", "horizon": 5}), one);
        check(json!({"a": 1, "b": 2.5, "c": 3}), one);
        check(json!({"columns": {"x": [1, 2], "y": [3, 4]}}), two);
        check(json!({"x": [1, 2], "y": [3, 4]}), two);
        check(json!([{"x": 1, "y": 3}, {"x": 2, "y": 4}]), two);
        check(json!({"data": [{"x": 1, "y": 3, "city": "Ulm"}, {"x": 2, "y": 4, "city": "Bonn"}]}), two);
        check(json!([["x", "y"], [1, 3], [2, 4]]), two);
        check(json!({"result": {"status": "ok", "data": [{"x": 1, "y": 3}, {"x": 2, "y": 4}]}}), two);
        check(json!({"series": [{"name": "x", "values": [1, 2]}, {"name": "y", "values": [3, 4]}]}), two);
        check(json!({"labels": ["a", "b"], "datasets": [{"label": "x", "data": [1, 2]}, {"label": "y", "data": [3, 4]}]}), two);
        check(json!({"points": [["x", "y"], [1, 3], [2, 4]]}), two);
        check(json!({"columns": ["x", "y"], "rows": [[1, 3], [2, 4]]}), two);
        check(json!({"columns": {"x": [1, 2], "y": [3, 4], "city": ["Ulm", "Bonn"]}}), two);
    }

    #[test]
    fn rows_may_have_names() {
        for value in [
            json!({"Ulm": 1, "Bonn": 2, "Kiel": 3}),
            json!([{"city": "Ulm", "size": 1}, {"city": "Bonn", "size": 2}, {"city": "Kiel", "size": 3}]),
            json!({"columns": {"city": ["Ulm", "Bonn", "Kiel"], "size": [1, 2, 3]}}),
            json!([["city", "size"], ["Ulm", 1], ["Bonn", 2], ["Kiel", 3]]),
        ] {
            let mut labels = table(&value).expect("data").labels;
            labels.sort();
            assert_eq!(labels, ["Bonn", "Kiel", "Ulm"], "{value}");
        }
    }

    #[test]
    fn what_holds_no_numbers_is_no_data() {
        for value in [json!({}), json!([]), json!("text"), json!(5), json!({"skillId": "x"}), json!({"horizon": 5}), json!([{}]), json!(["a"])] {
            assert_eq!(table(&value), None, "{value}");
        }
    }

    #[test]
    fn missing_values_keep_their_row() {
        let table = table(&json!({"values": [1, null, "NA", 4]})).expect("data");
        assert_eq!(table.columns[0].present().collect::<Vec<_>>(), [(0, 1.0), (3, 4.0)]);
    }

    #[test]
    fn json_is_found_within_a_sentence_and_line_by_line() {
        assert_eq!(within("Analyze [the following]: {\"values\": [1, 2, 3]}, please.").map(|t| t.rows()), Some(3));
        assert_eq!(parse("{\"x\":1}\n{\"x\":2}\n").ok().flatten().map(|t| t.rows()), Some(2));
        assert!(parse("{\"x\":[1,").is_err());
    }
}
