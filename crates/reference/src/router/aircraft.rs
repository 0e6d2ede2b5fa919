use loadmaster_kernel::AircraftCode;

use super::operations::operations_of;

use crate::{
    dto::{AircraftBody, StateFilter},
    input::{BulkAircraft, ChangeAircraft, CreateAircraft, StateAction},
    model::Aircraft,
};

operations_of! {
    Aircraft by AircraftCode, "IATA code; case is ignored", shown as AircraftBody;
    at "/aircraft", "/aircraft/{code}", "/aircraft/import", "/aircraft/export", "/aircraft/bulk";
    columns [
        "iata_code", "icao_code", "name", "manufacturer", "max_cargo_kg", "max_cargo_m3", "positions", "is_freighter",
        "co2e_kg_per_tkm", "openings", "is_active",
    ];

    /// Show an aircraft type.
    ///
    /// By its IATA code, in upper or lower case; also one that is not offered.
    show "getAircraft";

    /// Create an aircraft type.
    create "createAircraft" of CreateAircraft;

    /// Change an aircraft type.
    ///
    /// A JSON merge patch (RFC 7396). Every server knows it within a second. An inactive entry is not offered and not for new
    /// flights, but can be read. A new release leaves what was changed here.
    change "changeAircraft" of ChangeAircraft;

    /// Delete an aircraft type to which nothing refers.
    ///
    /// While flights or rules name it, the response is 409 `in_use`: make it inactive instead. A new release does not bring it
    /// back.
    delete "deleteAircraft";

    /// Import aircraft types, all or nothing.
    ///
    /// CSV (in UTF-8, UTF-16 or Windows-1252, with `,`, `;`, tabs or `|` between cells) or a workbook (xlsx: the first sheet, without
    /// formulas) with the columns
    /// `iata_code,icao_code,name,manufacturer,max_cargo_kg,max_cargo_m3,positions,is_freighter,co2e_kg_per_tkm,openings,is_active`,
    /// in any order; `icao_code`, `positions`, `is_freighter`, `co2e_kg_per_tkm`, `openings`, `is_active` may be left out. `openings`
    /// has one text for each door, with blanks between them, such as `LOWER:270x170x318@4600 BULK:91x114`: deck, width and height of
    /// the door, and, if published, the longest piece in centimetres and the heaviest in kilograms. The code identifies the entry of a row: existing ones are updated, others are created. Each fault has its `row`, counted from 1 without the header, its
    /// `column` and its `value`; the first 100 are reported, and `errors_total` is the number of all. A factor and openings
    /// that are left out, or whose cell is empty, stay as they are.
    import "importAircraft";

    /// Export aircraft types.
    export "exportAircraft" by StateFilter, |current, filter| current.chosen_aircraft(filter.active, None);

    /// Activate or deactivate many aircraft types.
    bulk "bulkAircraft" of BulkAircraft, |verb| ChangeAircraft::of_state(verb == StateAction::Activate);
}
