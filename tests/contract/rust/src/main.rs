//! A journey by the client that openapi-generator makes: a customer registers, searches, books and tracks; an operator moves
//! the shipment to its end.

use std::env;

use chrono::{Days, Utc};
use loadmaster_client::{
    apis::{Error, auth_api, bookings_api, configuration::Configuration, search_api, tracking_api, webhooks_api},
    models::{
        Booking, BookingStatus, CreateBooking, DirectFlight, LoginRequest, Party, ProblemBody, RecordMovement,
        RegisterRequest, Role, SearchAnswer, SearchQuestion, SearchRoutes, SessionBody,
    },
};
use uuid::Uuid;

type Failure = Box<dyn std::error::Error>;

fn client(token: Option<String>) -> Result<Configuration, Failure> {
    Ok(Configuration { base_path: env::var("CONTRACT_URL")?, bearer_access_token: token, ..Configuration::default() })
}

/// The result of a call, with the body of a refusal.
fn expected<T, E: std::fmt::Debug>(result: Result<T, Error<E>>) -> Result<T, Failure> {
    result.map_err(|error| match error {
        Error::ResponseError(refusal) => format!("{}: {}", refusal.status, refusal.content).into(),
        other => format!("{other:?}").into(),
    })
}

/// The problem of a call, which must have been refused with this status.
fn refused<T, E: std::fmt::Debug>(status: u16, result: Result<T, Error<E>>) -> Result<ProblemBody, Failure> {
    match result {
        Err(Error::ResponseError(refusal)) => {
            assert_eq!(refusal.status.as_u16(), status, "{}", refusal.content);
            Ok(serde_json::from_str(&refusal.content)?)
        }
        Err(other) => Err(format!("{other:?}").into()),
        Ok(_) => Err(format!("not refused with {status}").into()),
    }
}

async fn registered(anyone: &Configuration) -> Result<SessionBody, Failure> {
    let email = format!("rust-{}@shipper.example", Uuid::new_v4());
    let mut request = RegisterRequest::new(email.clone(), "a phrase for tests 17".into());
    request.name = Some(Some("Rust".into()));
    let session = expected(auth_api::register(anyone, request).await)?;
    assert_eq!(session.user.email, email);
    assert_eq!(session.user.role, Role::Customer);
    assert!(session.expires_in > 0);
    assert!(session.refresh_token.as_ref().is_some_and(|token| token.is_some()));
    Ok(session)
}

/// A direct flight of the next days with space for this weight.
async fn flight_for(anyone: &Configuration, weight: f64) -> Result<DirectFlight, Failure> {
    for days in 1..=3 {
        let day = Utc::now().date_naive() + Days::new(days);
        let mut search = SearchRoutes::new("DEL".into(), "LHR".into(), day);
        search.weight_kg = Some(Some(weight));
        let search = SearchQuestion::SearchRoutes(Box::new(search));
        let SearchAnswer::SearchResult(found) = expected(search_api::search_routes(anyone, search).await)? else {
            return Err("not the result of one leg".into());
        };
        assert_eq!(found.departure_date, day);
        if let Some(flight) = found.direct_flights.into_iter().find(|flight| flight.bookable) {
            assert_eq!((&*flight.origin, &*flight.destination, &*flight.status), ("DEL", "LHR", "SCHEDULED"));
            assert!(flight.reasons.is_empty() && flight.available.weight_kg >= weight);
            assert!(flight.cutoff_datetime < flight.departure_datetime);
            return Ok(flight);
        }
    }
    Err("no direct flight from DEL to LHR can be booked in the next three days".into())
}

async fn booked(customer: &Configuration, flight: &DirectFlight) -> Result<Booking, Failure> {
    let mut order = CreateBooking::new(flight.origin.clone(), flight.destination.clone(), 12, 480.5);
    let mut shipper = Party::new("Demo Exports".into());
    shipper.country_code = Some(Some("IN".into()));
    order.flight_ids = Some(Some(vec![flight.id]));
    order.shipper = Some(Some(Box::new(shipper)));
    let key = Uuid::new_v4().to_string();
    let booking = expected(bookings_api::create_booking(customer, order.clone(), Some(&key)).await)?;
    assert_eq!(booking.status, BookingStatus::Booked);
    assert_eq!(booking.flight_ids, [flight.id]);
    assert!((booking.weight_kg - 480.5).abs() < f64::EPSILON);
    assert_eq!(booking.legs[0].flight_number, flight.flight_number);
    assert_eq!(expected(bookings_api::create_booking(customer, order.clone(), Some(&key)).await)?, booking);
    order.pieces = 0;
    let problem = refused(400, bookings_api::create_booking(customer, order, None).await)?;
    assert_eq!(problem.code, "validation_failed");
    Ok(booking)
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Failure> {
    let anyone = client(None)?;
    let session = registered(&anyone).await?;
    let customer = client(Some(session.access_token))?;
    assert_eq!(expected(auth_api::me(&customer).await)?.id, session.user.id);
    assert!(expected(webhooks_api::list_webhooks(&customer, None, None, None, None, None).await)?.is_empty());

    let flight = flight_for(&anyone, 480.5).await?;
    let booking = booked(&customer, &flight).await?;
    let reference = &*booking.ref_id;
    let problem = refused(403, bookings_api::depart_booking(&customer, reference, None, None, None).await)?;
    assert_eq!(problem.code, "forbidden");
    let problem = refused(404, bookings_api::get_booking(&customer, "ACB00000", None, None).await)?;
    assert_eq!(problem.code, "not_found");

    let login = LoginRequest::new(env::var("CONTRACT_OPERATOR")?, env::var("CONTRACT_OPERATOR_PASSWORD")?);
    let staff = expected(auth_api::login(&anyone, login).await)?;
    assert_eq!(staff.user.role, Role::Operator);
    let operator = client(Some(staff.access_token))?;
    // This client sends `null` for a body that is left out, which is no object.
    let mut movement = RecordMovement::new();
    movement.location = Some(Some("DEL".into()));
    let departed = expected(bookings_api::depart_booking(&operator, reference, None, None, Some(movement)).await)?;
    assert_eq!(departed.status, BookingStatus::Departed);
    let arrived =
        expected(bookings_api::arrive_booking(&operator, reference, None, None, Some(RecordMovement::new())).await)?;
    assert_eq!(arrived.current_airport.as_deref(), Some("LHR"));
    let delivered =
        expected(bookings_api::deliver_booking(&operator, reference, None, None, Some(RecordMovement::new())).await)?;
    assert!(delivered.next_actions.is_empty());

    let tracked = expected(tracking_api::track_shipment(&anyone, reference, None, None).await)?;
    assert_eq!(tracked.status, BookingStatus::Delivered);
    assert!(tracked.at_destination);
    let types: Vec<String> = tracked.timeline.iter().map(|event| event.event_type.to_string()).collect();
    assert_eq!(types, ["BOOKED", "DEPARTED", "ARRIVED", "DELIVERED"]);
    Ok(())
}
