//! What is analysed: columns of numbers, however they came.

/// At most so many rows are taken.
pub(crate) const MAX_ROWS: usize = 1_000_000;
/// At most so many columns are taken.
pub(crate) const MAX_COLUMNS: usize = 256;
/// At most so many cells in all, missing ones included.
pub(crate) const MAX_CELLS: usize = 8_000_000;

/// Columns of numbers, all of the same length.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Table {
    /// In the order in which they came.
    pub(crate) columns: Vec<Column>,
    /// Names of columns that hold words, not numbers.
    pub(crate) categorical: Vec<String>,
}

/// One column.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Column {
    pub(crate) name: String,
    /// One for each row of the input; NaN where there is none.
    pub(crate) values: Vec<f64>,
}

/// A cell as it was read.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Cell {
    Number(f64),
    Missing,
    Words,
}

/// The name of a column that came without one.
pub(crate) const UNNAMED: &str = "values";

impl Column {
    /// The values that are there, with their rows.
    pub(crate) fn present(&self) -> impl Iterator<Item = (usize, f64)> + '_ {
        self.values.iter().copied().enumerate().filter(|(_, value)| value.is_finite())
    }

    /// The values that are there.
    pub(crate) fn numbers(&self) -> Vec<f64> {
        self.present().map(|(_, value)| value).collect()
    }

    /// How many rows have none.
    pub(crate) fn missing(&self) -> usize {
        self.values.len() - self.present().count()
    }
}

impl Table {
    /// A single column without a name.
    pub(crate) fn of_values(values: Vec<f64>) -> Self {
        Table { columns: vec![Column { name: UNNAMED.into(), values }], categorical: vec![] }
    }

    /// Sorts columns of cells into numbers and words. A column is one of numbers if at least half of what is there are numbers.
    pub(crate) fn of_cells(columns: Vec<(String, Vec<Cell>)>) -> Self {
        let mut table = Table::default();
        for (name, cells) in columns {
            let numbers = cells.iter().filter(|cell| matches!(cell, Cell::Number(_))).count();
            let words = cells.iter().filter(|cell| **cell == Cell::Words).count();
            if numbers == 0 || words > numbers {
                table.categorical.push(name);
                continue;
            }
            let value = |cell| if let Cell::Number(number) = cell { number } else { f64::NAN };
            table.columns.push(Column { name, values: cells.into_iter().map(value).collect() });
        }
        table.even();
        table
    }

    /// Whether there is one column that came without a name: then answers aren't keyed by column.
    pub(crate) fn is_plain(&self) -> bool {
        matches!(self.columns.as_slice(), [column] if column.name == UNNAMED)
    }

    /// Rows of the input.
    pub(crate) fn rows(&self) -> usize {
        self.columns.first().map_or(0, |column| column.values.len())
    }

    /// The column of that name, in whatever case.
    pub(crate) fn column(&self, name: &str) -> Option<&Column> {
        self.columns.iter().find(|column| column.name == name).or_else(|| self.columns.iter().find(|column| column.name.eq_ignore_ascii_case(name)))
    }

    /// Puts another table's columns beside these; names stay unique, shorter columns end in missing values.
    pub(crate) fn join(&mut self, other: Table) {
        self.columns.extend(other.columns);
        self.categorical.extend(other.categorical);
        self.even();
    }

    fn even(&mut self) {
        let rows = self.columns.iter().map(|column| column.values.len()).max().unwrap_or(0);
        let mut names = std::collections::HashSet::new();
        for column in &mut self.columns {
            column.values.resize(rows, f64::NAN);
            let base = column.name.clone();
            let mut number = 2;
            while !names.insert(column.name.clone()) {
                column.name = format!("{base} {number}");
                number += 1;
            }
        }
    }

    /// What is too large, if anything is.
    pub(crate) fn check_size(&self) -> Result<(), String> {
        let (rows, columns) = (self.rows(), self.columns.len() + self.categorical.len());
        if rows > MAX_ROWS {
            return Err(format!("the data has {rows} rows; at most {MAX_ROWS} are taken"));
        }
        if columns > MAX_COLUMNS {
            return Err(format!("the data has {columns} columns; at most {MAX_COLUMNS} are taken"));
        }
        if rows.saturating_mul(columns) > MAX_CELLS {
            return Err(format!("the data has {rows} x {columns} cells; at most {MAX_CELLS} are taken"));
        }
        Ok(())
    }
}

impl Cell {
    /// Reads a cell of text: numbers with a sign, thousands, a currency or a percent sign; the usual words for a missing value.
    pub(crate) fn read(text: &str, decimal_comma: bool) -> Cell {
        let text = text.trim();
        if text.is_empty()
            || ["na", "n/a", "nan", "null", "none", "nil", "-", "--", ".", "?", "missing", "#n/a", "inf", "-inf", "infinity", "-infinity"]
                .contains(&text.to_ascii_lowercase().as_str())
        {
            return Cell::Missing;
        }
        let bare = text.trim_start_matches(['$', '€', '£', '¥']).trim_end_matches(['%', '€', '$', '£']).trim();
        let negative = bare.strip_prefix('(').and_then(|inner| inner.strip_suffix(')'));
        let bare = negative.unwrap_or(bare).replace('\u{2212}', "-").replace(['\u{a0}', '\u{202f}', '\''], "");
        let plain = if decimal_comma { bare.replace('.', "").replace(',', ".") } else { without_thousands(&bare) };
        // Rust reads words such as `infinity` as well.
        if !plain.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'+' | b'-' | b'.' | b'e' | b'E')) {
            return Cell::Words;
        }
        match plain.parse::<f64>() {
            Ok(number) if number.is_finite() => Cell::Number(if negative.is_some() { -number } else { number }),
            Ok(_) => Cell::Missing,
            Err(_) => Cell::Words,
        }
    }
}

/// `1,234,567.8` as `1234567.8`; anything else as it is.
fn without_thousands(text: &str) -> String {
    let (whole, fraction) = text.split_once('.').map_or((text, None), |(whole, fraction)| (whole, Some(fraction)));
    let mut groups = whole.trim_start_matches(['-', '+']).split(',');
    let first_fits = groups.next().is_some_and(|first| (1..=3).contains(&first.len()));
    let grouped = whole.contains(',') && first_fits && groups.all(|group| group.len() == 3 && group.bytes().all(|byte| byte.is_ascii_digit()));
    if !grouped {
        return text.into();
    }
    let whole = whole.replace(',', "");
    fraction.map_or_else(|| whole.clone(), |fraction| format!("{whole}.{fraction}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_read_as_people_write_them() {
        for (text, cell) in [
            ("3.5", Cell::Number(3.5)),
            (" -2e3 ", Cell::Number(-2000.0)),
            ("1,234,567.5", Cell::Number(1_234_567.5)),
            ("$1,200", Cell::Number(1200.0)),
            ("12%", Cell::Number(12.0)),
            ("(15)", Cell::Number(-15.0)),
            ("\u{2212}4", Cell::Number(-4.0)),
            ("", Cell::Missing),
            ("N/A", Cell::Missing),
            ("inf", Cell::Missing),
            ("1e999", Cell::Missing),
            ("12,34", Cell::Words),
            ("2024-01-05", Cell::Words),
            ("north", Cell::Words),
            ("e", Cell::Words),
        ] {
            assert_eq!(Cell::read(text, false), cell, "{text}");
        }
        assert_eq!(Cell::read("1.234,5", true), Cell::Number(1234.5));
    }

    #[test]
    fn a_column_of_words_is_set_aside() {
        let table = Table::of_cells(vec![
            ("city".into(), vec![Cell::Words, Cell::Words]),
            ("size".into(), vec![Cell::Number(1.0), Cell::Missing]),
            ("size".into(), vec![Cell::Number(1.0)]),
        ]);
        assert_eq!(table.categorical, ["city"]);
        assert_eq!((table.columns[0].missing(), table.columns[1].name.as_str(), table.rows()), (1, "size 2", 2));
    }

    #[test]
    fn too_many_rows_and_columns_are_named_with_the_limit() {
        let rows = Table::of_values(vec![0.0; MAX_ROWS + 1]).check_size().unwrap_err();
        assert_eq!(rows, "the data has 1000001 rows; at most 1000000 are taken");
        let column = |n: usize| (format!("c{n}"), vec![Cell::Number(1.0)]);
        let columns = Table::of_cells((0..=MAX_COLUMNS).map(column).collect()).check_size().unwrap_err();
        assert_eq!(columns, "the data has 257 columns; at most 256 are taken");
        let tall = |n: usize| Column { name: format!("c{n}"), values: vec![0.0; 100_000] };
        let cells = Table { columns: (0..100).map(tall).collect(), categorical: vec![] }.check_size().unwrap_err();
        assert_eq!(cells, "the data has 100000 x 100 cells; at most 8000000 are taken");
        assert_eq!(Table::of_values(vec![0.0; MAX_ROWS]).check_size(), Ok(()));
    }
}
