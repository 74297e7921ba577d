//! Names that clients give, in columns: Postgres takes any text but one with NUL.

use std::borrow::Cow;

/// Stands before what would be NUL (`0`) or itself (`1`). The order of names stays.
const ESCAPE: char = '\u{1}';

/// A name as it stands in a column.
pub(super) fn column(name: &str) -> Cow<'_, str> {
    if name.bytes().all(|byte| byte > 1) {
        return Cow::Borrowed(name);
    }
    let mut column = String::with_capacity(name.len() + 8);
    for character in name.chars() {
        match character {
            '\0' => column.extend([ESCAPE, '0']),
            ESCAPE => column.extend([ESCAPE, '1']),
            other => column.push(other),
        }
    }
    Cow::Owned(column)
}

/// The name that stands in a column.
pub(super) fn name(column: &str) -> String {
    if !column.contains(ESCAPE) {
        return column.to_owned();
    }
    let mut name = String::with_capacity(column.len());
    let mut characters = column.chars();
    while let Some(character) = characters.next() {
        name.push(match character {
            ESCAPE if characters.next() == Some('0') => '\0',
            other => other,
        });
    }
    name
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_stands_in_a_column_and_comes_back_and_the_order_stays() {
        let names = ["", "\0", "\0\0", "\0\u{1}", "\0a", "\u{1}", "\u{1}0", "\u{1}1", "\u{2}", "0", "a", "a\0", "a\0b", "a\u{1}", "aa", "é"];
        for (n, this) in names.iter().enumerate() {
            assert!(!column(this).contains('\0'));
            assert_eq!(name(&column(this)), *this);
            assert!(names[..n].iter().all(|before| column(before) < column(this)), "{this:?}");
        }
    }
}
