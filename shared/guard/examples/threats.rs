//! Judges the lines of a file: `threats name|value|text FILE` counts what is flagged and measures the time; a last word `flagged` or `passed` shows those lines.
#![allow(clippy::print_stdout, clippy::unwrap_used, reason = "a tool for the command line")]

use std::{collections::BTreeMap, hint::black_box, time::Instant};

use guard::threats::{Context, inspect};

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let [_, context, path, show @ ..] = arguments.as_slice() else {
        println!("threats name|value|text FILE [flagged|passed]");
        return;
    };
    let context = match context.as_str() {
        "name" => Context::Name,
        "value" => Context::Value,
        _ => Context::Text,
    };
    let body = std::fs::read_to_string(path).unwrap();
    let lines: Vec<&str> = body.lines().filter(|line| !line.is_empty()).collect();
    let mut reasons: BTreeMap<&str, usize> = BTreeMap::new();
    let mut flagged = 0;
    for line in &lines {
        match inspect(line, context) {
            Some(threat) => {
                flagged += 1;
                *reasons.entry(threat.reasons[0]).or_default() += 1;
                if show == ["flagged"] {
                    println!("+ {} {:?}: {line}", threat.kind.as_str(), threat.reasons);
                }
            }
            None if show == ["passed"] => println!("- {line}"),
            None => {}
        }
    }
    let started = Instant::now();
    for line in lines.iter().cycle().take(lines.len() * 10) {
        black_box(inspect(black_box(line), context));
    }
    let (calls, bytes) = (lines.len() * 10, body.len() * 10);
    let nanoseconds = started.elapsed().as_nanos();
    println!(
        "{flagged} of {} lines flagged; {} ns a line, {:.2} ns a byte",
        lines.len(),
        nanoseconds / calls as u128,
        nanoseconds as f64 / bytes as f64
    );
    println!("{reasons:?}");
}
