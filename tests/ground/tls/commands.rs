//! Commands that know of the certificate.
use std::{fs, os::unix::fs::PermissionsExt};

use loadmaster_testkit::{
    OwnRedis, Process, TestDatabase, TlsFiles,
    command::{Done, loadmaster},
};

fn settings(files: &TlsFiles) -> Vec<String> {
    files.settings().map(|(name, value)| format!("{name}={value}")).to_vec()
}

async fn start(settings: &[String]) -> (Process, OwnRedis) {
    let (database, redis) = (TestDatabase::create().await, OwnRedis::start().await);
    let settings: Vec<_> = settings.iter().map(String::as_str).collect();
    (Process::start(&database, &redis, &settings).await, redis)
}

/// The health of the server at this base, as seen by a command with these settings.
async fn healthcheck(base: &str, settings: &[String]) -> Done {
    let port = format!("server.port={}", base.rsplit(':').next().unwrap());
    let mut arguments = vec!["--set", &port];
    for setting in settings {
        arguments.extend(["--set", setting]);
    }
    arguments.push("healthcheck");
    loadmaster(&arguments).run().await
}

/// Takes some seconds: another certificate is tried again three times, a second apart.
#[tokio::test]
async fn healthcheck_accepts_the_configured_certificate_alone() {
    let (files, others) = (TlsFiles::new(), TlsFiles::new());
    files.issue("second", 2);
    let (process, _redis) = start(&settings(&files)).await;
    assert!(process.base.starts_with("https://127.0.0.1:"), "{}", process.base);
    // It is not issued for this address, nor by an authority that the system knows.
    assert_eq!(healthcheck(&process.base, &settings(&files)).await.succeeded(), "ready\n");
    let told = healthcheck(&process.base, &settings(&others)).await.complained();
    assert!(told.contains("has another certificate than server.tls_cert_file"), "{told}");
    assert!(healthcheck(&process.base, &[]).await.complained().contains("no server responds"));
    // One that was just renewed is there a moment later.
    files.place("second", "second");
    assert_eq!(healthcheck(&process.base, &settings(&files)).await.succeeded(), "ready\n");
    // While the files are faulty the server goes on, and must not be stopped for them.
    fs::remove_file(files.at("tls.key")).unwrap();
    let done = healthcheck(&process.base, &settings(&files)).await;
    assert!(done.stderr.contains("server.tls_key_file"), "{}", done.stderr);
    assert_eq!(done.succeeded(), "ready\n");
}

#[tokio::test]
async fn healthcheck_over_tls_is_not_satisfied_without() {
    let files = TlsFiles::new();
    let (process, _redis) = start(&[]).await;
    assert!(process.base.starts_with("http://"), "{}", process.base);
    assert!(healthcheck(&process.base, &settings(&files)).await.complained().contains("no server responds"));
}

#[tokio::test]
async fn a_server_starts_with_an_expired_certificate() {
    let files = TlsFiles::new();
    files.issue("expired", -1);
    files.place("expired", "expired");
    let (process, _redis) = start(&settings(&files)).await;
    assert_eq!(healthcheck(&process.base, &settings(&files)).await.succeeded(), "ready\n");
}

#[tokio::test]
async fn doctor_judges_the_certificate() {
    let (files, database) = (TlsFiles::new(), TestDatabase::create().await);
    files.issue("expired", -1);
    let doctor = async || {
        let settings = settings(&files);
        let arguments = ["--set", &settings[0], "--set", &settings[1], "doctor"];
        loadmaster(&arguments).on(&database).run().await.stdout
    };
    for (certificate, key, line) in [
        ("first", "first", "ok      the TLS certificate is valid until 20"),
        ("expired", "expired", "BROKEN  the TLS certificate has expired on 20"),
        ("expired", "first", "BROKEN  server.tls_key_file: "),
    ] {
        files.place(certificate, key);
        let found = doctor().await;
        assert!(found.lines().any(|found| found.starts_with(line)), "{line}: {found}");
    }
    let key = settings(&files)[1].split_once('=').unwrap().1.to_owned();
    for (mode, is_exposed) in [(0o600, false), (0o644, true)] {
        fs::set_permissions(&key, fs::Permissions::from_mode(mode)).unwrap();
        let is_warned = doctor().await.contains("weaker  server.tls_key_file: other users");
        assert_eq!(is_warned, is_exposed, "{mode:o}");
    }
    let without = loadmaster(&["doctor"]).on(&database).run().await.stdout;
    assert!(!without.contains("TLS certificate"), "{without}");
}
