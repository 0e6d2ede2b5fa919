//! The kinds of entries that administrators keep.
use loadmaster_kernel::{AircraftCode, AirlineCode, AirportCode};
use loadmaster_platform::{
    tables::{
        CellKind::{Digits, Flag, Number},
        Columns,
    },
    web::Fields,
};
use serde_json::Value;

use super::{
    dto::{AircraftBody, AirlineBody, AirportBody},
    input::{ChangeAircraft, ChangeAirline, ChangeAirport, CreateAircraft, CreateAirline, CreateAirport},
    model::{Aircraft, Airline, Airport, Catalogue, Entries, EntryState},
    repository::Rows,
};

/// A kind of entries.
pub(super) trait Kind: Rows + Clone + PartialEq {
    /// A new entry, or a row of a table.
    type Create: Send + Sync + 'static;
    type Change: Clone + Send + Sync + 'static;

    /// What acts and messages call it.
    const NAME: &'static str;
    /// What people call it.
    const KIND: &'static str;
    /// Many of them, as in the address.
    const PLURAL: &'static str;
    const COLUMNS: Columns;

    fn code(&self) -> Self::Code;
    fn text(code: &Self::Code) -> String;
    fn state_mut(&mut self) -> &mut EntryState;
    fn state(&self) -> EntryState;
    fn entries(catalogue: &Catalogue) -> &Entries<Self::Code, Self>;
    fn row(fields: &mut Fields<'_>) -> Option<Self::Create>;
    fn created(new: Self::Create, known: Option<&Self>) -> Self;
    fn code_of(new: &Self::Create) -> Self::Code;
    fn changed(&self, change: Self::Change) -> Self;
    /// Returns the column that must stay as it is while the entry is in use, if it has another value here.
    fn fixed_that_differs(&self, before: &Self) -> Option<&'static str>;
    /// The entry as it is shown.
    fn shown(&self) -> Value;
}

/// The parts of [`Kind`] that differ only in their types.
macro_rules! kind {
    ($kind:ident, $code:ident, $create:ident, $change:ident, $body:ident, $name:literal, $text:literal, $plural:literal, $entries:ident,
     $columns:expr, $fixed:expr) => {
        impl Kind for $kind {
            type Create = $create;
            type Change = $change;

            const NAME: &'static str = $name;
            const KIND: &'static str = $text;
            const PLURAL: &'static str = $plural;
            const COLUMNS: Columns = $columns;

            fn code(&self) -> $code {
                self.code
            }

            fn text(code: &$code) -> String {
                code.to_string()
            }

            fn state_mut(&mut self) -> &mut EntryState {
                &mut self.state
            }

            fn state(&self) -> EntryState {
                self.state
            }

            fn entries(catalogue: &Catalogue) -> &Entries<$code, Self> {
                &catalogue.$entries
            }

            fn row(fields: &mut Fields<'_>) -> Option<$create> {
                $create::read(fields)
            }

            fn created(new: $create, known: Option<&Self>) -> Self {
                new.entry(known)
            }

            fn code_of(new: &$create) -> $code {
                new.iata_code
            }

            fn changed(&self, change: $change) -> Self {
                change.apply(self)
            }

            fn fixed_that_differs(&self, before: &Self) -> Option<&'static str> {
                let fixed: fn(&Self, &Self) -> Option<&'static str> = $fixed;
                fixed(self, before)
            }

            fn shown(&self) -> Value {
                serde_json::to_value($body::from(self)).unwrap_or_default()
            }
        }
    };
}

kind!(
    Airport,
    AirportCode,
    CreateAirport,
    ChangeAirport,
    AirportBody,
    "airport",
    "airport",
    "airports",
    airports,
    Columns {
        required: &["iata_code", "name", "city", "country_code", "latitude", "longitude", "time_zone"],
        optional: &["icao_code", "elevation_ft", "is_major", "is_active"],
        kinds: &[
            ("latitude", Number),
            ("longitude", Number),
            ("elevation_ft", Number),
            ("is_major", Flag),
            ("is_active", Flag),
        ],
    },
    |new, before| (new.time_zone != before.time_zone).then_some("time_zone")
);

kind!(
    Airline,
    AirlineCode,
    CreateAirline,
    ChangeAirline,
    AirlineBody,
    "airline",
    "airline",
    "airlines",
    airlines,
    Columns {
        required: &["iata_code", "name", "country_code"],
        optional: &["icao_code", "awb_prefix", "alliance", "is_cargo_only", "kind", "hub_airports", "is_active"],
        kinds: &[("awb_prefix", Digits(3)), ("is_cargo_only", Flag), ("is_active", Flag)],
    },
    |_, _| None
);

kind!(
    Aircraft,
    AircraftCode,
    CreateAircraft,
    ChangeAircraft,
    AircraftBody,
    "aircraft",
    "aircraft type",
    "aircraft",
    aircraft,
    Columns {
        required: &["iata_code", "name", "manufacturer", "max_cargo_kg", "max_cargo_m3"],
        optional: &["icao_code", "positions", "is_freighter", "co2e_kg_per_tkm", "openings", "is_active"],
        kinds: &[
            ("max_cargo_kg", Number),
            ("max_cargo_m3", Number),
            ("positions", Number),
            ("is_freighter", Flag),
            ("co2e_kg_per_tkm", Number),
            ("is_active", Flag),
        ],
    },
    |_, _| None
);
