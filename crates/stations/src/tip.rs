//! Tips: what customers write about stations, and who decides whether it is shown.
use chrono::{DateTime, Months, Utc};
use loadmaster_kernel::{AirportCode, Fault, StationTipId, UserId, words};
use loadmaster_platform::web::{Raw, read};

/// Calendar months for which tips are shown and kept.
const KEPT_FOR: Months = Months::new(24);
/// The most tips of a user that wait for a decision.
pub(super) const MOST_PENDING: i64 = 10;
/// As many reports hide a tip.
pub(super) const REPORTS_THAT_HIDE: i32 = 3;
const LONGEST_LINK: usize = 500;

words! {
    /// What a tip is about.
    pub enum StationTipTopic {
        Acceptance = "ACCEPTANCE",
        Customs = "CUSTOMS",
        Traffic = "TRAFFIC",
        Safety = "SAFETY",
        Other = "OTHER",
    }
}

words! {
    /// The status of a tip.
    pub enum StationTipStatus {
        /// Staff decides whether it is shown.
        Pending = "PENDING",
        /// It is shown.
        Approved = "APPROVED",
        /// It is not shown.
        Rejected = "REJECTED",
    }
}

words! {
    /// What staff decides about a tip.
    pub enum TipDecision {
        Approve = "approve",
        Reject = "reject",
    }
}

/// Returns the time after which the tips were written that are shown and kept now: the same time of day, in UTC, 24 calendar months
/// before.
pub(super) fn kept_since(now: DateTime<Utc>) -> DateTime<Utc> {
    now.checked_sub_months(KEPT_FOR).unwrap_or(DateTime::<Utc>::MIN_UTC)
}

/// A tip as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tip {
    pub id: StationTipId,
    pub station: AirportCode,
    pub topic: StationTipTopic,
    pub text: String,
    pub link: Option<String>,
    pub status: StationTipStatus,
    pub created_by: UserId,
    pub reports: i32,
    pub reason: Option<String>,
    pub moderated_by: Option<UserId>,
    pub moderated_at: Option<DateTime<Utc>>,
    pub version: i32,
    pub created_at: DateTime<Utc>,
}

impl StationTipStatus {
    /// Returns what staff may decide.
    pub const fn decisions(self) -> &'static [TipDecision] {
        match self {
            Self::Pending => &[TipDecision::Approve, TipDecision::Reject],
            Self::Approved => &[TipDecision::Reject],
            Self::Rejected => &[TipDecision::Approve],
        }
    }
}

impl Tip {
    /// Returns whether anyone may read it.
    pub fn is_shown(&self, now: DateTime<Utc>) -> bool {
        self.status == StationTipStatus::Approved && self.created_at > kept_since(now)
    }

    /// Returns the tip after a decision, which the status allows.
    pub fn decided(&self, decision: TipDecision, by: UserId, reason: Option<String>, now: DateTime<Utc>) -> Self {
        let status = match decision {
            TipDecision::Approve => StationTipStatus::Approved,
            TipDecision::Reject => StationTipStatus::Rejected,
        };
        Self {
            status,
            reports: 0,
            reason,
            moderated_by: Some(by),
            moderated_at: Some(now),
            version: self.version + 1,
            ..self.clone()
        }
    }

    /// Returns the tip after one more reader has reported it.
    pub fn reported(&self) -> Self {
        let reports = self.reports + 1;
        let is_hidden = reports >= REPORTS_THAT_HIDE;
        let status = if is_hidden { StationTipStatus::Pending } else { self.status };
        Self { status, reports, version: self.version + 1, ..self.clone() }
    }
}

/// Reads the text of a tip, in which no address may stand.
pub(super) fn read_text(raw: Raw<'_>) -> Result<String, Fault> {
    let text = read::prose(read::LINE)(raw)?;
    let lower = text.to_ascii_lowercase();
    let has_address = ["://", "www."].iter().any(|mark| lower.contains(mark));
    if has_address { Err(Fault::format("must not have an address; give one as `link`")) } else { Ok(text) }
}

/// Reads one address by https: of a named host, without a user or a port.
pub(super) fn read_link(raw: Raw<'_>) -> Result<String, Fault> {
    let link = read::line(LONGEST_LINK)(raw)?.trim().to_owned();
    let malformed = || Fault::format("must be one address such as https://www.example.com/page");
    let rest = link.strip_prefix("https://").ok_or_else(malformed)?;
    let is_plain = rest.bytes().all(|byte| byte.is_ascii_graphic() && !b"\"'<>\\^`{|},;".contains(&byte));
    let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let labels: Vec<&str> = host.split('.').collect();
    let is_label = |label: &&str| {
        let has_letters = label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
        !label.is_empty() && label.len() <= 63 && has_letters && !label.starts_with('-') && !label.ends_with('-')
    };
    // An address in numbers is no name: browsers take one whose last part is decimal or, as in 0x7f, hexadecimal.
    let is_name = labels.last().is_some_and(|last| last.starts_with(|first: char| first.is_ascii_alphabetic()));
    let is_host = labels.len() >= 2 && labels.iter().all(is_label) && is_name;
    if is_plain && is_host && !rest.contains("://") { Ok(link) } else { Err(malformed()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_is_one_address_by_https_of_a_named_host() {
        for link in [
            "https://example.com",
            "https://www.example.com/page?x=1&y=%20#top",
            "https://a-b.xn--bcher-kva.example/~user/(a)",
        ] {
            assert_eq!(read_link(Raw::Text(link)).as_deref(), Ok(link));
        }
        for link in [
            "http://example.com",
            "ftp://example.com",
            "javascript:alert(1)",
            "//example.com",
            "example.com",
            "https://",
            "https://localhost/",
            "https://127.0.0.1/",
            "https://127.0.0.0x1/",
            "https://a.0x7f/",
            "https://[::1]/",
            "https://user@example.com/",
            "https://example.com:8443/",
            "https://example..com/",
            "https://-example.com/",
            "https://example.com/ https://example.org/",
            "https://example.com/,https://example.org/",
            "https://example.com/?to=https://example.org",
            "https://example.com/\"onclick=",
            "https://example.com/<b>",
            "https://exämple.com/",
        ] {
            assert!(read_link(Raw::Text(link)).is_err(), "{link}");
        }
    }

    #[test]
    fn a_text_has_no_address() {
        assert!(read_text(Raw::Text("Use gate 2.\nIt is open on Sundays, at 5 ft. www dot")).is_ok());
        for text in ["See http://example.com", "See HTTPS://EXAMPLE.COM", "see www.example.com"] {
            assert!(read_text(Raw::Text(text)).is_err(), "{text}");
        }
    }

    #[test]
    fn the_third_report_hides_a_tip_and_a_decision_counts_them_anew() {
        let now: DateTime<Utc> = "2026-11-20T08:00:00Z".parse().unwrap();
        let by = UserId::from(uuid::Uuid::nil());
        let pending = Tip {
            id: StationTipId::from(uuid::Uuid::nil()),
            station: "DEL".parse().unwrap(),
            topic: StationTipTopic::Other,
            text: "Text".to_owned(),
            link: None,
            status: StationTipStatus::Pending,
            created_by: by,
            reports: 0,
            reason: None,
            moderated_by: None,
            moderated_at: None,
            version: 1,
            created_at: now,
        };
        assert!(!pending.is_shown(now));
        let approved = pending.decided(TipDecision::Approve, by, None, now);
        let second = approved.reported().reported();
        assert!(second.is_shown(now));
        let third = second.reported();
        assert_eq!((third.is_shown(now), third.status), (false, StationTipStatus::Pending));
        let again = third.decided(TipDecision::Approve, by, None, now);
        assert_eq!((again.is_shown(now), again.reports, again.version), (true, 0, 6));
        let later = |text: &str| text.parse::<DateTime<Utc>>().unwrap();
        assert!(again.is_shown(later("2028-11-20T07:59:59Z")), "after 731 days, of which one is a leap day");
        assert!(!again.is_shown(later("2028-11-20T08:00:00Z")), "after 24 months");
    }

    #[test]
    fn tips_are_kept_for_calendar_months() {
        let since = |now: &str| kept_since(now.parse().unwrap()).to_rfc3339();
        assert_eq!(since("2026-11-20T08:00:00Z"), "2024-11-20T08:00:00+00:00");
        assert_eq!(since("2028-11-20T08:00:00Z"), "2026-11-20T08:00:00+00:00", "731 days before");
        assert_eq!(since("2028-02-29T08:00:00Z"), "2026-02-28T08:00:00+00:00", "the last day of the month");
    }
}
