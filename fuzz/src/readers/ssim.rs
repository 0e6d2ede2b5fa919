//! Seasons in records (SSIM). A line that is too short for its serial number gets it, so that legs are read and not only refused.
use std::sync::LazyLock;

use chrono::DateTime;
use loadmaster_flights::{FlightError, Season};
use loadmaster_platform::{tables::Table, web::Problem};
use loadmaster_reference::Reference;

static REFERENCE: LazyLock<Reference> = LazyLock::new(|| Reference::bundled().expect("the bundled files are sound"));

/// Columns before the serial number, which has six.
const COLUMNS: usize = 194;
/// Most flights that are expanded.
const FLIGHTS: usize = 500;

pub fn check(data: &[u8]) {
    let table = Table::of_file(numbered(data).into());
    let services = ["J", "F"].map(str::to_owned);
    let read = || {
        let season = Season::read(&table, &REFERENCE, &services, DateTime::UNIX_EPOCH, FLIGHTS)?;
        Ok::<_, FlightError>(format!("{:?}", season.timetable()))
    };
    if let Err(error) = super::same(read) {
        super::expect_client_error(Problem::from(error));
    }
}

fn numbered(data: &[u8]) -> Vec<u8> {
    let (mut file, mut serial) = (Vec::with_capacity(data.len()), 0);
    for line in data.split(|byte| *byte == b'\n') {
        file.extend_from_slice(line);
        serial += 1;
        if !line.is_empty() && line.len() <= COLUMNS {
            file.resize(file.len() + COLUMNS - line.len(), b' ');
            file.extend_from_slice(format!("{serial:06}").as_bytes());
        }
        file.push(b'\n');
    }
    file
}
