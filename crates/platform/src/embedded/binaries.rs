//! Locates Postgres's programs. PATH alone does not suffice: Debian installs them outside it.
use std::{
    cmp::Reverse,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result, bail, ensure};

/// The directories to search, best first, and the function that returns the version in one.
pub struct Places {
    dirs: Vec<PathBuf>,
    version: fn(&Path) -> Option<String>,
}

impl Places {
    /// Returns Debian's directories (newest first), then PATH, then the usual places of other systems.
    pub fn of_this_machine() -> Self {
        let mut dirs = versions("/usr/lib/postgresql", "", "bin");
        let path = std::env::var_os("PATH").unwrap_or_default();
        // Resolved: a link in PATH leads to the directory that also holds `initdb`.
        let on_path = std::env::split_paths(&path).filter_map(|dir| dir.join("postgres").canonicalize().ok());
        dirs.extend(on_path.filter_map(|program| program.parent().map(Path::to_owned)));
        dirs.push("/usr/local/pgsql/bin".into());
        dirs.extend(versions("/opt/homebrew/opt", "postgresql@", "bin"));
        dirs.extend(versions("/usr/local/opt", "postgresql@", "bin"));
        dirs.extend(versions("/usr", "pgsql-", "bin"));
        dirs.extend(versions("/usr/libexec", "postgresql", ""));
        Self { dirs, version }
    }

    /// Returns the directory to use: `configured` if given; in the version of `cluster` (the text of its `PG_VERSION`)
    /// if there is one, because a server opens no other version's data.
    pub fn find(&self, configured: Option<&Path>, cluster: Option<&str>) -> Result<PathBuf> {
        if let Some(dir) = configured {
            ensure!(usable(dir), "embedded.postgres_bin: {} does not contain both initdb and postgres", dir.display());
        }
        let dirs = configured.map_or_else(|| self.dirs.clone(), |dir| vec![dir.to_owned()]);
        let mut found = dirs.into_iter().filter(|dir| usable(dir)).peekable();
        if found.peek().is_none() {
            bail!(
                "no PostgreSQL server found: install it (Debian/Ubuntu: apt-get install postgresql), \
                   or set DATABASE_URL"
            );
        }
        let Some(wanted) = cluster.map(str::trim) else {
            return found.next().context("no PostgreSQL server found");
        };
        let matching = found.find(|dir| (self.version)(dir).as_deref() == Some(wanted));
        matching.with_context(|| match configured {
            Some(dir) => format!(
                "the private data was created by PostgreSQL {wanted}, and embedded.postgres_bin ({}) is another version",
                dir.display()
            ),
            None => format!(
                "the private data was created by PostgreSQL {wanted}, which is not installed: install that version \
                 (Debian/Ubuntu: apt-get install postgresql-{wanted}), or set embedded.postgres_bin or DATABASE_URL"
            ),
        })
    }
}

fn usable(dir: &Path) -> bool {
    dir.join("initdb").exists() && dir.join("postgres").exists()
}

/// Returns the directories `parent/prefix<version>/inner`, newest first.
fn versions(parent: &str, prefix: &str, inner: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(parent).into_iter().flatten().flatten();
    let mut found: Vec<(Vec<u32>, PathBuf)> = entries
        .filter_map(|entry| {
            let name = entry.file_name();
            let version = name.to_str()?.strip_prefix(prefix)?.split('.').map(|part| part.parse().ok());
            Some((version.collect::<Option<_>>()?, entry.path().join(inner)))
        })
        .collect();
    found.sort_by_key(|(version, _)| Reverse(version.clone()));
    found.into_iter().map(|(_, dir)| dir).collect()
}

/// Returns the version as in `PG_VERSION`: the first number, before Postgres 10 the first two.
fn version(dir: &Path) -> Option<String> {
    let out = Command::new(dir.join("postgres")).arg("--version").output().ok()?;
    major(std::str::from_utf8(&out.stdout).ok()?)
}

fn major(text: &str) -> Option<String> {
    let full = text.split_whitespace().find(|word| word.starts_with(|first: char| first.is_ascii_digit()))?;
    let mut numbers = full.split(|c: char| !c.is_ascii_digit());
    let first = numbers.next()?;
    if first.len() > 1 { Some(first.to_owned()) } else { Some(format!("{first}.{}", numbers.next()?)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn installed(root: &Path, version: &str) -> PathBuf {
        let dir = root.join(version);
        fs::create_dir(&dir).unwrap();
        fs::write(dir.join("initdb"), "").unwrap();
        fs::write(dir.join("postgres"), "").unwrap();
        dir
    }

    /// With directories that are named by their version.
    fn places(dirs: Vec<PathBuf>) -> Places {
        Places { dirs, version: |dir| Some(dir.file_name()?.to_str()?.to_owned()) }
    }

    #[test]
    fn version_is_that_of_the_data_format() {
        let debian = "postgres (PostgreSQL) 15.14 (Debian 15.14-0+deb12u1)\n";
        assert_eq!(major(debian).as_deref(), Some("15"));
        assert_eq!(major("postgres (PostgreSQL) 19beta1\n").as_deref(), Some("19"));
        assert_eq!(major("postgres (PostgreSQL) 9.6.24\n").as_deref(), Some("9.6"));
        assert_eq!(major("postgres\n"), None);
    }

    #[test]
    fn existing_data_gets_its_own_version_and_new_data_the_first_place() {
        let root = tempfile::tempdir().unwrap();
        let (new, old) = (installed(root.path(), "17"), installed(root.path(), "9.6"));
        let places = places(vec![root.path().join("empty"), new.clone(), old.clone()]);
        assert_eq!(places.find(None, None).unwrap(), new);
        assert_eq!(places.find(None, Some("17\n")).unwrap(), new);
        assert_eq!(places.find(None, Some("9.6\n")).unwrap(), old);
        assert_eq!(places.find(Some(&old), None).unwrap(), old);
    }

    #[test]
    fn missing_version_is_named() {
        let root = tempfile::tempdir().unwrap();
        let new = installed(root.path(), "17");
        let error = places(vec![new.clone()]).find(None, Some("15\n")).unwrap_err().to_string();
        assert!(error.starts_with("the private data was created by PostgreSQL 15, which is not installed"), "{error}");
        let error = places(vec![]).find(Some(&new), Some("15\n")).unwrap_err().to_string();
        assert!(error.ends_with("is another version"), "{error}");
    }

    #[test]
    fn nothing_installed_says_what_to_do() {
        let error = places(vec![]).find(None, None).unwrap_err().to_string();
        assert_eq!(
            error,
            "no PostgreSQL server found: install it (Debian/Ubuntu: apt-get install postgresql), or set DATABASE_URL"
        );
        let error = places(vec![]).find(Some(Path::new("/nowhere")), None).unwrap_err().to_string();
        assert_eq!(error, "embedded.postgres_bin: /nowhere does not contain both initdb and postgres");
    }

    #[test]
    fn newest_version_comes_first() {
        let root = tempfile::tempdir().unwrap();
        for name in ["pg-9.6", "pg-15", "pg-17", "pg-next", "other"] {
            fs::create_dir(root.path().join(name)).unwrap();
        }
        let found = versions(root.path().to_str().unwrap(), "pg-", "bin");
        assert_eq!(found, ["pg-17/bin", "pg-15/bin", "pg-9.6/bin"].map(|dir| root.path().join(dir)));
    }
}
