//! Data as delimited text: CSV with its many habits.

use csv::{ReaderBuilder, StringRecord};

use crate::analysis::table::{Cell, MAX_COLUMNS, MAX_LABELS, Table, UNNAMED};

const DELIMITERS: [char; 4] = [',', ';', '\t', '|'];

/// A whole delimited text; `None` if it holds no column of numbers.
pub(crate) fn table(text: &str) -> Option<Table> {
    let text = text.trim_start_matches('\u{feff}').trim_matches(['\n', '\r']);
    let rows = match delimiter(text) {
        Some(delimiter) => read(text, delimiter as u8),
        None if is_spaced(text) => text.lines().map(|line| line.split_whitespace().collect()).collect(),
        None => read(text, b','),
    };
    let comma = delimiter(text) != Some(',') && has_decimal_commas(&rows);
    build(&rows, comma).filter(|table| !table.columns.is_empty())
}

/// Lines of delimited cells in a text, perhaps between sentences: the longest run of lines of one width.
pub(crate) fn within(text: &str) -> Option<Table> {
    let lines: Vec<&str> = text.lines().collect();
    let runs = DELIMITERS.iter().filter_map(|delimiter| longest_run(&lines, *delimiter));
    let (begin, end) = runs.max_by_key(|(begin, end)| end - begin)?;
    table(&lines[begin..end].join("\n"))
}

/// At least two lines of numbers, with a line of names before them if there is one.
fn longest_run(lines: &[&str], delimiter: char) -> Option<(usize, usize)> {
    let width = |line: &str| line.split(delimiter).count();
    let is_row = |line: &str| {
        let cells = || line.split(delimiter).map(|cell| cell.trim().trim_matches('"'));
        width(line) >= 2 && cells().any(|cell| matches!(Cell::read(cell, delimiter != ','), Cell::Number(_))) && cells().all(is_short)
    };
    let mut best: Option<(usize, usize)> = None;
    let mut begin = 0;
    while begin < lines.len() {
        if !is_row(lines[begin]) {
            begin += 1;
            continue;
        }
        let same = lines[begin..].iter().take_while(|line| is_row(line) && width(line) == width(lines[begin])).count();
        let header = begin.checked_sub(1).filter(|at| width(lines[*at]) == width(lines[begin]) && lines[*at].split(delimiter).all(is_short));
        let run = (header.unwrap_or(begin), begin + same);
        if same >= 2 && best.is_none_or(|(from, to)| run.1 - run.0 > to - from) {
            best = Some(run);
        }
        begin += same;
    }
    best
}

/// A cell, not a piece of a sentence.
fn is_short(cell: &str) -> bool {
    cell.split_whitespace().count() <= 3 && cell.len() <= 40
}

/// The delimiter that splits the first lines most evenly into several cells.
fn delimiter(text: &str) -> Option<char> {
    let lines: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).take(20).collect();
    let counts = |delimiter: char| lines.iter().map(move |line| outside_quotes(line, delimiter));
    let even = |delimiter: &char| {
        let first = counts(*delimiter).next().unwrap_or(0);
        let same = counts(*delimiter).filter(|count| *count == first && first > 0).count();
        // Commas between digits may be decimal commas, so other delimiters that split as evenly go first.
        (same, *delimiter != ',', first)
    };
    let best = DELIMITERS.into_iter().max_by_key(even)?;
    (counts(best).filter(|count| *count > 0).count() * 2 > lines.len()).then_some(best)
}

fn outside_quotes(line: &str, delimiter: char) -> usize {
    let mut quoted = false;
    line.chars()
        .filter(|c| {
            quoted ^= *c == '"';
            !quoted && *c == delimiter
        })
        .count()
}

/// Cells between runs of spaces, as many in each line.
fn is_spaced(text: &str) -> bool {
    let mut widths = text.lines().filter(|line| !line.trim().is_empty()).map(|line| line.split_whitespace().count());
    widths.next().is_some_and(|first| first > 1 && widths.all(|width| width == first))
}

fn read(text: &str, delimiter: u8) -> Vec<StringRecord> {
    let mut reader = ReaderBuilder::new().has_headers(false).flexible(true).delimiter(delimiter).trim(csv::Trim::All).from_reader(text.as_bytes());
    // A record that can't be read is none; the text is UTF-8 already.
    reader.records().filter_map(Result::ok).collect()
}

fn has_decimal_commas(rows: &[StringRecord]) -> bool {
    let is_decimal = |cell: &str| {
        let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        cell.trim_start_matches(['-', '+']).split_once(',').is_some_and(|(whole, fraction)| digits(&whole.replace('.', "")) && digits(fraction))
    };
    let cells = || rows.iter().take(50).flat_map(StringRecord::iter);
    cells().any(is_decimal) && !cells().any(|cell| matches!(Cell::read(cell, false), Cell::Number(number) if number.fract() != 0.0))
}

fn build(rows: &[StringRecord], decimal_comma: bool) -> Option<Table> {
    let width = rows.iter().map(StringRecord::len).max()?;
    if width > MAX_COLUMNS {
        return Some(Table::too_wide(width));
    }
    let cell = |row: &StringRecord, place: usize| row.get(place).map_or(Cell::Missing, |text| Cell::read(text, decimal_comma));
    let first = rows.first()?;
    // A first line is one of names if it has words where the next lines have numbers, or words only.
    let is_words = |row: &StringRecord, place: usize| cell(row, place) == Cell::Words;
    let words = (0..width).filter(|place| is_words(first, *place));
    let named = words.clone().any(|place| rows.iter().skip(1).take(20).any(|row| matches!(cell(row, place), Cell::Number(_) | Cell::Date(_))));
    let named = named || words.count() == first.len();
    let name = |place: usize| match first.get(place).map(str::trim) {
        Some(name) if named && !name.is_empty() => name.to_string(),
        _ if width == 1 => UNNAMED.into(),
        _ => format!("column {}", place + 1),
    };
    let body = &rows[usize::from(named)..];
    let column = |place: usize| (name(place), body.iter().map(|row| cell(row, place)).collect());
    let labels = (0..width).find(|place| body.iter().take(MAX_LABELS).all(|row| is_words(row, *place)));
    let label = |place: usize| body.iter().map(move |row| row.get(place).unwrap_or_default().to_string());
    let table = Table::of_cells((0..width).map(column).collect());
    Some(match labels {
        Some(place) => table.labelled(&name(place), label(place)),
        None => table,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, columns: &[(&str, &[f64])]) {
        let found = table(text).unwrap_or_default();
        let found: Vec<(&str, Vec<f64>)> = found.columns.iter().map(|column| (column.name.as_str(), column.numbers())).collect();
        let right: Vec<(&str, Vec<f64>)> = columns.iter().map(|(name, values)| (*name, values.to_vec())).collect();
        assert_eq!(found, right, "{text}");
    }

    #[test]
    fn every_habit_of_csv_is_understood() {
        let two: &[(&str, &[f64])] = &[("x", &[1.0, 2.5]), ("y", &[3.0, 4.0])];
        check("x,y\n1,3\n2.5,4\n", two);
        check("x;y\r\n1;3\r\n2.5;4", two);
        check("x\ty\n1\t3\n2.5\t4", two);
        check("x|y\n1|3\n2.5|4", two);
        check("x;y\n1,0;3\n2,5;4", two);
        check("\"x\",\"y\"\n\"1\",\"3\"\n\n\"2.5\",\"4\"\n", two);
        check("  x  y\n  1  3\n2.5  4\n", two);
        check("name,x,y\n\"Doe, J\",1,3\n\"Roe, \"\"R\"\"\",2.5,4", two);
        check("1,3\n2.5,4", &[("column 1", &[1.0, 2.5]), ("column 2", &[3.0, 4.0])]);
        check("1\n2.5", &[("values", &[1.0, 2.5])]);
        check("temperature\n1\n2.5", &[("temperature", &[1.0, 2.5])]);
        check("x,y\n1,3\nNA,\n2.5,4", two);
        check("x,y\n1\n2.5,4,9", &[("x", &[1.0, 2.5]), ("y", &[4.0]), ("column 3", &[9.0])]);
        check("amount\n\"1,200\"\n\"3,400.5\"", &[("amount", &[1200.0, 3400.5])]);
        check("date,sales\n2024-01-01,5\n2024-01-02,7", &[("sales", &[5.0, 7.0])]);
    }

    #[test]
    fn dates_and_names_of_rows_are_kept() {
        let dated = table("date;sales\n5.1.2024;1,5\n6.1.2024;2,5").expect("data");
        assert_eq!((dated.dates[0].column.values.as_slice(), dated.columns.len()), (&[0.0, 1.0][..], 1));
        assert_eq!(table("city,size\nUlm,3\nBonn,5").expect("data").labels, ["Ulm", "Bonn"]);
    }

    #[test]
    fn text_without_numbers_is_no_data() {
        for text in ["", "\n\n", "a,b\nc,d", "hello"] {
            assert_eq!(table(text), None, "{text:?}");
        }
    }

    #[test]
    fn a_table_is_found_between_sentences() {
        let found = within("Hello, please look at this:\n```csv\nday,load\n1,3.5\n2,4.5\n3,5.5\n```\nThanks, Ann").expect("data");
        assert_eq!(found.columns[1].values, [3.5, 4.5, 5.5]);
        assert_eq!(found.columns[1].name, "load");
        assert_eq!(within("Hello, world\nI have 3, 4 and 5\nand more, much more"), None);
        assert_eq!(within("1,2,3"), None);
    }
}
