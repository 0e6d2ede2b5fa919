import { expect, test } from "vitest";
import type { Answer } from "../../api/client";
import { hourOf, ordered, pageOf, queriesOf, type Flight, type Query, type View } from "./queries";

const NOW = Date.parse("2026-12-02T10:42:07Z");
const HOUR = hourOf(NOW);
const view = (more: Partial<View> = {}): View => ({ station: "DEL", isArrivals: false, date: null, ...more });
const flight = (id: string, arrival = "2026-12-02T12:00:00") =>
  ({ id, arrival_datetime: `${arrival}Z`, arrival_local: `${arrival}+00:00` }) as Flight;

/** Answers pages in turn, and keeps what was asked. */
function server(pages: { data: Flight[]; next: string | null }[]) {
  const asked: Query[] = [];
  const ask = (query: Query): Promise<Answer<Flight[]>> => {
    asked.push(query);
    const page = pages[asked.length - 1] ?? { data: [], next: null };
    return Promise.resolve({ ...page, etag: null, response: new Response() });
  };
  return { asked, ask };
}

test("the board begins with the hour, after the flights of two days that have not left", () => {
  expect(queriesOf(view(), HOUR)).toEqual([
    {
      origin: "DEL",
      status: "SCHEDULED",
      departure_from: "2026-11-30T10:00:00.000Z",
      departure_to: "2026-12-02T10:00:00.000Z",
    },
    { origin: "DEL", departure_from: "2026-12-02T10:00:00.000Z", departure_to: "2026-12-03T10:00:00.000Z" },
  ]);
});

test("arrivals from now on are those in the air, then those yet to leave", () => {
  const [flying, ahead] = queriesOf(view({ isArrivals: true }), HOUR);
  const sort = "arrival_datetime";
  expect(flying).toMatchObject({ destination: "DEL", status: "DEPARTED", sort });
  const departure_to = "2026-12-03T10:00:00.000Z";
  expect(ahead).toMatchObject({ destination: "DEL", status: "SCHEDULED", departure_to, sort });
});

test("all stations have no place, and a day of departures is that of the schedule", () => {
  expect(queriesOf(view({ station: "", date: "2026-12-02" }), HOUR)).toEqual([{ departure_date: "2026-12-02" }]);
  expect(queriesOf(view({ station: "" }), HOUR)[1]).not.toHaveProperty("origin");
});

test("arrivals of a day are those that land on it by the station's clock", async () => {
  const pages = [flight("before", "2026-12-01T23:59:00"), flight("on", "2026-12-02T00:00:00")];
  const { asked, ask } = server([{ data: pages, next: null }]);
  const answer = await pageOf(view({ isArrivals: true, date: "2026-12-02" }), HOUR, undefined, ask);
  expect(answer.data.map((it) => it.id)).toEqual(["on"]);
  expect(asked).toEqual([
    {
      destination: "DEL",
      arrival_from: "2026-12-01T10:00:00.000Z",
      arrival_to: "2026-12-03T12:00:00.000Z",
      sort: "arrival_datetime",
      limit: 100,
    },
  ]);
});

test("arrivals of all stations have no place, and each its own clock", async () => {
  const all = view({ station: "", isArrivals: true });
  for (const query of queriesOf(all, HOUR)) expect(query).not.toHaveProperty("destination");
  const { ask } = server([
    { data: [flight("east", "2026-12-02T00:30:00"), flight("west", "2026-12-01T23:30:00")], next: null },
  ]);
  const answer = await pageOf({ ...all, date: "2026-12-02" }, HOUR, undefined, ask);
  expect(answer.data.map((it) => it.id)).toEqual(["east"]);
});

test("the flights of a query follow those of the one before, and a page goes on where it ended", async () => {
  const late = server([
    { data: [flight("late")], next: null },
    { data: [flight("now")], next: "c1" },
  ]);
  const first = await pageOf(view(), HOUR, undefined, late.ask);
  expect(first.data.map((it) => it.id)).toEqual(["late", "now"]);
  expect(first.next).toBe("1 c1");
  const rest = server([{ data: [flight("next")], next: null }]);
  const second = await pageOf(view(), HOUR, first.next ?? undefined, rest.ask);
  expect(second.data.map((it) => it.id)).toEqual(["next"]);
  expect(second.next).toBe(null);
  expect(rest.asked).toEqual([{ ...queriesOf(view(), HOUR)[1], limit: 100, cursor: "c1" }]);
});

test("many late flights fill a page of their own, and those from now on follow it", async () => {
  const { ask } = server([{ data: [flight("late")], next: "c1" }]);
  const first = await pageOf(view(), HOUR, undefined, ask);
  expect(first.next).toBe("0 c1");
  const rest = server([
    { data: [flight("later")], next: null },
    { data: [flight("now")], next: null },
  ]);
  const second = await pageOf(view(), HOUR, "0 c1", rest.ask);
  expect(second.data.map((it) => it.id)).toEqual(["later", "now"]);
  expect(rest.asked.map((query) => query.cursor)).toEqual(["c1", undefined]);
});

test("a flight that was read twice is shown once, and arrivals go by their time", () => {
  const [one, two] = [flight("1", "2026-12-02T15:00:00"), flight("2", "2026-12-02T14:00:00")];
  expect(ordered([one, two, one], false).map((it) => it.id)).toEqual(["1", "2"]);
  expect(ordered([one, two, one], true).map((it) => it.id)).toEqual(["2", "1"]);
});
