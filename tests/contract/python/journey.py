"""A journey by the client that openapi-python-client generates: a customer registers, searches, books and tracks; an operator
moves the shipment to its end."""

import os
from datetime import date, timedelta
from http import HTTPStatus
from typing import Any, TypeVar
from uuid import uuid4

from loadmaster_client import AuthenticatedClient, Client
from loadmaster_client.api.auth import login, me, register
from loadmaster_client.api.bookings import (
    arrive_booking,
    create_booking,
    deliver_booking,
    depart_booking,
    get_booking,
    list_bookings,
)
from loadmaster_client.api.search import list_routes, search_routes
from loadmaster_client.api.tracking import track_shipment
from loadmaster_client.models import (
    Booking,
    BookingStatus,
    CreateBooking,
    DirectFlight,
    LoginRequest,
    Party,
    ProblemBody,
    RecordMovement,
    RegisterRequest,
    Role,
    SearchResult,
    SearchRoutes,
    SessionBody,
    Tracking,
    User,
)
from loadmaster_client.types import Response

URL = os.environ["CONTRACT_URL"]
T = TypeVar("T")

anyone = Client(base_url=URL, raise_on_unexpected_status=True)


def client(token: str) -> AuthenticatedClient:
    return AuthenticatedClient(base_url=URL, token=token, raise_on_unexpected_status=True)


def expected(status: int, shape: type[T], answer: Response[Any]) -> T:
    """The body of a response, which must have this status and shape."""
    assert answer.status_code == status, (answer.status_code, answer.content)
    assert isinstance(answer.parsed, shape), (type(answer.parsed), answer.content)
    return answer.parsed


def registered() -> SessionBody:
    email = f"python-{uuid4()}@shipper.example"
    body = RegisterRequest(email=email, password="a phrase for tests 17", name="Python")
    session = expected(HTTPStatus.CREATED, SessionBody, register.sync_detailed(client=anyone, body=body))
    assert session.user.email == email
    assert session.user.role is Role.CUSTOMER
    assert session.expires_in > 0
    assert session.refresh_token
    return session


def flight_for(weight_kg: float) -> DirectFlight:
    """A direct flight of the next days with space for this weight."""
    for days in (1, 2, 3):
        day = date.today() + timedelta(days=days)
        body = SearchRoutes(origin="DEL", destination="LHR", departure_date=day, weight_kg=weight_kg)
        found = expected(HTTPStatus.OK, SearchResult, search_routes.sync_detailed(client=anyone, body=body))
        assert found.departure_date == day
        for flight in found.direct_flights:
            if flight.bookable:
                assert (flight.origin, flight.destination, flight.reasons) == ("DEL", "LHR", [])
                assert flight.available.weight_kg >= weight_kg
                assert flight.cutoff_datetime < flight.departure_datetime
                assert flight.departure_local.utcoffset() == timedelta(hours=5, minutes=30)
                return flight
    raise AssertionError("no direct flight from DEL to LHR can be booked in the next three days")


session = registered()
customer = client(session.access_token)
assert expected(HTTPStatus.OK, User, me.sync_detailed(client=customer)).id == session.user.id

flight = flight_for(480.5)
options = list_routes.sync(
    client=anyone, origin="DEL", destination="LHR", departure_date=flight.departure_local.date(), limit=3
)
assert isinstance(options, list) and 0 < len(options) <= 3
assert options[0].flights[0].origin == "DEL"

order = CreateBooking(
    origin=flight.origin,
    destination=flight.destination,
    pieces=12,
    weight_kg=480.5,
    flight_ids=[flight.id],
    description="Machine parts",
    shipper=Party(name="Demo Exports", city="Delhi", country_code="IN"),
)
key = str(uuid4())
created = create_booking.sync_detailed(client=customer, body=order, idempotency_key=key)
booking = expected(HTTPStatus.CREATED, Booking, created)
assert booking.status is BookingStatus.BOOKED
assert booking.weight_kg == 480.5
assert isinstance(booking.shipper, Party) and booking.shipper.city == "Delhi"
assert booking.flight_ids == [flight.id]
assert booking.legs[0].flight_number == flight.flight_number
assert created.headers["Location"] == f"/api/v1/bookings/{booking.ref_id}"
replayed = create_booking.sync_detailed(client=customer, body=order, idempotency_key=key)
assert expected(HTTPStatus.CREATED, Booking, replayed) == booking
assert replayed.headers["Idempotency-Replayed"] == "true"

refused = depart_booking.sync_detailed(booking.ref_id, client=customer, body=RecordMovement())
assert expected(HTTPStatus.FORBIDDEN, ProblemBody, refused).code == "forbidden"
missing = get_booking.sync_detailed("ACB00000", client=customer)
assert expected(HTTPStatus.NOT_FOUND, ProblemBody, missing).code == "not_found"
order.pieces = 0
invalid = create_booking.sync_detailed(client=customer, body=order)
assert expected(HTTPStatus.BAD_REQUEST, ProblemBody, invalid).code == "validation_failed"

credentials = LoginRequest(email=os.environ["CONTRACT_OPERATOR"], password=os.environ["CONTRACT_OPERATOR_PASSWORD"])
staff = expected(HTTPStatus.OK, SessionBody, login.sync_detailed(client=anyone, body=credentials))
assert staff.user.role is Role.OPERATOR
operator = client(staff.access_token)
departed = depart_booking.sync_detailed(booking.ref_id, client=operator, body=RecordMovement(location="DEL"))
assert expected(HTTPStatus.OK, Booking, departed).status is BookingStatus.DEPARTED
arrived = arrive_booking.sync_detailed(booking.ref_id, client=operator)
assert expected(HTTPStatus.OK, Booking, arrived).current_airport == "LHR"
delivered = deliver_booking.sync_detailed(booking.ref_id, client=operator, body=RecordMovement())
assert expected(HTTPStatus.OK, Booking, delivered).next_actions == []

tracked = expected(HTTPStatus.OK, Tracking, track_shipment.sync_detailed(booking.ref_id, client=anyone))
assert tracked.status is BookingStatus.DELIVERED
assert tracked.at_destination
assert [event.event_type for event in tracked.timeline] == ["BOOKED", "DEPARTED", "ARRIVED", "DELIVERED"]

own = list_bookings.sync(client=customer, status=BookingStatus.DELIVERED)
assert isinstance(own, list) and [booking.ref_id for booking in own] == [booking.ref_id]
