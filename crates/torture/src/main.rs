//! The checker: load on hot flights while faults happen, and afterwards every call held against what is there. What it
//! promises to find, and how to read what it says, is in `docs/reliability.md`.
mod answers;
mod check;
mod client;
mod crew;
mod deed;
mod dice;
mod evidence;
mod history;
mod instance;
mod intent;
mod plan;
mod report;
mod schedule;
mod shipment;
mod site;
mod storm;
mod tunnel;
mod wire;

use std::{
    io::Write,
    path::PathBuf,
    process::ExitCode,
    sync::Arc,
    time::{Duration, Instant},
};

use clap::Parser;
use loadmaster::{
    cli::{self, SettingsArguments, StopSignal, read_secret, say},
    platform::{embedded::Urls, random::TokenSource, settings::Settings, telemetry},
};
use secrecy::ExposeSecret;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use self::{
    check::{Checked, check},
    client::{
        Client, Load,
        crowd::Crowd,
        pulse::{Pulse, longest_lull},
    },
    crew::{Crew, Login},
    deed::Deed,
    evidence::{Breach, Evidence},
    history::{History, Writer},
    instance::{Program, SABOTAGE, find_binary},
    intent::Intents,
    plan::{Choice, Fault, Plan},
    report::Report,
    schedule::Schedule,
    shipment::Board,
    site::{Directory, Site},
    storm::Struck,
    wire::{Addresses, Wire},
};

/// Ends with it when nothing could be checked, which must not look like a breach.
const COULD_NOT_RUN: u8 = 2;

/// Prove, or disprove, that Loadmaster oversells and loses nothing: load and faults on servers of its own, or load on a
/// staging system. Exit 0 clean, 1 breach, 2 could not run.
#[derive(Debug, Parser)]
#[command(name = "loadmaster-torture", version)]
struct Options {
    #[command(flatten)]
    settings: SettingsArguments,
    /// The binary of Loadmaster. Left out: `loadmaster` beside this program, else on PATH.
    #[arg(long, value_name = "PATH")]
    server: Option<PathBuf>,
    /// A server of a staging system, such as `http://127.0.0.1:8080`; once for each that serves the same database.
    /// Without it, servers of its own are started, hurt, and stopped at the end.
    #[arg(long = "url", value_name = "URL", requires = "email")]
    urls: Vec<String>,
    /// An administrator of the staging system.
    #[arg(long, requires = "urls")]
    email: Option<String>,
    /// Read the password from standard input.
    #[arg(long, requires = "urls")]
    password_stdin: bool,
    /// How long the load lasts.
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..=10_000))]
    minutes: u64,
    /// The same in seconds. Each chosen fault happens once, even if that takes longer.
    #[arg(long, conflicts_with = "minutes")]
    seconds: Option<u64>,
    /// Clients that work at the same time.
    #[arg(long, default_value_t = 16, value_parser = clap::value_parser!(u64).range(1..=1000))]
    clients: u64,
    /// The same seed gives the same faults and the same intentions of each client. Left out: a random one, printed.
    #[arg(long)]
    seed: Option<u64>,
    /// Servers of its own, all on one database.
    #[arg(long, default_value_t = 2, conflicts_with = "urls", value_parser = clap::value_parser!(u8).range(1..=16))]
    instances: u8,
    /// all, none, or some of kill-app, kill-postgres, stop-postgres, redis-stop, redis-pause, redis-flush, redis-full,
    /// redis-starved, pool, drain, black-hole, read-only, disk-full, suspend-app, clock-jump.
    #[arg(long, default_value = "all", conflicts_with = "urls")]
    faults: Choice,
    /// Seconds after a fault within which every server must have acknowledged a booking.
    #[arg(long, default_value_t = 15, value_parser = clap::value_parser!(u64).range(1..=120))]
    recovery_seconds: u64,
    /// Write every call and its answer there, a JSON document a line. Left out: kept only after a breach.
    #[arg(long, value_name = "FILE")]
    history: Option<PathBuf>,
    /// Print the result as one JSON document.
    #[arg(long)]
    json: bool,
}

impl Options {
    fn time(&self) -> Duration {
        self.seconds.map_or(Duration::from_mins(self.minutes), Duration::from_secs)
    }
}

/// Tells on stderr how it goes.
fn remark(text: &str) {
    _ = writeln!(std::io::stderr(), "loadmaster: {text}");
}

fn main() -> ExitCode {
    execute(Options::parse()).unwrap_or_else(|error| {
        cli::complain(&error);
        ExitCode::from(COULD_NOT_RUN)
    })
}

fn execute(mut options: Options) -> anyhow::Result<ExitCode> {
    let settings = std::mem::take(&mut options.settings).load()?;
    let mut logging = settings.telemetry.clone();
    if logging.log_filter == "info" {
        // The servers that are hurt have logs of their own.
        "error".clone_into(&mut logging.log_filter);
    }
    let _logging = telemetry::start_logging(&logging, false)?;
    cli::block_on(run(settings, options))
}

/// Exit 0 when every promise was kept, 1 on a breach. An error means that it could not run.
async fn run(settings: Settings, options: Options) -> anyhow::Result<ExitCode> {
    let seed = match options.seed {
        Some(seed) => seed,
        // Short enough to be typed again.
        None => u64::from(u32::from_le_bytes(TokenSource::default().bytes()?)),
    };
    let mut directory = Directory::create()?;
    let mut stop = StopSignal::listen()?;
    // Dropped on every way out, and with it the servers.
    let report = tokio::select! {
        report = Box::pin(torture(&settings, &options, seed, &directory)) => report?,
        () = stop.arrives() => anyhow::bail!("stopped before the end"),
    };
    directory.keep = report.history.as_ref().is_some_and(|path| path.starts_with(directory.path()));
    say(&if options.json { format!("{:#}\n", report.to_json()) } else { report.to_text() });
    Ok(if report.is_clean() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

async fn torture(settings: &Settings, options: &Options, seed: u64, directory: &Directory) -> anyhow::Result<Report> {
    let path = options.history.clone().unwrap_or_else(|| directory.path().join("history.jsonl"));
    let (history, writer) = History::create(&path)?;
    if options.urls.is_empty() {
        remark(&format!("seed {seed}; starting PostgreSQL, Redis and {} servers", options.instances));
        let binary = find_binary(options.server.as_deref())?;
        let mut site =
            Site::build(settings, binary, directory, usize::from(options.instances), &options.faults.0).await?;
        let staff = site.administrator().await?;
        let sabotaged = sabotage(&site).await?;
        let wire = Wire::new(site.addresses.clone(), history)?;
        let mut run = Run::begin(wire, staff, options, seed).await?;
        run.caveats.extend(sabotaged);
        let program = site.program.clone();
        return run.finish(Some(&mut site), Some(&program), writer, options).await;
    }
    let program =
        configured(settings).map(|urls| anyhow::Ok(Program { binary: find_binary(options.server.as_deref())?, urls }));
    let program = program.transpose()?;
    let password = if options.password_stdin { read_secret()? } else { anyhow::bail!(PASSWORD) };
    let staff = Login { email: options.email.clone().unwrap_or_default(), password };
    remark(&format!("seed {seed}; no faults are injected, inject your own while it runs"));
    let bases = options.urls.iter().map(|url| url.trim_end_matches('/').to_owned()).collect();
    let run = Run::begin(Wire::new(Addresses::new(bases), history)?, staff, options, seed).await?;
    run.finish(None, program.as_ref(), writer, options).await
}

const PASSWORD: &str = "give the password on standard input, with --password-stdin";

/// The database of the staging system, if the settings name it.
fn configured(settings: &Settings) -> Option<Urls> {
    let app = settings.database.url.as_ref()?;
    let owner = settings.database.migration_url().unwrap_or(app);
    Some(Urls { owner: owner.expose_secret().to_owned(), app: app.expose_secret().to_owned(), redis: None })
}

/// A deliberately broken build oversells only where the database does not forbid it.
async fn sabotage(site: &Site) -> anyhow::Result<Option<String>> {
    let Some(fault) = std::env::var(SABOTAGE).ok() else { return Ok(None) };
    if fault == "oversell" {
        let checks = ["flight_weight_not_oversold", "flight_volume_not_oversold", "flight_positions_not_oversold"];
        site.servers.drop_constraints("flight_capacity", &checks).await?;
    }
    Ok(Some(format!("this is a negative control: the servers are broken on purpose ({fault})")))
}

/// A load with all that belongs to it, under way.
struct Run {
    load: Arc<Load>,
    pulse: Arc<Pulse>,
    working: JoinSet<anyhow::Result<Vec<Deed>>>,
    helping: JoinSet<()>,
    began: Instant,
    seed: u64,
    caveats: Vec<String>,
}

impl Run {
    async fn begin(wire: Wire, staff: Login, options: &Options, seed: u64) -> anyhow::Result<Self> {
        let wire = Arc::new(wire);
        // Two runs on one staging system keep apart, even with one seed.
        let salt = u32::from_le_bytes(TokenSource::default().bytes()?);
        let name = format!("t{salt:08x}");
        let crew = Arc::new(Crew::assemble(&wire, &name, staff).await?);
        let schedule = Schedule::new(seed, u64::from(salt));
        let roomy = schedule.roomy(&wire, &crew).await?;
        let load = Arc::new(Load {
            run: name,
            crew: Arc::clone(&crew),
            evidence: Evidence::default(),
            schedule,
            roomy,
            crowd: Crowd::default(),
            board: Board::default(),
            stop: CancellationToken::new(),
            wire: Arc::clone(&wire),
        });
        let (mut working, mut helping) = (JoinSet::new(), JoinSet::new());
        helping.spawn(crew.stay(wire));
        let pulse = Arc::new(Pulse::default());
        for number in 0..options.clients {
            working.spawn(Client::new(number, Arc::clone(&load)).work(Intents::of(seed, number)));
        }
        for instance in 0..load.wire.addresses.count() {
            let client = Client::new(options.clients + instance as u64, Arc::clone(&load));
            let pulse = Arc::clone(&pulse);
            working.spawn(async move { Ok(client.beat(instance, pulse).await) });
        }
        Ok(Self { load, pulse, working, helping, began: Instant::now(), seed, caveats: Vec::new() })
    }

    /// Lets the load go on for its time with what faults there are, then checks everything.
    async fn finish(
        mut self,
        site: Option<&mut Site>,
        program: Option<&Program>,
        writer: Writer,
        options: &Options,
    ) -> anyhow::Result<Report> {
        let own = site.is_some();
        let (struck, left_out) = self.storm(site, options).await?;
        let (seconds, calls, end) = (self.began.elapsed().as_secs_f64(), self.load.wire.calls(), self.load.wire.now());
        self.load.stop.cancel();
        remark("the load is over; asking again for what is unknown");
        let mut deeds = Vec::new();
        while let Some(done) = self.working.join_next().await {
            deeds.extend(done??);
        }
        deeds.extend(self.load.crowd.settled().await);
        remark(&format!("checking {} changes", deeds.len()));
        let (mut breaches, checked, audit) = self.examine(&deeds, program).await?;
        self.helping.shutdown().await;
        let mut gathered = self.load.evidence.get();
        let windows: Vec<_> = struck.iter().map(|struck| struck.window).collect();
        let (answers, failures) = answers::judge(&self.load.wire.failures(), own.then_some(&windows));
        breaches.extend(failures);
        // What was seen on the way comes first.
        let breaches: Vec<_> = std::mem::take(&mut gathered.breaches).into_iter().chain(breaches).collect();
        let path = writer.path.clone();
        writer.finish()?;
        let kept = options.history.is_some() || !breaches.is_empty();
        Ok(Report {
            seed: self.seed,
            clients: options.clients,
            instances: self.load.wire.addresses.count(),
            own,
            seconds,
            calls,
            outcomes: std::mem::take(&mut gathered.outcomes),
            tallies: std::mem::take(&mut gathered.tallies),
            struck,
            left_out,
            recovery_seconds: options.recovery_seconds,
            answers,
            longest_outage_ms: longest_lull(&self.pulse.since(0), 0, end) / 1000,
            checked,
            audit,
            breaches,
            history: kept.then_some(path),
            caveats: self.caveats.clone(),
        })
    }

    /// Holds what was asked for against what is there. A system that did not come back has broken a promise already; what
    /// it does not answer then is left out.
    async fn examine(
        &mut self,
        deeds: &[Deed],
        program: Option<&Program>,
    ) -> anyhow::Result<(Vec<Breach>, Checked, Option<serde_json::Value>)> {
        let (mut breaches, checked) = match check(&self.load, deeds).await {
            Err(error) if !self.load.evidence.get().breaches.is_empty() => {
                self.caveats.push(format!("not everything could be checked: {error:#}"));
                (Vec::new(), Checked::default())
            }
            done => done?,
        };
        let Some(program) = program else {
            self.caveats.push("the audit was not run: name the database (database.url)".to_owned());
            return Ok((breaches, checked, None));
        };
        let audit = check::audit(program).await?;
        breaches.extend(audit.breaches);
        Ok((breaches, checked, Some(audit.report)))
    }

    /// The faults of a system of our own, and those that cannot be made here; for another one the time passes. A client
    /// that cannot go on ends it.
    async fn storm(
        &mut self,
        site: Option<&mut Site>,
        options: &Options,
    ) -> anyhow::Result<(Vec<Struck>, Vec<&'static str>)> {
        let (load, pulse, time) = (Arc::clone(&self.load), Arc::clone(&self.pulse), options.time());
        let mut left_out = Vec::new();
        let storm = async {
            let Some(site) = site else {
                tokio::time::sleep(time).await;
                return Ok(Vec::new());
            };
            let (possible, impossible): (Vec<Fault>, Vec<Fault>) =
                options.faults.0.iter().partition(|fault| site.obstacle(**fault).is_none());
            for fault in impossible {
                left_out.push(fault.name());
                let cause = site.obstacle(fault).unwrap_or_default();
                self.caveats.push(format!("{} was left out: {cause}", fault.name()));
            }
            let plan = Plan::of(self.seed, &possible, time);
            storm::rage(site, &load, &pulse, plan, time, Duration::from_secs(options.recovery_seconds)).await
        };
        let struck = tokio::select! {
            struck = storm => struck,
            Some(ended) = self.working.join_next() => {
                ended??;
                anyhow::bail!("a client ended before its time")
            }
        };
        Ok((struck?, left_out))
    }
}
