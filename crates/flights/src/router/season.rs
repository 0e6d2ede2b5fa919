//! The schedule of an airline as a file of SSIM.
use std::io;

use axum::{
    body::Body,
    extract::State,
    http::{HeaderValue, header},
    response::Response,
};
use chrono::NaiveDate;
use futures_util::{StreamExt, stream};
use loadmaster_capacity::FlightStatus;
use loadmaster_kernel::AirlineCode;
use loadmaster_platform::{
    listing::CountParams,
    postgres::Recency,
    web::{
        IfNoneMatch, PRIVATE, PageRequest, Problem, Query, code, conditional, paid, problem_responses, read, request,
        tagged,
    },
};
use loadmaster_reference::Reference;

use crate::{
    Flight, FlightFilter, FlightService,
    dto::FlightSort,
    model::{FlightAnchor, LONGEST_CUTOFF_MINUTES, NewFlight, fault_of_arrival},
    season::{MOST_FLIGHTS, TimeMode, Writer, read_to},
};

/// Flights that are read at a time.
const PAGE: u32 = 1000;
/// Days before and behind its dates within which the flights of a season leave: dates are local, and flights are late.
const EARLIER: chrono::Days = chrono::Days::new(2);
const LATER: chrono::Days = chrono::Days::new(4);

request! {
    /// Which part of the schedule a file of SSIM has.
    #[derive(Copy)]
    pub(crate) struct SeasonParams in query(reference: &Reference) {
        /// Airline designator
        airline: AirlineCode = |raw| reference.read_airline(raw),
        /// First scheduled local date of departure
        from: NaiveDate = read::date,
        /// Last scheduled local date of departure; the period has at most 400 days.
        to: NaiveDate = |raw| read_to(raw, from),
        /// Whether dates and times are in UTC (default) or local. Only UTC keeps apart two flights at one local time when the
        /// clocks go back.
        #[param(inline)]
        time_mode: Option<TimeMode> = read::word(TimeMode::WORDS),
    }
}

problem_responses!(ExportProblems: [INPUT, CALLER], EXPORT_TOO_LARGE);

/// Export the schedule of an airline as a season file (SSIM, chapter 7).
///
/// Lines of 200 characters, which `loadmaster schedules import` reads without a difference. Cancelled flights are left out, and
/// seconds. Times are the best known ones; those of a flight that has left, or leaves on another local date than scheduled, are the
/// scheduled ones. A flight whose capacity or cut-off does not follow from its aircraft has a record of type 4 with the data
/// element 900 that gives them, and one that other carriers sell, too, records with the element 010. At most 500 000 flights.
#[utoipa::path(get, path = "/schedules/export", tag = "flights", operation_id = "exportSchedule",
    params(SeasonParams,
           ("If-None-Match" = Option<String>, Header, description = "Respond with 304 if the file still has this ETag")),
    responses((status = 200, body = String, description = "The file.", content_type = "text/plain",
               headers(("Content-Disposition" = String), ("ETag" = String))), (status = 304), ExportProblems))]
pub(crate) async fn export(
    State(flights): State<FlightService>,
    State(reference): State<Reference>,
    if_none_match: IfNoneMatch,
    query: Query,
) -> Result<Response, Problem> {
    let params = query.read(|fields| SeasonParams::read(fields, &reference))?;
    let mode = params.time_mode.unwrap_or(TimeMode::Utc);
    let filter = params.filter();
    let (count, digest) = paid(flights.count(&filter)).await?;
    check(count)?;
    let today = flights.clock.now().date_naive();
    let tag = format!("{count}-{digest:x}-{today}");
    if if_none_match.matching(&tag).is_some() {
        return Ok(conditional(&tag, &if_none_match, PRIVATE, ()));
    }
    let mut writer = Writer::new(reference.clone(), params.airline, mode);
    let head = writer.head((params.from, params.to), today);
    let page = Some(PageRequest::first(PAGE));
    let sending = Sending { flights, reference, params, filter, writer, pending: Vec::new(), page };
    // What goes wrong before the first part is a problem; later the answer breaks off.
    let (first, sending) = sending.next().await?;
    let rest = stream::try_unfold(sending, |sending| async move {
        let Some(sending) = sending else { return Ok(None) };
        sending.next().await.map(Some).map_err(|problem| broken_off(&problem))
    });
    let first = stream::once(async move { io::Result::Ok(head + &first) });
    let mut response = Response::new(Body::from_stream(first.chain(rest)));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    let name = format!("attachment; filename=\"{}-{}-{}.ssim\"", params.airline.as_str(), params.from, params.to);
    if let Ok(attachment) = HeaderValue::from_str(&name) {
        headers.insert(header::CONTENT_DISPOSITION, attachment);
    }
    tagged(&mut response, &tag, PRIVATE);
    Ok(response)
}

/// Refuses more flights than a season may have.
fn check(flights: i64) -> Result<(), Problem> {
    if usize::try_from(flights).is_ok_and(|flights| flights <= MOST_FLIGHTS) {
        return Ok(());
    }
    let detail =
        format!("The export would have {flights} flights, and at most {MOST_FLIGHTS} are given; shorten the period.");
    Err(Problem::new(code::EXPORT_TOO_LARGE, detail).with("rows", flights).with("limit", MOST_FLIGHTS))
}

/// An answer that has begun can only end early.
fn broken_off(problem: &Problem) -> io::Error {
    tracing::warn!(table = "schedule", detail = problem.detail(), "an export broke off");
    io::Error::other("the export broke off")
}

impl SeasonParams {
    fn filter(&self) -> FlightFilter {
        let midnight = |date: NaiveDate| date.and_time(chrono::NaiveTime::MIN).and_utc();
        FlightFilter {
            airline: Some(self.airline),
            departure_from: Some(midnight(self.from - EARLIER)),
            departure_to: Some(midnight(self.to + LATER)),
            ..FlightFilter::default()
        }
    }
}

/// A file that is being sent.
struct Sending {
    flights: FlightService,
    reference: Reference,
    params: SeasonParams,
    filter: FlightFilter,
    writer: Writer,
    /// The flights of the last number, of which more may follow.
    pending: Vec<NewFlight>,
    /// What is read next; `None`: everything has been read.
    page: Option<PageRequest<FlightAnchor>>,
}

impl Sending {
    /// Returns the next part of the file, and what sends the rest, if there is more.
    async fn next(mut self) -> Result<(String, Option<Self>), Problem> {
        let Some(page) = self.page.take() else { return Ok((self.writer.end(), None)) };
        let (sort, count) = (FlightSort::Number, CountParams::default());
        let mut found = paid(self.flights.list(&self.filter, sort, &page, count, Recency::Now)).await?.entries;
        let anchor = |flight: &Flight| FlightAnchor::Number(flight.number, flight.departure, flight.id);
        self.page = page.cut(&mut found).map(|last| page.following(anchor(last)));
        let mut out = String::new();
        let dates = self.params.from..=self.params.to;
        for flight in found.iter().filter(|flight| dates.contains(&flight.scheduled_date)) {
            let Some(new) = planned(flight, &self.reference) else { continue };
            if self.pending.first().is_some_and(|first| first.number != new.number) {
                out.push_str(&self.writer.flights(std::mem::take(&mut self.pending)));
            }
            self.pending.push(new);
        }
        if self.page.is_none() {
            out.push_str(&self.writer.flights(std::mem::take(&mut self.pending)));
        }
        Ok((out, Some(self)))
    }
}

/// Returns a flight as a season gives it: its departure is on the local date that names it. `None` if it is cancelled, or the
/// rules of time zones have moved it off its date.
fn planned(flight: &Flight, reference: &Reference) -> Option<NewFlight> {
    let scheduled = (flight.scheduled_departure, flight.scheduled_arrival);
    let known = (flight.departure, flight.arrival);
    let times = match flight.space.status {
        FlightStatus::Cancelled => return None,
        FlightStatus::Scheduled => [known, scheduled],
        FlightStatus::Departed | FlightStatus::Arrived => [scheduled, scheduled],
    };
    let origin = reference.airport(flight.origin)?;
    let (departure, arrival) = times.into_iter().find(|(departure, arrival)| {
        origin.local_date(*departure) == flight.scheduled_date && fault_of_arrival(*departure, *arrival).is_none()
    })?;
    let cutoff = u32::try_from((flight.departure - flight.space.cutoff).num_minutes()).unwrap_or_default();
    Some(NewFlight {
        number: flight.number,
        origin: flight.origin,
        destination: flight.destination,
        departure,
        arrival,
        aircraft: flight.aircraft,
        is_freighter: flight.is_freighter,
        capacity: flight.space.physical,
        cutoff_minutes: cutoff.min(LONGEST_CUTOFF_MINUTES),
        also_sold_as: flight.also_sold_as.clone(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_season_has_at_most_as_many_flights_as_an_import() {
        assert!(check(500_000).is_ok());
        assert_eq!(check(500_001).unwrap_err().code(), code::EXPORT_TOO_LARGE);
    }
}
