// A journey by openapi-fetch, with the types that openapi-typescript generates: a customer registers, searches, books and
// tracks; an operator moves the shipment to its end.
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import createClient from "openapi-fetch";
import type { components, paths } from "./schema.js";

type Schemas = components["schemas"];

function setting(name: string): string {
  const value = process.env[name];
  assert.ok(value, `${name} is not set`);
  return value;
}

const baseUrl = setting("CONTRACT_URL");
const client = (token: string) => createClient<paths>({ baseUrl, headers: { Authorization: `Bearer ${token}` } });
const anyone = createClient<paths>({ baseUrl });

/** The data of a response, which must have this status. */
function expected<T>(status: number, answer: { data?: T; error?: unknown; response: Response }): T {
  assert.equal(answer.response.status, status, `${answer.response.url}: ${JSON.stringify(answer.error)}`);
  assert.ok(answer.data !== undefined, answer.response.url);
  return answer.data;
}

/** The problem of a response, which must have this status. */
function refused<T>(status: number, answer: { error?: T; response: Response }): T {
  assert.equal(answer.response.status, status, answer.response.url);
  assert.ok(answer.error !== undefined, answer.response.url);
  return answer.error;
}

async function registered(): Promise<Schemas["SessionBody"]> {
  const email = `typescript-${randomUUID()}@shipper.example`;
  const body: Schemas["RegisterRequest"] = { email, password: "a phrase for tests 17", name: "TypeScript" };
  const session = expected(201, await anyone.POST("/api/v1/auth/register", { body }));
  assert.equal(session.user.email, email);
  assert.equal(session.user.role, "customer");
  assert.ok(session.expires_in > 0);
  assert.ok(session.refresh_token);
  return session;
}

/** A direct flight of the next days with space for this weight. */
async function flightFor(weight_kg: number): Promise<Schemas["DirectFlight"]> {
  for (const days of [1, 2, 3]) {
    const departure_date = new Date(Date.now() + days * 86_400_000).toISOString().slice(0, 10);
    const body: Schemas["SearchRoutes"] = { origin: "DEL", destination: "LHR", departure_date, weight_kg };
    const found = expected(200, await anyone.POST("/api/v1/routes/search", { body }));
    assert.ok("direct_flights" in found, "the result of one leg");
    assert.equal(found.departure_date, departure_date);
    const flight = found.direct_flights.find((flight) => flight.bookable);
    if (!flight) continue;
    assert.deepEqual([flight.origin, flight.destination, flight.status, flight.reasons], ["DEL", "LHR", "SCHEDULED", []]);
    assert.ok(flight.available.weight_kg >= weight_kg);
    assert.ok(flight.cutoff_datetime < flight.departure_datetime);
    return flight;
  }
  return assert.fail("no direct flight from DEL to LHR can be booked in the next three days");
}

async function ranked(departure_date: string): Promise<void> {
  const query = { origin: "DEL", destination: "LHR", departure_date, sort: "arrival" as const, limit: 3 };
  const options = expected(200, await anyone.GET("/api/v1/routes", { params: { query } }));
  assert.ok(options.length > 0 && options.length <= 3);
  assert.equal(options[0]?.flights[0]?.origin, "DEL");
}

const session = await registered();
const customer = client(session.access_token);
const me = expected(200, await customer.GET("/api/v1/auth/me"));
assert.equal(me.id, session.user.id);

const flight = await flightFor(480.5);
await ranked(flight.departure_local.slice(0, 10));

const order: Schemas["CreateBooking"] = {
  origin: flight.origin,
  destination: flight.destination,
  pieces: 12,
  weight_kg: 480.5,
  flight_ids: [flight.id],
  description: "Machine parts",
  shipper: { name: "Demo Exports", city: "Delhi", country_code: "IN" },
};
const key = randomUUID();
const asked = { body: order, params: { header: { "Idempotency-Key": key } } };
const created = await customer.POST("/api/v1/bookings", asked);
const booking = expected(201, created);
// 202 has another body: a hold whose payment is under way.
assert.ok("ref_id" in booking);
assert.equal(booking.status, "BOOKED");
assert.equal(booking.weight_kg, 480.5);
assert.equal(booking.shipper?.city, "Delhi");
assert.deepEqual(booking.flight_ids, [flight.id]);
assert.equal(booking.legs[0]?.flight_number, flight.flight_number);
assert.equal(created.response.headers.get("Location"), `/api/v1/bookings/${booking.ref_id}`);
const replayed = await customer.POST("/api/v1/bookings", asked);
assert.deepEqual(expected(201, replayed), booking);
assert.equal(replayed.response.headers.get("Idempotency-Replayed"), "true");

const path = { ref_id: booking.ref_id };
const problem = refused(403, await customer.POST("/api/v1/bookings/{ref_id}/depart", { params: { path } }));
assert.equal(problem.code, "forbidden");
const missing = await customer.GET("/api/v1/bookings/{ref_id}", { params: { path: { ref_id: "ACB00000" } } });
assert.equal(refused(404, missing).code, "not_found");
const invalid = await customer.POST("/api/v1/bookings", { body: { ...order, pieces: 0 } });
assert.equal(refused(400, invalid).code, "validation_failed");

const login = { email: setting("CONTRACT_OPERATOR"), password: setting("CONTRACT_OPERATOR_PASSWORD") };
const staff = expected(200, await anyone.POST("/api/v1/auth/login", { body: login }));
assert.equal(staff.user.role, "operator");
const operator = client(staff.access_token);
const departed = await operator.POST("/api/v1/bookings/{ref_id}/depart", { params: { path }, body: { location: "DEL" } });
assert.equal(expected(200, departed).status, "DEPARTED");
const arrived = await operator.POST("/api/v1/bookings/{ref_id}/arrive", { params: { path } });
assert.equal(expected(200, arrived).current_airport, "LHR");
const delivered = await operator.POST("/api/v1/bookings/{ref_id}/deliver", { params: { path }, body: {} });
assert.deepEqual(expected(200, delivered).next_actions, []);

const tracked = expected(200, await anyone.GET("/api/v1/tracking/{number}", { params: { path: { number: booking.ref_id } } }));
assert.equal(tracked.status, "DELIVERED");
assert.equal(tracked.at_destination, true);
const types: string[] = tracked.timeline.map((event) => event.event_type);
assert.deepEqual(types, ["BOOKED", "DEPARTED", "ARRIVED", "DELIVERED"]);

const own = expected(200, await customer.GET("/api/v1/bookings", { params: { query: { status: "DELIVERED" } } }));
assert.deepEqual(
  own.map((booking) => booking.ref_id),
  [booking.ref_id],
);
