//! The roles and the rights that Compose gives, as far as that can be held without a container; `scripts/test-containers.sh`
//! starts them.
use std::{collections::BTreeSet, path::Path};

use serde_json::Value;

const TRIAL: &str = "deploy/secrets/trial";

fn text(name: &str) -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(name)).unwrap()
}

fn services() -> serde_json::Map<String, Value> {
    let compose: Value = serde_saphyr::from_str(&text("docker-compose.yml")).unwrap();
    compose["services"].as_object().unwrap().clone()
}

fn names(list: &Value) -> BTreeSet<&str> {
    list.as_array().into_iter().flatten().map(|name| name.as_str().unwrap()).collect()
}

#[test]
fn only_migrate_and_the_database_see_the_owners_url() {
    let services = services();
    let seeing: BTreeSet<_> = services
        .iter()
        .filter(|(_, service)| names(&service["secrets"]).contains("owner_url"))
        .map(|(name, _)| name.as_str())
        .collect();
    assert_eq!(seeing, BTreeSet::from(["migrate", "postgres"]));
    for name in ["app", "app-1", "app-2", "migrate"] {
        let environment = services[name]["environment"].as_object().unwrap();
        assert_eq!(environment["DATABASE_URL_FILE"], "/run/secrets/app_url", "{name}");
        assert_eq!(
            environment.get("LOADMASTER_DATABASE__OWNER_URL_FILE").map(|file| file == "/run/secrets/owner_url"),
            (name == "migrate").then_some(true),
            "{name}"
        );
    }
    for name in ["app-1", "app-2"] {
        assert_eq!(services[name]["depends_on"]["migrate"]["condition"], "service_completed_successfully");
    }
}

/// `docker compose run app doctor` must find the installation as it is, not start what is missing.
#[test]
fn the_command_line_starts_no_other_service() {
    let app = &services()["app"];
    assert!(app.get("depends_on").is_none() && names(&app["profiles"]) == BTreeSet::from(["commands"]));
    assert!(app.get("networks").is_none(), "a fixed address would be taken");
}

#[test]
fn every_service_has_no_more_rights_than_it_needs() {
    for (name, service) in services() {
        assert_eq!(service["read_only"], true, "{name}");
        assert_eq!(names(&service["cap_drop"]), BTreeSet::from(["ALL"]), "{name}");
        assert_eq!(names(&service["security_opt"]), BTreeSet::from(["no-new-privileges:true"]), "{name}");
        assert!(service["logging"]["options"]["max-size"].is_string(), "{name}");
        assert!(service["deploy"]["resources"]["limits"]["memory"].is_string(), "{name}");
        for port in service["ports"].as_array().into_iter().flatten() {
            assert_eq!(name, "nginx", "{port}");
            assert!(port.as_str().unwrap().starts_with("${PUBLISHED_ADDRESS:-127.0.0.1}:"), "{port}");
        }
    }
}

#[test]
fn the_secrets_of_a_trial_are_whole_and_differ() {
    let compose: Value = serde_saphyr::from_str(&text("docker-compose.yml")).unwrap();
    let mut contents = BTreeSet::new();
    for (name, secret) in compose["secrets"].as_object().unwrap() {
        assert_eq!(secret["file"], format!("${{SECRETS_DIR:-./{TRIAL}}}/{name}"));
        assert!(contents.insert(text(&format!("{TRIAL}/{name}"))), "{name}");
    }
    let url = |name: &str| url::Url::parse(text(&format!("{TRIAL}/{name}")).trim()).unwrap();
    let (owner, app, read) = (url("owner_url"), url("app_url"), url("read_url"));
    assert_eq!((owner.username(), app.username(), read.username()), ("loadmaster", "loadmaster_app", "loadmaster_app"));
    assert_ne!(owner.password(), app.password());
    assert_eq!(read.password(), app.password());
    assert!(url("redis_url").password().is_some());
    assert!(text("deploy/redis/start.sh").contains("\nmaxmemory-policy volatile-lru\n"));
}

#[test]
fn no_role_but_the_superuser_may_do_more_than_it_needs() {
    let script = text("deploy/postgres/roles.sh");
    let roles: Vec<_> = script.split(';').filter(|statement| statement.contains("alter role")).collect();
    assert_eq!(roles.len(), 3);
    for statement in roles {
        for lesser in ["nosuperuser", "nocreatedb", "nocreaterole", "nobypassrls"] {
            assert!(statement.contains(lesser), "{statement}");
        }
        assert_eq!(statement.contains(" replication "), statement.contains("loadmaster_replica"), "{statement}");
    }
}
