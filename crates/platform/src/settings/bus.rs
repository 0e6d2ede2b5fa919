//! Where messages go, and how long they are kept.
use std::collections::BTreeMap;

use chrono::TimeDelta;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};

use super::{
    faults::{Faults, within},
    mask,
};

/// Properties of librdkafka that follow from other settings or from what the delivery promises.
const KAFKA_OURS: [&str; 22] = [
    "acks",
    "bootstrap.servers",
    "client.id",
    "compression.codec",
    "compression.type",
    "delivery.report.only.error",
    "delivery.timeout.ms",
    "dr_cb",
    "dr_msg_cb",
    "enable.gapless.guarantee",
    "enable.idempotence",
    "max.in.flight",
    "max.in.flight.requests.per.connection",
    "message.timeout.ms",
    "metadata.broker.list",
    "partitioner",
    "produce.offset.report",
    "queuing.strategy",
    "request.required.acks",
    "retries",
    "message.send.max.retries",
    "transactional.id",
];

#[derive(Debug, Clone, Copy, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Stream {
    pub max_per_caller: usize,
    pub max_per_process: usize,
}

#[derive(Debug, Clone, Copy, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Outbox {
    pub retention_days: u32,
}

impl Outbox {
    /// Returns how long messages that every sink has are kept.
    pub fn retention(self) -> TimeDelta {
        TimeDelta::days(i64::from(self.retention_days))
    }

    /// Returns for how long every message is there, with time for the clocks of writers to differ: a seventh less.
    pub fn certainty(self) -> TimeDelta {
        self.retention() * 6 / 7
    }
}

#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Kafka {
    pub brokers: Vec<String>,
    pub topic: String,
    #[serde(serialize_with = "mask::secret_values")]
    pub properties: BTreeMap<String, SecretString>,
}

pub(super) fn validate(outbox: Outbox, kafka: &Kafka, has_kafka: bool, faults: &mut Faults) {
    within("outbox.retention_days", outbox.retention_days, 1..=3_650, faults);
    if !kafka.brokers.is_empty() && !has_kafka {
        faults.add(
            "kafka.brokers",
            "needs a Loadmaster that was built with Kafka, and this one was not: use the container image, or build with \
             `--features kafka`",
        );
    }
    if let Some(broker) = kafka.brokers.iter().find(|broker| !is_broker(broker)) {
        faults.add("kafka.brokers", &format!("must be addresses of the form host:port, not `{broker}`"));
    }
    let is_of_topics = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    let is_topic = (1..=249).contains(&kafka.topic.len()) && kafka.topic.chars().all(is_of_topics);
    if !is_topic || kafka.topic == "." || kafka.topic == ".." {
        faults.add("kafka.topic", "must be 1 to 249 letters, digits, dots, underscores and dashes");
    }
    if let Some(name) = kafka.properties.keys().find(|name| KAFKA_OURS.contains(&name.as_str())) {
        faults.add("kafka.properties", &format!("may not contain {name}: Loadmaster sets it"));
    }
    let has_nul = |text: &str| text.contains('\0');
    if kafka.properties.iter().any(|(name, value)| name.is_empty() || has_nul(name) || has_nul(value.expose_secret())) {
        faults.add("kafka.properties", "must have names and values that C can read");
    }
}

/// Returns whether this is `host:port`.
fn is_broker(broker: &str) -> bool {
    let Some((host, port)) = broker.rsplit_once(':') else { return false };
    let is_bare = |host: &str| !host.is_empty() && !host.contains([':', '/', '@', ' ', ',', '[', ']']);
    let is_bracketed = |host: &str| {
        host.strip_prefix('[')
            .and_then(|host| host.strip_suffix(']'))
            .is_some_and(|host| host.parse::<std::net::Ipv6Addr>().is_ok())
    };
    (is_bare(host) || is_bracketed(host)) && port.parse::<u16>().is_ok_and(|port| port > 0)
}

#[cfg(test)]
mod tests {
    use super::super::{Settings, Sources};

    fn load(pairs: &[(&str, &str)]) -> Result<Settings, String> {
        load_where(true, pairs)
    }

    fn load_where(has_kafka: bool, pairs: &[(&str, &str)]) -> Result<Settings, String> {
        let env = pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        Settings::load(Sources { env, has_kafka, ..Sources::default() }).map_err(|error| error.to_string())
    }

    const PROPERTIES: &str = "LOADMASTER_KAFKA__PROPERTIES";

    #[test]
    fn without_brokers_there_is_no_kafka_and_messages_are_kept_for_a_week() {
        let settings = load(&[]).unwrap();
        assert!(settings.kafka.brokers.is_empty() && settings.kafka.properties.is_empty());
        assert_eq!((settings.kafka.topic.as_str(), settings.outbox.retention().num_days()), ("loadmaster.events", 7));
        assert_eq!(settings.outbox.certainty().num_days(), 6);
        let days = |days| load(&[("LOADMASTER_OUTBOX__RETENTION_DAYS", days)]);
        assert_eq!(days("1").unwrap().outbox.retention().num_hours(), 24);
        assert!(days("0").unwrap_err().starts_with("outbox.retention_days must be between 1 and 3650, not 0"));
    }

    #[test]
    fn brokers_need_a_build_that_can_reach_them() {
        let given = [("KAFKA_BROKERS", "a.example:9092,[2001:db8::1]:9093")];
        assert_eq!(load(&given).unwrap().kafka.brokers, ["a.example:9092", "[2001:db8::1]:9093"]);
        let complaint = load_where(false, &given).unwrap_err();
        assert!(complaint.starts_with("kafka.brokers needs a Loadmaster that was built with Kafka"), "{complaint}");
    }

    #[test]
    fn brokers_and_topics_have_a_form() {
        for broker in ["a.example", "kafka://a:9092", "a:0", "a:b", ":9092", "::1:9092", "u@a:9092", "a b:1"] {
            let complaint = load(&[("KAFKA_BROKERS", broker)]).unwrap_err();
            assert!(complaint.starts_with("kafka.brokers must be addresses of the form host:port"), "{complaint}");
        }
        for topic in ["", ".", "..", "a b", "a/b", &"a".repeat(250)] {
            let complaint = load(&[("LOADMASTER_KAFKA__TOPIC", topic)]).unwrap_err();
            assert!(complaint.starts_with("kafka.topic must be 1 to 249"), "{complaint}");
        }
    }

    #[test]
    fn properties_are_never_shown_and_cannot_break_a_promise() {
        let given = r#"{"sasl.username" = "cargo", "sasl.password" = "hunter2,=\"x"}"#;
        let settings = load(&[(PROPERTIES, given)]).unwrap();
        assert_eq!(settings.kafka.properties.len(), 2);
        let shown = format!("{} {settings:?}", settings.render());
        assert!(!shown.contains("hunter2"), "{shown}");
        assert!(settings.render().contains(r#""sasl.password" = "***""#), "{}", settings.render());
        for name in ["acks", "enable.idempotence", "bootstrap.servers", "delivery.report.only.error", "max.in.flight"] {
            let complaint = load(&[(PROPERTIES, &format!("{name}=hunter2"))]).unwrap_err();
            assert!(complaint.starts_with(&format!("kafka.properties may not contain {name}")), "{complaint}");
            assert!(!complaint.contains("hunter2"), "{complaint}");
        }
        let complaint = load(&[(PROPERTIES, r#"{"a" = ["hunter2"]}"#)]).unwrap_err();
        assert!(complaint.starts_with("kafka.properties is invalid: it must be a table of texts"), "{complaint}");
    }
}
