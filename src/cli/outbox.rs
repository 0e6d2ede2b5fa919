use std::process::ExitCode;

use chrono::{DateTime, Utc};
use clap::{Args, Subcommand};
use loadmaster_platform::{outbox::Wanted, settings::Settings};

use super::{backend::Backend, output::say};

use crate::app::{self, AppState, ReplaySink};

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Show the sinks that receive messages, and the lag of each.
    Sinks,
    /// Remove a sink that is no longer used; messages are no longer kept for it.
    Retire {
        /// Name of the sink, as shown by `outbox sinks`.
        name: String,
    },
    /// Deliver messages again to one sink, each with the same id and marked as `replayed`; in order for each subject.
    ///
    /// Messages about bookings and flights that the outbox does not have any more are made again from their histories.
    Replay(Replay),
}

#[derive(Debug, Args)]
pub(super) struct Replay {
    #[arg(long, value_parser = sink, help = "redis_streams, kafka, or webhook:ID")]
    sink: ReplaySink,
    /// Only messages written at this time or later, such as 2026-11-20T08:00:00Z.
    #[arg(long)]
    from: Option<DateTime<Utc>>,
    /// Only messages written before this time; by default until now.
    #[arg(long)]
    to: Option<DateTime<Utc>>,
    /// Only types that match this pattern, such as 'loadmaster.booking.*': * is any text, ? any character.
    #[arg(long = "type")]
    types: Option<String>,
    /// Only messages about this subject, such as a booking's reference.
    #[arg(long)]
    subject: Option<String>,
    /// Count the messages, and deliver none.
    #[arg(long)]
    dry_run: bool,
}

fn sink(name: &str) -> Result<ReplaySink, String> {
    match name {
        "redis_streams" => Ok(ReplaySink::RedisStreams),
        "kafka" => Ok(ReplaySink::Kafka),
        "notifications" => Err("nobody is notified twice".to_owned()),
        "webhooks" => Err("name one webhook: webhook:ID".to_owned()),
        name => match name.strip_prefix("webhook:").and_then(|id| id.parse().ok()) {
            Some(id) => Ok(ReplaySink::Webhook(id)),
            None => Err("the sinks are redis_streams, kafka and webhook:ID".to_owned()),
        },
    }
}

pub(super) async fn run(settings: Settings, command: Command) -> anyhow::Result<ExitCode> {
    Box::pin(Backend::with_rooms(settings, async |rooms| execute(rooms, command).await)).await
}

async fn execute(rooms: &AppState, command: Command) -> anyhow::Result<ExitCode> {
    match command {
        Command::Sinks => {
            say(&format!("{:<20} {:>10}  {}\n", "sink", "behind", "served"));
            for lag in rooms.background.lags().await? {
                let served = if lag.is_served { "yes" } else { "no" };
                say(&format!("{:<20} {:>8.0} s  {served}\n", lag.sink, lag.seconds));
            }
        }
        Command::Retire { name } => {
            anyhow::ensure!(rooms.background.retire_sink(&name).await?, "there is no sink {name}");
            say(&format!("Messages are no longer kept for {name}.\n"));
        }
        Command::Replay(asked) => replay(rooms, asked).await?,
    }
    Ok(ExitCode::SUCCESS)
}

async fn replay(rooms: &AppState, asked: Replay) -> anyhow::Result<()> {
    let Replay { sink, from, to, types, subject, dry_run } = asked;
    let until = to.unwrap_or_else(|| rooms.clock.now());
    let wanted = Wanted { since: from, until, types, subject };
    let replayed = app::replay(rooms, sink, &wanted, dry_run).await?;
    if let ReplaySink::Webhook(_) = sink {
        let verb = if dry_run { "would be" } else { "were" };
        say(&format!(
            "{} of {} messages {verb} queued for the webhook; it gets no others.\n",
            replayed.taken, replayed.messages
        ));
        return Ok(());
    }
    let verb = if dry_run { "would be delivered" } else { "were delivered" };
    say(&format!("{} messages {verb} again, {} of them made from histories.\n", replayed.messages, replayed.rebuilt));
    Ok(())
}
