//! The registration of a room: all that the rest of the product knows of it. `app` iterates over the registrations;
//! nothing about a single room stands anywhere else.
mod compatible;
mod messages;
mod pattern;

use std::sync::Arc;

use axum::{Router, http::Extensions};
use futures_util::future::BoxFuture;
use tokio_util::sync::CancellationToken;
use utoipa::openapi::OpenApi;

use super::{
    audit::Audit,
    clock::SharedClock,
    follower::Follower,
    idempotency::Idempotency,
    jobs::Handlers,
    locks::Locks,
    outbound::Network,
    outbox::{Past, Readings},
    personal::PersonalData,
    postgres::{Database, Tables},
    random::{IdSource, TokenSource},
    rate_limit::RateLimiter,
    redis::Redis,
    secrets::ServerSecrets,
    settings::Settings,
    streams::Streams,
    tally::Tally,
    tasks::Tasks,
    telemetry::Group,
    timing::Timing,
    vault::Vault,
    web::{ApiRouter, Code, Condition, CursorKey},
    work::UnitOfWork,
};

pub use compatible::breaks;
pub use messages::{Data, EventType, Messages};
pub use pattern::read_type;

/// The base path of the API.
pub const API: &str = "/api/v1";

/// A room's registration.
pub struct Room {
    /// The name of its folder.
    pub name: &'static str,
    /// The tags of its operations in the API's description, and their descriptions.
    pub tags: &'static [(&'static str, &'static str)],
    /// What the product can do by it, in `features` of `GET /info`. What depends on a setting is said when it is opened.
    pub features: &'static [&'static str],
    /// Its lists of words in the API that may grow: clients must accept unknown words.
    pub growing: &'static [&'static str],
    /// What members of its requests require of each other.
    pub conditions: &'static [Condition],
    pub codes: &'static [Code],
    pub metrics: &'static [Group],
    /// Label values of platform metrics: the locks and quotas that the room uses.
    pub labels: &'static [(&'static str, &'static [&'static str])],
    pub tables: Tables,
    pub messages: &'static [Messages],
    /// The history from which its messages can be made again.
    pub past: Option<Past>,
    pub audit: Audit,
    /// What must not be archived yet.
    pub unfinished: &'static [Unfinished],
    /// Returns its operations, for the API's description.
    pub describe: fn() -> OpenApi,
    /// Builds it from the shared parts and the services of lower rooms.
    pub open: for<'a> fn(&'a Opening) -> BoxFuture<'a, anyhow::Result<Opened>>,
}

impl Room {
    /// A room that registers nothing but its name.
    pub const fn named(name: &'static str) -> Self {
        Self {
            name,
            tags: &[],
            features: &[],
            growing: &[],
            conditions: &[],
            codes: &[],
            metrics: &[],
            labels: &[],
            tables: Tables::NONE,
            messages: &[],
            past: None,
            audit: Audit::NONE,
            unfinished: &[],
            describe: OpenApi::default,
            open: open_nothing,
        }
    }
}

/// Objects that may still change.
#[derive(Debug, Clone, Copy)]
pub struct Unfinished {
    /// In the plural.
    pub what: &'static str,
    /// Counts those made before the id `$1`, and names the first.
    pub count: &'static str,
}

fn open_nothing(_: &Opening) -> BoxFuture<'_, anyhow::Result<Opened>> {
    Box::pin(async { Ok(Opened::default()) })
}

/// The parts from which rooms are built.
#[derive(Clone)]
pub struct Opening {
    pub settings: Arc<Settings>,
    pub db: Database,
    pub redis: Option<Redis>,
    pub clock: SharedClock,
    pub ids: IdSource,
    pub tokens: TokenSource,
    pub secrets: Arc<ServerSecrets>,
    /// Encrypts secrets that are stored.
    pub vault: Vault,
    /// Where calls to addresses that callers chose go.
    pub network: Arc<dyn Network>,
    /// The types of all messages, of all rooms.
    pub message_types: Arc<[String]>,
    pub locks: Locks,
    pub limiter: RateLimiter,
    pub idempotency: Idempotency,
    pub cursor_key: CursorKey,
    pub unit_of_work: UnitOfWork,
    pub tasks: Tasks,
    pub streams: Streams,
    pub tally: Tally,
    /// What the relays of this process have read of the outbox.
    pub readings: Readings,
    pub timing: Timing,
    /// This process's name among those that take turns: the holder of its leases.
    pub process: Arc<str>,
    /// The personal data of the rooms opened so far.
    pub personal: Vec<Arc<dyn PersonalData>>,
    /// The services of the rooms opened so far, by type.
    pub services: Extensions,
}

impl Opening {
    /// Returns the service of a lower room.
    pub fn service<T: Clone + Send + Sync + 'static>(&self) -> anyhow::Result<T> {
        let found = self.services.get::<T>().cloned();
        found.ok_or_else(|| anyhow::anyhow!("no room that is open provides {}", std::any::type_name::<T>()))
    }

    pub fn shared(&self) -> Shared {
        Shared {
            cursor_key: self.cursor_key.clone(),
            unit_of_work: self.unit_of_work.clone(),
            idempotency: self.idempotency.clone(),
            tasks: self.tasks.clone(),
        }
    }
}

/// State available to the handlers of all rooms.
#[derive(Clone)]
pub struct Shared {
    pub cursor_key: CursorKey,
    pub unit_of_work: UnitOfWork,
    pub idempotency: Idempotency,
    pub tasks: Tasks,
}

/// A task that runs beside the requests until shutdown.
pub type Worker = Box<dyn FnOnce(CancellationToken) -> BoxFuture<'static, ()> + Send>;

/// The routes below others, which are those of all rooms.
pub struct Below {
    pub router: Router,
    /// Returns the API's description.
    pub document: fn() -> OpenApi,
    pub leads_to: LeadsTo,
}

/// Returns whether a path leads to the route of a template, which is the second text.
pub type LeadsTo = Arc<dyn Fn(&str, &str) -> bool + Send + Sync>;

/// Builds routes at the root that answer by calling other routes.
pub type Above = Box<dyn FnOnce(Below) -> ApiRouter + Send>;

/// An opened room.
#[derive(Default)]
pub struct Opened {
    pub services: Extensions,
    pub routes: Routes<()>,
    /// Its routes that call those of all rooms.
    pub above: Option<Above>,
    /// Its features that the settings have switched on, beside those of its registration.
    pub features: Vec<&'static str>,
    pub jobs: Handlers,
    pub follower: Option<Arc<dyn Follower>>,
    pub personal: Option<Arc<dyn PersonalData>>,
    pub workers: Vec<Worker>,
    /// Functions that update the metrics computed at each scrape.
    pub gauges: Vec<Arc<dyn Fn() + Send + Sync>>,
}

impl Opened {
    /// Adds a service for higher rooms.
    #[must_use]
    pub fn with<T: Clone + Send + Sync + 'static>(mut self, service: T) -> Self {
        self.services.insert(service);
        self
    }

    /// Adds a feature if the settings have switched it on.
    #[must_use]
    pub fn featuring(mut self, feature: &'static str, is_on: bool) -> Self {
        self.features.extend(is_on.then_some(feature));
        self
    }

    #[must_use]
    pub fn working<F>(mut self, worker: impl FnOnce(CancellationToken) -> F + Send + 'static) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
    {
        self.workers.push(Box::new(move |stop| Box::pin(worker(stop))));
        self
    }

    #[must_use]
    pub fn measured(mut self, gauge: impl Fn() + Send + Sync + 'static) -> Self {
        self.gauges.push(Arc::new(gauge));
        self
    }
}

/// The operations of a room.
pub struct Routes<S> {
    /// Below [`API`].
    pub api: ApiRouter<S>,
    /// Below [`API`], with bounds for whole tables in place of the ordinary ones.
    pub tables: ApiRouter<S>,
    /// Below [`API`], acting on many resources, and given the time for it.
    pub bulk: ApiRouter<S>,
    /// Outside [`API`].
    pub root: ApiRouter<S>,
}

impl<S: Clone + Send + Sync + 'static> Default for Routes<S> {
    fn default() -> Self {
        Self { api: ApiRouter::new(), tables: ApiRouter::new(), bulk: ApiRouter::new(), root: ApiRouter::new() }
    }
}

impl<S: Clone + Send + Sync + 'static> From<ApiRouter<S>> for Routes<S> {
    fn from(api: ApiRouter<S>) -> Self {
        Self { api, ..Self::default() }
    }
}

impl<S: Clone + Send + Sync + 'static> Routes<S> {
    /// Merges these routes with others.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self {
            api: self.api.merge(other.api),
            tables: self.tables.merge(other.tables),
            bulk: self.bulk.merge(other.bulk),
            root: self.root.merge(other.root),
        }
    }

    pub fn with_state(self, state: &S) -> Routes<()> {
        Routes {
            api: self.api.with_state(state.clone()),
            tables: self.tables.with_state(state.clone()),
            bulk: self.bulk.with_state(state.clone()),
            root: self.root.with_state(state.clone()),
        }
    }

    /// Returns its part of the API's description.
    pub fn describe(self) -> OpenApi {
        self.root.nest(API, self.api.merge(self.tables).merge(self.bulk)).describe()
    }
}

/// Declares the state of a room's handlers: services, by the names of their fields, in addition to [`Shared`]. A single
/// pointer, because the router copies it several times per request.
#[macro_export]
macro_rules! handler_state {
    ($state:ident { $($name:ident: $part:ty),+ $(,)? }) => {
        #[derive(Clone)]
        pub struct $state(std::sync::Arc<Parts>);

        struct Parts {
            shared: $crate::room::Shared,
            $($name: $part),+
        }

        impl $state {
            /// Builds the state from the services of opened rooms, including this one.
            pub fn of(opening: &$crate::room::Opening, $($name: $part),+) -> Self {
                Self(std::sync::Arc::new(Parts { shared: opening.shared(), $($name),+ }))
            }
        }

        $(
            impl axum::extract::FromRef<$state> for $part {
                fn from_ref(state: &$state) -> Self {
                    state.0.$name.clone()
                }
            }
        )+

        $crate::room::shared_parts!($state:
            cursor_key: $crate::web::CursorKey,
            unit_of_work: $crate::work::UnitOfWork,
            idempotency: $crate::idempotency::Idempotency,
            tasks: $crate::tasks::Tasks);
    };
}

#[macro_export]
macro_rules! shared_parts {
    ($state:ident: $($name:ident: $part:ty),+) => {
        $(
            impl axum::extract::FromRef<$state> for $part {
                fn from_ref(state: &$state) -> Self {
                    state.0.shared.$name.clone()
                }
            }
        )+
    };
}

pub use {handler_state, shared_parts};
