//! The flags of `a2a load`. Without any it is 20 users, each of whom asks 50 times with a second between, started over 20 seconds.

use std::{path::PathBuf, str::FromStr, time::Duration};

use clap::{Args, ValueEnum};
use reqwest::Url;

use crate::scenario::Mix;

/// Users, where no number of them is given.
pub const USERS: u32 = 20;
/// Requests, where neither their number nor a duration is given.
pub const REQUESTS: u64 = 1000;
/// How long it lasts after the ramp-up, where neither a number of requests nor a duration is given.
pub const DURATION: Duration = Duration::from_secs(120);
/// In which time users start, one after the other.
pub const RAMP_UP: Duration = Duration::from_secs(20);
/// Requests under way at the same time, where they come at a rate and nothing else is said: a shell's programs have 1,024 files.
pub const MOST_AT_ONCE: usize = 500;
/// The longest time that can be asked for: a week.
const LONGEST: f64 = 604_800.0;

/// What load, on whom, and what has to hold.
#[derive(Debug, Clone, Args)]
pub struct LoadOptions {
    /// The server; its agent card says how to speak to it
    #[arg(long, default_value = "http://127.0.0.1:8080")]
    pub url: Url,
    /// Speak this version, by JSON-RPC and to the URL itself, whatever its card says
    #[arg(long, value_enum, default_value_t = Protocol::Auto)]
    pub protocol: Protocol,
    /// Users who ask, wait for the answer, think and ask again [default: 20]; with --rate or --saturate: requests at the same time [default: 500]
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub users: Option<u32>,
    /// Requests in all [default: 1000, or as many as --duration has time for]
    #[arg(long, value_parser = clap::value_parser!(u64).range(1..))]
    pub requests: Option<u64>,
    /// How long each user asks, or requests come, the ramp-up apart [default: 120, or as long as --requests take]; with --saturate: of each try [default: 5]
    #[arg(long, value_name = "SECONDS", value_parser = positive_seconds)]
    pub duration: Option<Duration>,
    /// The time in which users start one after the other [default: 20], or in which --rate rises from nothing [default: 0]
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    pub ramp_up: Option<Duration>,
    /// How long a user waits after an answer
    #[arg(long, value_name = "SECONDS", value_parser = seconds, default_value = "1")]
    pub think_time: Duration,
    /// Requests come at this rate, whether others are answered or not; latency counts from when each was due
    #[arg(long, value_name = "PER_SECOND", value_parser = positive)]
    pub rate: Option<f64>,
    /// Look for the highest rate whose p99 is not above --max-p99-ms [default: 50]; begins at --rate [default: 50]
    #[arg(long)]
    pub saturate: bool,
    /// Ask for streams, and measure the time to the first event, too
    #[arg(long)]
    pub stream: bool,
    /// What is asked how often
    #[arg(long, value_name = "NAME=WEIGHT,…", default_value = Mix::DEFAULT)]
    pub scenarios: Mix,
    /// Send this text instead of the scenarios
    #[arg(long, value_name = "TEXT", conflicts_with = "scenarios")]
    pub text: Option<String>,
    /// An access token, sent as a Bearer
    #[arg(long)]
    pub token: Option<String>,
    /// An API key, sent as X-API-Key
    #[arg(long, value_name = "KEY")]
    pub api_key: Option<String>,
    /// How long an answer is waited for
    #[arg(long, value_name = "SECONDS", value_parser = positive_seconds, default_value = "30")]
    pub timeout: Duration,
    /// The same seed asks the same things in the same order
    #[arg(long, default_value_t = 0)]
    pub seed: u64,
    /// Write the report to this file as well: .json, .md, or .svg for a picture of the latencies; may be given several times
    #[arg(long, value_name = "PATH")]
    pub report: Vec<ReportFile>,
    /// Fail if answers take longer on average
    #[arg(long, value_name = "MS", value_parser = positive)]
    pub max_average_ms: Option<f64>,
    /// Fail if more than one in a hundred answers takes longer
    #[arg(long, value_name = "MS", value_parser = positive)]
    pub max_p99_ms: Option<f64>,
    /// Fail if fewer requests succeed
    #[arg(long, value_name = "PERCENT", value_parser = percent)]
    pub min_success_percent: Option<f64>,
}

/// Which version of the protocol to speak.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Protocol {
    /// The newest that the agent card offers
    Auto,
    #[value(name = "1.0")]
    V1_0,
    #[value(name = "0.3")]
    V0_3,
    #[value(name = "0.1")]
    V0_1,
}

/// A report to write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReportFile {
    pub path: PathBuf,
    pub form: Form,
}

/// What a report's file holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    Json,
    Markdown,
    Svg,
}

impl LoadOptions {
    /// How many requests and how long: what isn't given doesn't end it, unless neither is.
    pub fn ends(&self) -> (Option<u64>, Option<Duration>) {
        match (self.requests, self.duration) {
            (None, None) if self.rate.is_some() => (None, Some(DURATION)),
            (None, None) => (Some(REQUESTS), Some(DURATION)),
            given => given,
        }
    }
}

impl FromStr for ReportFile {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let path = PathBuf::from(text);
        let form = match path.extension().and_then(|extension| extension.to_str()) {
            Some("json") => Form::Json,
            Some("md") => Form::Markdown,
            Some("svg") => Form::Svg,
            _ => return Err("a report's name ends in .json, .md or .svg".to_owned()),
        };
        Ok(ReportFile { path, form })
    }
}

fn number(text: &str) -> Result<f64, String> {
    text.parse().ok().filter(|number: &f64| number.is_finite()).ok_or_else(|| "not a number".to_owned())
}

fn positive(text: &str) -> Result<f64, String> {
    number(text).and_then(|number| if number > 0.0 { Ok(number) } else { Err("it has to be above 0".to_owned()) })
}

fn percent(text: &str) -> Result<f64, String> {
    number(text).and_then(|number| if (0.0..=100.0).contains(&number) { Ok(number) } else { Err("it has to be 0 to 100".to_owned()) })
}

fn seconds(text: &str) -> Result<Duration, String> {
    let number = number(text)?;
    if (0.0..=LONGEST).contains(&number) { Ok(Duration::from_secs_f64(number)) } else { Err(format!("it has to be 0 to {LONGEST} seconds")) }
}

fn positive_seconds(text: &str) -> Result<Duration, String> {
    seconds(text).and_then(|time| if time.is_zero() { Err("it has to be above 0".to_owned()) } else { Ok(time) })
}

#[cfg(test)]
pub mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Load {
        #[command(flatten)]
        options: LoadOptions,
    }

    /// The options of a command line.
    pub fn options(arguments: &[&str]) -> LoadOptions {
        Load::try_parse_from([&["load"], arguments].concat()).map(|load| load.options).unwrap()
    }

    #[test]
    fn what_is_not_given_does_not_end_the_load_unless_neither_is() {
        assert_eq!(options(&[]).ends(), (Some(1000), Some(DURATION)));
        assert_eq!(options(&["--rate", "5"]).ends(), (None, Some(DURATION)));
        assert_eq!(options(&["--requests", "7"]).ends(), (Some(7), None));
        assert_eq!(options(&["--duration", "0.5"]).ends(), (None, Some(Duration::from_millis(500))));
        assert_eq!(options(&["--duration", "9", "--requests", "7"]).ends(), (Some(7), Some(Duration::from_secs(9))));
    }

    #[test]
    fn numbers_out_of_their_range_are_refused_with_the_flag_that_they_were_given_to() {
        let wrong = [
            ("--users", "0"),
            ("--users", "10001"),
            ("--requests", "0"),
            ("--rate", "0"),
            ("--rate", "NaN"),
            ("--rate", "inf"),
            ("--duration", "0"),
            ("--duration", "604801"),
            ("--think-time", "-1"),
            ("--min-success-percent", "100.1"),
            ("--max-p99-ms", "0"),
            ("--scenarios", "singing=1"),
            ("--scenarios", "document_search=-1"),
            ("--protocol", "0.4"),
            ("--report", "load.pdf"),
            ("--url", "nowhere"),
        ];
        for (flag, value) in wrong {
            let equals = format!("{flag}={value}");
            let refused = Load::try_parse_from(["load", &equals]).err().unwrap_or_else(|| panic!("{equals} was taken")).to_string();
            assert!(refused.contains(flag) && refused.contains(value), "{refused}");
        }
    }

    #[test]
    fn a_report_has_the_form_that_its_name_says() {
        let forms: Vec<_> = options(&["--report", "a.json", "--report", "b.md", "--report", "c/d.svg"]).report.into_iter().map(|r| r.form).collect();
        assert_eq!(forms, [Form::Json, Form::Markdown, Form::Svg]);
    }
}
