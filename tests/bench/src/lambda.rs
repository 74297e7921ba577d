//! Functions as Lambda runs them: their size, what a start costs, what each further event does; in turn, so that a noisy machine is noisy for all.

mod events;
mod runtime_api;

use std::{
    fs,
    io::Write,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result};
use flate2::{Compression, write::DeflateEncoder};

use self::runtime_api::{Measured, measure};

/// How to measure.
pub struct Plan {
    pub rounds: usize,
    /// Events after the first one, of each start.
    pub events: usize,
    /// Where the functions' programs are.
    pub functions: PathBuf,
    /// A Python that has `a2a-sdk`, `mangum` and `awslambdaric`.
    pub python: Option<PathBuf>,
    /// An empty database of Postgres.
    pub database: String,
}

struct Contender {
    name: String,
    program: PathBuf,
    arguments: Vec<String>,
    /// `MESSAGE` is new in each event.
    event: String,
    /// What is in each answer.
    answers: &'static str,
    measured: Vec<Measured>,
}

/// Prints two tables in Markdown: what was measured, and the sizes of all programs that are there.
pub fn run(server: &Path, plan: &Plan) -> Result<()> {
    let migrated = Command::new(server).arg("migrate").env("A2A_DATABASE_URL", &plan.database).status().context("a2a migrate")?;
    anyhow::ensure!(migrated.success(), "a2a migrate failed ({migrated})");
    let mut contenders = contenders(plan)?;
    for round in 0..plan.rounds {
        for contender in &mut contenders {
            eprintln!("round {} of {}: {}", round + 1, plan.rounds, contender.name);
            let mut command = Command::new(&contender.program);
            command.args(&contender.arguments).envs(environment(&plan.database));
            let marks = format!("{}-{round}", contender.name.replace(' ', "-"));
            let one = measure(&mut command, &contender.event, &marks, contender.answers, plan.events).with_context(|| contender.name.clone())?;
            contender.measured.push(one);
        }
    }
    println!("\nMedians of {} starts with {} events each, one function after the other.\n", plan.rounds, plan.events + 1);
    println!("| function | zip MB | start ms | its CPU ms | first answer ms | CPU by then ms | further events us | their CPU us | memory MB |");
    println!("|---|--:|--:|--:|--:|--:|--:|--:|--:|");
    for Contender { name, program, arguments, measured, .. } in &contenders {
        let zip = if arguments.is_empty() { format!("{:.2}", zipped_bytes(program)? as f64 / 1e6) } else { String::new() };
        let of = |of: fn(&Measured) -> f64| median(measured.iter().map(of).collect());
        println!(
            "| {name} | {zip} | {:.1} | {:.1} | {:.1} | {:.1} | {:.0} | {:.0} | {:.1} |",
            of(|one| one.start_ms),
            of(|one| one.start_cpu_ms),
            of(|one| one.first_ms),
            of(|one| one.first_cpu_ms),
            of(|one| one.further_us),
            of(|one| one.further_cpu_us),
            of(|one| one.memory_mb),
        );
    }
    sizes(&plan.functions)
}

fn contenders(plan: &Plan) -> Result<Vec<Contender>> {
    let send = events::send_message();
    let contender = |name: &str, program: PathBuf, event: String, answers| Contender {
        name: name.to_owned(),
        program,
        arguments: Vec::new(),
        event,
        answers,
        measured: Vec::new(),
    };
    let bare = std::env::current_exe()?.with_file_name("bare-function");
    let mut contenders = vec![contender("bare lambda_http", bare, send.clone(), "TASK_STATE_COMPLETED")];
    if let Some(python) = &plan.python {
        let mut official = contender("official Python SDK", python.clone(), send.clone(), "TASK_STATE_COMPLETED");
        official.arguments = ["-m", "awslambdaric", "python_function.handler"].map(str::to_owned).into();
        contenders.push(official);
    }
    let ours = |name: &str| plan.functions.join(name);
    // The task that GetTask gets.
    let mut sender = Command::new(ours("front-door"));
    sender.envs(environment(&plan.database));
    let sent = measure(&mut sender, &send, "a-task-to-get", "TASK_STATE_COMPLETED", 0)?.answer;
    let task = events::task_id(&sent).context("the answer to SendMessage has no task")?;
    contenders.push(contender("front-door, SendMessage", ours("front-door"), send, "TASK_STATE_COMPLETED"));
    contenders.push(contender("get-task", ours("get-task"), events::get_task(&task), "TASK_STATE_COMPLETED"));
    contenders.push(contender("agent-card", ours("agent-card"), events::agent_card(), "protocolVersion"));
    Ok(contenders)
}

/// As template.yaml sets it, as far as it matters here.
fn environment(database: &str) -> [(&'static str, String); 7] {
    let variable = |name, value: &str| (name, value.to_owned());
    [
        variable("A2A_DATABASE_URL", database),
        variable("A2A_AGENTS", "echo"),
        variable("A2A_LOG_FORMAT", "json"),
        variable("A2A_AUTH", "optional"),
        variable("A2A_SECRET_KEY", "a secret of thirty-two bytes or more"),
        variable("A2A_ADMIN_API_KEY", "a-key-that-nobody-sends"),
        variable("PYTHONPATH", env!("CARGO_MANIFEST_DIR")),
    ]
}

fn sizes(functions: &Path) -> Result<()> {
    let mut names: Vec<PathBuf> = fs::read_dir(functions)?.map(|entry| Ok(entry?.path())).collect::<Result<_>>()?;
    names.retain(|path| path.is_file() && path.extension().is_none());
    names.sort();
    println!("\n| function | zip MB | program MB |\n|---|--:|--:|");
    for path in names {
        let (zipped, program) = (zipped_bytes(&path)? as f64 / 1e6, fs::metadata(&path)?.len() as f64 / 1e6);
        println!("| {} | {zipped:.2} | {program:.2} |", path.file_name().unwrap_or_default().display());
    }
    Ok(())
}

/// What is uploaded: the program, deflated. A zip file has some 100 bytes more.
fn zipped_bytes(program: &Path) -> Result<usize> {
    let mut zip = DeflateEncoder::new(Vec::new(), Compression::best());
    zip.write_all(&fs::read(program).with_context(|| program.display().to_string())?)?;
    Ok(zip.finish()?.len())
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}
