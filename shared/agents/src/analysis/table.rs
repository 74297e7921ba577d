//! What is analysed: columns of numbers, however they came, and the dates or names that their rows have.

use super::{
    calendar::Calendar,
    dates::{self, Date},
};

/// At most so many rows are taken.
pub(crate) const MAX_ROWS: usize = 1_000_000;
/// At most so many columns are taken.
pub(crate) const MAX_COLUMNS: usize = 256;
/// At most so many cells in all, missing ones included.
pub(crate) const MAX_CELLS: usize = 8_000_000;
/// Rows are known by name where there are so many at most: more names have no room on a chart.
pub(crate) const MAX_LABELS: usize = 24;

/// Columns of numbers, all of the same length.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Table {
    /// In the order in which they came.
    pub(crate) columns: Vec<Column>,
    /// Columns of dates.
    pub(crate) dates: Vec<Dates>,
    /// Names of columns that hold words, neither numbers nor dates.
    pub(crate) categorical: Vec<String>,
    /// What the rows are called, one for each or none at all.
    pub(crate) labels: Vec<String>,
    /// What these names are names of; may be empty.
    pub(crate) labels_of: String,
}

/// A column of dates.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Dates {
    /// As places on the axis that the calendar describes.
    pub(crate) column: Column,
    pub(crate) calendar: Calendar,
}

/// What others are seen over.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Place<'a> {
    pub(crate) column: &'a Column,
    /// Where its numbers stand for dates.
    pub(crate) calendar: Option<&'a Calendar>,
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
    Date(Box<Date>),
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
        Table::of_columns(vec![Column { name: UNNAMED.into(), values }])
    }

    /// Columns of numbers alone.
    pub(crate) fn of_columns(columns: Vec<Column>) -> Self {
        Table { columns, ..Table::default() }
    }

    /// Too many columns to be read, so that [`Self::check_size`] can say it.
    pub(crate) fn too_wide(width: usize) -> Self {
        Table { categorical: vec!["…".into(); width], ..Table::default() }
    }

    /// Sorts columns of cells into numbers, dates and words. A column is one of numbers if at least half of what is there are numbers, and one of
    /// dates if all of it are.
    pub(crate) fn of_cells(columns: Vec<(String, Vec<Cell>)>) -> Self {
        let mut table = Table::default();
        for (name, cells) in columns {
            let numbers = cells.iter().filter(|cell| matches!(cell, Cell::Number(_))).count();
            let words = cells.iter().filter(|cell| matches!(cell, Cell::Words | Cell::Date(_))).count();
            if numbers == 0 || words > numbers {
                match Dates::of(&name, &cells) {
                    Some(dates) => table.dates.push(dates),
                    None => table.categorical.push(name),
                }
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

    /// The column of that name, numbers or dates, as what others are seen over.
    pub(crate) fn place(&self, name: &str) -> Option<Place<'_>> {
        let dates = || self.dates.iter().find(|dates| dates.column.name.eq_ignore_ascii_case(name)).map(Dates::place);
        self.column(name).map(|column| Place { column, calendar: None }).or_else(dates)
    }

    /// The table with names for its rows, if these are few and told apart.
    pub(crate) fn labelled(mut self, of: &str, names: impl IntoIterator<Item = String>) -> Self {
        let names: Vec<String> = names.into_iter().take(MAX_LABELS + 1).collect();
        let distinct: std::collections::HashSet<&str> = names.iter().map(|name| name.trim()).filter(|name| !name.is_empty()).collect();
        if names.len() == self.rows() && names.len() <= MAX_LABELS && distinct.len() == names.len() {
            (self.labels, self.labels_of) = (names, of.into());
        }
        self
    }

    /// Puts another table's columns beside these; names stay unique, shorter columns end in missing values.
    pub(crate) fn join(&mut self, other: Table) {
        self.columns.extend(other.columns);
        self.dates.extend(other.dates);
        self.categorical.extend(other.categorical);
        if self.labels.is_empty() {
            (self.labels, self.labels_of) = (other.labels, other.labels_of);
        }
        self.even();
        if self.labels.len() != self.rows() {
            self.labels.clear();
        }
    }

    fn even(&mut self) {
        let rows = self.columns.iter().map(|column| column.values.len()).max().unwrap_or(0);
        let mut names = std::collections::HashSet::new();
        for column in self.columns.iter_mut().chain(self.dates.iter_mut().map(|dates| &mut dates.column)) {
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
        let (rows, columns) = (self.rows(), self.columns.len() + self.dates.len() + self.categorical.len());
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

impl Dates {
    fn of(name: &str, cells: &[Cell]) -> Option<Self> {
        let date = |cell: &Cell| match cell {
            Cell::Date(date) => Some(Some(**date)),
            Cell::Missing => Some(None),
            Cell::Number(_) | Cell::Words => None,
        };
        let dates = cells.iter().map(date).collect::<Option<Vec<_>>>()?;
        let (calendar, values) = Calendar::of(&dates)?;
        Some(Dates { column: Column { name: name.into(), values }, calendar })
    }

    /// As what others are seen over.
    pub(crate) fn place(&self) -> Place<'_> {
        Place { column: &self.column, calendar: Some(&self.calendar) }
    }

    /// The first or last date of all, as the comparison says.
    pub(crate) fn written(&self, choose: fn(f64, f64) -> f64) -> String {
        self.column.present().map(|(_, place)| place).reduce(choose).map(|place| self.calendar.written(place)).unwrap_or_default()
    }
}

impl Place<'_> {
    /// The date of a row; `None` where the row has none, or the places are no dates.
    pub(crate) fn date(&self, row: usize) -> Option<String> {
        let place = self.column.values.get(row).copied().filter(|place| place.is_finite())?;
        self.calendar.map(|calendar| calendar.written(place))
    }
}

impl Cell {
    /// Reads a cell of text: numbers with a sign, thousands, a currency or a percent sign; dates; the usual words for a missing value.
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
        let date_or_words = || dates::read(text).map_or(Cell::Words, |date| Cell::Date(Box::new(date)));
        // Rust reads words such as `infinity` as well.
        if !plain.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'+' | b'-' | b'.' | b'e' | b'E')) {
            return date_or_words();
        }
        // `5.3.2024` isn't 532024.
        if decimal_comma && text.matches('.').count() == 2 && matches!(dates::read(text), Some(date) if date.precision == dates::Precision::Day) {
            return date_or_words();
        }
        match plain.parse::<f64>() {
            Ok(number) if number.is_finite() => Cell::Number(if negative.is_some() { -number } else { number }),
            Ok(_) => Cell::Missing,
            Err(_) => date_or_words(),
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
            ("north", Cell::Words),
            ("e", Cell::Words),
        ] {
            assert_eq!(Cell::read(text, false), cell, "{text}");
        }
        assert_eq!(Cell::read("1.234,5", true), Cell::Number(1234.5));
        for (text, decimal_comma) in [("2024-01-05", false), ("2024-01-05", true), ("5.1.2024", true), ("05/01/2024", false)] {
            assert!(matches!(Cell::read(text, decimal_comma), Cell::Date(_)), "{text}");
        }
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
    fn a_column_of_dates_has_places_and_one_with_anything_else_is_of_words() {
        let read = |texts: [&str; 3]| texts.map(|text| Cell::read(text, false)).to_vec();
        let table = Table::of_cells(vec![
            ("day".into(), read(["2024-01-01", "", "2024-01-03"])),
            ("due".into(), read(["2024-01-01", "soon", "2024-01-03"])),
            ("sales".into(), read(["1", "2", "3"])),
        ]);
        assert_eq!((table.dates[0].column.name.as_str(), table.dates[0].column.values[2]), ("day", 2.0));
        assert_eq!(table.categorical, ["due"]);
        assert!(table.place("DAY").is_some_and(|place| place.calendar.is_some()));
    }

    #[test]
    fn few_rows_with_names_of_their_own_are_labelled() {
        let labels = |names: &[&str]| Table::of_values(vec![1.0, 2.0]).labelled("city", names.iter().map(|name| (*name).to_owned())).labels.len();
        assert_eq!((labels(&["Ulm", "Bonn"]), labels(&["Ulm", "Ulm"]), labels(&["Ulm", ""]), labels(&["Ulm"])), (2, 0, 0, 0));
        assert!(Table::of_values(vec![1.0; 30]).labelled("", (0..30).map(|n| format!("n{n}"))).labels.is_empty());
    }

    #[test]
    fn too_many_rows_and_columns_are_named_with_the_limit() {
        let rows = Table::of_values(vec![0.0; MAX_ROWS + 1]).check_size().unwrap_err();
        assert_eq!(rows, "the data has 1000001 rows; at most 1000000 are taken");
        let column = |n: usize| (format!("c{n}"), vec![Cell::Number(1.0)]);
        let columns = Table::of_cells((0..=MAX_COLUMNS).map(column).collect()).check_size().unwrap_err();
        assert_eq!(columns, "the data has 257 columns; at most 256 are taken");
        let tall = |n: usize| Column { name: format!("c{n}"), values: vec![0.0; 100_000] };
        let cells = Table::of_columns((0..100).map(tall).collect()).check_size().unwrap_err();
        assert_eq!(cells, "the data has 100000 x 100 cells; at most 8000000 are taken");
        assert_eq!(Table::of_values(vec![0.0; MAX_ROWS]).check_size(), Ok(()));
    }
}
