use super::*;

fn sound() -> Durability {
    Durability { version: 170_002, fsync: true, full_page_writes: true, synchronous_commit: "on".to_owned() }
}

fn broken(findings: &[Finding]) -> Vec<&str> {
    let broken = findings.iter().filter_map(|finding| match finding {
        Finding::Broken(text) => Some(text.as_str()),
        _ => None,
    });
    broken.collect()
}

#[test]
fn a_sound_server_is_fine_and_each_setting_that_loses_commits_is_broken() {
    for synchronous_commit in ["on", "local", "remote_write", "remote_apply"] {
        let found = durability(&Durability { synchronous_commit: synchronous_commit.to_owned(), ..sound() });
        assert!(found.iter().all(|finding| matches!(finding, Finding::Fine(_))), "{found:?}");
        assert!(found.contains(&Finding::Fine("the server is PostgreSQL 17.2".to_owned())), "{found:?}");
    }
    for (found, word) in [
        (Durability { fsync: false, ..sound() }, "fsync is off"),
        (Durability { full_page_writes: false, ..sound() }, "full_page_writes is off"),
        (Durability { synchronous_commit: "off".to_owned(), ..sound() }, "synchronous_commit is off"),
        (Durability { version: 130_022, ..sound() }, "PostgreSQL 13.22; the oldest supported version is 14"),
    ] {
        let findings = durability(&found);
        let problems = broken(&findings);
        assert!(problems.len() == 1 && problems[0].contains(word), "{findings:?}");
    }
    assert!(broken(&durability(&Durability { version: 140_000, ..sound() })).is_empty());
}

#[test]
fn only_policies_that_spare_what_never_expires_are_fine() {
    for policy in ["volatile-lru", "volatile-lfu", "volatile-ttl", "volatile-random"] {
        assert!(matches!(eviction(Ok(policy.to_owned())), Finding::Fine(_)), "{policy}");
    }
    for (policy, words) in [
        ("allkeys-lru", "may evict the event stream"),
        ("allkeys-random", "may evict the event stream"),
        ("noeviction", "refuses every write"),
    ] {
        let Finding::Weaker(text) = eviction(Ok(policy.to_owned())) else { panic!("{policy}") };
        assert!(text.contains(words) && text.contains(policy) && text.contains("volatile-lru"), "{text}");
    }
    let Finding::Weaker(text) = eviction(Err(RedisAway("NOPERM".to_owned()))) else { panic!("it says so") };
    assert!(text.contains("the eviction policy of Redis cannot be read") && text.contains("NOPERM"), "{text}");
}

#[test]
fn the_exit_status_distinguishes_broken_from_exposed_and_ignores_comfort() {
    let text = String::new;
    let (fine, weaker) = (Finding::Fine(text()), Finding::Weaker(text()));
    assert_eq!(status(&[fine, weaker]), 0);
    assert_eq!(status(&[Finding::Exposed(text()), Finding::Weaker(text())]), 3);
    assert_eq!(status(&[Finding::Exposed(text()), Finding::Broken(text()), Finding::Fine(text())]), 1);
}

#[test]
fn rights_that_the_serving_role_does_not_need_are_in_the_exit_status() {
    let rights = |change: fn(&mut Rights)| {
        let mut rights = Rights { role: "loadmaster_app".to_owned(), ..Rights::default() };
        change(&mut rights);
        let mut findings = history(&rights);
        findings.extend(schema(&rights));
        status(&findings)
    };
    assert_eq!(rights(|_| {}), 0);
    assert_eq!(rights(|rights| rights.is_superuser = true), 3);
    assert_eq!(rights(|rights| rights.is_owner = true), 3);
    assert_eq!(rights(|rights| rights.may_create = true), 3);
    assert_eq!(rights(|rights| rights.may_change.push("capacity_ledger".to_owned())), 3);
    assert_eq!(rights(|rights| rights.may_write.push("installation".to_owned())), 3);
    assert_eq!(rights(|rights| rights.unguarded.push("capacity_ledger".to_owned())), 1);
}
