use std::sync::{Arc, Mutex};

use chrono::{DateTime, TimeDelta, Utc};
use loadmaster::app::{self, AppState, AuditOptions, Check, Instance, Resources, Server, bind, starting};
use loadmaster_accounts::{Principal, Role, SessionService, TokenService};
use loadmaster_kernel::{OrganizationId, TokenFamilyId, UserId};
use loadmaster_platform::{
    clock::{Clock, ManualClock},
    postgres::{self, Database, PgSession},
    random::{IdSource, TokenSource},
    redis::Redis,
    settings::{Settings, Sources},
    telemetry,
    timing::Timing,
};
use secrecy::ExposeSecret;
use serde_json::{Value, json};
use sqlx::{Connection, PgConnection};
use uuid::Uuid;

use super::{
    client::Client,
    database::{TestDatabase, pooler, redis_url, start_of_time},
    logs,
    network::TestNetwork,
    told::{ToldRightly, assert_retold},
};

/// A server with everything behind it, for one test.
pub struct World {
    pub database: TestDatabase,
    pub clock: ManualClock,
    /// What the server was built from.
    pub parts: Resources,
    pub base: String,
    /// The server's own pool.
    pub db: Database,
    instance: Box<Instance>,
    /// Sessions of the tables' owner that are not in use: opening one takes longer than what most are used for.
    owners: Mutex<Vec<PgConnection>>,
    /// At the end of the test.
    _told: ToldRightly,
}

/// What a test wants to be different.
#[derive(Debug, Clone, Default)]
pub struct WorldOptions {
    /// `("server.request_timeout_ms", "200")`.
    pub settings: Vec<(String, String)>,
    /// Serve this database instead of a light one.
    pub database: Option<TestDatabase>,
    pub without_redis: bool,
    /// Whether the server does its background work too: jobs, schedules, messages, and all that follows them.
    pub with_workers: bool,
    /// Where the server's calls to addresses that callers chose go.
    pub network: TestNetwork,
}

impl WorldOptions {
    /// For tests of what a server does beside its requests.
    pub fn working() -> Self {
        Self::default().with_workers()
    }

    #[must_use]
    pub fn with_workers(self) -> Self {
        Self { with_workers: true, ..self }
    }

    /// With no Redis, unless `redis.url` is set.
    #[must_use]
    pub fn without_redis(self) -> Self {
        Self { without_redis: true, ..self }
    }

    #[must_use]
    pub fn over(self, network: &TestNetwork) -> Self {
        Self { network: network.clone(), ..self }
    }

    /// For tests of what is right, not of how soon: nobody is turned away because the machine is slow. A row that somebody
    /// else has locked is waited for three eighths of what a statement may take.
    pub fn patient() -> Self {
        Self::default()
            .set("database.acquire_timeout_ms", "60000")
            .set("database.statement_timeout_ms", "120000")
            .set("server.request_timeout_ms", "60000")
    }

    #[must_use]
    pub fn on(mut self, database: &TestDatabase) -> Self {
        self.database = Some(database.clone());
        self
    }

    #[must_use]
    pub fn set(mut self, name: &str, value: &str) -> Self {
        self.settings.push((name.to_owned(), value.to_owned()));
        self
    }

    pub async fn start(self) -> World {
        World::with(self).await
    }

    /// Everything but the application: the server has its address and the database may still lack its tables.
    pub async fn prepare(self) -> Starting {
        logs::keep();
        let database = match self.database {
            Some(database) => database,
            None => TestDatabase::light().await,
        };
        let mut overrides = vec![
            ("server.port".to_owned(), "0".to_owned()),
            ("server.drain_ms".to_owned(), "1".to_owned()),
            ("database.url".to_owned(), database.served_url()),
            ("database.max_connections".to_owned(), "8".to_owned()),
            ("rate_limit.enabled".to_owned(), "false".to_owned()),
        ];
        if !self.without_redis {
            overrides.push(("redis.url".to_owned(), redis_url()));
        }
        if pooler().is_some() {
            overrides.push(("database.transaction_pooler".to_owned(), "true".to_owned()));
        }
        overrides.extend(self.settings);
        let sources = Sources { overrides, has_kafka: app::HAS_KAFKA, ..Sources::default() };
        let settings = Arc::new(Settings::load(sources).expect("the test's settings are valid"));
        let clock = ManualClock::at(start_of_time());
        let url = settings.database.url.clone().expect("a database");
        let redis = settings.redis.url.as_ref().map(|url| Redis::open(url, &settings.redis).unwrap());
        let parts = Resources {
            settings: settings.clone(),
            db: Database::open(&url, &settings.database).await.expect("opening the database"),
            redis,
            clock: Arc::new(clock.clone()),
            ids: IdSource::default(),
            tokens: TokenSource::default(),
            metrics: telemetry::start_metrics(&app::metrics()).unwrap(),
            timing: Timing::BRIEF,
            network: Arc::new(self.network),
        };
        let server = Server::start(
            bind(&settings.server).await.unwrap(),
            &settings,
            (parts.clock.clone(), parts.timing),
            starting(parts.clock.clone(), IdSource::default()),
        )
        .unwrap();
        let base = format!("{}://{}", settings.server.scheme(), server.address());
        Starting { database, clock, base, server, parts, with_workers: self.with_workers }
    }
}

/// A server that is starting.
pub struct Starting {
    pub database: TestDatabase,
    pub clock: ManualClock,
    pub base: String,
    server: Server,
    parts: Resources,
    with_workers: bool,
}

impl Starting {
    /// Waits until the database is migrated, then serves.
    pub async fn launch(self) -> World {
        let Self { database, clock, base, server, parts, with_workers } = self;
        let (db, kept) = (parts.db.clone(), parts.clone());
        let instance = Box::new(Instance::prepare(server, parts).await.expect("preparing"));
        if with_workers {
            instance.start_workers(Vec::new());
        }
        instance.open().expect("opening");
        let told = ToldRightly(database.clone());
        World { database, clock, base, db, parts: kept, instance, owners: Mutex::default(), _told: told }
    }
}

/// A flight to make; all but the route has a default.
#[derive(Debug, Clone)]
pub struct NewFlight {
    pub number: String,
    pub origin: &'static str,
    pub destination: &'static str,
    /// After the clock's start.
    pub leaves_in: TimeDelta,
    pub takes: TimeDelta,
    pub weight_kg: f64,
    pub volume_m3: f64,
    pub positions: u32,
    pub aircraft_code: Option<&'static str>,
}

impl NewFlight {
    pub fn new(number: &str, origin: &'static str, destination: &'static str) -> Self {
        Self {
            number: number.to_owned(),
            origin,
            destination,
            leaves_in: TimeDelta::hours(24),
            takes: TimeDelta::hours(4),
            weight_kg: 1000.0,
            volume_m3: 1000.0,
            positions: 10,
            aircraft_code: None,
        }
    }

    #[must_use]
    pub fn leaves_in_hours(mut self, hours: i64) -> Self {
        self.leaves_in = TimeDelta::hours(hours);
        self
    }

    #[must_use]
    pub fn leaves_in_minutes(mut self, minutes: i64) -> Self {
        self.leaves_in = TimeDelta::minutes(minutes);
        self
    }

    #[must_use]
    pub fn weight(mut self, kilograms: f64) -> Self {
        self.weight_kg = kilograms;
        self
    }

    /// Leaves at this RFC 3339 instant, whatever the clock says.
    #[must_use]
    pub fn departs(mut self, instant: &str) -> Self {
        self.leaves_in = DateTime::parse_from_rfc3339(instant).expect("an instant").to_utc() - start_of_time();
        self
    }

    /// Lands this many minutes after it left.
    #[must_use]
    pub fn takes_minutes(mut self, minutes: i64) -> Self {
        self.takes = TimeDelta::minutes(minutes);
        self
    }

    #[must_use]
    pub fn volume(mut self, cubic_metres: f64) -> Self {
        self.volume_m3 = cubic_metres;
        self
    }

    #[must_use]
    pub fn positions(mut self, positions: u32) -> Self {
        self.positions = positions;
        self
    }

    #[must_use]
    pub fn aircraft(mut self, code: &'static str) -> Self {
        self.aircraft_code = Some(code);
        self
    }
}

impl World {
    pub async fn start() -> Self {
        Self::with(WorldOptions::default()).await
    }

    /// A server that does its background work too.
    pub async fn working() -> Self {
        Self::with(WorldOptions::working()).await
    }

    /// On a database as `loadmaster migrate` leaves it: for tests about partitions, schedules or what a first start does.
    pub async fn migrated() -> Self {
        WorldOptions::working().on(&TestDatabase::create().await).start().await
    }

    pub async fn with(options: WorldOptions) -> Self {
        Box::pin(options.prepare().await.launch()).await
    }

    pub fn state(&self) -> &AppState {
        self.instance.state()
    }

    pub fn sessions(&self) -> SessionService {
        self.state().service().unwrap()
    }

    pub fn tokens(&self) -> TokenService {
        self.state().service().unwrap()
    }

    pub fn now(&self) -> DateTime<Utc> {
        self.clock.now()
    }

    /// A session of the tables' owner; [`Self::give_back`] keeps it for the next who asks. One that has ended meanwhile is
    /// replaced.
    pub async fn owner(&self) -> PgConnection {
        let kept = self.owners.lock().unwrap().pop();
        if let Some(mut owner) = kept
            && owner.ping().await.is_ok()
        {
            return owner;
        }
        self.database.owner().await
    }

    pub fn give_back(&self, owner: PgConnection) {
        self.owners.lock().unwrap().push(owner);
    }

    /// Takes the server down as SIGTERM does.
    pub async fn shutdown(self) {
        self.instance.shutdown().await;
    }

    pub fn anonymous(&self) -> Client {
        Client::anonymous(&self.base)
    }

    /// A caller with this role, in an organization of its own; made behind the API, so that tests need no password.
    pub async fn caller(&self, role: Role) -> Client {
        let (user, organization) = (Uuid::new_v4(), Uuid::new_v4());
        self.caller_in(role, user, organization).await
    }

    /// A caller with this role and these ids.
    pub async fn caller_in(&self, role: Role, user: Uuid, organization: Uuid) -> Client {
        let mut owner = self.owner().await;
        sqlx::query(
            "insert into organizations (id, name, created_at) values ($1, 'Test', now()) on conflict do nothing",
        )
        .bind(organization)
        .execute(&mut owner)
        .await
        .unwrap();
        if role != Role::Guest {
            sqlx::query(
                "insert into users (id, organization_id, email, email_key, role, password_hash, created_at, updated_at)
                 values ($1, $2, $3, $3, $4, 'none', now(), now())",
            )
            .bind(user)
            .bind(organization)
            .bind(format!("{user}@example.com"))
            .bind(role.as_str())
            .execute(&mut owner)
            .await
            .unwrap();
        }
        self.give_back(owner);
        self.anonymous().with_token(&self.log_in(role, user, organization).await)
    }

    /// An access token of a session that begins now, on record as a log-in puts it.
    pub async fn log_in(&self, role: Role, user: Uuid, organization: Uuid) -> String {
        let session = Uuid::new_v4();
        if role != Role::Guest {
            let mut owner = self.owner().await;
            sqlx::query(
                "insert into refresh_tokens (id, family_id, user_id, token_hash, issued_at, expires_at)
                 values ($1, $1, $2, sha256(uuid_send($1)), $3, $3::timestamptz + interval '30 days')",
            )
            .bind(session)
            .bind(user)
            .bind(self.now())
            .execute(&mut owner)
            .await
            .unwrap();
            self.give_back(owner);
        }
        self.token_of(role, user, organization, session)
    }

    /// An access token as a session that began long ago would get it.
    pub fn token(&self, role: Role, user: Uuid, organization: Uuid) -> String {
        self.token_of(role, user, organization, Uuid::new_v4())
    }

    fn token_of(&self, role: Role, user: Uuid, organization: Uuid, session: Uuid) -> String {
        let session = TokenFamilyId::from(session);
        let (user, organization) = (UserId::from(user), OrganizationId::from(organization));
        let principal = Principal::of_session(user, organization, role, session);
        self.tokens().issue(principal, session).unwrap().expose_secret().to_owned()
    }

    pub async fn customer(&self) -> Client {
        self.caller(Role::Customer).await
    }

    pub async fn operator(&self) -> Client {
        self.caller(Role::Operator).await
    }

    pub async fn admin(&self) -> Client {
        self.caller(Role::Admin).await
    }

    /// Puts a flight on the schedule through the API; answers it.
    pub async fn flight(&self, new: NewFlight) -> Value {
        let departure = start_of_time() + new.leaves_in;
        let mut body = json!({
            "flight_number": new.number, "origin": new.origin, "destination": new.destination,
            "departure_datetime": departure, "arrival_datetime": departure + new.takes,
            "capacity": {"weight_kg": new.weight_kg, "volume_m3": new.volume_m3, "positions": new.positions},
        });
        if let Some(aircraft) = new.aircraft_code {
            body["aircraft_code"] = aircraft.into();
        }
        self.admin().await.post("/api/v1/flights", body).await.expect(201)
    }

    /// The books are right, by the product's own audit, and every event ever written still has its message.
    pub async fn audit(&self) {
        self.audit_with(AuditOptions::default()).await;
    }

    /// The same, and bookings and flights are as their histories rebuild them.
    pub async fn audit_and_rebuild(&self) {
        self.audit_archived().await;
        assert_retold(&self.database).await;
    }

    /// The same where histories were archived: what is in no table any more is not told again.
    pub async fn audit_archived(&self) {
        self.audit_with(AuditOptions { rebuild: true, ..AuditOptions::default() }).await;
    }

    async fn audit_with(&self, options: AuditOptions) {
        let wrong = breaches(&self.database, options).await;
        assert!(wrong.is_empty(), "{wrong:#?}");
    }
}

/// What the product's own audit finds wrong, events without messages included. Nothing is overdue by default: tests move the
/// clock, and not all have somebody work.
pub async fn breaches(database: &TestDatabase, options: AuditOptions) -> Vec<Check> {
    let mut snapshot = postgres::connect_snapshot(&database.app_url().into(), false).await.expect("a session");
    breaches_in(&mut snapshot, options).await
}

/// The same, as a session sees it.
pub async fn breaches_in(session: &mut PgSession, options: AuditOptions) -> Vec<Check> {
    let now = options.now.or(Some(DateTime::UNIX_EPOCH));
    let options = AuditOptions { messages_since: Some(DateTime::UNIX_EPOCH), now, ..options };
    let report = Box::pin(app::audit(session, &options, &|_, _| {})).await.expect("the audit runs");
    report.checks.into_iter().filter(|check| check.breaches() > 0).collect()
}
