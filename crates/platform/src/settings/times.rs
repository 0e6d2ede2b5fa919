use chrono::NaiveTime;
use serde::{Deserialize, Serialize};

use super::{
    Server,
    faults::{Faults, within},
};

/// When a scheduled job runs, in place of once a day.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct ScheduledAt {
    /// As `04:00`.
    pub at: String,
    /// 1 is Monday; `None`: each day.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub weekday: Option<u8>,
}

impl ScheduledAt {
    /// Returns the time of day; `None` if it is none.
    pub fn time(&self) -> Option<NaiveTime> {
        NaiveTime::parse_from_str(&self.at, "%H:%M").ok()
    }
}

/// The names of jobs and of the time zone are checked when the server opens its jobs.
pub(super) fn validate(server: &Server, faults: &mut Faults) {
    for (name, wanted) in &server.schedules {
        if wanted.time().is_none() {
            let complaint = format!("must give `{name}` a time of day such as 04:00, not `{}`", wanted.at);
            faults.add("server.schedules", &complaint);
        }
        if let Some(weekday) = wanted.weekday {
            within("server.schedules", weekday, 1..=7, faults);
        }
    }
}
