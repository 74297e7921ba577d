//! The command line.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use engine::Role;
use guard::{Address, DEFAULT_KEY_DAYS};
use load::LoadOptions;

use crate::cost::prices::Price;

/// An Agent2Agent (A2A) server, and its operator's tools.
#[derive(Parser)]
#[command(name = "a2a", version, args_conflicts_with_subcommands = true)]
pub struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    serve: ServeOptions,
}

/// What to do.
#[derive(Subcommand)]
pub enum Command {
    /// Serve agents on this machine (what is done without a command)
    Serve(ServeOptions),
    /// Bring the database to this version's form
    Migrate,
    /// Print an access token, signed with A2A_SECRET_KEY
    Token(TokenOptions),
    /// Make, list, rotate and revoke API keys
    #[command(subcommand)]
    Key(KeyCommand),
    /// List blocked addresses, and lift blocks
    #[command(subcommand)]
    Block(BlockCommand),
    /// Add a file, or a folder of files, to the documents that everyone may search
    Index(IndexOptions),
    /// Ask a server whether it is well; the exit code says it
    Healthcheck(HealthcheckOptions),
    /// Load a server of any version of A2A, and report how it bears that
    Load(LoadOptions),
    /// Say what requests like those that were just answered would cost on AWS; the server has to run functions as processes
    Cost(CostOptions),
}

/// How to serve.
#[derive(Args)]
pub struct ServeOptions {
    /// Where clients connect; port 0 takes a free one
    #[arg(long, value_name = "HOST:PORT", default_value = "127.0.0.1:8080")]
    pub addr: String,
    /// Where Prometheus reads /metrics; port 0 takes a free one
    #[arg(long, value_name = "HOST:PORT", default_value = "127.0.0.1:9090")]
    pub metrics_addr: String,
    /// How functions run
    #[arg(long, value_enum, default_value_t = FunctionMode::InProcess)]
    pub functions: FunctionMode,
    /// Where the functions' programs are, as cargo or cargo-lambda lays them out; built from the checkout if not given
    #[arg(long, value_name = "DIRECTORY")]
    pub bootstraps: Option<PathBuf>,
    /// The deployment to stand in for, in place of the one built in
    #[arg(long, value_name = "PATH")]
    pub template: Option<PathBuf>,
}

/// How functions run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum FunctionMode {
    /// Within this process
    InProcess,
    /// As AWS runs them: each a program of its own, behind the Runtime API
    Processes,
}

/// Whose token.
#[derive(Args)]
pub struct TokenOptions {
    /// Who it is for
    #[arg(long)]
    pub sub: String,
    /// What it allows: authenticated, admin or system
    #[arg(long, default_value = "authenticated")]
    pub role: Role,
    /// How long it holds
    #[arg(long, value_name = "SECONDS", default_value_t = 3600)]
    pub ttl: u64,
}

/// What to do with API keys.
#[derive(Subcommand)]
pub enum KeyCommand {
    /// Print a new API key; it is shown this once
    Create(KeyOptions),
    /// List all keys: id, state, role, requests a minute, expiry, name
    List,
    /// Put a new key in place of one, for the same owner; it is shown this once
    Rotate(NamedKey),
    /// Make a key worthless, within 5 seconds everywhere
    Revoke(NamedKey),
}

/// What to do with blocked addresses.
#[derive(Subcommand)]
pub enum BlockCommand {
    /// List all blocked addresses, until when, and why
    List,
    /// Hear an address again, within 5 seconds everywhere
    Lift {
        /// As listed, or any IPv6 address of a blocked network
        address: Address,
    },
}

/// What key to make.
#[derive(Args)]
pub struct KeyOptions {
    /// What to call it
    #[arg(long)]
    pub name: String,
    /// What it allows: authenticated, admin or system
    #[arg(long, default_value = "authenticated")]
    pub role: Role,
    /// How long it holds
    #[arg(long, value_name = "DAYS", default_value_t = DEFAULT_KEY_DAYS)]
    pub expires: u32,
    /// How many requests its bearer may make, if not as many as everyone
    #[arg(long, value_name = "PER_MINUTE")]
    pub rate_limit: Option<u32>,
}

/// Which key.
#[derive(Args)]
pub struct NamedKey {
    /// Its id, or its name where no other key in use has it
    pub key: String,
}

/// What to index.
#[derive(Args)]
pub struct IndexOptions {
    /// A .txt, .md, .html, .pdf or .jsonl file (`id`, `title`, `text` on each line), or a folder of them
    pub path: PathBuf,
    /// Write them to a new file for A2A_CORPUS instead; the database isn't touched
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
}

/// Whom to ask.
#[derive(Args)]
pub struct HealthcheckOptions {
    /// The page to ask for
    #[arg(long, default_value = "http://127.0.0.1:8080/health/ready")]
    pub url: String,
}

/// What to make a bill of.
#[derive(Args)]
pub struct CostOptions {
    /// The page that says what functions took
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:9090/metrics")]
    pub metrics: String,
    /// How many requests the bill is for
    #[arg(long, default_value_t = 1_000_000)]
    pub requests: u64,
    /// The memory of each function, and with it its share of a processor
    #[arg(long, value_name = "MB", default_value_t = 512, value_parser = clap::value_parser!(u32).range(128..=10_240))]
    pub memory_mb: u32,
    /// What functions run on
    #[arg(long, value_enum, default_value_t = Architecture::Arm64)]
    pub architecture: Architecture,
    /// DynamoDB's write units for each request: those of a new task of the standard load, a transaction of 8 items and more, some above a kilobyte
    #[arg(long, default_value_t = 28.0)]
    pub write_units: f64,
    /// DynamoDB's read units for each request
    #[arg(long, default_value_t = 1.0)]
    pub read_units: f64,
    /// A price in place of the list's; may be given several times
    #[arg(long, value_name = "NAME=DOLLARS")]
    pub price: Vec<Price>,
}

/// What functions run on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Architecture {
    #[value(name = "arm64")]
    Arm64,
    #[value(name = "x86_64")]
    X86_64,
}

impl Architecture {
    /// As AWS calls it.
    pub fn as_str(self) -> &'static str {
        match self {
            Architecture::Arm64 => "arm64",
            Architecture::X86_64 => "x86_64",
        }
    }
}

impl Cli {
    /// Serving is the default.
    pub fn command(self) -> Command {
        self.command.unwrap_or(Command::Serve(self.serve))
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    fn parsed(arguments: &[&str]) -> Command {
        Cli::try_parse_from([&["a2a"], arguments].concat()).unwrap().command()
    }

    #[test]
    fn the_command_line_is_consistent() {
        <Cli as CommandFactory>::command().debug_assert();
    }

    #[test]
    fn serving_is_the_default_with_or_without_flags() {
        for arguments in [&[][..], &["serve"], &["--metrics-addr", "127.0.0.1:9090"], &["serve", "--functions", "in-process"]] {
            let Command::Serve(options) = parsed(arguments) else { panic!("{arguments:?}") };
            assert_eq!((options.addr.as_str(), options.metrics_addr.as_str()), ("127.0.0.1:8080", "127.0.0.1:9090"));
        }
    }

    #[test]
    fn a_token_has_a_role_and_an_end() {
        let Command::Token(options) = parsed(&["token", "--sub", "ann", "--role", "admin", "--ttl", "60"]) else { panic!("no token") };
        assert_eq!((options.sub.as_str(), options.role, options.ttl), ("ann", Role::Admin, 60));
        assert!(Cli::try_parse_from(["a2a", "token", "--sub", "ann", "--role", "root"]).is_err());
    }

    #[test]
    fn a_key_has_a_name_a_role_an_end_and_a_limit() {
        let arguments = ["key", "create", "--name", "ci", "--role", "system", "--expires", "30", "--rate-limit", "600"];
        let Command::Key(KeyCommand::Create(options)) = parsed(&arguments) else { panic!("no key") };
        assert_eq!((options.name.as_str(), options.role, options.expires, options.rate_limit), ("ci", Role::System, 30, Some(600)));
        let Command::Key(KeyCommand::Create(options)) = parsed(&arguments[..4]) else { panic!("no key") };
        assert_eq!((options.role, options.expires, options.rate_limit), (Role::Authenticated, 90, None));
        let Command::Key(KeyCommand::Revoke(named)) = parsed(&["key", "revoke", "ci"]) else { panic!("nothing is revoked") };
        assert_eq!(named.key, "ci");
    }
}
