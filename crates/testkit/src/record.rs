//! A record of the calls that the tests make: `tests/untried.rs` compares it with the API's description. `./test` names its
//! directory in `LOADMASTER_TEST_RECORD`; each process writes a file of its own there, and each fact once.
//!
//! ```text
//! POST /api/v1/bookings 409 capacity_exceeded<TAB>got /code<TAB>got /errors/-/pointer<TAB>got /limit null
//! POST /api/v1/bookings 201 -<TAB>sent /weight_kg<TAB>sent ?dry_run<TAB>sent @if-match<TAB>sent text/csv
//! ```
use std::{
    collections::{BTreeMap, BTreeSet},
    fs::File,
    io::Write,
    path::PathBuf,
    sync::{
        LazyLock, Mutex,
        atomic::{AtomicBool, Ordering},
    },
};

use loadmaster_platform::json;
use reqwest::{
    Request,
    header::{CONTENT_TYPE, HeaderMap},
};
use serde_json::Value;

use super::Answer;

/// What is known of each call, by method, path, status and code.
struct Record {
    file: File,
    known: BTreeMap<String, BTreeSet<String>>,
}

static IS_WANTED: AtomicBool = AtomicBool::new(true);

/// From now on this process records nothing: for tests that try something else in each run.
pub fn keep_no_record() {
    IS_WANTED.store(false, Ordering::Relaxed);
}

static RECORD: LazyLock<Option<Mutex<Record>>> = LazyLock::new(|| {
    let is_wanted = IS_WANTED.load(Ordering::Relaxed);
    let directory = std::env::var_os("LOADMASTER_TEST_RECORD").filter(|path| is_wanted && !path.is_empty());
    let directory = PathBuf::from(directory?);
    let file = File::create(directory.join(uuid::Uuid::new_v4().to_string())).expect("the directory exists");
    Some(Mutex::new(Record { file, known: BTreeMap::new() }))
});

/// A request that is recorded with its answer.
pub struct Sent {
    method: String,
    path: String,
    members: Members,
}

impl Sent {
    /// Nothing unless calls are recorded.
    pub fn of(request: &Request) -> Option<Self> {
        RECORD.as_ref()?;
        let mut members = Members::default();
        for (name, _) in request.url().query_pairs() {
            members.add("sent", &format!("?{name}"));
        }
        for name in request.headers().keys() {
            members.add("sent", &format!("@{name}"));
        }
        let text = request.body().and_then(|body| body.as_bytes()).unwrap_or_default();
        members.body("sent", request.headers(), text, None);
        Some(Self { method: request.method().to_string(), path: general(request.url().path()), members })
    }

    pub fn answered(mut self, answer: &Answer) {
        let Some(record) = RECORD.as_ref() else { return };
        let is_success = answer.status.is_success() || answer.status == 304;
        if !is_success {
            self.members = Members::default();
        }
        let json = Some(&answer.body).filter(|body| !body.is_null());
        self.members.body("got", &answer.headers, answer.text.as_bytes(), json);
        let code = answer.body["code"].as_str().filter(|_| !is_success).unwrap_or("-");
        let call = format!("{} {} {} {code}", self.method, self.path, answer.status.as_u16());
        let mut record = record.lock().unwrap();
        let Record { file, known } = &mut *record;
        let is_new = !known.contains_key(&call);
        let known = known.entry(call.clone()).or_default();
        let new: Vec<_> = self.members.0.into_iter().filter(|member| !known.contains(member)).collect();
        if is_new || !new.is_empty() {
            // One write: a process that is killed leaves whole lines.
            file.write_all(format!("{call}\t{}\n", new.join("\t")).as_bytes()).expect("the record is written");
            known.extend(new);
        }
    }
}

/// The path without ids and references, of which each test has new ones.
fn general(path: &str) -> String {
    let general = |part: &str| part.len() >= 8 && part.bytes().any(|byte| byte.is_ascii_digit());
    path.split('/').map(|part| if general(part) { "{}" } else { part }).collect::<Vec<_>>().join("/")
}

#[derive(Default)]
struct Members(BTreeSet<String>);

impl Members {
    fn add(&mut self, direction: &str, member: &str) {
        self.0.insert(format!("{direction} {}", member.replace(char::is_control, "?")));
    }

    /// The media type of a body and the members in it; `known` is its JSON, if somebody has read it.
    fn body(&mut self, direction: &str, headers: &HeaderMap, text: &[u8], known: Option<&Value>) {
        let media_type = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let media_type = media_type.split(';').next().unwrap_or_default().trim();
        if !media_type.is_empty() {
            self.add(direction, media_type);
        }
        if media_type == "application/x-www-form-urlencoded" {
            for (name, _) in url::form_urlencoded::parse(text) {
                self.add(direction, &format!("/{name}"));
            }
        } else if media_type.ends_with("json") {
            let mut line = format!("{direction} ");
            match known {
                Some(value) => self.value(&mut line, value),
                // Not by `serde_json`, for which two names of members have a meaning of their own.
                None => _ = json::parse(text).map(|value| self.value(&mut line, &value)),
            }
        }
    }

    /// A member with a value, or which is null, and the members within it; those of all entries of a list are `-`. The line
    /// begins with where it is. Most members are known already: none is copied to find that out.
    fn value(&mut self, line: &mut String, value: &Value) {
        let length = line.len();
        if value.is_null() {
            line.push_str(" null");
        }
        if !self.0.contains(line.as_str()) {
            self.0.insert(line.clone());
        }
        line.truncate(length);
        match value {
            Value::Object(members) => {
                for (name, value) in members {
                    line.push('/');
                    line.push_str(&name.replace('~', "~0").replace('/', "~1").replace(char::is_control, "?"));
                    self.value(line, value);
                    line.truncate(length);
                }
            }
            Value::Array(entries) => {
                line.push_str("/-");
                for entry in entries {
                    self.value(line, entry);
                }
                line.truncate(length);
            }
            _ => {}
        }
    }
}
