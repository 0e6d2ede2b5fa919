use std::sync::Arc;

use chrono::{DateTime, Days, NaiveDate, TimeDelta, Utc};
use loadmaster_kernel::AirportCode;
use loadmaster_platform::settings;
use loadmaster_reference::Reference;

use super::model::Connections;

/// The connection rules of this installation.
#[derive(Clone)]
pub struct ConnectionRules {
    settings: Arc<settings::Search>,
    reference: Reference,
}

impl ConnectionRules {
    pub fn new(settings: &settings::Search, reference: Reference) -> Self {
        Self { settings: Arc::new(settings.clone()), reference }
    }

    /// Returns the minimum connection time of an airport.
    pub fn minimum(&self, airport: AirportCode) -> TimeDelta {
        TimeDelta::minutes(i64::from(self.settings.connection_minutes(airport.as_str())))
    }
}

impl Connections for ConnectionRules {
    fn minimum_connection(&self, airport: AirportCode) -> TimeDelta {
        self.minimum(airport)
    }

    fn connection_window_end(&self, airport: AirportCode, departure_date: NaiveDate) -> Option<DateTime<Utc>> {
        Some(self.reference.airport(airport)?.start_of(departure_date + Days::new(2)))
    }
}
