// A journey with the types that gql.tada generates and the client of graphql-sse: a customer registers, finds a flight, books it by
// a key, and follows the booking, which an operator moves.
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { print } from "graphql";
import { createClient } from "graphql-sse";
import { initGraphQLTada, type ResultOf, type TadaDocumentNode, type VariablesOf } from "gql.tada";
import type { introspection } from "./generated.js";

const graphql = initGraphQLTada<{
  introspection: introspection;
  disableMasking: true;
  scalars: { Date: string; DateTime: string; Decimal: number; Int64: number; UUID: string; JSON: unknown };
}>();

function setting(name: string): string {
  const value = process.env[name];
  assert.ok(value, `${name} is not set`);
  return value;
}

const url = setting("CONTRACT_URL");

interface Answer<Result> {
  data?: Result | null;
  errors?: { message: string; path?: (string | number)[]; extensions?: Record<string, unknown> }[];
}

async function sent<Result>(path: string, body: unknown, token?: string): Promise<Result> {
  const authorization = token ? { authorization: `Bearer ${token}` } : {};
  const headers = { "content-type": "application/json", ...authorization };
  const response = await fetch(`${url}${path}`, { method: "POST", headers, body: JSON.stringify(body) });
  assert.ok(response.ok, `${path}: ${response.status} ${await response.clone().text()}`);
  return response.json() as Promise<Result>;
}

/** A caller of the API; nobody, without a token. */
class Caller {
  constructor(readonly token?: string) {}

  ask<Result, Variables>(document: TadaDocumentNode<Result, Variables>, variables: Variables): Promise<Answer<Result>> {
    return sent("/graphql", { query: print(document), variables }, this.token);
  }

  /** The data of an answer without errors. */
  async get<Result, Variables>(document: TadaDocumentNode<Result, Variables>, variables: Variables): Promise<Result> {
    const { data, errors } = await this.ask(document, variables);
    assert.equal(errors, undefined, JSON.stringify(errors));
    assert.ok(data);
    return data;
  }

  /** The code of the only error of an answer. */
  async refused<Result, Variables>(document: TadaDocumentNode<Result, Variables>, variables: Variables): Promise<unknown> {
    const { errors } = await this.ask(document, variables);
    assert.equal(errors?.length, 1, JSON.stringify(errors));
    return errors?.[0]?.extensions?.["code"];
  }
}

async function entered(path: string, body: object): Promise<Caller> {
  return new Caller((await sent<{ access_token: string }>(path, body)).access_token);
}

const BOOKED = graphql(`
  fragment Booked on Booking {
    refId
    status
    version
    weightKg
    legs {
      flight {
        flightNumber
        destination
      }
    }
  }
`);

const FLIGHTS = graphql(`
  query Flights($origin: String!, $from: DateTime!, $first: Int!, $after: String) {
    flights(origin: $origin, destination: "LHR", departureFrom: $from, status: "SCHEDULED", first: $first, after: $after) {
      nodes {
        id
        flightNumber
        available {
          weightKg
        }
      }
      pageInfo {
        hasNextPage
        endCursor
      }
    }
  }
`);

const BOOK = graphql(
  `
    mutation Book($input: CreateBookingInput!, $key: String!) {
      book(input: $input, idempotencyKey: $key) {
        __typename
        ... on Booking {
          ...Booked
        }
      }
    }
  `,
  [BOOKED],
);

const AMEND = graphql(
  `
    mutation Amend($refId: String!, $input: AmendBookingInput!, $version: String!) {
      amend(refId: $refId, input: $input, ifMatch: $version) {
        ...Booked
      }
    }
  `,
  [BOOKED],
);

const DEPART = graphql(`
  mutation Depart($refId: String!) {
    depart(refId: $refId) {
      status
      currentAirport
    }
  }
`);

const SHIPMENT = graphql(`
  query Shipment($number: String!) {
    tracking(number: $number) {
      status
      origin
    }
    me {
      email
    }
  }
`);

const FOLLOWED = graphql(`
  subscription Followed($refId: String!) {
    booking(refId: $refId) {
      event {
        eventType
      }
      booking {
        status
        version
      }
    }
  }
`);

type Flight = NonNullable<ResultOf<typeof FLIGHTS>["flights"]>["nodes"][number];

/** All pages of the flights to London, until one has space for this weight. */
async function flightFor(weightKg: number): Promise<Flight> {
  const variables: VariablesOf<typeof FLIGHTS> = { origin: "DEL", from: new Date(Date.now() + 86_400_000).toISOString(), first: 2 };
  for (let after: string | null = null; ; ) {
    const { flights }: ResultOf<typeof FLIGHTS> = await new Caller().get(FLIGHTS, { ...variables, after });
    assert.ok(flights && flights.nodes.length <= 2);
    const flight = flights.nodes.find(({ available }) => available.weightKg >= weightKg);
    if (flight) return flight;
    assert.ok(flights.pageInfo.hasNextPage, "no flight from DEL to LHR has space");
    after = flights.pageInfo.endCursor;
    assert.ok(after);
  }
}

const email = `graphql-${randomUUID()}@shipper.example`;
const customer = await entered("/api/v1/auth/register", { email, password: "a phrase for tests 17" });
const flight = await flightFor(480.5);

// A repetition of the mutation, by its key, and of REST's own call are the first answer.
const key = randomUUID();
const input = { origin: "DEL", destination: "LHR", pieces: 12, weightKg: 480.5, flightIds: [flight.id] };
const { book: booking } = await customer.get(BOOK, { input, key });
// It would be a hold if its payment were under way.
assert.ok(booking?.__typename === "Booking");
const { refId, version } = booking;
assert.deepEqual([booking.status, booking.weightKg], ["BOOKED", 480.5]);
assert.equal(booking.legs[0]?.flight?.flightNumber, flight.flightNumber);
assert.deepEqual((await customer.get(BOOK, { input, key })).book, booking);
const rest = await fetch(`${url}/api/v1/bookings`, {
  method: "POST",
  headers: { authorization: `Bearer ${customer.token}`, "content-type": "application/json", "idempotency-key": key },
  body: JSON.stringify({ origin: "DEL", destination: "LHR", pieces: 12, weight_kg: 480.5, flight_ids: [flight.id] }),
});
assert.equal(rest.headers.get("idempotency-replayed"), "true");
assert.equal(((await rest.json()) as { ref_id: string }).ref_id, refId);

// Preconditions and refusals are REST's.
const { amend: amended } = await customer.get(AMEND, { refId, input: { pieces: 11 }, version: String(version) });
assert.equal(amended?.version, version + 1);
assert.equal(await customer.refused(AMEND, { refId, input: { pieces: 10 }, version: String(version) }), "version_mismatch");
assert.equal(await customer.refused(DEPART, { refId }), "forbidden");
assert.equal(await new Caller().refused(SHIPMENT, { number: refId }), "unauthenticated");
const seen = await customer.get(SHIPMENT, { number: refId });
assert.deepEqual([seen.tracking?.status, seen.me?.email], ["BOOKED", email]);

// The subscription begins with the state, and shows the departure.
const login = { email: setting("CONTRACT_OPERATOR"), password: setting("CONTRACT_OPERATOR_PASSWORD") };
const operator = await entered("/api/v1/auth/login", login);
const client = createClient({ url: `${url}/graphql`, headers: { authorization: `Bearer ${customer.token}` }, retryAttempts: 0 });
const followed = client.iterate<ResultOf<typeof FOLLOWED>>({ query: print(FOLLOWED), variables: { refId } });
const statuses: unknown[] = [];
for await (const { data, errors } of followed) {
  assert.equal(errors, undefined, JSON.stringify(errors));
  statuses.push(data?.booking?.booking?.status);
  if (statuses.length === 1) await operator.get(DEPART, { refId });
  if (statuses.at(-1) === "DEPARTED") break;
}
assert.deepEqual(statuses, ["BOOKED", "DEPARTED"]);
