//! Dates and times as people write them in tables.

use chrono::{NaiveDate, NaiveDateTime, NaiveTime, TimeDelta};

/// How exactly a date is given; the later, the finer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Precision {
    Quarter,
    Month,
    Day,
    Time,
}

/// A date as it was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Date {
    /// In UTC where a zone is given; with the month first where that is left open.
    pub(crate) at: NaiveDateTime,
    /// The same with the day first; `03/04/2024` is either.
    pub(crate) day_first: Option<NaiveDateTime>,
    /// `13/04/2024` can't have the month first.
    pub(crate) only_day_first: bool,
    pub(crate) precision: Precision,
}

const MONTHS: [&str; 12] = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];

/// `2024-03-05`, `5.3.2024`, `03/05/2024`, `5 March 2024`, `Mar 5, 2024`, `2024-03`, `Mar 2024`, `2024-Q1`, each of the whole ones with a time
/// behind it or without. Anything else, a bare year and two-digit years among it, is none.
pub(crate) fn read(text: &str) -> Option<Date> {
    let text = text.trim();
    let letters = |c: char| c.is_ascii_alphabetic();
    if !(6..=40).contains(&text.len()) || !text.is_ascii() || !text.contains(|c: char| c.is_ascii_digit()) {
        return None;
    }
    let (date, time) = match text.find(':') {
        None => (text.strip_suffix("T00").unwrap_or(text), None),
        Some(colon) => {
            let begin = text[..colon].rfind([' ', 'T', 't'])?;
            (text[..begin].trim_end_matches([',', ' ']), Some(&text[begin + 1..]))
        }
    };
    let pieces: Vec<&str> = date.split(['-', '/', '.', ',', ' ']).filter(|piece| !piece.is_empty()).collect();
    let number = |piece: &str| (piece.len() <= 2).then(|| piece.parse::<u32>().ok()).flatten();
    let year = |piece: &str| (piece.len() == 4).then(|| piece.parse::<i32>().ok()).flatten();
    let month = |piece: &str| {
        let name = piece.to_ascii_lowercase();
        let known = MONTHS.iter().position(|month| name.starts_with(month))?;
        (name.len() == 3
            || "january february march april may june july august september sept october november december".split(' ').any(|m| m == name))
        .then_some(known as u32 + 1)
    };
    let quarter = |piece: &str| piece.strip_prefix(['Q', 'q']).and_then(number).filter(|quarter| (1..=4).contains(quarter));
    let day = |year: i32, month: u32, day: u32| NaiveDate::from_ymd_opt(year, month, day);
    let dotted = date.contains('.') && !date.contains(letters);

    let plain = |at: NaiveDate, precision| Some((Some(at), None, precision));
    let (month_first, day_first, precision) = match pieces.as_slice() {
        [y, q] if year(y).is_some() && quarter(q).is_some() => plain(day(year(y)?, quarter(q)? * 3 - 2, 1)?, Precision::Quarter),
        [q, y] if year(y).is_some() && quarter(q).is_some() => plain(day(year(y)?, quarter(q)? * 3 - 2, 1)?, Precision::Quarter),
        [y, m] if year(y).is_some() => plain(day(year(y)?, number(m).or_else(|| month(m))?, 1)?, Precision::Month),
        [m, y] if year(y).is_some() => plain(day(year(y)?, number(m).or_else(|| month(m))?, 1)?, Precision::Month),
        [y, m, d] if year(y).is_some() => plain(day(year(y)?, number(m).or_else(|| month(m))?, number(d)?)?, Precision::Day),
        [m, d, y] if month(m).is_some() => plain(day(year(y)?, month(m)?, number(d)?)?, Precision::Day),
        [d, m, y] if month(m).is_some() => plain(day(year(y)?, month(m)?, number(d)?)?, Precision::Day),
        [d, m, y] if dotted => plain(day(year(y)?, number(m)?, number(d)?)?, Precision::Day),
        [a, b, y] => {
            let (a, b, y) = (number(a)?, number(b)?, year(y)?);
            Some((day(y, a, b), day(y, b, a), Precision::Day))
        }
        _ => None,
    }?;
    let (time, precision) = match time {
        None => (TimeDelta::zero(), precision),
        Some(_) if precision < Precision::Day => return None,
        Some(time) => (read_time(time)?, Precision::Time),
    };
    let with_time = |date: NaiveDate| date.and_time(NaiveTime::MIN).checked_add_signed(time);
    let (month_first, day_first) = (month_first.and_then(with_time), day_first.and_then(with_time));
    let at = month_first.or(day_first)?;
    Some(Date { at, day_first, only_day_first: month_first.is_none(), precision })
}

/// `7:30`, `07:30:15.250`, `7:30 pm`, `07:30+02:00`, `07:30Z`: what has passed since midnight in UTC.
fn read_time(text: &str) -> Option<TimeDelta> {
    let text = text.trim();
    let (text, zone) = match text.find(['Z', 'z', '+', '-']) {
        Some(at) if text[at..].eq_ignore_ascii_case("z") => (&text[..at], TimeDelta::zero()),
        Some(at) if text[at..].starts_with(['+', '-']) => {
            let digits = text[at + 1..].replace(':', "");
            let minutes = match digits.len() {
                2 => digits.parse::<i64>().ok()? * 60,
                4 => digits[..2].parse::<i64>().ok()? * 60 + digits[2..].parse::<i64>().ok()?,
                _ => return None,
            };
            (&text[..at], TimeDelta::minutes(if text[at..].starts_with('-') { -minutes } else { minutes }))
        }
        Some(_) => return None,
        None => (text, TimeDelta::zero()),
    };
    let lower = text.trim().to_ascii_lowercase();
    let (clock, noon) = match (lower.strip_suffix("am"), lower.strip_suffix("pm")) {
        (Some(clock), _) => (clock.trim(), Some(0)),
        (_, Some(clock)) => (clock.trim(), Some(12)),
        _ => (lower.as_str(), None),
    };
    let mut parts = clock.split(':');
    let (hour, minute) = (parts.next()?.parse::<i64>().ok()?, parts.next()?.parse::<i64>().ok()?);
    let second = parts.next().map_or(Some(0.0), |second| second.replace(',', ".").parse::<f64>().ok())?;
    let hour = match noon {
        Some(noon) if (1..=12).contains(&hour) => hour % 12 + noon,
        Some(_) => return None,
        None => hour,
    };
    let valid = parts.next().is_none() && (0..=24).contains(&hour) && (0..60).contains(&minute) && (0.0..61.0).contains(&second);
    valid.then(|| TimeDelta::minutes(hour * 60 + minute) + TimeDelta::milliseconds((second * 1000.0).round() as i64) - zone)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_read_as_people_write_them() {
        for (text, written, precision) in [
            ("2024-03-05", "2024-03-05 00:00:00", Precision::Day),
            ("2024/3/5", "2024-03-05 00:00:00", Precision::Day),
            ("5.3.2024", "2024-03-05 00:00:00", Precision::Day),
            ("03/05/2024", "2024-03-05 00:00:00", Precision::Day),
            ("25/12/2024", "2024-12-25 00:00:00", Precision::Day),
            ("5 March 2024", "2024-03-05 00:00:00", Precision::Day),
            ("Mar 5, 2024", "2024-03-05 00:00:00", Precision::Day),
            ("05-Mar-2024", "2024-03-05 00:00:00", Precision::Day),
            ("2024-03", "2024-03-01 00:00:00", Precision::Month),
            ("Mar 2024", "2024-03-01 00:00:00", Precision::Month),
            ("2024-Q2", "2024-04-01 00:00:00", Precision::Quarter),
            ("Q2 2024", "2024-04-01 00:00:00", Precision::Quarter),
            ("2024-03-05T07:30:00Z", "2024-03-05 07:30:00", Precision::Time),
            ("2024-03-05 07:30", "2024-03-05 07:30:00", Precision::Time),
            ("2024-03-05T07:30:15.250+02:00", "2024-03-05 05:30:15.250", Precision::Time),
            ("03/05/2024 7:30 PM", "2024-03-05 19:30:00", Precision::Time),
        ] {
            let date = read(text).unwrap_or_else(|| panic!("{text}"));
            assert_eq!((date.at.to_string().as_str(), date.precision), (written, precision), "{text}");
        }
        assert_eq!(read("03/04/2024").and_then(|date| date.day_first).map(|at| at.to_string()).as_deref(), Some("2024-04-03 00:00:00"));
        assert!(read("25/12/2024").is_some_and(|date| date.only_day_first));
    }

    #[test]
    fn what_only_looks_like_a_date_is_none() {
        for text in [
            "",
            "2024",
            "1.2.3",
            "12/13",
            "2024-13-01",
            "2024-02-30",
            "maybe 2024",
            "555-123-4567",
            "12:30",
            "10.0.0.1",
            "room 12",
            "März 2024",
            "3-4-24",
        ] {
            assert_eq!(read(text), None, "{text}");
        }
    }

    proptest::proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "\\PC{0,40}|[-0-9/.:, TZQJanMr+]{0,40}") {
            read(&text);
        }
    }
}
