use std::{sync::Arc, time::Duration};

use chrono::Days;
use loadmaster_accounts::{AdministrationService, NewUser, Role, UserService};
use loadmaster_platform::{
    clock::{SharedClock, SystemClock},
    descriptors,
    random::IdSource,
    room::Worker,
    settings::Settings,
    shutdown::stopped_within,
    timing::Timing,
};
use loadmaster_pricing::PricingService;
use secrecy::ExposeSecret;
use tokio::{
    signal::unix::{SignalKind, signal},
    time::Instant,
};

use super::{
    SettingsArguments,
    backend::Backend,
    demo_embargoes, demo_timetable, demo_world,
    demo_world::SignIn,
    output::{Progress, say},
    rotation,
};

use crate::app::{AppState, Instance, Server, bind, starting};

/// Minimum time for private servers to stop.
const PRIVATE_PATIENCE: Duration = Duration::from_secs(2);

const DAY: Duration = Duration::from_hours(24);

/// The administrator of a demo installation.
const ADMIN_EMAIL: &str = "admin@loadmaster.example";

/// Serves until SIGTERM or SIGINT, then drains.
pub(super) async fn run(settings: Settings, arguments: SettingsArguments, demo: bool) -> anyhow::Result<()> {
    let mut stop = StopSignal::listen()?;
    let demo = if demo { Demo::Living } else { Demo::None };
    let starting = Running::start(settings, Some(arguments), demo);
    let running = tokio::select! {
        started = starting => started?,
        // The unfinished start is dropped here, and the private servers with it.
        () = stop.arrives() => return Ok(()),
    };
    announce(&running)?;
    stop.arrives().await;
    tokio::select! {
        stopped = running.stop() => stopped,
        // A second signal asks for an immediate end: the private servers end when their owner is dropped.
        () = stop.arrives() => anyhow::bail!("stopped before all requests were completed"),
    }
}

/// Receives the first SIGTERM or SIGINT.
#[derive(Debug)]
pub struct StopSignal {
    terminate: tokio::signal::unix::Signal,
    interrupt: tokio::signal::unix::Signal,
}

impl StopSignal {
    pub fn listen() -> anyhow::Result<Self> {
        Ok(Self { terminate: signal(SignalKind::terminate())?, interrupt: signal(SignalKind::interrupt())? })
    }

    pub async fn arrives(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}

/// A server and its databases.
pub(super) struct Running {
    pub instance: Instance,
    backend: Backend,
    /// Those who were created at this start, with their passwords.
    sign_ins: Vec<SignIn>,
}

/// What is put into a private database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Demo {
    None,
    /// A timetable, embargoes and an administrator.
    Quiet,
    /// The same, and companies whose shipments travel.
    Living,
}

impl Running {
    /// With `arguments`, credentials are followed as they change.
    pub async fn start(settings: Settings, arguments: Option<SettingsArguments>, demo: Demo) -> anyhow::Result<Self> {
        for contradiction in settings.contradictions() {
            tracing::warn!("settings contradict each other: {contradiction}");
        }
        descriptors::raise();
        let first = starting(Arc::new(SystemClock), IdSource::default());
        let times = (Arc::new(SystemClock) as SharedClock, Timing::of_process());
        let server = Server::start(bind(&settings.server).await?, &settings, times, first)?;
        let backend = Backend::start(settings).await?;
        if demo != Demo::None && !backend.is_private() {
            tracing::warn!(
                "DATABASE_URL is set, so demo flights and an administrator are not created; prepare that database with \
                 `loadmaster migrate`, `loadmaster user create` and `loadmaster flights demo`"
            );
        }
        let demo = if backend.is_private() { demo } else { Demo::None };
        if backend.is_private() {
            let _progress = Progress::begin("Preparing the database");
            backend.migrate().await?;
        }
        let parts = backend.parts(backend.await_database().await?)?;
        if let Some(redis) = &parts.redis
            && let Err(error) = redis.check().await
        {
            tracing::error!(%error, "the configured Redis cannot be reached; continuing without it, degraded");
        }
        let following = arguments.filter(|_| !backend.is_private()).map(|arguments| {
            rotation::following(arguments, &parts.settings, parts.db.clone(), parts.redis.clone(), parts.timing.access)
        });
        let shared = parts.clone();
        let instance = Instance::prepare(server, parts).await?;
        let sign_ins = seed(instance.state(), demo).await?;
        let extending = (demo != Demo::None).then(|| extending(instance.state()));
        let living = (demo == Demo::Living).then(|| demo_world::living(shared));
        instance.start_workers(extending.into_iter().chain(living).chain(following).collect());
        instance.open()?;
        tracing::info!(address = %instance.address(), "serving");
        Ok(Self { instance, backend, sign_ins })
    }

    pub fn settings(&self) -> &Settings {
        &self.backend.settings
    }

    /// Prints the sign-ins that were created, whose passwords only the first start knows.
    pub fn announce_sign_ins(&self) {
        if self.sign_ins.is_empty() {
            return;
        }
        let lines = self.sign_ins.iter().map(|SignIn { title, email, password }| {
            let password = password.expose_secret();
            format!("  {title:<14} {email}\n  Password       {password}\n")
        });
        say(&format!("\n{}  (shown only this once)\n", lines.collect::<String>()));
    }

    /// Stops the server within `server.shutdown_ms`, plus a moment for private servers that take longer than the time
    /// left.
    pub async fn stop(self) -> anyhow::Result<()> {
        let ends = Instant::now() + self.backend.settings.server.shutdown();
        self.instance.shutdown().await;
        let stopping = self.backend.stop();
        let stopped = tokio::time::timeout_at(ends.max(Instant::now() + PRIVATE_PATIENCE), stopping).await;
        // Dropping the private servers kills them, which they survive.
        stopped.unwrap_or_else(|_| Err(anyhow::anyhow!("the private servers did not stop in time")))
    }
}

/// Extends the demo timetable each day. The start itself has scheduled the first 30 days.
fn extending(state: &AppState) -> Worker {
    let state = state.clone();
    Box::new(move |stop| {
        Box::pin(async move {
            while !stopped_within(&stop, DAY).await {
                if let Err(error) = demo_timetable::extend(&state).await {
                    tracing::error!(%error, "the demo timetable could not be extended");
                }
            }
        })
    })
}

/// Schedules the demo timetable, imposes the demo embargoes, lets the default tariff apply, and creates the first
/// administrator if there is none, and whoever lives in the demo.
async fn seed(state: &AppState, demo: Demo) -> anyhow::Result<Vec<SignIn>> {
    if demo == Demo::None {
        return Ok(Vec::new());
    }
    {
        let _progress = Progress::begin("Loading the demo timetable");
        // A timetable that cannot be completed must not prevent serving the existing one.
        if let Err(error) = demo_timetable::extend(state).await {
            tracing::error!(%error, "the demo timetable could not be loaded");
        }
        if let Err(error) = demo_embargoes::impose(state).await {
            tracing::error!(%error, "the demo embargoes could not be imposed");
        }
    }
    state.service::<PricingService>()?.serve_demo();
    let mut sign_ins = Vec::new();
    if !state.service::<UserService>()?.any_with_role(Role::Admin).await? {
        let accounts: AdministrationService = state.service()?;
        let password = accounts.generate_password()?;
        let admin = NewUser {
            email: ADMIN_EMAIL.to_owned(),
            name: Some("Administrator".to_owned()),
            role: Role::Admin,
            password: password.clone(),
        };
        accounts.create_user(admin).await?;
        sign_ins.push(SignIn { title: "Administrator", email: ADMIN_EMAIL, password });
    }
    if demo == Demo::Living {
        sign_ins.extend(demo_world::people(state).await?);
    }
    Ok(sign_ins)
}

fn announce(running: &Running) -> anyhow::Result<()> {
    let base = base_url(running);
    say(&format!("\nLoadmaster is ready at {base} (the console; the API is described at {base}/docs)\n"));
    running.announce_sign_ins();
    if !running.backend.is_private() {
        return Ok(());
    }
    let clock = &running.instance.state().clock;
    let tomorrow = clock.now().date_naive().checked_add_days(Days::new(1)).unwrap_or_default();
    let password = running.instance.state().service::<AdministrationService>()?.generate_password()?;
    let password = password.expose_secret();
    say(&format!(
        r#"
Find a route, register a shipper, book:

  curl -s '{base}/api/v1/routes?origin=DEL&destination=LHR&departure_date={tomorrow}&weight_kg=500&limit=1'

  TOKEN=$(curl -s {base}/api/v1/auth/register -H 'Content-Type: application/json' -d '{{"email":"shipper-'$(date +%s)'@example.com","password":"{password}"}}' | sed 's/.*"access_token":"\([^"]*\)".*/\1/')

  curl -s {base}/api/v1/bookings -H "Authorization: Bearer $TOKEN" -H 'Content-Type: application/json' -d '{{"origin":"DEL","destination":"LHR","pieces":10,"weight_kg":500}}'

Stop with Ctrl-C.
"#
    ));
    Ok(())
}

/// Returns the address as a client on this machine would enter it.
pub(super) fn base_url(running: &Running) -> String {
    let mut address = running.instance.address();
    if address.ip().is_unspecified() {
        address.set_ip(std::net::Ipv4Addr::LOCALHOST.into());
    }
    format!("{}://{address}", running.settings().server.scheme())
}
