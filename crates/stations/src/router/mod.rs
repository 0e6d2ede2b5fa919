mod collections;
mod images;
mod tags;
mod tips;

use axum::{Extension, Json, extract::State, http::StatusCode, response::Response};
use loadmaster_accounts::{Admin, Operator, Principal, Role};
use loadmaster_kernel::AirportCode;
use loadmaster_platform::web::{ApiRouter, routes};
use loadmaster_platform::{
    idempotency::{Answer, KeyHeader},
    postgres::Recency,
    room::{Routes, handler_state},
    tables::{Export, ExportParams, ImportSummary},
    telemetry::{Traced, span},
    web::{
        CursorKey, IfNoneMatch, PRIVATE, PageFields, PageParams, PageRequest, PathText, Precondition, Problem, Query,
        ReadRecency, bulk::BulkResult, conditional, linked, private, problem_responses, unless_missing,
    },
    work::{BatchRequest, ChangeRequest},
};
use loadmaster_reference::Reference;

use super::{
    dto::{StationBody, StationEntry},
    error::code,
    input::{BulkStationAction, BulkStations, ReplaceStation, StationFilter},
    keep::{Change, Import, Wanted},
    model::{Placed, STATIONS},
    repository::Place,
    service::StationService,
    table::{COLUMNS, written},
};

handler_state!(HandlerState { stations: StationService, reference: Reference });

pub(super) fn routes() -> Routes<HandlerState> {
    let api = ApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(show, replace))
        .merge(tags::operations())
        .merge(collections::operations())
        .merge(images::operations())
        .merge(tips::operations());
    let tables = ApiRouter::new().routes(routes!(import)).routes(routes!(export));
    let bulk = ApiRouter::new().routes(routes!(act)).merge(tips::bulk());
    Routes { api, tables, bulk, ..Routes::default() }
}

/// The path of a station.
const PATH: &str = "/api/v1/stations/";

fn answer(placed: &Placed) -> Answer {
    Answer::new(StatusCode::OK, &StationBody::new(placed, true), PRIVATE).with_tag(placed.tag(true))
}

problem_responses!(ListProblems: [LIST, CALLER]);

/// List the stations that say something about themselves, by the code of their airport.
///
/// The filters combine with AND. With `collection`, the order is that of the collection. With `q`, alone or with `country`, also the
/// stations of active airports about which nothing was written: their version is 0. `GET /stations/{code}` shows each.
#[utoipa::path(get, path = "/stations", tag = "stations", operation_id = "listStations",
    params(StationFilter, PageParams),
    responses((status = 200, body = Vec<StationEntry<'_>>, headers(("Link" = String))), ListProblems))]
async fn list(
    State(stations): State<StationService>,
    State(key): State<CursorKey>,
    ReadRecency(recency): ReadRecency,
    query: Query,
) -> Result<Response, Problem> {
    let (filter, page) = query.read(|fields| Some((StationFilter::read(fields)?, PageFields::read(fields))))?;
    let page: PageRequest<Place> = page.open(&key, &query, "")?;
    let chosen = stations.chosen(filter, true);
    let mut found = stations.list(&chosen, &page, recency).in_span(span("stations.list")).await?;
    let last = page.cut(&mut found).map(|(place, _)| *place);
    let entries: Vec<_> = found.iter().map(|(_, placed)| StationEntry::from(placed)).collect();
    Ok(private(linked(entries, last, &key, &query, "")))
}

problem_responses!(ShowProblems: [INPUT, CALLER], NOT_FOUND);

/// Show a station.
///
/// Every airport has one: while nothing was written about it, its version is 0. Hours and dates are local to the station. `contacts`
/// are for callers with an account.
#[utoipa::path(get, path = "/stations/{code}", tag = "stations", operation_id = "getStation",
    params(("code" = AirportCode, Path, description = "IATA code of the airport; case is ignored"),
           ("If-None-Match" = Option<String>, Header, description = "Respond with 304 if the resource still has this ETag")),
    responses((status = 200, body = StationBody<'_>, headers(("ETag" = String))), (status = 304), ShowProblems))]
async fn show(
    caller: Option<Extension<Principal>>,
    State(stations): State<StationService>,
    PathText(code): PathText<AirportCode>,
    if_none_match: IfNoneMatch,
    query: Query,
) -> Result<Response, Problem> {
    unless_missing(query.refuse_all(), std::future::ready(stations.airport(code).map(drop))).await?;
    let with_contacts = caller.is_some_and(|Extension(caller)| caller.role >= Role::Customer);
    let placed = stations.find(code).in_span(span("stations.find")).await?;
    let body = Json(StationBody::new(&placed, with_contacts));
    Ok(conditional(&placed.tag(with_contacts), &if_none_match, PRIVATE, body))
}

problem_responses!(ReplaceProblems: [INPUT, ROLE, BODY, KEY], NOT_FOUND, VERSION_MISMATCH);

/// Replace what a station says.
///
/// All of it: what is left out is empty. `If-Match` is required, so that nobody overwrites what somebody else has written meanwhile;
/// the version of a station about which nothing was written is 0. The record of acts keeps what the station said before, without the
/// contacts. `is_featured` stays.
#[utoipa::path(put, path = "/stations/{code}", tag = "stations", operation_id = "replaceStation",
    request_body = ReplaceStation,
    params(("code" = AirportCode, Path, description = "IATA code of the airport; case is ignored"), KeyHeader,
           ("If-Match" = String, Header, description = "Make the change only if the station still has the version of this ETag")),
    responses((status = 200, body = StationBody<'_>, headers(("ETag" = String), ("Idempotency-Replayed" = Option<bool>))), ReplaceProblems))]
async fn replace(
    Operator(caller): Operator,
    State(stations): State<StationService>,
    State(reference): State<Reference>,
    PathText(code): PathText<AirportCode>,
    request: ChangeRequest,
) -> Result<Answer, Problem> {
    let request = request.needing_version();
    let input = request.body().read(|fields| ReplaceStation::read(fields, &reference));
    let see = || std::future::ready(stations.airport(code));
    let judged = Box::pin(request.judge(caller.user_id.uuid(), input, see)).await?;
    let command = |new: ReplaceStation, precondition| {
        let wanted = Wanted::Content(Box::new(new.into()));
        Change { stations: stations.clone(), actor: caller.user_id, code, precondition, wanted, has_changed: false }
    };
    Box::pin(judged.run(command, answer)).await
}

problem_responses!(TableProblems: [INPUT, ROLE, BODY, KEY]);

/// Import stations, all or nothing.
///
/// CSV (in UTF-8, UTF-16 or Windows-1252, with `,`, `;`, tabs or `|` between cells) or a workbook (xlsx: the first sheet, without
/// formulas) with the columns `iata_code,summary,text,highlights,tags,capabilities,hours,acceptance,is_featured`, in any order; only
/// `iata_code` is required. An empty cell leaves what is there, as the table leaves notices and contacts. `highlights` stand on lines
/// of their own, `tags` and `capabilities` between blanks; `hours` are like `EXPORT 12345 06:00-22:00; IMPORT 67 08:00-12:00`,
/// `acceptance` like `240; 90 product=EXPRESS; 360 code=AVI`. Each fault has its `row`, counted from 1 without the header, its
/// `column` and its `value`; the first 100 are reported, and `errors_total` is the number of all.
#[utoipa::path(post, path = "/stations/import", tag = "stations", operation_id = "importStations",
    params(("dry_run" = Option<bool>, Query, description = "Validate the table and count the changes, but change nothing"), KeyHeader),
    request_body(content((String = "text/csv"), (String = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"))),
    responses((status = 200, body = ImportSummary, headers(("Idempotency-Replayed" = Option<bool>))), TableProblems))]
async fn import(
    Admin(caller): Admin,
    State(stations): State<StationService>,
    request: BatchRequest,
) -> Result<Answer, Problem> {
    let actor = caller.user_id;
    let command = |table, dry_run| Import { stations, actor, table: Some(table), dry_run, rows: Vec::new() };
    request.import(actor.uuid(), command).await
}

problem_responses!(ExportProblems: [INPUT, CALLER]);

/// Export stations.
///
/// A table with the columns that an import takes, of the stations that say something about themselves. In CSV every text is quoted,
/// and one that a spreadsheet could take for a formula gets a leading `'`, which an import takes off again.
#[utoipa::path(get, path = "/stations/export", tag = "stations", operation_id = "exportStations",
    params(StationFilter, ExportParams),
    responses((status = 200, content((String = "text/csv"), (Vec<u8> = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet")),
               headers(("Content-Disposition" = String))), ExportProblems))]
async fn export(State(stations): State<StationService>, query: Query) -> Result<Response, Problem> {
    let (filter, params) = query.read(|fields| Some((StationFilter::read(fields)?, ExportParams::read(fields)?)))?;
    let chosen = stations.chosen(filter, false);
    let read = move |page: PageRequest<Place>| {
        let (stations, chosen) = (stations.clone(), chosen.clone());
        async move { Ok(stations.list(&chosen, &page, Recency::Now).await?) }
    };
    let row = |(_, placed): &(Place, Placed)| Some(written(&placed.station));
    Export::new(STATIONS, COLUMNS, &params).paged(read, |(place, _): &(Place, Placed)| *place, row).await
}

problem_responses!(BulkProblems: [INPUT, ROLE, BODY]);

/// Feature many stations, or feature them no more.
///
/// Each row is a transaction of its own and is judged as a single change would be. A row that is refused has its `problem`, and the
/// others go on. With an `Idempotency-Key` each row has the key `<key>/<id>`: a repetition does what is left and nothing twice.
#[utoipa::path(post, path = "/stations/bulk", tag = "stations", operation_id = "bulkStations",
    request_body = BulkStations, params(KeyHeader),
    responses((status = 200, body = BulkResult), BulkProblems))]
async fn act(
    Admin(caller): Admin,
    State(stations): State<StationService>,
    request: BatchRequest,
) -> Result<Response, Problem> {
    let actor = caller.user_id;
    let input = request.body().read(BulkStations::read);
    let input = input
        .map(|BulkStations { action, ids }| (action.as_str().to_owned(), ids, action == BulkStationAction::Feature));
    let path = |code: &str| format!("{PATH}{code}");
    let command = move |code, is_featured| {
        let (stations, precondition) = (stations.clone(), Precondition::default());
        Change { stations, actor, code, precondition, wanted: Wanted::Featured(is_featured), has_changed: false }
    };
    request.run_each(actor.uuid(), input, path, command, answer).await
}
