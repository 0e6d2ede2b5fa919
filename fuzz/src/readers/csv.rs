//! Timetables that operators import.
use std::sync::LazyLock;

use loadmaster::{
    features::{flights::Timetable, reference::Reference},
    platform::web::Problem,
};

static REFERENCE: LazyLock<Reference> = LazyLock::new(|| Reference::bundled().expect("the bundled files are sound"));

pub fn check(data: &[u8]) {
    if let Err(error) = super::same(|| Timetable::read(data, &REFERENCE)) {
        super::expect_client_error(Problem::from(error));
    }
}
