//! Who is told, and who is spared what follows from something that is known already: asked of a real Alertmanager.
use std::{
    collections::{BTreeMap, BTreeSet},
    process::{Child, Command, Stdio},
};

use loadmaster_testkit::{Client, own_host, until};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::{alert_names, alerts, how_to_install, list, path, run, text, yaml};

const SETTINGS: &str = "alertmanager/alertmanager.yml";
/// Debian's name for it, and everybody else's.
const PROGRAMS: [&str; 2] = ["prometheus-alertmanager", "alertmanager"];

/// An Alertmanager of one test's own, gone with it.
struct Alertmanager {
    child: Child,
    client: Client,
    _directory: TempDir,
}

impl Alertmanager {
    async fn start() -> Self {
        let (directory, host) = (tempfile::tempdir().unwrap(), own_host());
        let start = |program: &&str| {
            Command::new(program)
                .arg(format!("--config.file={}", path("deploy/observability").join(SETTINGS).display()))
                .arg(format!("--storage.path={}", directory.path().display()))
                .arg(format!("--web.listen-address={host}:19093"))
                .arg("--cluster.listen-address=")
                .stdin(Stdio::null())
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .spawn()
                .ok()
        };
        let child = PROGRAMS.iter().find_map(start).unwrap_or_else(|| panic!("{}", how_to_install(PROGRAMS[1])));
        let client = Client::anonymous(&format!("http://{host}:19093"));
        let this = Self { child, client, _directory: directory };
        until("Alertmanager is ready", async || {
            let asked = this.client.request(reqwest::Method::GET, "/-/ready").send().await;
            asked.is_ok_and(|answer| answer.status() == 200)
        })
        .await;
        this
    }

    /// These fire, of one instance; answers which of them are kept back.
    async fn silenced(&self, firing: &BTreeSet<String>, job: &str) -> BTreeSet<String> {
        self.fire(firing, job).await;
        // An alert is shown before it is weighed what it keeps back, and they are weighed one by one: once these two of
        // a later installation are, those of this one are as well.
        let later = format!("{job}-later");
        self.fire(&BTreeSet::from(["DatabaseAway".to_owned(), "PoolWaited".to_owned()]), &later).await;
        until("what came later was weighed", async || !self.kept_back(&later).await.is_empty()).await;
        self.kept_back(job).await
    }

    async fn fire(&self, names: &BTreeSet<String>, job: &str) {
        let fire = |name: &String| json!({"labels": {"alertname": name, "job": job, "instance": "a:8080"}});
        let all: Vec<Value> = names.iter().map(fire).collect();
        self.client.post("/api/v2/alerts", json!(all)).await.expect(200);
        until("all are known", async || list(&self.known(job).await).len() == names.len()).await;
    }

    async fn known(&self, job: &str) -> Value {
        self.client.get(&format!("/api/v2/alerts?filter=job%3D{job}")).await.expect(200)
    }

    async fn kept_back(&self, job: &str) -> BTreeSet<String> {
        let known = self.known(job).await;
        let kept_back = list(&known).iter().filter(|alert| !list(&alert["status"]["inhibitedBy"]).is_empty());
        kept_back.map(|alert| text(&alert["labels"]["alertname"]).to_owned()).collect()
    }
}

impl Drop for Alertmanager {
    fn drop(&mut self) {
        _ = self.child.kill();
        _ = self.child.wait();
    }
}

fn receiver(labels: &[String]) -> String {
    let config = format!("--config.file={SETTINGS}");
    let labels: Vec<_> = labels.iter().map(String::as_str).collect();
    let said = run("amtool", &[&["config", "routes", "test", &config], labels.as_slice()].concat());
    said.lines().next().unwrap_or_default().to_owned()
}

#[test]
fn alertmanager_takes_its_settings_and_pages_go_elsewhere_than_tickets() {
    let said = run("amtool", &["check-config", SETTINGS]);
    assert!(said.contains("SUCCESS"), "{said}");
    for rule in alerts() {
        let labels = [("alertname", rule.alert().unwrap()), ("job", "loadmaster"), ("severity", rule.severity())];
        let labels = labels.map(|(label, value)| format!("{label}={value}"));
        assert_eq!(receiver(&labels), rule.severity(), "{labels:?}");
    }
}

#[test]
fn alerts_named_by_inhibitions_exist() {
    let settings = yaml("deploy/observability/alertmanager/alertmanager.yml");
    let names = alert_names();
    for rule in list(&settings["inhibit_rules"]) {
        for matcher in list(&rule["source_matchers"]).iter().chain(list(&rule["target_matchers"])) {
            let (label, value) = text(matcher).split_once(['=', '!']).unwrap();
            assert_eq!(label, "alertname");
            for name in value.trim_matches(['=', '~', '"']).split('|') {
                assert!(names.contains(name), "there is no alert {name}");
            }
        }
        assert!(list(&rule["equal"]).contains(&"job".into()), "{rule}");
    }
}

#[tokio::test]
async fn consequences_of_a_known_alert_are_inhibited() {
    let alertmanager = Alertmanager::start().await;
    let all = alert_names();
    let set = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<BTreeSet<_>>();
    let consequences = BTreeMap::from([
        ("NoInstanceUp", all.iter().filter(|name| *name != "NoInstanceUp").cloned().collect()),
        (
            "DatabaseAway",
            set(&[
                "InstanceWithoutDatabase",
                "AnswersFail",
                "AnswersFailSlowly",
                "TurnedAway",
                "BookingsSlow",
                "SearchesSlow",
                "PoolWaited",
                "IndexStale",
                "OutboxLate",
                "JobsLate",
                "JobsFailing",
            ]),
        ),
        (
            "InstanceDown",
            set(&["InstanceWithoutDatabase", "InstanceRestarts", "FileDescriptorsRunOut", "PoolWaited", "IndexStale"]),
        ),
        ("InstanceWithoutDatabase", set(&["PoolWaited", "IndexStale"])),
        ("RedisAway", set(&["CacheHitsLow"])),
        ("AnswersFail", set(&["AnswersFailSlowly", "TurnedAway"])),
    ]);
    let causes: Vec<_> = consequences.keys().copied().collect();
    for (number, (cause, expected)) in consequences.iter().enumerate() {
        // Each in an installation of its own, and no other cause beside it.
        let others = all.iter().filter(|name| !causes.contains(&name.as_str()) || expected.contains(*name));
        let firing = others.cloned().chain([(*cause).to_owned()]).collect();
        let silenced = alertmanager.silenced(&firing, &format!("site{number}")).await;
        // What a consequence silences in turn is silent as well.
        let in_turn = expected.iter().filter_map(|name| consequences.get(name.as_str())).flatten();
        let expected: BTreeSet<_> = expected.iter().chain(in_turn).cloned().collect();
        assert_eq!(silenced, expected, "{cause}");
    }
    // Without a cause everything is said.
    let effects = all.iter().filter(|name| !causes.contains(&name.as_str())).cloned().collect();
    assert_eq!(alertmanager.silenced(&effects, "quiet").await, BTreeSet::new());
}
