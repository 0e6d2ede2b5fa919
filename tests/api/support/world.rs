use std::{collections::BTreeMap, sync::Arc};

use chrono::{DateTime, TimeDelta, Utc};
use loadmaster::{
    app::{AppState, Instance, Parts, Server, bind, starting},
    features::accounts::{Principal, Role},
    kernel::{OrganizationId, TokenFamilyId, UserId},
    platform::{
        clock::{Clock, ManualClock},
        postgres::Database,
        random::{IdSource, TokenSource},
        redis::Redis,
        settings::{Settings, Sources},
        telemetry,
    },
};
use serde_json::{Value, json};
use sqlx::Row;
use uuid::Uuid;

use super::{
    client::Client,
    database::{TestDatabase, redis_url, start_of_time},
};

/// A server with everything behind it, for one test.
pub struct World {
    pub database: TestDatabase,
    pub clock: ManualClock,
    pub base: String,
    /// The server's own pool.
    pub db: Database,
    instance: Box<Instance>,
}

/// What a test wants to be different.
#[derive(Debug, Clone, Default)]
pub struct WorldOptions {
    /// `("server.request_timeout_ms", "200")`.
    pub settings: Vec<(String, String)>,
    /// Serve this database instead of a fresh copy.
    pub database: Option<TestDatabase>,
    pub without_redis: bool,
}

impl WorldOptions {
    /// For tests of what is right, not of how soon: nobody is turned away because the machine is slow.
    pub fn patient() -> Self {
        Self::default().set("database.acquire_timeout_ms", "60000").set("server.request_timeout_ms", "60000")
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
        let database = match self.database {
            Some(database) => database,
            None => TestDatabase::create().await,
        };
        let mut overrides = vec![
            ("server.port".to_owned(), "0".to_owned()),
            ("server.drain_ms".to_owned(), "1".to_owned()),
            ("database.url".to_owned(), database.app_url()),
            ("database.max_connections".to_owned(), "8".to_owned()),
        ];
        if !self.without_redis {
            overrides.push(("redis.url".to_owned(), redis_url()));
        }
        overrides.extend(self.settings);
        let sources = Sources { config_file: None, env: BTreeMap::new(), overrides };
        let settings = Arc::new(Settings::load(sources).expect("the test's settings are valid"));
        let clock = ManualClock::at(start_of_time());
        let url = settings.database.url.clone().expect("a database");
        let redis = settings.redis.url.as_ref().map(|url| Redis::open(url, &settings.redis).unwrap());
        let parts = Parts {
            settings: settings.clone(),
            db: Database::open(&url, &settings.database).await.expect("opening the database"),
            redis,
            clock: Arc::new(clock.clone()),
            ids: IdSource::default(),
            tokens: TokenSource::default(),
            metrics: telemetry::start_metrics().unwrap(),
        };
        let server = Server::start(
            bind(&settings.server).await.unwrap(),
            &settings.server,
            starting(parts.clock.clone(), IdSource::default()),
        )
        .unwrap();
        let base = format!("http://{}", server.address());
        Starting { database, clock, base, server, parts }
    }
}

/// A server that is starting.
pub struct Starting {
    pub database: TestDatabase,
    pub clock: ManualClock,
    pub base: String,
    server: Server,
    parts: Parts,
}

impl Starting {
    /// Waits until the database is migrated, then serves.
    pub async fn launch(self) -> World {
        let Self { database, clock, base, server, parts } = self;
        let db = parts.db.clone();
        let instance = Box::new(Instance::prepare(server, parts).await.expect("preparing"));
        instance.open(false);
        World { database, clock, base, db, instance }
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

    pub async fn with(options: WorldOptions) -> Self {
        options.prepare().await.launch().await
    }

    pub fn state(&self) -> &AppState {
        self.instance.state()
    }

    pub fn now(&self) -> DateTime<Utc> {
        self.clock.now()
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
        let mut owner = self.database.owner().await;
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
        self.anonymous().with_token(&self.token(role, user, organization))
    }

    /// An access token as a log-in would give it.
    pub fn token(&self, role: Role, user: Uuid, organization: Uuid) -> String {
        let principal =
            Principal { user_id: UserId::from(user), organization_id: OrganizationId::from(organization), role };
        self.state().accounts.access_token(principal, TokenFamilyId::from(Uuid::new_v4())).unwrap()
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

    /// What is wrong with the books: the ledger must replay to every flight's row, never oversold, and every leg must
    /// have exactly the room that its status says.
    pub async fn audit(&self) {
        let mut owner = self.database.owner().await;
        for &(breach, query) in AUDIT {
            let rows = sqlx::query(query).fetch_all(&mut owner).await.unwrap();
            let first = rows.first().map(|row| row.get::<String, _>(0));
            assert!(rows.is_empty(), "{breach}: {} rows, the first: {first:?}", rows.len());
        }
    }
}

/// Each query finds breaches of one invariant.
const AUDIT: &[(&str, &str)] = &[
    (
        "a ledger entry oversells or does not follow from the one before it",
        "select flight_id::text || ' ' || seq from (
             select l.*,
                    lag(booked_weight_hg, 1, 0::bigint) over flight + weight_hg as replayed_weight,
                    lag(booked_volume_l, 1, 0::bigint) over flight + volume_l as replayed_volume,
                    lag(booked_positions, 1, 0::bigint) over flight + positions as replayed_positions,
                    row_number() over flight as number
             from capacity_ledger l window flight as (partition by flight_id order by seq)) entry
         where booked_weight_hg <> replayed_weight or booked_volume_l <> replayed_volume
            or booked_positions <> replayed_positions or seq <> number
            or booked_weight_hg < 0 or booked_volume_l < 0 or booked_positions < 0
            or booked_weight_hg + held_weight_hg > capacity_weight_hg
            or booked_volume_l + held_volume_l > capacity_volume_l
            or booked_positions + held_positions > capacity_positions",
    ),
    (
        "a flight's row differs from the last entry of its ledger",
        "select c.flight_id::text from flight_capacity c
         left join capacity_ledger l on l.flight_id = c.flight_id and l.seq = c.ledger_seq
         where (c.booked_weight_hg, c.booked_volume_l, c.booked_positions, c.held_weight_hg, c.held_volume_l,
                c.held_positions, c.capacity_weight_hg, c.capacity_volume_l, c.capacity_positions)
               is distinct from
               (l.booked_weight_hg, l.booked_volume_l, l.booked_positions, l.held_weight_hg, l.held_volume_l,
                l.held_positions, l.capacity_weight_hg, l.capacity_volume_l, l.capacity_positions)
            or exists (select from capacity_ledger x where x.flight_id = c.flight_id and x.seq > c.ledger_seq)",
    ),
    (
        "a leg's room in the ledger is not what its status says",
        "select g.id::text from booking_legs g
         left join (select leg_id, sum(weight_hg) weight, sum(volume_l) volume, sum(positions) positions
                    from capacity_ledger where leg_id is not null group by leg_id) l on l.leg_id = g.id
         where (coalesce(l.weight, 0), coalesce(l.volume, 0), coalesce(l.positions, 0)) is distinct from
               case when g.status in ('BOOKED', 'DEPARTED', 'ARRIVED')
                    then (g.weight_hg::numeric, g.volume_l::numeric, g.positions::numeric)
                    else (0::numeric, 0::numeric, 0::numeric) end",
    ),
    (
        "a ledger entry of a leg that does not exist",
        "select l.leg_id::text from capacity_ledger l where l.leg_id is not null
           and not exists (select from booking_legs g where g.id = l.leg_id and g.booking_id = l.booking_id)",
    ),
    (
        "a booking's status or event number is not that of its last event, or its events have gaps",
        "select b.ref_id from bookings b
         left join lateral (select count(*) events, max(sequence) last,
                                   (array_agg(status order by sequence desc))[1] status
                            from booking_events e where e.booking_id = b.id) e on true
         where e.events <> e.last or e.last <> b.event_sequence or e.status <> b.status or e.events = 0",
    ),
    (
        "a status follows another that it may not follow, or a movement is before the one it follows",
        "select booking_id::text || ' ' || sequence from (
             select booking_id, sequence, status, occurred_at,
                    lag(status) over booking as before,
                    max(occurred_at) filter (where event_type in ('DEPARTED', 'ARRIVED', 'DELIVERED'))
                        over (partition by booking_id order by sequence
                              rows between unbounded preceding and 1 preceding) as moved, event_type
             from booking_events window booking as (partition by booking_id order by sequence)) step
         where (before is null and status <> 'BOOKED')
            or (event_type in ('BOOKED', 'DEPARTED', 'ARRIVED', 'DELIVERED', 'CANCELLED') and before is not null
                and (before, status) not in (('BOOKED', 'DEPARTED'), ('DEPARTED', 'ARRIVED'), ('ARRIVED', 'DEPARTED'),
                                             ('ARRIVED', 'DELIVERED'), ('BOOKED', 'CANCELLED'),
                                             ('DEPARTED', 'CANCELLED')))
            or (event_type in ('DEPARTED', 'ARRIVED', 'DELIVERED') and occurred_at < moved)",
    ),
    (
        "an event without its outbox row",
        "select e.booking_id::text || ' ' || e.sequence from booking_events e
         where not exists (select from outbox o where o.aggregate = 'booking' and o.aggregate_id = e.booking_id
                           and o.sequence = e.sequence and o.event_type = e.event_type)",
    ),
    (
        "a claim of an air waybill that no booking in force has, or a booking without its claim",
        "select coalesce(c.awb_number, b.awb_number) from awb_claims c
         full join (select * from bookings where awb_number is not null and status <> 'CANCELLED') b
              on b.awb_number = c.awb_number and b.id = c.booking_id
         where b.id is null or c.booking_id is null",
    ),
    (
        "a reference that is not its booking's",
        "select coalesce(r.ref_id, b.ref_id) from booking_refs r full join bookings b on b.id = r.booking_id
         where b.ref_id is distinct from r.ref_id",
    ),
];
