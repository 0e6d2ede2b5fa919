//! The sources in layers. Every value remembers its source, which a fault names.
use std::{
    collections::{BTreeMap, BTreeSet},
    fmt, fs,
    path::{Path, PathBuf},
};

use serde::de::{IntoDeserializer, value::MapDeserializer};

use super::{
    Alerts, Analytics, Auth, Booking, Capacity, Clock, Console, Database, Desk, Embedded, Emissions, Feeds, Graphql,
    Holds, Idempotency, Kafka, Locks, Mail, Notifications, Operations, Outbox, Payments, Pricing, RateLimit, Rates,
    Redis, Search, Secrets, Server, Settings, SettingsError, Sms, Sources, Ssim, Stream, Telemetry, TimeZones,
    Waitlist, Webhooks,
    faults::Faults,
    text::{Given, fields},
    validate,
};

const DEFAULTS: &str = include_str!("../../../../config/default.toml");
const PREFIX: &str = "LOADMASTER_";
const CONFIG: &str = "LOADMASTER_CONFIG";
/// Variables of the test script, which are not settings.
const TEST_PREFIX: &str = "LOADMASTER_TEST_";
/// Name the faults that a development build injects. A release build refuses them as unknown.
#[cfg(debug_assertions)]
const NO_SETTING: &[&str] = &[CONFIG, "LOADMASTER_SABOTAGE", "LOADMASTER_CRASH_AT"];
#[cfg(not(debug_assertions))]
const NO_SETTING: &[&str] = &[CONFIG];
const USUAL_NAMES: &[(&str, &str)] = &[
    ("PORT", "server.port"),
    ("DATABASE_URL", "database.url"),
    ("DATABASE_READ_URL", "database.read_url"),
    ("REDIS_URL", "redis.url"),
    ("KAFKA_BROKERS", "kafka.brokers"),
    ("SMTP_URL", "mail.url"),
    ("RUST_LOG", "telemetry.log_filter"),
];
/// Settings whose values never appear in a fault.
const SECRET: &[&str] = &[
    "database.url",
    "database.owner_url",
    "database.read_url",
    "redis.url",
    "auth.private_key",
    "auth.secret",
    "payments.http_secret",
    "payments.webhook_secrets",
    "kafka.properties",
    "mail.url",
    "sms.url",
    "sms.headers",
    "secrets.key",
    "secrets.former_keys",
];

pub(super) fn load(sources: Sources) -> Result<Settings, SettingsError> {
    let Sources { config_file, env, overrides, has_kafka } = sources;
    let mut layers = Layers::new();
    layers.toml(DEFAULTS, &Origin::Default);
    let named = || env.get(CONFIG).filter(|path| !path.is_empty()).map(PathBuf::from);
    if let Some(path) = config_file.or_else(named) {
        layers.file(&path);
    }
    layers.usual_names(&env);
    layers.prefixed_names(&env);
    for (name, text) in overrides {
        layers.set(&name, Given::Text(text), Origin::CommandLine);
    }
    layers.settle(has_kafka)
}

#[derive(Clone)]
enum Origin {
    Default,
    File(PathBuf),
    Variable(String),
    CommandLine,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::File(path) => write!(f, "file {}", path.display()),
            Self::Variable(name) => write!(f, "environment variable {name}"),
            Self::CommandLine => f.write_str("command line"),
        }
    }
}

type Values = BTreeMap<String, (Given, Origin)>;

struct Layers {
    known: BTreeSet<String>,
    values: Values,
    /// The bottom layer, used in place of an invalid value.
    defaults: Values,
    faults: Faults,
}

impl Layers {
    fn new() -> Self {
        Self { known: known(), values: Values::new(), defaults: Values::new(), faults: Faults::default() }
    }

    fn file(&mut self, path: &Path) {
        match fs::read_to_string(path) {
            Ok(text) => self.toml(&text, &Origin::File(path.to_owned())),
            Err(error) => {
                self.faults.say("", format!("the configuration file {} cannot be read: {error}", path.display()));
            }
        }
    }

    fn toml(&mut self, text: &str, origin: &Origin) {
        let table = match toml::from_str::<toml::Table>(text) {
            Ok(table) => table,
            Err(error) => {
                // Not the error's own rendering: that quotes the line, which may hold a secret.
                let line = error.span().map_or(1, |at| text[..at.start].matches('\n').count() + 1);
                let message = error.message();
                return self.faults.say("", format!("line {line} is not valid TOML: {message} ({origin})"));
            }
        };
        for (section, value) in table {
            let toml::Value::Table(keys) = value else {
                let text = if self.is_section(&section) {
                    format!("{section} is a section, not a value ({origin})")
                } else {
                    format!("{section} is not a setting ({origin})")
                };
                self.faults.say(&section, text);
                continue;
            };
            if keys.is_empty() && !self.is_section(&section) {
                self.faults.say(&section, format!("{section} is not a section ({origin})"));
            }
            for (key, value) in keys {
                let given = match value {
                    toml::Value::String(text) if text.is_empty() => Given::Text(text),
                    value => Given::Toml(value),
                };
                self.set(&format!("{section}.{key}"), given, origin.clone());
            }
        }
        if matches!(origin, Origin::Default) {
            self.defaults = self.values.clone();
        }
    }

    fn is_section(&self, name: &str) -> bool {
        self.known.iter().any(|known| known.split('.').next() == Some(name))
    }

    fn usual_names(&mut self, env: &BTreeMap<String, String>) {
        for (name, setting) in USUAL_NAMES {
            let with_file = format!("{name}_FILE");
            for variable in [(*name).to_owned(), with_file] {
                // Other programs use these names, too: an empty value counts as absent.
                if let Some(text) = env.get(&variable).filter(|text| !text.is_empty()) {
                    self.variable(env, name, &variable, setting, text);
                }
            }
        }
    }

    fn prefixed_names(&mut self, env: &BTreeMap<String, String>) {
        for (variable, text) in env {
            let Some(rest) = variable.strip_prefix(PREFIX) else { continue };
            if NO_SETTING.contains(&variable.as_str()) || variable.starts_with(TEST_PREFIX) {
                continue;
            }
            let Some((section, key)) = rest.split_once("__") else {
                let text = format!("{variable} names no setting; the form is LOADMASTER_<SECTION>__<KEY>");
                self.faults.say(variable, text);
                continue;
            };
            let setting = format!("{section}.{key}").to_lowercase();
            // Some settings end in `_file` themselves.
            let (name, setting) = match (setting.strip_suffix("_file"), variable.strip_suffix("_FILE")) {
                (Some(shorter), Some(name)) if !self.known.contains(&setting) => (name, shorter.to_owned()),
                _ => (variable.as_str(), setting),
            };
            self.variable(env, name, variable, &setting, text);
        }
    }

    /// `variable` is `name` itself, or `name` with `_FILE`; then `text` is a path.
    fn variable(&mut self, env: &BTreeMap<String, String>, name: &str, variable: &str, setting: &str, text: &str) {
        let origin = Origin::Variable(variable.to_owned());
        if name == variable {
            return self.set(setting, Given::Text(text.to_owned()), origin);
        }
        if text.is_empty() {
            return;
        }
        if env.get(name).is_some_and(|text| !text.is_empty()) {
            let text = format!("{setting} is set twice, by the environment variables {name} and {variable}");
            return self.faults.say(setting, text);
        }
        match fs::read_to_string(text) {
            Ok(content) => {
                let content = content.strip_suffix('\n').unwrap_or(&content);
                let content = content.strip_suffix('\r').unwrap_or(content);
                self.set(setting, Given::Text(content.to_owned()), origin);
            }
            Err(error) => self.faults.say(setting, format!("{setting} cannot be read from {text}: {error} ({origin})")),
        }
    }

    fn set(&mut self, setting: &str, given: Given, origin: Origin) {
        if !self.known.contains(setting) {
            return self.faults.say(setting, format!("{setting} is not a setting ({origin})"));
        }
        let optional = !self.defaults.contains_key(setting) && !matches!(origin, Origin::Default);
        if optional && matches!(&given, Given::Text(text) if text.is_empty()) {
            return;
        }
        self.values.insert(setting.to_owned(), (given, origin));
    }

    /// Checks types, then ranges. Records an invalid value and replaces it by the default, to find further faults.
    fn settle(mut self, has_kafka: bool) -> Result<Settings, SettingsError> {
        self.faults.origins =
            self.values.iter().map(|(name, (_, origin))| (name.clone(), origin.to_string())).collect();
        let settings = loop {
            let error = match serde_path_to_error::deserialize(self.tree()) {
                Ok(settings) => break settings,
                Err(error) => error,
            };
            let name = setting_at(error.path());
            let reason = match name.as_str() {
                "kafka.properties" => "it must be a table of texts",
                name if SECRET.contains(&name) => "it must be a string",
                _ => error.inner().message(),
            };
            self.faults.add(&name, &format!("is invalid: {reason}"));
            let replaced = match self.defaults.get(&name) {
                Some(default) => self.values.insert(name, default.clone()),
                None => self.values.remove(&name),
            };
            if replaced.is_none_or(|(_, origin)| matches!(origin, Origin::Default)) {
                return Err(self.faults.into_error());
            }
        };
        validate::validate(&settings, has_kafka, &mut self.faults);
        if self.faults.is_empty() { Ok(settings) } else { Err(self.faults.into_error()) }
    }

    fn tree(&self) -> MapDeserializer<'static, std::vec::IntoIter<(String, Section)>, toml::de::Error> {
        let mut sections: BTreeMap<String, Vec<(String, Given)>> = BTreeMap::new();
        for (name, (given, _)) in &self.values {
            if let Some((section, key)) = name.split_once('.') {
                sections.entry(section.to_owned()).or_default().push((key.to_owned(), given.clone()));
            }
        }
        let sections: Vec<_> = sections.into_iter().map(|(name, keys)| (name, Section(keys))).collect();
        MapDeserializer::new(sections.into_iter())
    }
}

/// Returns the setting that contains a path into the tree.
fn setting_at(path: &serde_path_to_error::Path) -> String {
    let keys = path.iter().filter_map(|segment| match segment {
        serde_path_to_error::Segment::Map { key } => Some(key.as_str()),
        _ => None,
    });
    keys.take(2).collect::<Vec<_>>().join(".")
}

/// Every setting, as `section.key`.
pub(super) fn known() -> BTreeSet<String> {
    let sections = [
        ("server", fields::<Server>()),
        ("database", fields::<Database>()),
        ("redis", fields::<Redis>()),
        ("embedded", fields::<Embedded>()),
        ("auth", fields::<Auth>()),
        ("rate_limit", fields::<RateLimit>()),
        ("capacity", fields::<Capacity>()),
        ("search", fields::<Search>()),
        ("analytics", fields::<Analytics>()),
        ("rates", fields::<Rates>()),
        ("ssim", fields::<Ssim>()),
        ("emissions", fields::<Emissions>()),
        ("feeds", fields::<Feeds>()),
        ("booking", fields::<Booking>()),
        ("operations", fields::<Operations>()),
        ("holds", fields::<Holds>()),
        ("waitlist", fields::<Waitlist>()),
        ("alerts", fields::<Alerts>()),
        ("pricing", fields::<Pricing>()),
        ("payments", fields::<Payments>()),
        ("outbox", fields::<Outbox>()),
        ("kafka", fields::<Kafka>()),
        ("stream", fields::<Stream>()),
        ("mail", fields::<Mail>()),
        ("sms", fields::<Sms>()),
        ("notifications", fields::<Notifications>()),
        ("secrets", fields::<Secrets>()),
        ("webhooks", fields::<Webhooks>()),
        ("desk", fields::<Desk>()),
        ("locks", fields::<Locks>()),
        ("idempotency", fields::<Idempotency>()),
        ("clock", fields::<Clock>()),
        ("time_zones", fields::<TimeZones>()),
        ("telemetry", fields::<Telemetry>()),
        ("console", fields::<Console>()),
        ("graphql", fields::<Graphql>()),
    ];
    let names = sections.iter().flat_map(|(section, keys)| keys.iter().map(move |key| format!("{section}.{key}")));
    names.collect()
}

struct Section(Vec<(String, Given)>);

impl<'de> IntoDeserializer<'de, toml::de::Error> for Section {
    type Deserializer = MapDeserializer<'de, std::vec::IntoIter<(String, Given)>, toml::de::Error>;

    fn into_deserializer(self) -> Self::Deserializer {
        MapDeserializer::new(self.0.into_iter())
    }
}
