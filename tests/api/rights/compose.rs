//! The role that Compose serves with, as far as that can be held without a container.
use serde_json::Value;

fn text(name: &str) -> String {
    std::fs::read_to_string(std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(name)).unwrap()
}

#[test]
fn compose_serves_with_the_lesser_role_and_migrates_with_the_owner() {
    let compose: Value = serde_saphyr::from_str(&text("docker-compose.yml")).unwrap();
    let services = &compose["services"];
    let app = services["app"]["environment"].as_object().unwrap();
    assert_eq!(app["DATABASE_URL"], "${DATABASE_URL:?set it in .env}");
    assert!(!app.values().any(
        |value| value.as_str().unwrap().contains("OWNER") || value.as_str().unwrap().contains("POSTGRES_PASSWORD")
    ));
    let migrate = &services["migrate"];
    assert_eq!(migrate["environment"]["LOADMASTER_DATABASE__OWNER_URL"], "${OWNER_DATABASE_URL:?set it in .env}");
    assert_eq!(migrate["depends_on"]["roles"]["condition"], "service_completed_successfully");
    assert_eq!(services["app"]["depends_on"]["migrate"]["condition"], "service_completed_successfully");
    let mounted = services["roles"]["volumes"][0].as_str().unwrap();
    assert_eq!(mounted, "./deploy/roles.sql:/roles.sql:ro");
    let redis: Vec<_> =
        services["redis"]["command"].as_array().unwrap().iter().map(|it| it.as_str().unwrap()).collect();
    assert!(redis.windows(2).any(|pair| pair == ["--maxmemory-policy", "volatile-lru"]), "{redis:?}");

    let example = text(".env.example");
    let value = |name: &str| example.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix('=')).expect(name);
    assert!(value("DATABASE_URL").starts_with("postgres://loadmaster_app:${APP_PASSWORD}@"));
    assert!(value("OWNER_DATABASE_URL").starts_with("postgres://loadmaster:${POSTGRES_PASSWORD}@"));
    assert_ne!(value("APP_PASSWORD"), value("POSTGRES_PASSWORD"));
    for statement in text("deploy/roles.sql").split(';').filter(|statement| statement.contains("alter role")) {
        for lesser in ["nosuperuser", "nocreatedb", "nocreaterole", "noreplication", "nobypassrls"] {
            assert!(statement.contains(lesser), "{statement}");
        }
    }
}
