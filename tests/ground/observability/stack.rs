//! The settings of everything around, as far as they can be held without running it.
use std::collections::BTreeSet;

use serde_json::Value;

use super::{list, path, read, text, yaml};

const HERE: &str = "./deploy/observability/";

fn compose() -> Value {
    yaml("deploy/observability/compose.yml")
}

fn services(compose: &Value) -> impl Iterator<Item = (&String, &Value)> {
    compose["services"].as_object().expect("services").iter()
}

#[test]
fn every_image_is_pinned_and_every_port_is_this_machines_own() {
    let compose = compose();
    for (name, service) in services(&compose) {
        let (_, tag) = text(&service["image"]).rsplit_once(':').unwrap_or_else(|| panic!("{name} has no tag"));
        let numbers = tag.trim_start_matches('v').split('.').filter(|part| part.parse::<u16>().is_ok());
        assert_eq!(numbers.count(), 3, "{name}: {tag} is no version");
        for port in list(&service["ports"]) {
            assert!(text(port).starts_with("127.0.0.1:"), "{name}: {port}");
        }
        assert_eq!(service["restart"], "unless-stopped", "{name}");
        assert_eq!(list(&service["profiles"]), ["observability"], "{name}");
    }
}

#[test]
fn mounted_files_exist_and_are_read_only() {
    let compose = compose();
    let volumes = compose["volumes"].as_object().unwrap();
    let mut used = BTreeSet::new();
    for (name, service) in services(&compose) {
        let mut mounted = Vec::new();
        for volume in service["volumes"].as_array().into_iter().flatten() {
            // `${NAME:-default}` has a colon of its own.
            let whole = text(volume).replace(":-", "-");
            let (from, to) = whole.split_once(':').unwrap();
            // A variable may name a directory; its default is a volume.
            let default =
                from.strip_prefix("${").and_then(|it| it.split_once('-')).map(|(_, it)| it.trim_end_matches('}'));
            used.extend(default.filter(|it| volumes.contains_key(*it)).map(ToOwned::to_owned));
            if from.starts_with(['.', '/', '$']) {
                let target = to.strip_suffix(":ro").unwrap_or_else(|| panic!("{name} may write to {from}"));
                if let Some(ours) = from.strip_prefix(HERE) {
                    assert!(path("deploy/observability").join(ours).is_dir(), "{name}: {from}");
                    mounted.push((ours.to_owned(), target.to_owned()));
                }
            } else {
                assert!(volumes.contains_key(from), "{name}: {from}");
                used.insert(from.to_owned());
            }
        }
        // Each settings file that its command names is one of ours.
        for argument in service["command"].as_array().into_iter().flatten().map(text) {
            let Some(at) = argument.find("/etc/") else { continue };
            let file = &argument[at..];
            let ours =
                mounted.iter().find_map(|(ours, target)| Some(ours.clone() + file.strip_prefix(target.as_str())?));
            let ours = ours.unwrap_or_else(|| panic!("{name}: nothing is mounted at {file}"));
            assert!(path("deploy/observability").join(&ours).is_file(), "{name}: {ours}");
        }
    }
    assert_eq!(used, volumes.keys().cloned().collect(), "volumes that nobody uses");
}

/// `host:port` and `http://host:port` in the settings of one speak of another.
#[test]
fn they_look_for_each_other_where_they_are() {
    let compose = compose();
    let ports = BTreeSet::from([
        ("prometheus", 9090),
        ("alertmanager", 9093),
        ("loki", 3100),
        ("tempo", 3200),
        ("tempo", 4317),
        ("app-1", 8080),
        ("app-2", 8080),
    ]);
    assert!(ports.iter().all(|(name, _)| name.starts_with("app-") || compose["services"].get(name).is_some()));
    let mut seen = BTreeSet::new();
    for file in [
        "prometheus/prometheus.yml",
        "prometheus/targets/loadmaster.yml",
        "grafana/provisioning/datasources/datasources.yml",
        "alloy/config.alloy",
        "otel-collector/config.yml",
    ] {
        for line in read(&format!("deploy/observability/{file}")).lines() {
            let line = line.split('#').next().unwrap();
            for word in line.split([' ', '"', '/', '[', ']', ',']) {
                let Some((host, port)) = word.split_once(':') else { continue };
                let Ok(port) = port.parse::<u16>() else { continue };
                if host != "0.0.0.0" {
                    let known = ports.iter().find(|known| **known == (host, port));
                    seen.insert(*known.unwrap_or_else(|| panic!("{file}: nobody listens at {word}")));
                }
            }
        }
    }
    assert_eq!(seen, ports, "somebody is not asked");
    let listens = |file: &str, port: u16| read(&format!("deploy/observability/{file}")).contains(&format!("{port}"));
    assert!(listens("loki/loki.yml", 3100) && listens("tempo/tempo.yml", 3200) && listens("tempo/tempo.yml", 4317));
    for port in [4317, 4318] {
        assert!(listens("otel-collector/config.yml", port));
    }
}

#[test]
fn no_secret_is_in_the_files() {
    let compose = read("deploy/observability/compose.yml");
    for line in compose.lines().filter(|line| line.to_lowercase().contains("password")) {
        assert!(line.contains("__FILE: /run/secrets/") || line.contains("grafana_password"), "{line}");
    }
    for receiver in list(&yaml("deploy/observability/alertmanager/alertmanager.yml")["receivers"]) {
        for webhook in list(&receiver["webhook_configs"]) {
            let url = url::Url::parse(text(&webhook["url"])).unwrap();
            assert!(url.host_str().unwrap().ends_with(".invalid"), "{url} is somebody's");
        }
    }
}

#[test]
fn settings_in_yaml_and_their_pipelines_are_whole() {
    let collector = yaml("deploy/observability/otel-collector/config.yml");
    for pipeline in collector["service"]["pipelines"].as_object().unwrap().values() {
        for kind in ["receivers", "processors", "exporters"] {
            for name in list(&pipeline[kind]) {
                assert!(collector[kind].get(text(name)).is_some(), "{kind}: {name}");
            }
        }
    }
    for extension in list(&collector["service"]["extensions"]) {
        assert!(collector["extensions"].get(text(extension)).is_some(), "{extension}");
    }
    for file in ["loki/loki.yml", "tempo/tempo.yml", "grafana/provisioning/dashboards/dashboards.yml"] {
        assert!(yaml(&format!("deploy/observability/{file}")).is_object(), "{file}");
    }
    let provider = yaml("deploy/observability/grafana/provisioning/dashboards/dashboards.yml");
    let directory = text(&provider["providers"][0]["options"]["path"]).to_owned();
    let mounts = compose();
    let mounts = list(&mounts["services"]["grafana"]["volumes"]);
    assert!(mounts.iter().any(|mount| text(mount) == format!("{HERE}grafana/dashboards:{directory}:ro")));
}
