use loadmaster_kernel::AirlineCode;

use super::operations::operations_of;

use crate::{
    dto::{AirlineBody, StateFilter},
    input::{BulkAirlines, ChangeAirline, CreateAirline, StateAction},
    model::Airline,
};

operations_of! {
    Airline by AirlineCode, "IATA designator; case is ignored", shown as AirlineBody;
    at "/airlines", "/airlines/{code}", "/airlines/import", "/airlines/export", "/airlines/bulk";
    columns ["iata_code", "icao_code", "name", "country_code", "awb_prefix", "alliance", "is_cargo_only", "kind", "hub_airports",
             "is_active"];

    /// Show an airline.
    ///
    /// By its two-character designator, in upper or lower case; also one that is not offered.
    show "getAirline";

    /// Create an airline.
    create "createAirline" of CreateAirline;

    /// Change an airline.
    ///
    /// A JSON merge patch (RFC 7396). Every server knows it within a second. An inactive entry is not offered and not for new
    /// flights, but can be read. A new release leaves what was changed here.
    change "changeAirline" of ChangeAirline;

    /// Delete an airline to which nothing refers.
    ///
    /// While flights or rules name it, the response is 409 `in_use`: make it inactive instead. A new release does not bring it
    /// back.
    delete "deleteAirline";

    /// Import airlines, all or nothing.
    ///
    /// CSV (in UTF-8, UTF-16 or Windows-1252, with `,`, `;`, tabs or `|` between cells) or a workbook (xlsx: the first sheet, without
    /// formulas) with the columns `iata_code,icao_code,name,country_code,awb_prefix,alliance,is_cargo_only,kind,hub_airports,is_active`, in any order; `icao_code`, `awb_prefix`, `alliance`, `is_cargo_only`, `kind`, `hub_airports`, `is_active`
    /// may be left out. `hub_airports` has codes with blanks between them; an empty cell leaves them as they are. The code identifies the entry of a row: existing ones are updated, others are created. Each fault has its
    /// `row`, counted from 1 without the header, its `column` and its `value`; the first 100 are reported, and `errors_total` is
    /// the number of all.
    import "importAirlines";

    /// Export airlines.
    export "exportAirlines" by StateFilter, |current, filter| current.chosen_airlines(filter.active, None);

    /// Activate or deactivate many airlines.
    bulk "bulkAirlines" of BulkAirlines, |verb| ChangeAirline::of_state(verb == StateAction::Activate);
}
