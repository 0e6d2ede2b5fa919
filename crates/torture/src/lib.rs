//! The checker: load on small flights during faults, and afterwards a comparison of every call with the state of the
//! system. `docs/checker.md` describes what it finds and how to read its report.
mod answers;
mod callers;
mod check;
mod client;
mod consolidators;
mod evidence;
mod held;
mod history;
mod hooks;
mod injector;
mod intent;
mod operation;
mod payers;
mod plan;
mod program;
mod random;
mod report;
mod schedule;
mod shipment;
mod testbed;
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
use loadmaster::cli::{self, SettingsArguments, StopSignal, read_secret, say};
use loadmaster_platform::{embedded::Urls, random::TokenSource, settings::Settings, telemetry};
use secrecy::ExposeSecret;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use self::{
    callers::{Callers, Login},
    check::{Checked, check},
    client::{
        Client, Load,
        burst::Burst,
        probe::{Probe, longest_outage},
        quotes::Quotes,
    },
    consolidators::{Consolidated, Consolidators},
    evidence::{Breach, Evidence},
    held::Shared,
    history::{History, Writer},
    hooks::{Arrived, Hooks, Truth},
    injector::Injected,
    intent::Intents,
    operation::Operation,
    payers::{Paid, Payers},
    plan::{Choice, Fault, Plan},
    program::{Program, SABOTAGE, find_binary},
    report::Report,
    schedule::Schedule,
    shipment::SharedShipments,
    testbed::{Directory, Testbed},
    wire::{Addresses, Wire},
};

/// Test that Loadmaster never oversells a flight and loses no acknowledged write, by load and faults on private
/// servers, or by load on a staging system. Exit 0: clean; 1: breach; 2: the test could not run.
#[derive(Debug, Parser)]
#[command(name = "loadmaster-torture", version)]
struct Options {
    #[command(flatten)]
    settings: SettingsArguments,
    /// Path of the `loadmaster` binary. Default: the one beside this program, else the first on PATH.
    #[arg(long, value_name = "PATH")]
    server: Option<PathBuf>,
    /// URL of a server of a staging system, such as `http://127.0.0.1:8080`; repeat it for each server of the same
    /// database. Without it, private servers are started, subjected to faults, and stopped at the end.
    #[arg(long = "url", value_name = "URL", requires = "email")]
    urls: Vec<String>,
    /// E-mail address of an administrator of the staging system.
    #[arg(long, requires_all = ["urls", "password_stdin"])]
    email: Option<String>,
    /// Read the password from standard input.
    #[arg(long, requires = "urls")]
    password_stdin: bool,
    /// Duration of the load in minutes.
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..=10_000))]
    minutes: u64,
    /// Duration of the load in seconds. Each chosen fault happens once, even if that takes longer.
    #[arg(long, conflicts_with = "minutes")]
    seconds: Option<u64>,
    /// Number of concurrent clients.
    #[arg(long, default_value_t = 16, value_parser = clap::value_parser!(u64).range(1..=1000))]
    clients: u64,
    /// The same seed gives the same faults and the same intents of each client. Default: random, and printed.
    #[arg(long)]
    seed: Option<u64>,
    /// Number of private servers, all on one database.
    #[arg(long, default_value_t = 2, conflicts_with = "urls", value_parser = clap::value_parser!(u8).range(1..=16))]
    instances: u8,
    /// all, none, or some of kill-app, kill-postgres, stop-postgres, redis-stop, redis-pause, redis-flush, redis-full,
    /// redis-starved, pool, drain, black-hole, read-only, disk-full, suspend-app, clock-jump.
    #[arg(long, default_value = "all", conflicts_with = "urls")]
    faults: Choice,
    /// Seconds after the end of a fault within which every server must have acknowledged a booking.
    #[arg(long, default_value_t = 15, value_parser = clap::value_parser!(u64).range(1..=120))]
    recovery_seconds: u64,
    /// Write every call and its response to this file, one JSON document per line. Default: written only after a breach.
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

/// Reports progress on stderr.
fn report_progress(text: &str) {
    _ = writeln!(std::io::stderr(), "loadmaster: {text}");
}

/// Runs what the arguments of the process say.
#[must_use]
pub fn main() -> ExitCode {
    execute(Options::parse()).unwrap_or_else(|error| {
        cli::complain(&error);
        // A run that could not check anything must not look like a breach.
        ExitCode::from(2)
    })
}

fn execute(mut options: Options) -> anyhow::Result<ExitCode> {
    let settings = std::mem::take(&mut options.settings).load()?;
    let mut logging = settings.telemetry.clone();
    if logging.log_filter == "info" {
        // The servers under test have logs of their own.
        "error".clone_into(&mut logging.log_filter);
    }
    let _logging = telemetry::start_logging(&logging, false)?;
    cli::block_on(run(settings, options))
}

/// Exit 0 when every promise was kept, 1 on a breach. An error means that the run could not take place.
async fn run(settings: Settings, options: Options) -> anyhow::Result<ExitCode> {
    let seed = match options.seed {
        Some(seed) => seed,
        // Short enough to type again.
        None => u64::from(u32::from_le_bytes(TokenSource::default().bytes()?)),
    };
    let mut directory = Directory::create()?;
    let mut stop = StopSignal::listen()?;
    // Dropped on every return path, and the servers with it.
    let report = tokio::select! {
        report = Box::pin(check_promises(&settings, &options, seed, &directory)) => report?,
        () = stop.arrives() => anyhow::bail!("the run was stopped before its end"),
    };
    directory.keep = report.history.as_ref().is_some_and(|path| path.starts_with(directory.path()));
    say(&if options.json { format!("{:#}\n", report.to_json()) } else { report.to_text() });
    Ok(if report.is_clean() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

async fn check_promises(
    settings: &Settings,
    options: &Options,
    seed: u64,
    directory: &Directory,
) -> anyhow::Result<Report> {
    let path = options.history.clone().unwrap_or_else(|| directory.path().join("history.jsonl"));
    let (history, writer) = History::create(&path)?;
    if options.urls.is_empty() {
        let binary = find_binary(options.server.as_deref())?;
        report_progress(&format!("seed {seed}; starting PostgreSQL, Redis and {} servers", options.instances));
        let mut testbed =
            Testbed::build(settings, binary, directory, usize::from(options.instances), &options.faults.0).await?;
        let staff = testbed.administrator().await?;
        let sabotaged = sabotage(&testbed).await?;
        let wire = Wire::new(testbed.addresses.clone(), history)?;
        let truth = Truth::open(&testbed.program.urls.app, &settings.database).await?;
        let mut run = Run::begin(wire, staff, options, seed, Some(truth)).await?;
        run.caveats.extend(sabotaged);
        let program = testbed.program.clone();
        return run.finish(Some(&mut testbed), Some(&program), writer, options).await;
    }
    let program = configured(settings, options)?;
    let staff = Login { email: options.email.clone().unwrap_or_default(), password: read_secret()? };
    report_progress(&format!("seed {seed}; no faults are injected: inject your own during the run"));
    let bases = options.urls.iter().map(|url| url.trim_end_matches('/').to_owned()).collect();
    let run = Run::begin(Wire::new(Addresses::new(bases), history)?, staff, options, seed, None).await?;
    run.finish(None, program.as_ref(), writer, options).await
}

/// Commands on the database of the staging system, if the settings name one.
fn configured(settings: &Settings, options: &Options) -> anyhow::Result<Option<Program>> {
    let Some(app) = &settings.database.url else { return Ok(None) };
    let owner = settings.database.migration_url().unwrap_or(app);
    let urls = Urls { owner: owner.expose_secret().to_owned(), app: app.expose_secret().to_owned(), redis: None };
    Ok(Some(Program { binary: find_binary(options.server.as_deref())?, urls }))
}

/// Reports a deliberate fault. `oversell` takes effect only where the database does not forbid it.
async fn sabotage(testbed: &Testbed) -> anyhow::Result<Option<String>> {
    let Some(fault) = std::env::var(SABOTAGE).ok() else { return Ok(None) };
    if fault == "oversell" {
        let checks = ["flight_weight_not_oversold", "flight_volume_not_oversold", "flight_positions_not_oversold"];
        testbed.servers.drop_constraints("flight_capacity", &checks).await?;
    }
    Ok(Some(format!("this run is a negative control: the servers have a deliberate fault ({fault})")))
}

/// A load that is running, with all that belongs to it.
struct Run {
    load: Arc<Load>,
    probe: Arc<Probe>,
    clients: JoinSet<anyhow::Result<Vec<Operation>>>,
    payers: Payers,
    consolidators: Consolidators,
    /// `None` on a staging system, which does not call this machine.
    hooks: Option<Hooks>,
    background: JoinSet<()>,
    began: Instant,
    seed: u64,
    caveats: Vec<String>,
}

impl Run {
    async fn begin(
        wire: Wire,
        staff: Login,
        options: &Options,
        seed: u64,
        truth: Option<Truth>,
    ) -> anyhow::Result<Self> {
        let wire = Arc::new(wire);
        // Two runs on one staging system differ, even with the same seed.
        let salt = u32::from_le_bytes(TokenSource::default().bytes()?);
        let name = format!("t{salt:08x}");
        let callers = Arc::new(Callers::log_in(&wire, &name, staff).await?);
        let schedule = Schedule::new(seed, u64::from(salt));
        let roomy = schedule.roomy(&wire, &callers).await?;
        let load = Arc::new(Load {
            run: name,
            callers: Arc::clone(&callers),
            evidence: Evidence::default(),
            schedule,
            roomy,
            burst: Burst::default(),
            shared: SharedShipments::default(),
            holds: Shared::default(),
            entries: Shared::default(),
            quotes: Quotes::default(),
            stop: CancellationToken::new(),
            wire: Arc::clone(&wire),
        });
        Quotes::make_tariff(&load).await?;
        let hooks = match truth {
            Some(truth) => Some(Hooks::begin(&load, truth, seed, options.time()).await?),
            None => None,
        };
        let (mut clients, mut background) = (JoinSet::new(), JoinSet::new());
        background.spawn(callers.renew_tokens(wire));
        let probe = Arc::new(Probe::default());
        for number in 0..options.clients {
            clients.spawn(Client::new(number, Arc::clone(&load)).work(Intents::of(seed, number)));
        }
        for instance in 0..load.wire.addresses.count() {
            let client = Client::new(options.clients + instance as u64, Arc::clone(&load));
            let probe = Arc::clone(&probe);
            clients.spawn(async move { Ok(client.probe(instance, probe).await) });
        }
        // The payment provider of a staging system may charge real cards.
        let payers = if options.urls.is_empty() { Payers::begin(&load, seed).await? } else { Payers::default() };
        let consolidators = Consolidators::begin(&load, seed).await?;
        let (began, caveats) = (Instant::now(), Vec::new());
        Ok(Self { load, probe, clients, payers, consolidators, hooks, background, began, seed, caveats })
    }

    /// Waits for the end of the load, with its faults, then checks everything.
    async fn finish(
        mut self,
        testbed: Option<&mut Testbed>,
        program: Option<&Program>,
        writer: Writer,
        options: &Options,
    ) -> anyhow::Result<Report> {
        let own = testbed.is_some();
        let (injected, left_out) = self.inject_faults(testbed, options).await?;
        let (seconds, calls, end) = (self.began.elapsed().as_secs_f64(), self.load.wire.calls(), self.load.wire.now());
        self.load.stop.cancel();
        report_progress("the load has ended; repeating operations of unknown outcome");
        let mut operations = Vec::new();
        while let Some(done) = self.clients.join_next().await {
            operations.extend(done??);
        }
        operations.extend(self.load.burst.settled().await);
        report_progress(&format!("checking {} operations", operations.len()));
        let windows: Vec<_> = injected.iter().map(|injected| injected.window).collect();
        let windows = own.then_some(windows.as_slice());
        let (mut breaches, paid) = self.examine_payments().await?;
        let (astray, consolidated) = self.examine_consolidations(windows).await?;
        breaches.extend(astray);
        let (others, checked, audit) = self.examine(&operations, program).await?;
        breaches.extend(others);
        let (unheard, arrived) = self.examine_webhooks().await?;
        breaches.extend(unheard);
        self.background.shutdown().await;
        let mut gathered = self.load.evidence.get();
        let (answers, failures) = answers::judge(&self.load.wire.failures(), windows);
        breaches.extend(failures);
        // Breaches seen during the load come first.
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
            counters: std::mem::take(&mut gathered.counters),
            injected,
            left_out,
            recovery_seconds: options.recovery_seconds,
            answers,
            longest_outage_ms: longest_outage(&self.probe.since(0), 0, end) / 1000,
            checked,
            paid,
            consolidated,
            arrived,
            audit,
            breaches,
            history: kept.then_some(path),
            caveats: self.caveats.clone(),
        })
    }

    /// Compares what was paid with the journal of the provider. A system that has broken a promise may not answer.
    async fn examine_payments(&mut self) -> anyhow::Result<(Vec<Breach>, Option<Paid>)> {
        match std::mem::take(&mut self.payers).judge(&self.load).await {
            Err(error) if !self.load.evidence.get().breaches.is_empty() => {
                self.caveats.push(format!("the check of payments is incomplete: {error:#}"));
                Ok((Vec::new(), None))
            }
            done => Ok(done?.map_or((Vec::new(), None), |(breaches, paid)| (breaches, Some(paid)))),
        }
    }

    /// Compares consolidations with what their forwarders were answered. A system that has broken a promise may not answer.
    async fn examine_consolidations(
        &mut self,
        windows: Option<&[(u64, u64)]>,
    ) -> anyhow::Result<(Vec<Breach>, Consolidated)> {
        match std::mem::take(&mut self.consolidators).judge(&self.load, windows).await {
            Err(error) if !self.load.evidence.get().breaches.is_empty() => {
                self.caveats.push(format!("the check of consolidations is incomplete: {error:#}"));
                Ok((Vec::new(), Consolidated::default()))
            }
            done => done,
        }
    }

    /// Compares what has arrived at webhooks with what was committed. A system that has broken a promise may not answer.
    async fn examine_webhooks(&mut self) -> anyhow::Result<(Vec<Breach>, Option<Arrived>)> {
        let Some(hooks) = self.hooks.take() else { return Ok((Vec::new(), None)) };
        report_progress("waiting for webhooks, with a receiver that is sound");
        match hooks.judge().await {
            Err(error) if !self.load.evidence.get().breaches.is_empty() => {
                self.caveats.push(format!("the check of webhooks is incomplete: {error:#}"));
                Ok((Vec::new(), None))
            }
            done => done.map(|(breaches, arrived)| (breaches, Some(arrived))),
        }
    }

    /// Compares the operations with the state of the system. A system that did not recover has broken a promise
    /// already; anything it does not answer now is left out.
    async fn examine(
        &mut self,
        operations: &[Operation],
        program: Option<&Program>,
    ) -> anyhow::Result<(Vec<Breach>, Checked, Option<serde_json::Value>)> {
        let (mut breaches, checked) = match check(&self.load, operations).await {
            Err(error) if !self.load.evidence.get().breaches.is_empty() => {
                self.caveats.push(format!("the check is incomplete: {error:#}"));
                (Vec::new(), Checked::default())
            }
            done => done?,
        };
        let Some(program) = program else {
            self.caveats.push("the audit was not run, because database.url is not set".to_owned());
            return Ok((breaches, checked, None));
        };
        let audit = check::audit(program).await?;
        breaches.extend(audit.breaches);
        Ok((breaches, checked, Some(audit.report)))
    }

    /// Injects the faults that can be made into a private system; waits for the duration otherwise. A client that fails
    /// ends the run.
    async fn inject_faults(
        &mut self,
        testbed: Option<&mut Testbed>,
        options: &Options,
    ) -> anyhow::Result<(Vec<Injected>, Vec<&'static str>)> {
        let (load, probe, time) = (Arc::clone(&self.load), Arc::clone(&self.probe), options.time());
        let mut left_out = Vec::new();
        let injecting = async {
            let Some(testbed) = testbed else {
                tokio::time::sleep(time).await;
                return Ok(Vec::new());
            };
            let (possible, impossible): (Vec<Fault>, Vec<Fault>) =
                options.faults.0.iter().partition(|fault| testbed.obstacle(**fault).is_none());
            for fault in impossible {
                left_out.push(fault.name());
                let cause = testbed.obstacle(fault).unwrap_or_default();
                self.caveats.push(format!("{} was left out: {cause}", fault.name()));
            }
            let plan = Plan::of(self.seed, &possible, time);
            injector::run_plan(testbed, &load, &probe, plan, time, Duration::from_secs(options.recovery_seconds)).await
        };
        let injected = tokio::select! {
            injected = injecting => injected,
            Some(ended) = self.clients.join_next() => {
                ended??;
                anyhow::bail!("a client stopped before the end of the load")
            }
        };
        Ok((injected?, left_out))
    }
}
