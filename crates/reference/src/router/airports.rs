use loadmaster_kernel::AirportCode;

use super::operations::operations_of;

use crate::{
    dto::{AirportBody, AirportFilter},
    input::{BulkAirports, ChangeAirport, CreateAirport},
    model::Airport,
};

operations_of! {
    Airport by AirportCode, "IATA code; case is ignored", shown as AirportBody;
    at "/airports", "/airports/{code}", "/airports/import", "/airports/export", "/airports/bulk";
    columns [
        "iata_code", "icao_code", "name", "city", "country_code", "latitude", "longitude", "elevation_ft",
        "time_zone", "is_major", "is_active",
    ];

    /// Show an airport.
    ///
    /// By its IATA code, in upper or lower case; also one that is not offered.
    show "getAirport";

    /// Create an airport.
    create "createAirport" of CreateAirport;

    /// Change an airport.
    ///
    /// A JSON merge patch (RFC 7396). Every server knows it within a second. An inactive entry is not offered and not for new
    /// flights, but can be read. The time zone of an airport
    /// with flights stays as it is: 409 `in_use`. A new release leaves what was changed here.
    change "changeAirport" of ChangeAirport;

    /// Delete an airport to which nothing refers.
    ///
    /// While flights or rules name it, or it is a hub of an airline, the response is 409 `in_use`: make it inactive instead. A new
    /// release does not bring it back.
    delete "deleteAirport";

    /// Import airports, all or nothing.
    ///
    /// CSV (in UTF-8, UTF-16 or Windows-1252, with `,`, `;`, tabs or `|` between cells) or a workbook (xlsx: the first sheet, without
    /// formulas) with the columns `iata_code,icao_code,name,city,country_code,latitude,longitude,elevation_ft,time_zone,is_major,is_active`, in any order; `icao_code`, `elevation_ft`, `is_major`, `is_active`
    /// may be left out. The code identifies the entry of a row: existing ones are updated, others are created. Each fault has its
    /// `row`, counted from 1 without the header, its `column` and its `value`; the first 100 are reported, and `errors_total` is
    /// the number of all.
    import "importAirports";

    /// Export airports.
    export "exportAirports" by AirportFilter, |current, filter| current.chosen_airports(&filter, None);

    /// Activate or deactivate many airports, or call them major or not.
    bulk "bulkAirports" of BulkAirports, |verb| verb.change();
}
