use std::{collections::BTreeSet, fs};

use secrecy::ExposeSecret;

use super::*;

const MANUAL: &str = include_str!("../../../../config/default.toml");

fn env(pairs: &[(&str, &str)]) -> Sources {
    let env = pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    Sources { env, ..Sources::default() }
}

fn load(pairs: &[(&str, &str)]) -> Settings {
    Settings::load(env(pairs)).unwrap()
}

fn faults(pairs: &[(&str, &str)]) -> Vec<String> {
    Settings::load(env(pairs)).unwrap_err().faults().to_vec()
}

fn fault(pairs: &[(&str, &str)]) -> String {
    let faults = faults(pairs);
    assert_eq!(faults.len(), 1, "{faults:#?}");
    faults[0].clone()
}

struct ConfigFile(tempfile::TempDir);

impl ConfigFile {
    fn new(text: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("given"), text).unwrap();
        Self(dir)
    }

    fn path(&self) -> PathBuf {
        self.0.path().join("given")
    }

    fn sources(&self) -> Sources {
        Sources { config_file: Some(self.path()), ..Sources::default() }
    }
}

fn exposed(secret: Option<&SecretString>) -> Option<&str> {
    secret.map(ExposeSecret::expose_secret)
}

#[test]
fn defaults_are_those_of_the_manual() {
    let settings = load(&[]);
    assert_eq!(settings.server.port, 8080);
    assert_eq!(settings.server.request_timeout(), Duration::from_secs(10));
    assert_eq!(settings.embedded.data_dir, PathBuf::from(".loadmaster"));
    assert_eq!(settings.auth.algorithm, Algorithm::EdDsa);
    assert_eq!(settings.telemetry.log_format, LogFormat::Auto);
    assert!(settings.database.url.is_none());
    assert!((8..=64).contains(&settings.database.connections()));
}

#[test]
fn manual_names_every_setting_with_a_comment_and_nothing_else() {
    let mut named = BTreeSet::new();
    let (mut section, mut previous) = ("", "");
    for line in MANUAL.lines() {
        let bare = line.strip_prefix("# ").unwrap_or(line);
        let key = bare.split_once(" = ").map(|(key, _)| key);
        if let Some(name) = line.strip_prefix('[') {
            section = name.trim_end_matches(']');
        } else if let Some(key) = key.filter(|key| key.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_')) {
            assert!(previous.starts_with("# ") || previous.contains(" = "), "{section}.{key} lacks a comment");
            named.insert(format!("{section}.{key}"));
        }
        previous = line;
    }
    assert_eq!(named, layers::known());
}

#[test]
fn later_source_beats_earlier_one() {
    let file = ConfigFile::new("[server]\nport = 1\n[telemetry]\nlog_filter = \"warn\"\n");
    let mut sources = file.sources();
    assert_eq!(Settings::load(sources.clone()).unwrap().server.port, 1);
    sources.env.insert("PORT".into(), "2".into());
    assert_eq!(Settings::load(sources.clone()).unwrap().server.port, 2);
    sources.env.insert("LOADMASTER_SERVER__PORT".into(), "3".into());
    assert_eq!(Settings::load(sources.clone()).unwrap().server.port, 3);
    sources.overrides.push(("server.port".into(), "4".into()));
    let settings = Settings::load(sources).unwrap();
    assert_eq!(settings.server.port, 4);
    assert_eq!(settings.telemetry.log_filter, "warn");
}

#[test]
fn config_file_is_named_by_the_environment_unless_by_the_command_line() {
    let (first, second) = (ConfigFile::new("server.port = 1"), ConfigFile::new("server.port = 2"));
    let named = first.path().display().to_string();
    let mut sources = env(&[("LOADMASTER_CONFIG", &named)]);
    assert_eq!(Settings::load(sources.clone()).unwrap().server.port, 1);
    sources.config_file = Some(second.path());
    assert_eq!(Settings::load(sources).unwrap().server.port, 2);
}

#[test]
fn text_is_read_by_the_type_of_its_setting() {
    let secret = "12345678901234567890123456789012";
    let settings = load(&[
        ("LOADMASTER_AUTH__SECRET", secret),
        ("LOADMASTER_AUTH__ALGORITHM", "HS256"),
        ("LOADMASTER_AUTH__PASSWORD_GRANT", "0"),
        ("LOADMASTER_RATE_LIMIT__ENABLED", "True"),
        ("LOADMASTER_DATABASE__MAX_CONNECTIONS", "7"),
        ("LOADMASTER_SERVER__CORS_ORIGINS", "https://a.example, http://localhost:3000"),
        ("LOADMASTER_SERVER__DETAIL_NETWORKS", "[\"10.0.0.0/8\", \"::1\"]"),
        ("LOADMASTER_SERVER__TRUSTED_PROXIES", "192.0.2.7"),
        ("LOADMASTER_SEARCH__CONNECTION_MINUTES_BY_AIRPORT", "JFK=90, LHR = 75"),
        ("LOADMASTER_TELEMETRY__LOG_FORMAT", "json"),
        ("LOADMASTER_TEST_ANYTHING", "goes"),
    ]);
    assert_eq!(exposed(settings.auth.secret.as_ref()), Some(secret));
    assert_eq!(settings.auth.algorithm, Algorithm::Hs256);
    assert!(!settings.auth.password_grant);
    assert!(settings.rate_limit.enabled);
    assert_eq!(settings.database.connections(), 7);
    assert_eq!(settings.server.cors_origins, ["https://a.example", "http://localhost:3000"]);
    assert_eq!(settings.server.detail_networks[0].to_string(), "10.0.0.0/8");
    assert_eq!(settings.server.detail_networks[1].to_string(), "::1/128");
    assert_eq!(settings.server.trusted_proxies[0].to_string(), "192.0.2.7/32");
    assert_eq!(settings.search.connection_minutes("LHR"), 75);
    assert_eq!(settings.search.connection_minutes("CDG"), 120);
    assert_eq!(settings.telemetry.log_format, LogFormat::Json);
    let table = [("LOADMASTER_SEARCH__CONNECTION_MINUTES_BY_AIRPORT", "{ JFK = 45 }")];
    assert_eq!(load(&table).search.connection_minutes("JFK"), 45);
}

#[test]
fn empty_text_means_not_given_where_there_is_no_default() {
    let settings = load(&[
        ("DATABASE_URL", "postgres://db/a"),
        ("LOADMASTER_DATABASE__URL", ""),
        ("PORT", ""),
        ("RUST_LOG", ""),
        ("LOADMASTER_SERVER__CORS_ORIGINS", ""),
    ]);
    assert_eq!(exposed(settings.database.url.as_ref()), Some("postgres://db/a"));
    assert_eq!(settings.server.port, 8080);
    assert_eq!(settings.telemetry.log_filter, "info");
    assert!(settings.server.cors_origins.is_empty());
    assert!(Settings::load(ConfigFile::new("redis.url = ''").sources()).unwrap().redis.url.is_none());
    assert_eq!(
        fault(&[("LOADMASTER_SERVER__PORT", "")]),
        "server.port is invalid: `` is not a whole number (environment variable LOADMASTER_SERVER__PORT)"
    );
}

#[test]
fn file_variable_gives_the_content_without_its_last_newline() {
    let url = ConfigFile::new("postgres://db/a\n");
    let secret = ConfigFile::new("a secret of thirty-two bytes or so\n\n");
    let settings = load(&[
        ("DATABASE_URL_FILE", &url.path().display().to_string()),
        ("LOADMASTER_AUTH__SECRET_FILE", &secret.path().display().to_string()),
    ]);
    assert_eq!(exposed(settings.database.url.as_ref()), Some("postgres://db/a"));
    assert_eq!(exposed(settings.auth.secret.as_ref()), Some("a secret of thirty-two bytes or so\n"));
}

#[test]
fn value_and_its_file_at_once_are_refused() {
    let file = ConfigFile::new("postgres://db/a");
    assert_eq!(
        fault(&[("DATABASE_URL", "postgres://db/b"), ("DATABASE_URL_FILE", &file.path().display().to_string())]),
        "database.url is set twice, by the environment variables DATABASE_URL and DATABASE_URL_FILE"
    );
}

#[test]
fn missing_files_are_named() {
    let text = fault(&[("LOADMASTER_AUTH__SECRET_FILE", "/nowhere/secret")]);
    assert!(text.starts_with("auth.secret cannot be read from /nowhere/secret: No such file"), "{text}");
    assert!(text.ends_with("(environment variable LOADMASTER_AUTH__SECRET_FILE)"), "{text}");
    let text = fault(&[("LOADMASTER_CONFIG", "/nowhere/config")]);
    assert!(text.starts_with("the configuration file /nowhere/config cannot be read: No such file"), "{text}");
}

#[test]
fn unknown_settings_are_refused_wherever_they_come_from() {
    let file = ConfigFile::new("[server]\nprot = 1\n[sever]\n");
    let mut sources = file.sources();
    sources.env.insert("LOADMASTER_AUTH__SECRETS".into(), "x".into());
    sources.env.insert("LOADMASTER_PORT".into(), "1".into());
    sources.overrides.push(("database.uri".into(), "x".into()));
    let path = file.path();
    assert_eq!(
        Settings::load(sources).unwrap_err().faults(),
        [
            format!("server.prot is not a setting (file {})", path.display()),
            format!("sever is not a section (file {})", path.display()),
            "auth.secrets is not a setting (environment variable LOADMASTER_AUTH__SECRETS)".into(),
            "LOADMASTER_PORT names no setting; the form is LOADMASTER_<SECTION>__<KEY>".into(),
            "database.uri is not a setting (command line)".into(),
        ]
    );
}

#[test]
fn every_fault_is_reported_one_a_line() {
    let mut sources = env(&[
        ("PORT", "70000"),
        ("LOADMASTER_SERVER__REQUEST_TIMEOUT_MS", "0"),
        ("LOADMASTER_SERVER__MAX_BODY_BYTES", "1023"),
        ("LOADMASTER_SERVER__CORS_ORIGINS", "https://*.example"),
        ("LOADMASTER_SEARCH__MAX_STOPS", "4"),
        ("LOADMASTER_SEARCH__ALTERNATIVE_DAYS", "15"),
        ("LOADMASTER_CAPACITY__MAX_OVERBOOKING_PERCENT", "101"),
        ("LOADMASTER_AUTH__ALGORITHM", "RS256"),
        ("LOADMASTER_SEARCH__CONNECTION_MINUTES_BY_AIRPORT", "jfk=1"),
        ("REDIS_URL", "http://cache"),
        ("RUST_LOG", "a=b=c"),
    ]);
    sources.overrides.push(("rate_limit.enabled".into(), "yes".into()));
    let error = Settings::load(sources).unwrap_err();
    assert_eq!(error.to_string().lines().count(), 12, "{error}");
    for expected in [
        "server.port is invalid: invalid value: integer `70000`, expected u16 (environment variable PORT)",
        "server.request_timeout_ms must be between 1 and 86400000, not 0 (environment variable LOADMASTER_SERVER__REQU",
        "server.max_body_bytes must be between 1024 and",
        "not `https://*.example` (environment variable LOADMASTER_SERVER__CORS_ORIGINS)",
        "search.max_stops must be between 0 and 3, not 4",
        "search.alternative_days must be between 0 and 14, not 15",
        "capacity.max_overbooking_percent must be between 0 and 100, not 101",
        "auth.algorithm is invalid: unknown variant `RS256`, expected `EdDSA` or `HS256`",
        "search.connection_minutes_by_airport must use airport codes of three capital letters, not `jfk`",
        "redis.url must be a URL that begins with redis:// or rediss://",
        "telemetry.log_filter is not a filter",
        "rate_limit.enabled is invalid: `yes` is not one of true, false, 1, 0 (command line)",
    ] {
        assert!(error.to_string().contains(expected), "{expected}\n--\n{error}");
    }
}

#[test]
fn wrong_types_in_a_file_are_faults_of_the_setting() {
    let file =
        ConfigFile::new("[server]\nport = '8080'\ncors_origins = [1]\n[auth]\nsecret = 4711\n[database]\nurl = 1");
    let error = Settings::load(file.sources()).unwrap_err().to_string();
    assert!(error.contains("server.port is invalid: invalid type: string"), "{error}");
    assert!(error.contains("server.cors_origins is invalid"), "{error}");
    assert!(error.contains("auth.secret is invalid: it must be a string (file"), "{error}");
    assert!(!error.contains("4711"), "{error}");
    assert_eq!(error.lines().count(), 4, "{error}");
}

#[test]
fn broken_file_is_refused_by_line_without_quoting_it() {
    let error = Settings::load(ConfigFile::new("[auth]\nsecret = hunter2\n").sources()).unwrap_err().to_string();
    assert!(error.starts_with("line 2 is not valid TOML"), "{error}");
    assert!(!error.contains("hunter2"), "{error}");
    assert_eq!(error.lines().count(), 1, "{error}");
}

#[test]
fn hs256_needs_a_secret_of_32_bytes() {
    let short = [("LOADMASTER_AUTH__ALGORITHM", "HS256"), ("LOADMASTER_AUTH__SECRET", "hunter2")];
    let text = fault(&short);
    assert!(text.starts_with("auth.secret must have at least 32 bytes with auth.algorithm HS256"), "{text}");
    assert!(!text.contains("hunter2"), "{text}");
    assert!(fault(&short[..1]).ends_with("(not set)"));
}

#[test]
fn faults_of_urls_do_not_show_them() {
    let text = fault(&[("DATABASE_URL", "mysql://root:hunter2@db/a")]);
    assert_eq!(
        text,
        "database.url must be a URL that begins with postgres:// or postgresql:// (environment variable DATABASE_URL)"
    );
}

#[test]
fn cors_origins_must_be_spelled_as_browsers_send_them() {
    for good in ["https://a.example", "http://localhost:3000", "http://[::1]:3000", "capacitor://localhost"] {
        assert_eq!(load(&[("LOADMASTER_SERVER__CORS_ORIGINS", good)]).server.cors_origins, [good]);
    }
    for bad in
        ["*", "null", "https://a.example/", "https://a.example:443", "https://A.example", "https://*", "a.example"]
    {
        fault(&[("LOADMASTER_SERVER__CORS_ORIGINS", bad)]);
    }
}

#[test]
fn a_drain_that_takes_the_whole_shutdown_is_refused() {
    let text = fault(&[("LOADMASTER_SERVER__DRAIN_MS", "25000")]);
    assert!(text.starts_with("server.drain_ms must be less than server.shutdown_ms, which is 25000"), "{text}");
    load(&[("LOADMASTER_SERVER__DRAIN_MS", "25000"), ("LOADMASTER_SERVER__SHUTDOWN_MS", "50000")]);
}

#[test]
fn waits_that_outlast_what_waits_for_them_are_named() {
    assert_eq!(load(&[]).contradictions(), [""; 0]);
    let text = |pairs: &[(&str, &str)]| load(pairs).contradictions().join("\n");
    assert!(
        text(&[("LOADMASTER_LOCKS__DELAY_MS", "200")]).starts_with("locks.attempts × locks.delay_ms amounts to 10000")
    );
    assert!(
        text(&[("LOADMASTER_DATABASE__ACQUIRE_TIMEOUT_MS", "10000")]).contains("callers receive 504 instead of 503")
    );
    assert!(text(&[("LOADMASTER_SERVER__SHUTDOWN_MS", "20000")]).starts_with("a shutdown leaves requests 9000 ms"));
}

#[test]
fn tls_needs_a_certificate_and_its_key() {
    let (certificate, key) = ("LOADMASTER_SERVER__TLS_CERT_FILE", "LOADMASTER_SERVER__TLS_KEY_FILE");
    assert_eq!(
        fault(&[(certificate, "/etc/tls.crt")]),
        "server.tls_key_file is needed with server.tls_cert_file (not set)"
    );
    assert_eq!(fault(&[(key, "/etc/tls.key")]), "server.tls_cert_file is needed with server.tls_key_file (not set)");
    // The files themselves are read by what serves.
    let both = load(&[(certificate, "/etc/tls.crt"), (key, "/etc/tls.key")]);
    assert_eq!(both.public_url(), "https://127.0.0.1:8080");
    assert_eq!(load(&[]).public_url(), "http://127.0.0.1:8080");
}

#[test]
fn a_replica_of_the_private_database_is_refused() {
    assert_eq!(
        fault(&[("DATABASE_READ_URL", "postgres://replica/a")]),
        "database.read_url needs database.url: the private PostgreSQL has no replica (environment variable DATABASE_READ_URL)"
    );
}

#[test]
fn the_provider_of_payments_is_named_completely() {
    use super::PaymentProvider::{Auto, Http, None, Test};
    let payments = load(&[]).payments;
    assert_eq!((payments.provider, payments.provider(true), payments.provider(false)), (Auto, Test, None));
    let bands: Vec<_> = payments.cancellation_fees.iter().map(|band| (band.hours, band.percent)).collect();
    assert_eq!(bands, [(48, 0), (12, 25), (0, 50)]);
    let named = load(&[("LOADMASTER_PAYMENTS__PROVIDER", "test")]).payments;
    assert_eq!(named.provider(false), Test, "only where it is named");
    let http = [
        ("LOADMASTER_PAYMENTS__PROVIDER", "http"),
        ("LOADMASTER_PAYMENTS__HTTP_URL", "https://api.provider.example"),
        ("LOADMASTER_PAYMENTS__HTTP_SECRET", "sk_hunter2"),
    ];
    assert_eq!(load(&http).payments.provider(true), Http);
    assert!(fault(&http[..2]).starts_with("payments.http_secret is needed with payments.provider http"));
    assert!(fault(&[http[0], http[2]]).starts_with("payments.http_url is needed with payments.provider http"));
    for url in ["ftp://provider.example", "provider.example", "https://provider.example?key=1"] {
        assert!(fault(&[("LOADMASTER_PAYMENTS__HTTP_URL", url)]).starts_with("payments.http_url must be an address"));
    }
    let fields = [
        ("LOADMASTER_PAYMENTS__PUBLISHABLE_KEY", "pk_1"),
        ("LOADMASTER_PAYMENTS__SCRIPT_URL", "https://js.provider.example/v3/"),
    ];
    assert!(fault(&fields[..1]).starts_with("payments.script_url is needed with payments.publishable_key"));
    assert_eq!(load(&fields).payments.hosted_fields(true), Option::None, "the provider in use is `test`");
    let origins =
        ("LOADMASTER_PAYMENTS__SCRIPT_ORIGINS", "https://hooks.provider.example,https://*.js.provider.example");
    let payments = load(&[http, [fields[0], fields[1], origins]].concat()).payments;
    let shown = payments.hosted_fields(false).unwrap();
    assert_eq!((shown.publishable_key, shown.script_url), ("pk_1", fields[1].1));
    let admitted = ["https://js.provider.example", "https://hooks.provider.example", "https://*.js.provider.example"];
    assert_eq!(shown.origins().unwrap(), admitted, "the API's own address is not published");
}

#[test]
fn origins_of_payment_scripts_must_be_sources_of_a_policy() {
    for bad in [
        "http://js.provider.example",
        "https://js.provider.example/",
        "https://JS.provider.example:443",
        "https://*",
        "https://*.*.provider.example",
        "https://a.example;script-src",
        "'unsafe-inline'",
    ] {
        let fault = fault(&[("LOADMASTER_PAYMENTS__SCRIPT_ORIGINS", bad)]);
        assert!(fault.starts_with("payments.script_origins must be https://host"), "{bad}: {fault}");
    }
}

#[test]
fn webhook_secrets_and_cancellation_fees_are_checked() {
    let secrets = |text: &str| fault(&[("LOADMASTER_PAYMENTS__WEBHOOK_SECRETS", text)]);
    assert!(secrets("hunter2").starts_with("payments.webhook_secrets must each have at least 16 bytes"));
    assert!(secrets("whsec_hunter2").starts_with("payments.webhook_secrets must each"), "no base64");
    let sixteen = "hunter2-hunter2-";
    assert!(secrets(&[sixteen; 3].join(",")).starts_with("payments.webhook_secrets must be at most two"));
    assert!(!secrets("hunter2").contains("hunter2"));
    let two = load(&[("LOADMASTER_PAYMENTS__WEBHOOK_SECRETS", &format!("{sixteen},whsec_aHVudGVyMi1odW50ZXIyLQ=="))]);
    assert_eq!(two.payments.webhook_secrets.len(), 2);
    let fees = |text: &str| fault(&[("LOADMASTER_PAYMENTS__CANCELLATION_FEES", text)]);
    assert!(fees("[{ hours = 1, percent = 101 }]").contains("must be between 0 and 100, not 101"));
    let rising = "[{ hours = 1, percent = 1 }, { hours = 2, percent = 2 }]";
    assert!(fees(rising).starts_with("payments.cancellation_fees must have falling hours"));
    assert!(load(&[("LOADMASTER_PAYMENTS__CANCELLATION_FEES", "[]")]).payments.cancellation_fees.is_empty());
}

#[test]
fn secrets_are_shown_by_neither_render_nor_debug() {
    let settings = load(&[
        ("DATABASE_URL", "postgres://app:hunter2@db.example:5433/cargo?sslmode=require"),
        ("LOADMASTER_DATABASE__OWNER_URL", "postgres://db/cargo?user=owner&password=hunter2"),
        ("REDIS_URL", "redis+unix:///run/redis.sock?pass=hunter2&db=1"),
        ("LOADMASTER_AUTH__SECRET", "hunter2"),
        ("LOADMASTER_AUTH__PRIVATE_KEY", "hunter2"),
        ("LOADMASTER_PAYMENTS__HTTP_SECRET", "hunter2"),
        ("LOADMASTER_PAYMENTS__WEBHOOK_SECRETS", "hunter2-hunter2-hunter2"),
    ]);
    let shown = settings.render();
    assert!(!shown.contains("hunter2"), "{shown}");
    assert!(shown.contains("url = \"postgres://app:***@db.example:5433/cargo?sslmode=require\""), "{shown}");
    assert!(shown.contains("owner_url = \"postgres://db/cargo?user=owner&password=***\""), "{shown}");
    assert!(shown.contains("secret = \"***\"\n"), "{shown}");
    assert!(!format!("{settings:?}").contains("hunter2"));
}

#[test]
fn of_the_gateway_only_its_host_and_the_form_of_its_body_are_shown() {
    let shown = |url: &str, headers: &str| {
        let settings = load(&[("LOADMASTER_SMS__URL", url), ("LOADMASTER_SMS__HEADERS", headers)]);
        toml::from_str::<toml::Table>(&settings.render()).unwrap()["sms"].clone()
    };
    let headers = r#"{ "content-type" = "application/json", Authorization = "Bearer hunter2" }"#;
    for (url, expected) in [
        ("https://sms.example.com/v1/hunter2/messages?api_key=hunter2", "https://sms.example.com/***"),
        ("https://user:hunter2@sms.example.com:8443?key=hunter2", "https://sms.example.com:8443/***"),
        ("https://sms.example.com/", "https://sms.example.com"),
        ("http://[::1]:9000", "http://[::1]:9000"),
    ] {
        let sms = shown(url, headers);
        assert_eq!(sms["url"].as_str(), Some(expected));
        assert_eq!(sms["headers"]["content-type"].as_str(), Some("application/json"));
        assert_eq!(sms["headers"]["Authorization"].as_str(), Some("***"));
    }
}

#[test]
fn rendered_settings_can_be_read_back() {
    let settings = load(&[("PORT", "9000"), ("LOADMASTER_SEARCH__CONNECTION_MINUTES_BY_AIRPORT", "JFK=90")]);
    let file = ConfigFile::new(&settings.render());
    assert_eq!(Settings::load(file.sources()).unwrap().render(), settings.render());
}
