//! A certificate that is replaced while the server runs.
use std::{
    fs, io,
    os::unix::fs::symlink,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed},
    },
    time::Duration,
};

use chrono::{TimeDelta, Utc};
use loadmaster_testkit::{
    Encrypted, TlsFiles, World, WorldOptions, connect, listening::Log, read_answer, shown, until,
};
use tokio::{io::AsyncWriteExt, task::JoinSet};

use super::{LIVEZ, ask, get, http2, world};

/// Between two requests: several are sent between any two looks at the files.
const PAUSE: Duration = Duration::from_millis(5);

/// What goes on while the certificate is replaced; any request that fails ends it.
#[derive(Clone)]
struct Load {
    files: Arc<TlsFiles>,
    base: String,
    is_over: Arc<AtomicBool>,
    answered: Arc<AtomicUsize>,
}

impl Load {
    async fn ask(&self, stream: &mut Encrypted) {
        stream.write_all(LIVEZ).await.expect("a request is taken");
        let answer = read_answer(stream).await;
        assert!(answer.starts_with("HTTP/1.1 200 ") && answer.ends_with("alive"), "{answer}");
        self.answered.fetch_add(1, Relaxed);
    }

    async fn on_new_connections(self) {
        while !self.is_over.load(Relaxed) {
            self.ask(&mut self.files.connect(&self.base, &["http/1.1"]).await).await;
            let (head, _) = ask(&http2(self.files.connect(&self.base, &["h2"]).await).await, get("/livez")).await;
            assert_eq!(head.status, 200);
            tokio::time::sleep(PAUSE).await;
        }
    }

    async fn on_one_connection(self) {
        let mut stream = self.files.connect(&self.base, &["http/1.1"]).await;
        let first = shown(&stream);
        while !self.is_over.load(Relaxed) {
            self.ask(&mut stream).await;
            tokio::time::sleep(PAUSE).await;
        }
        assert_eq!(first, self.files.certificate("first"));
    }

    async fn by_http_2(self) {
        let sending = http2(self.files.connect(&self.base, &["h2"]).await).await;
        while !self.is_over.load(Relaxed) {
            let (head, text) = ask(&sending, get("/livez")).await;
            assert_eq!((head.status.as_u16(), &*text), (200, "alive"));
            self.answered.fetch_add(1, Relaxed);
            tokio::time::sleep(PAUSE).await;
        }
    }
}

async fn until_shown(files: &TlsFiles, base: &str, name: &str) {
    let expected = files.certificate(name);
    until(&format!("{name} is shown"), async || shown(&files.connect(base, &[]).await) == expected).await;
}

const TAKEN: &str = "the changed TLS certificate is used for new connections";
const FAULTY: &str = "the files of the TLS certificate cannot be used; the former one stays in use";

fn count(log: &Log, words: &str) -> usize {
    log.text().lines().filter(|line| line.contains(words)).count()
}

/// Takes some seconds: the certificate is replaced seven times, and the server looks for that ten times a second.
#[tokio::test]
async fn no_request_fails_while_the_certificate_is_replaced() {
    let (log, _listening) = Log::of_this_thread("loadmaster=info");
    let files = Arc::new(TlsFiles::new());
    files.issue("second", 2);
    files.issue("third", 2);
    let world = world(&files).await;
    let load =
        Load { files: files.clone(), base: world.base.clone(), is_over: Arc::default(), answered: Arc::default() };
    let mut under_load = JoinSet::new();
    under_load.spawn(load.clone().on_new_connections());
    under_load.spawn(load.clone().on_one_connection());
    under_load.spawn(load.clone().by_http_2());
    until("the load has begun", async || load.answered.load(Relaxed) > 100).await;

    for name in ["second", "third", "first", "second"] {
        files.place(name, name);
        until_shown(&files, &world.base, name).await;
    }
    let taken = count(&log, TAKEN);
    assert!((4..=8).contains(&taken), "{}", log.text());
    // The key of another certificate; half a certificate; none at all.
    files.place("third", "second");
    until("the first fault is told", async || count(&log, FAULTY) == 1).await;
    let half = fs::read(files.at("third.crt")).unwrap();
    files.put("tls.crt", &half[..half.len() / 2]);
    until("the second fault is told", async || count(&log, FAULTY) == 2).await;
    fs::remove_file(files.at("tls.crt")).unwrap();
    until("the third fault is told", async || count(&log, FAULTY) == 3).await;
    until_shown(&files, &world.base, "second").await;
    // It is tried again when the files change.
    files.place("third", "third");
    until_shown(&files, &world.base, "third").await;
    assert_eq!(count(&log, FAULTY), 3, "each was told once: {}", log.text());
    for words in ["does not belong to the first certificate", "ends within a section", "No such file"] {
        assert_eq!(count(&log, words), 1, "{words}: {}", log.text());
    }

    let before = load.answered.load(Relaxed);
    until("the load goes on", async || load.answered.load(Relaxed) > before + 20).await;
    load.is_over.store(true, Relaxed);
    while let Some(ended) = under_load.join_next().await {
        ended.expect("no request failed");
    }
    let told = world.anonymous().get("/metrics").await.text;
    for series in ["loadmaster_tls_reloads_total{outcome=\"done\"} ", "loadmaster_tls_certificate_valid_until_seconds "]
    {
        assert!(told.contains(series), "{told}");
    }
}

#[tokio::test]
async fn directories_that_are_swapped_by_a_link_are_followed() {
    let files = TlsFiles::new();
    files.issue("second", 2);
    // As Kubernetes mounts a secret.
    let directory = tempfile::tempdir().unwrap();
    let at = |name: &str| directory.path().join(name);
    for (version, name) in [("..1", "first"), ("..2", "second")] {
        fs::create_dir(at(version)).unwrap();
        for kind in ["crt", "key"] {
            fs::copy(files.at(&format!("{name}.{kind}")), at(version).join(format!("tls.{kind}"))).unwrap();
        }
    }
    symlink("..1", at("..data")).unwrap();
    for name in ["tls.crt", "tls.key"] {
        symlink(format!("..data/{name}"), at(name)).unwrap();
    }
    let options = WorldOptions::working().set("server.tls_cert_file", at("tls.crt").to_str().unwrap());
    let world = options.set("server.tls_key_file", at("tls.key").to_str().unwrap()).start().await;
    until_shown(&files, &world.base, "first").await;
    symlink("..2", at("..data_tmp")).unwrap();
    fs::rename(at("..data_tmp"), at("..data")).unwrap();
    until_shown(&files, &world.base, "second").await;
}

#[tokio::test]
async fn a_session_is_not_resumed_under_another_certificate() {
    let files = TlsFiles::new();
    files.issue("second", 2);
    let world = world(&files).await;
    let connector = files.connector(tokio_rustls::rustls::ALL_VERSIONS, &["http/1.1"]);
    let handshake = async || -> io::Result<Encrypted> {
        let name = tokio_rustls::rustls::pki_types::ServerName::try_from("localhost").unwrap();
        let mut stream = connector.connect(name, connect(&world.base).await).await?;
        stream.write_all(LIVEZ).await?;
        assert!(read_answer(&mut stream).await.ends_with("alive"));
        Ok(stream)
    };
    handshake().await.unwrap();
    files.place("second", "second");
    until_shown(&files, &world.base, "second").await;
    let stream = handshake().await.unwrap();
    assert_eq!(format!("{:?}", stream.get_ref().1.handshake_kind().unwrap()), "Full");
    assert_eq!(shown(&stream), files.certificate("second"));
}

#[tokio::test]
async fn a_certificate_that_clients_refuse_is_used_and_reported() {
    let (log, _listening) = Log::of_this_thread("loadmaster=info");
    let files = TlsFiles::new();
    let world: World = files.options(WorldOptions::working()).start().await;
    let told = async |words: &str, at: TimeDelta| {
        world.clock.set(Utc::now() + at);
        until(&format!("it is told: {words}"), async || count(&log, words) == 1).await;
        world.anonymous().get("/livez").await.expect(200);
    };
    // The tests' clock is earlier than the certificate.
    told("NOT YET VALID", TimeDelta::days(-3)).await;
    told("expires soon", TimeDelta::hours(40)).await;
    told("HAS EXPIRED", TimeDelta::days(3)).await;
    // The next one is judged anew.
    files.issue("expired", -1);
    files.place("expired", "expired");
    until("it is used", async || count(&log, TAKEN) == 1).await;
    until("it is told of", async || count(&log, "HAS EXPIRED") == 2).await;
}
