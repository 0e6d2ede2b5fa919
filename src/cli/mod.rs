//! The command line. Results go to stdout, logs and progress to stderr; every command exits non-zero on failure.
mod audit;
mod backend;
mod demo;
mod demo_embargoes;
pub mod demo_timetable;
pub mod demo_world;
mod doctor;
mod flights;
mod graphql_schema;
mod healthcheck;
mod jobs;
mod keys;
mod migrate;
mod outbox;
mod output;
mod own_server;
mod partitions;
mod restored;
mod rotation;
mod schedules;
mod schemas;
mod secrets;
mod serve;
mod tables;
mod user;

use std::{future::Future, path::PathBuf, process::ExitCode, time::Duration};

use clap::{Parser, Subcommand};
use loadmaster_platform::{
    settings::{Settings, SettingsError, Sources},
    telemetry::{self, Traces},
};

pub use self::{
    output::{complain, read_secret, say},
    serve::StopSignal,
};

use crate::app;

/// Maximum time to wait at the end for threads that cannot be cancelled.
const LAST_THREADS: Duration = Duration::from_millis(500);

/// Air-cargo booking and tracking engine that never oversells a flight.
#[derive(Debug, Parser)]
#[command(name = "loadmaster", version, propagate_version = true)]
struct Arguments {
    #[command(flatten)]
    settings: SettingsArguments,
    #[command(subcommand)]
    command: Command,
}

/// The arguments by which settings are given.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct SettingsArguments {
    /// Settings file (TOML); can also be set by `LOADMASTER_CONFIG`.
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Override one setting, such as `--set server.port=9000`.
    #[arg(long, global = true, value_name = "SECTION.KEY=VALUE", value_parser = setting)]
    set: Vec<(String, String)>,
}

impl SettingsArguments {
    /// Loads the settings in effect: these arguments override the environment, the file and the defaults.
    pub fn load(self) -> Result<Settings, SettingsError> {
        Settings::load(Sources {
            config_file: self.config,
            overrides: self.set,
            has_kafka: app::HAS_KAFKA,
            ..Sources::from_process()
        })
    }
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve the API.
    Serve {
        /// With the private database: load a demo timetable; at the first start, also demo embargoes and an administrator.
        #[arg(long)]
        demo: bool,
    },
    /// Migrate the database to this version, and load the reference data.
    Migrate {
        /// Change nothing; exit 1 if a migration is missing.
        #[arg(long)]
        check: bool,
    },
    /// Prepare a database that was restored from a backup for serving; run it once, before the first process serves.
    Restored,
    /// Demonstrate search, booking and tracking over HTTP, on a running server or on one started for the demo.
    Demo(demo::Options),
    /// Manage users.
    #[command(subcommand)]
    User(user::Command),
    /// Manage the keys that sign access tokens.
    #[command(subcommand)]
    Keys(keys::Command),
    /// Manage the encryption of stored secrets.
    #[command(subcommand)]
    Secrets(secrets::Command),
    /// Manage the flight schedule.
    #[command(subcommand)]
    Flights(flights::Command),
    /// Manage recurring schedules.
    #[command(subcommand)]
    Schedules(schedules::Command),
    /// Manage background jobs.
    #[command(subcommand)]
    Jobs(jobs::Command),
    /// Manage the delivery of messages from the outbox.
    #[command(subcommand)]
    Outbox(outbox::Command),
    /// List the monthly partitions, and archive old ones.
    #[command(subcommand)]
    Partitions(partitions::Command),
    /// Check by ledgers and events that no flight was ever oversold and all records agree; exit 1 if not.
    Audit(audit::Options),
    /// Print the description of the API (OpenAPI 3.1).
    Openapi,
    /// Print the catalogue of problems (Markdown).
    Problems,
    /// Print the JSON Schemas of all types of messages.
    Schemas(schemas::Options),
    /// Print the schema of GraphQL.
    GraphqlSchema(graphql_schema::Options),
    /// Print the settings in effect, with secrets masked.
    Config,
    /// Check this installation, and report problems.
    Doctor,
    /// Exit 0 if the local server is ready to serve requests; for containers.
    Healthcheck,
}

fn setting(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("expected SECTION.KEY=VALUE")?;
    Ok((name.trim().to_owned(), value.to_owned()))
}

/// By how much imports give way to servers on the same machine.
const NICENESS: i32 = 5;

/// Parses and runs the command line.
pub fn run() -> ExitCode {
    let arguments = Arguments::parse();
    // A failure to check must not look like a violation.
    let failure = match arguments.command {
        Command::Audit(_) => ExitCode::from(audit::COULD_NOT_RUN),
        _ => ExitCode::FAILURE,
    };
    give_way(&arguments.command);
    match execute(arguments) {
        Ok(code) => code,
        Err(error) => {
            output::complain(&error);
            failure
        }
    }
}

/// Lowers the priority of an import, that of the threads that start from now on.
fn give_way(command: &Command) {
    if matches!(command, Command::Flights(flights::Command::Import { .. }) | Command::Schedules(_)) {
        // One that cannot give way disturbs servers more, and does the same.
        _ = rustix::process::nice(NICENESS);
    }
}

fn execute(arguments: Arguments) -> anyhow::Result<ExitCode> {
    if matches!(arguments.command, Command::Openapi) {
        say(&format!("{}\n", app::openapi().to_pretty_json()?));
        return Ok(ExitCode::SUCCESS);
    }
    if matches!(arguments.command, Command::Problems) {
        say(&app::problems_page());
        return Ok(ExitCode::SUCCESS);
    }
    if let Command::Schemas(options) = &arguments.command {
        return schemas::run(options);
    }
    if let Command::GraphqlSchema(options) = &arguments.command {
        return graphql_schema::run(options);
    }
    let settings = arguments.settings.clone().load()?;
    if matches!(arguments.command, Command::Config) {
        say(&settings.render());
        return Ok(ExitCode::SUCCESS);
    }
    let mut logging = settings.telemetry.clone();
    if logging.log_filter == "info" && matches!(arguments.command, Command::Demo(_)) {
        // The command's output is meant for the reader; logs would disturb it.
        "warn".clone_into(&mut logging.log_filter);
    }
    let traces = match arguments.command {
        Command::Serve { .. } | Command::Demo(_) => telemetry::wanted_traces()?,
        _ => None,
    };
    let _logging = telemetry::start_logging(&logging, traces.is_some())?;
    block_on(async move {
        let exporting = traces.map(Traces::start).transpose()?;
        let outcome = match arguments.command {
            Command::Serve { demo } => {
                Box::pin(serve::run(settings, arguments.settings, demo)).await.map(|()| ExitCode::SUCCESS)
            }
            Command::Migrate { check } => migrate::run(settings, check).await,
            Command::Restored => restored::run(settings).await,
            Command::Demo(options) => Box::pin(demo::run(settings, options)).await.map(|()| ExitCode::SUCCESS),
            Command::User(command) => Box::pin(user::run(settings, command)).await.map(|()| ExitCode::SUCCESS),
            Command::Keys(command) => Box::pin(keys::run(settings, command)).await.map(|()| ExitCode::SUCCESS),
            Command::Secrets(command) => Box::pin(secrets::run(settings, command)).await,
            Command::Flights(command) => Box::pin(flights::run(settings, command)).await,
            Command::Schedules(command) => Box::pin(schedules::run(settings, command)).await,
            Command::Jobs(command) => Box::pin(jobs::run(settings, command)).await,
            Command::Outbox(command) => Box::pin(outbox::run(settings, command)).await,
            Command::Partitions(command) => Box::pin(partitions::run(settings, command)).await,
            Command::Audit(options) => Box::pin(audit::run(settings, options)).await,
            Command::Doctor => doctor::run(settings).await,
            Command::Healthcheck => healthcheck::run(&settings).await,
            Command::Openapi
            | Command::Problems
            | Command::Schemas(_)
            | Command::GraphqlSchema(_)
            | Command::Config => Ok(ExitCode::SUCCESS),
        };
        if let Some(exporting) = exporting {
            exporting.stop().await;
        }
        outcome
    })
}

/// Runs a command on a runtime of its own.
pub fn block_on<T>(command: impl Future<Output = anyhow::Result<T>>) -> anyhow::Result<T> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let outcome = runtime.block_on(command);
    // The system may still be resolving a name, which cannot be cancelled.
    runtime.shutdown_timeout(LAST_THREADS);
    outcome
}
