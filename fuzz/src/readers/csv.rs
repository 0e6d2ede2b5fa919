//! Timetables that operators import.
use std::sync::LazyLock;

use loadmaster_flights::Timetable;
use loadmaster_platform::{tables::Table, web::Problem};
use loadmaster_reference::Reference;

static REFERENCE: LazyLock<Reference> = LazyLock::new(|| Reference::bundled().expect("the bundled files are sound"));

pub fn check(data: &[u8]) {
    if let Err(error) = super::same(|| Timetable::read(&Table::of_file(data.to_vec().into()), &REFERENCE)) {
        super::expect_client_error(Problem::from(error));
    }
}
