//! Dates on an axis: numbers counted from the first date in the unit in which the dates follow each other, and back.

use chrono::{Datelike, Months, NaiveDate, NaiveDateTime, TimeDelta};

use super::dates::{Date, Precision};

/// What a step on the axis is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Unit {
    /// So many of them; days are those of the calendar.
    Months(u32),
    /// So many of them.
    Seconds(i64),
}

/// From dates to places and back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Calendar {
    first: NaiveDateTime,
    unit: Unit,
    /// The day of the month, where months are counted; 31 stands for the last one.
    day: u32,
    precision: Precision,
}

const DAY: i64 = 86_400;
const DAYS_OF_A_MONTH: f64 = 30.436_875;
const SECONDS: [(i64, &str); 5] = [(7 * DAY, "week"), (DAY, "day"), (3_600, "hour"), (60, "minute"), (1, "second")];
const MONTHS: [(u32, &str); 3] = [(12, "year"), (3, "quarter"), (1, "month")];

impl Calendar {
    /// The places of dates, NaN for those that are missing, with what leads back to the dates. `None` without any date.
    ///
    /// The unit is the largest of which all distances are multiples, so that regular dates have the places 0, 1, 2 and so on.
    pub(crate) fn of(dates: &[Option<Date>]) -> Option<(Self, Vec<f64>)> {
        let known = || dates.iter().flatten();
        let day_first = known().any(|date| date.only_day_first) && known().all(|date| date.day_first.is_some());
        let at = |date: &Date| if day_first { date.day_first.unwrap_or(date.at) } else { date.at };
        let times: Vec<NaiveDateTime> = known().map(at).collect();
        let first = *times.iter().min()?;
        let precision = known().map(|date| date.precision).max()?;
        let day = times.iter().map(Datelike::day).max()?;
        let on_that_day = |time: &NaiveDateTime| time.day() == day.min(days_of(time)) && time.time() == first.time();
        let months = |time: &NaiveDateTime| months_of(time) - months_of(&first);
        let seconds = |time: &NaiveDateTime| (*time - first).num_seconds();
        let unit = if times.iter().all(on_that_day) && times.iter().any(|time| months(time) != 0) {
            let fits = |count: &u32| times.iter().all(|time| months(time) % i64::from(*count) == 0);
            Unit::Months(MONTHS.map(|(count, _)| count).into_iter().find(fits).unwrap_or(1))
        } else {
            let fits = |length: &i64| times.iter().all(|time| seconds(time) % length == 0);
            let lengths = if times.iter().all(|time| *time == first) { &SECONDS[1..] } else { &SECONDS[..] };
            Unit::Seconds(lengths.iter().map(|(length, _)| *length).find(fits).unwrap_or(1))
        };
        let calendar = Calendar { first, unit, day, precision };
        let place = |time: &NaiveDateTime| match unit {
            Unit::Months(count) => months(time) as f64 / f64::from(count),
            Unit::Seconds(length) => (*time - first).num_milliseconds() as f64 / (length as f64 * 1000.0),
        };
        let places = dates.iter().map(|date| date.as_ref().map_or(f64::NAN, |date| place(&at(date)))).collect();
        Some((calendar, places))
    }

    /// What 1 on the axis is.
    pub(crate) fn unit(&self) -> &'static str {
        match self.unit {
            Unit::Months(count) => MONTHS.iter().find(|(known, _)| *known == count).map_or("month", |(_, name)| name),
            Unit::Seconds(length) => SECONDS.iter().find(|(known, _)| *known == length).map_or("second", |(_, name)| name),
        }
    }

    /// The date at a place, written as exactly as the dates that came; empty outside of the years that can be written.
    pub(crate) fn written(&self, place: f64) -> String {
        let Some(at) = self.date(place) else { return String::new() };
        match self.precision {
            Precision::Quarter => format!("{}-Q{}", at.year(), at.month0() / 3 + 1),
            Precision::Month => at.format("%Y-%m").to_string(),
            Precision::Day => at.format("%Y-%m-%d").to_string(),
            Precision::Time => at.format("%Y-%m-%dT%H:%M:%S").to_string(),
        }
    }

    fn date(&self, place: f64) -> Option<NaiveDateTime> {
        if !(-1e9..1e9).contains(&place) {
            return None;
        }
        match self.unit {
            Unit::Months(count) => {
                let whole = (place * f64::from(count)).floor();
                let month = month_of(months_of(&self.first) + whole as i64)?.and_time(self.first.time());
                let on_day = month.with_day(self.day.min(days_of(&month)))?;
                on_day.checked_add_signed(days((place * f64::from(count) - whole) * DAYS_OF_A_MONTH)?)
            }
            Unit::Seconds(length) => self.first.checked_add_signed(days(place * length as f64 / DAY as f64)?),
        }
    }

    fn place(&self, at: NaiveDateTime) -> f64 {
        match self.unit {
            Unit::Months(count) => (share_of_months(&at) - share_of_months(&self.first)) / f64::from(count),
            Unit::Seconds(length) => (at - self.first).num_milliseconds() as f64 / (length as f64 * 1000.0),
        }
    }

    /// Round dates between two places with their labels: as many as there are room for, at most `most`.
    pub(crate) fn ticks(&self, low: f64, high: f64, most: usize) -> Vec<(f64, String)> {
        let (Some(from), Some(to)) = (self.date(low), self.date(high)) else { return vec![] };
        let seconds = (to - from).num_seconds();
        let finest = match self.unit {
            Unit::Months(_) => i64::MAX,
            Unit::Seconds(_) if self.precision == Precision::Time => 1,
            Unit::Seconds(_) => DAY,
        };
        let steps = [1, 5, 15, 30, 60, 300, 900, 1_800, 3_600, 10_800, 21_600, 43_200, DAY, 2 * DAY, 7 * DAY, 14 * DAY];
        let mut ticks = vec![];
        // Weeks and months don't fit each other, so a month that is too long for days is told in months.
        if let Some(step) = steps.into_iter().find(|step| *step >= finest && seconds / step < most as i64) {
            let mut at = from.and_utc().timestamp().div_euclid(step) * step;
            // Weeks begin on Mondays; 1970 began on a Thursday.
            at -= if step % (7 * DAY) == 0 { 3 * DAY } else { 0 };
            let format = match step {
                _ if step >= DAY => "%Y-%m-%d",
                _ if from.date() == to.date() && step < 60 => "%H:%M:%S",
                _ if from.date() == to.date() => "%H:%M",
                _ => "%m-%d %H:%M",
            };
            while let Some(time) = chrono::DateTime::from_timestamp(at, 0).map(|time| time.naive_utc()).filter(|time| *time <= to) {
                ticks.push((self.place(time), time.format(format).to_string()));
                at += step;
            }
        } else {
            let months = (months_of(&to) - months_of(&from)).max(1);
            let decades = |years: i64| [12 * years, 24 * years, 60 * years];
            let steps = [1, 2, 3, 6].into_iter().chain([1, 10, 100, 1000, 10_000].into_iter().flat_map(decades));
            let step = steps.into_iter().find(|step| months / step < most as i64).unwrap_or(months);
            let mut at = months_of(&from).div_euclid(step) * step;
            let format = if step % 12 == 0 { "%Y" } else { "%b %Y" };
            while let Some(month) = month_of(at).map(|month| month.and_time(chrono::NaiveTime::MIN)).filter(|month| *month <= to) {
                ticks.push((self.place(month), month.format(format).to_string()));
                at += step;
            }
        }
        ticks.retain(|(place, _)| (low..=high).contains(place));
        ticks
    }
}

/// Months since the year 0.
fn months_of(at: &NaiveDateTime) -> i64 {
    i64::from(at.year()) * 12 + i64::from(at.month0())
}

fn share_of_months(at: &NaiveDateTime) -> f64 {
    let begin = month_of(months_of(at)).map_or(*at, |first| first.and_time(chrono::NaiveTime::MIN));
    months_of(at) as f64 + (*at - begin).num_seconds() as f64 / (f64::from(days_of(at)) * DAY as f64)
}

/// The first day of a month.
fn month_of(months: i64) -> Option<NaiveDate> {
    NaiveDate::from_ymd_opt(i32::try_from(months.div_euclid(12)).ok()?, u32::try_from(months.rem_euclid(12)).ok()? + 1, 1)
}

fn days_of(at: &NaiveDateTime) -> u32 {
    let next = at.date().with_day(1).and_then(|first| first.checked_add_months(Months::new(1)));
    next.and_then(|next| next.pred_opt()).map_or(31, |last| last.day())
}

fn days(count: f64) -> Option<TimeDelta> {
    (count.abs() < 1e9).then(|| TimeDelta::milliseconds((count * DAY as f64 * 1000.0).round() as i64))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::dates::read;

    fn of(texts: &[&str]) -> (Calendar, Vec<f64>) {
        let dates: Vec<Option<Date>> = texts.iter().map(|text| read(text)).collect();
        Calendar::of(&dates).expect("dates")
    }

    #[test]
    fn regular_dates_are_counted_in_their_own_step() {
        for (texts, unit, next) in [
            (["2024-01-01", "2024-01-02", "2024-01-03"], "day", "2024-01-04"),
            (["2024-01-01", "2024-01-08", "2024-01-15"], "week", "2024-01-22"),
            (["2024-01-15", "2024-02-15", "2024-03-15"], "month", "2024-04-15"),
            (["2024-01-31", "2024-02-29", "2024-03-31"], "month", "2024-04-30"),
            (["2024-01", "2024-02", "2024-03"], "month", "2024-04"),
            (["2024-Q1", "2024-Q2", "2024-Q3"], "quarter", "2024-Q4"),
            (["2022-12-31", "2023-12-31", "2024-12-31"], "year", "2025-12-31"),
            (["2024-01-01T10:00", "2024-01-01T11:00", "2024-01-01T12:00"], "hour", "2024-01-01T13:00:00"),
        ] {
            let (calendar, places) = of(&texts);
            assert_eq!((places, calendar.unit(), calendar.written(3.0).as_str()), (vec![0.0, 1.0, 2.0], unit, next), "{texts:?}");
        }
    }

    #[test]
    fn irregular_dates_are_counted_in_days_and_missing_ones_have_no_place() {
        let (calendar, places) = of(&["2024-01-01", "", "2024-01-04", "2024-02-01"]);
        assert_eq!((calendar.unit(), places[0], places[2], places[3]), ("day", 0.0, 3.0, 31.0));
        assert!(places[1].is_nan());
    }

    #[test]
    fn one_date_that_has_the_day_first_decides_for_all() {
        let (calendar, places) = of(&["03/04/2024", "04/04/2024", "13/04/2024"]);
        assert_eq!((calendar.unit(), places), ("day", vec![0.0, 1.0, 10.0]));
    }

    #[test]
    fn ticks_stand_at_round_dates() {
        let labels = |calendar: &Calendar, high: f64| calendar.ticks(-0.5, high, 8).into_iter().map(|(_, label)| label).collect::<Vec<_>>();
        let (months, _) = of(&["2020-01-01", "2020-02-01"]);
        assert_eq!(labels(&months, 48.0), ["2020", "2021", "2022", "2023", "2024"]);
        assert_eq!(labels(&months, 5.0), ["Jan 2020", "Feb 2020", "Mar 2020", "Apr 2020", "May 2020", "Jun 2020"]);
        let (days, _) = of(&["2024-01-30", "2024-01-31", "2024-02-01"]);
        assert_eq!(labels(&days, 3.0), ["2024-01-30", "2024-01-31", "2024-02-01", "2024-02-02"]);
        let (hours, _) = of(&["2024-01-01T10:00", "2024-01-01T11:00"]);
        assert_eq!(labels(&hours, 2.5), ["09:30", "10:00", "10:30", "11:00", "11:30", "12:00", "12:30"]);
    }

    proptest::proptest! {
        #[test]
        fn no_place_makes_it_panic(place in proptest::num::f64::ANY, high in proptest::num::f64::ANY) {
            for texts in [["0001-01-01", "9999-12-31"], ["2024-01-31", "2024-02-29"], ["2024-01-01T10:00:01", "2024-01-01T10:00:02"]] {
                let (calendar, _) = of(&texts);
                calendar.written(place);
                proptest::prop_assert!(calendar.ticks(place, high, 8).len() < 100);
            }
        }
    }
}
