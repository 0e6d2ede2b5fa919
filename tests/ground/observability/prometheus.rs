//! A real Prometheus, with the settings and rules of `deploy/observability`, that looks more often.
use std::{
    fs,
    process::{Child, Command, Stdio},
    time::Duration,
};

use loadmaster_testkit::{Client, own_host, until};
use serde_json::Value;
use tempfile::TempDir;

use super::{files, how_to_install, list, read, text};

const HOME: &str = "deploy/observability/prometheus";

/// Gone with its owner.
pub struct Prometheus {
    child: Child,
    client: Client,
    directory: TempDir,
}

/// A rule as Prometheus has it.
pub struct Evaluated {
    pub name: String,
    pub health: String,
    pub error: String,
    /// Whether it was evaluated at all.
    pub has_run: bool,
    /// Of an alert: whether it fires or is about to.
    pub is_active: bool,
}

impl Prometheus {
    /// Scrapes these servers.
    pub async fn start(bases: &[&str]) -> Self {
        let (directory, host) = (tempfile::tempdir().unwrap(), own_host());
        let home = directory.path();
        let settings = read(&format!("{HOME}/prometheus.yml"));
        assert_eq!(settings.matches("interval: 15s").count(), 2, "scraping and evaluating");
        fs::write(home.join("prometheus.yml"), settings.replace("interval: 15s", "interval: 1s")).unwrap();
        fs::create_dir(home.join("rules")).unwrap();
        for file in files(&format!("{HOME}/rules")) {
            fs::write(home.join("rules").join(file.rsplit_once('/').unwrap().1), read(&file)).unwrap();
        }
        fs::create_dir(home.join("targets")).unwrap();
        let targets: Vec<_> = bases.iter().map(|base| base.trim_start_matches("http://")).collect();
        let targets = serde_json::json!([{ "targets": targets }]).to_string();
        fs::write(home.join("targets/loadmaster.yml"), targets).unwrap();
        let child = Command::new("prometheus")
            .arg(format!("--config.file={}", home.join("prometheus.yml").display()))
            .arg(format!("--storage.tsdb.path={}", home.join("data").display()))
            .arg(format!("--web.listen-address={host}:19090"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(fs::File::create(home.join("log")).unwrap())
            .spawn()
            .unwrap_or_else(|error| panic!("{}: {error}", how_to_install("prometheus")));
        let client = Client::anonymous(&format!("http://{host}:19090"));
        let this = Self { child, client, directory };
        until("Prometheus is ready", async || {
            let asked = this.client.request(reqwest::Method::GET, "/-/ready").send().await;
            asked.is_ok_and(|answer| answer.status() == 200)
        })
        .await;
        this
    }

    /// The values that the query finds now; a query that makes no sense fails the test.
    pub async fn ask(&self, query: &str) -> Vec<f64> {
        let query: String = percent_encoding::utf8_percent_encode(query, percent_encoding::NON_ALPHANUMERIC).collect();
        let answer = self.client.get(&format!("/api/v1/query?query={query}")).await.expect(200);
        let data = &answer["data"];
        let value = |pair: &Value| text(&pair[1]).parse().unwrap();
        match text(&data["resultType"]) {
            "scalar" => vec![value(&data["result"])],
            "vector" => list(&data["result"]).iter().map(|series| value(&series["value"])).collect(),
            other => panic!("{query}: {other}"),
        }
    }

    pub async fn rules(&self) -> Vec<Evaluated> {
        let answer = self.client.get("/api/v1/rules").await.expect(200);
        let rules = list(&answer["data"]["groups"]).iter().flat_map(|group| list(&group["rules"]));
        let evaluated = |rule: &Value| Evaluated {
            name: text(&rule["name"]).to_owned(),
            health: text(&rule["health"]).to_owned(),
            error: rule["lastError"].as_str().unwrap_or_default().to_owned(),
            has_run: !text(&rule["lastEvaluation"]).starts_with("0001"),
            is_active: rule["state"].as_str().is_some_and(|state| state != "inactive"),
        };
        rules.map(evaluated).collect()
    }

    /// What it complained of.
    pub fn log(&self) -> String {
        fs::read_to_string(self.directory.path().join("log")).unwrap_or_default()
    }
}

/// As [`until`], about what Prometheus knows, which looks once a second.
pub async fn until_known(what: &str, mut condition: impl AsyncFnMut() -> bool) {
    until(what, async || {
        let is_so = condition().await;
        if !is_so {
            tokio::time::sleep(Duration::from_millis(250)).await;
        }
        is_so
    })
    .await;
}

impl Drop for Prometheus {
    fn drop(&mut self) {
        _ = self.child.kill();
        _ = self.child.wait();
    }
}
