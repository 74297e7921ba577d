//! What an answer costs as a task's history and the number of tasks grow: pairs of a small and a large case, asked in turn.

use std::{path::Path, time::Duration};

use anyhow::{Result, ensure};

use crate::{
    database::Server,
    http::Connection,
    load::{Latencies, message},
    process::Process,
    throughput::ours,
};

/// Messages in a history.
const MESSAGES: [usize; 2] = [10, 10_000];
/// Tasks in a store.
const TASKS: [usize; 2] = [1_000, 100_000];
/// So many answers are measured of each case, one of each in turn.
const ASKED: usize = 200;
/// Connections that fill.
const FILLERS: usize = 20;

/// Two stores of one kind, each behind a server of its own: one gets few tasks, one many.
struct Pair {
    small: Process,
    large: Process,
}

/// Prints a table in Markdown; `postgres` is a server's URL.
pub async fn run(server: &Path, postgres: Option<&str>) -> Result<()> {
    let mut rows = Vec::new();
    for backend in postgres.map(Some).into_iter().chain([None]) {
        let directories = [tempfile::tempdir()?, tempfile::tempdir()?];
        let (name, pair) = match backend {
            Some(url) => {
                let databases = Server::open(url).await?;
                let urls = [databases.database("few").await?, databases.database("many").await?];
                let start = |at: usize| Process::start(&mut ours(server, directories[at].path(), &[("A2A_DATABASE_URL", &urls[at])])?);
                ("Postgres", Pair { small: start(0)?, large: start(1)? })
            }
            None => {
                let start = |at: usize| Process::start(&mut ours(server, directories[at].path(), &[])?);
                ("SQLite", Pair { small: start(0)?, large: start(1)? })
            }
        };
        rows.extend(histories(name, &pair.small).await?);
        rows.extend(lists(name, &pair).await?);
    }
    println!("\nMedians of {ASKED} answers of each case over one connection, one of each in turn.\n");
    println!("| | store | small ms | large ms | ratio |\n|---|---|--:|--:|--:|");
    for (what, store, small, large) in rows {
        let (small, large) = (small.quantile_ms(0.5), large.quantile_ms(0.5));
        println!("| {what} | {store} | {small:.3} | {large:.3} | {:.2} |", large / small);
    }
    Ok(())
}

type Row = (String, &'static str, Latencies, Latencies);

/// GetTask and one more turn.
async fn histories(store: &'static str, process: &Process) -> Result<Vec<Row>> {
    let mut connection = Connection::open(&process.address).await?;
    eprintln!("{store}: filling histories");
    // Each turn makes a history longer, so each small case has a task of its own.
    let mut small = Vec::new();
    for number in 0..ASKED {
        small.push(conversation(&mut connection, &format!("small-{number}"), MESSAGES[0]).await?);
    }
    let large = conversation(&mut connection, "large", MESSAGES[1]).await?;
    let mut gets: [Vec<Duration>; 2] = Default::default();
    let mut turns: [Vec<Duration>; 2] = Default::default();
    for (number, small) in small.iter().enumerate() {
        for (case, task) in [small, &large].into_iter().enumerate() {
            let get = connection.call("GetTask", &format!(r#"{{"id":"{task}","historyLength":10}}"#)).await?;
            ensure!(contains(&get.body, task), "GetTask: {}", String::from_utf8_lossy(&get.body));
            gets[case].push(get.whole);
        }
        for (case, task) in [small, &large].into_iter().enumerate() {
            turns[case].push(turn(&mut connection, &format!("more-{case}-{number}"), task).await?);
        }
    }
    let [few, many] = MESSAGES;
    let row = |what: &str, [small, large]: [Vec<Duration>; 2]| {
        (format!("{what}, {few} and {many} messages"), store, small.into_iter().collect(), large.into_iter().collect())
    };
    Ok(vec![row("GetTask with historyLength 10", gets), row("one more turn", turns)])
}

/// Pages of ListTasks.
async fn lists(store: &'static str, pair: &Pair) -> Result<Vec<Row>> {
    let mut connections = Vec::new();
    for (process, tasks) in [(&pair.small, TASKS[0]), (&pair.large, TASKS[1])] {
        eprintln!("{store}: filling {tasks} tasks");
        fill(&process.address, tasks).await?;
        connections.push(Connection::open(&process.address).await?);
    }
    let mut rows = Vec::new();
    for (what, params) in
        [("a page of ListTasks", r#"{"pageSize":50}"#), ("a page of one state", r#"{"pageSize":50,"status":"TASK_STATE_COMPLETED"}"#)]
    {
        let mut pages: [Vec<Duration>; 2] = Default::default();
        for _ in 0..ASKED {
            for (case, connection) in connections.iter_mut().enumerate() {
                let page = connection.call("ListTasks", params).await?;
                ensure!(contains(&page.body, "nextPageToken"), "ListTasks: {}", String::from_utf8_lossy(&page.body));
                pages[case].push(page.whole);
            }
        }
        let [few, many] = TASKS;
        let [small, large] = pages;
        rows.push((format!("{what}, {few} and {many} tasks"), store, small.into_iter().collect(), large.into_iter().collect()));
    }
    Ok(rows)
}

/// A task that waits for its client, with that many messages.
async fn conversation(connection: &mut Connection, label: &str, messages: usize) -> Result<String> {
    let task = connection.new_task(label, "keep talking").await?;
    for number in 1..messages {
        turn(connection, &format!("{label}-{number}"), &task).await?;
    }
    Ok(task)
}

/// One more message, whose answer leaves out the history.
async fn turn(connection: &mut Connection, message_id: &str, task: &str) -> Result<Duration> {
    let params = message(message_id, "keep talking, about a line of text each time", Some(task));
    let params = format!(r#"{},"configuration":{{"historyLength":0}}}}"#, &params[..params.len() - 1]);
    let answer = connection.call("SendMessage", &params).await?;
    ensure!(contains(&answer.body, "TASK_STATE_INPUT_REQUIRED"), "SendMessage: {}", String::from_utf8_lossy(&answer.body));
    Ok(answer.whole)
}

/// Makes tasks, finished at once.
async fn fill(address: &str, tasks: usize) -> Result<()> {
    let mut fillers = Vec::new();
    for filler in 0..FILLERS {
        let mut connection = Connection::open(address).await?;
        fillers.push(tokio::spawn(async move {
            for number in 0..tasks / FILLERS {
                connection.new_task(&format!("fill-{filler}-{number}"), "hello").await?;
            }
            anyhow::Ok(())
        }));
    }
    for filler in fillers {
        filler.await??;
    }
    Ok(())
}

fn contains(body: &[u8], text: &str) -> bool {
    body.windows(text.len()).any(|window| window == text.as_bytes())
}
