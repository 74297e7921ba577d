//! `a2a`: the server on one machine, and its operator's tools.

mod body;
mod cli;
mod commands;
mod cost;
mod event;
mod functions;
mod gateway;
mod lambda;
mod metrics_page;
#[cfg(feature = "otlp")]
mod otlp;
mod project_documents;
mod request_ids;
mod responses;
mod router;
mod server;
mod template;
mod workers;

use std::process::ExitCode;

use clap::Parser;

use cli::{Cli, Command};

/// A request is many small allocations, made and freed on different threads.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let cli = Cli::parse();
    guard::use_ring();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return failed(&error.into()),
    };
    let outcome = runtime.block_on(async {
        match cli.command() {
            Command::Serve(options) => commands::serve::run(options).await,
            Command::Migrate => commands::migrate::run().await,
            Command::Token(options) => commands::token::run(&options).await,
            Command::Key(command) => commands::key::run(command).await,
            Command::Block(command) => commands::block::run(command).await,
            Command::Index(options) => commands::index::run(options).await,
            Command::Healthcheck(options) => commands::healthcheck::run(&options).await,
            Command::Load(options) => commands::load::run(options).await,
            Command::Cost(options) => commands::cost::run(&options).await,
        }
    });
    // Whatever still runs has had its time.
    runtime.shutdown_background();
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => failed(&error),
    }
}

fn failed(error: &anyhow::Error) -> ExitCode {
    eprintln!("a2a: {}", in_one_line(error));
    ExitCode::FAILURE
}

/// With its causes, but what one of them says again.
fn in_one_line(error: &anyhow::Error) -> String {
    error
        .chain()
        .map(ToString::to_string)
        .reduce(|line, cause| if line.contains(&cause) { line } else { format!("{line}: {cause}") })
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_says_nothing_twice() {
        let error = anyhow::anyhow!("code 14").context("unable to open: code 14").context("the database `a.db`");
        assert_eq!(in_one_line(&error), "the database `a.db`: unable to open: code 14");
    }
}
