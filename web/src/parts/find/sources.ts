// What “Find anything” asks the API for a text, and the pages it knows itself.
import { api, take } from "../../api/client";
import { asProblem } from "../../api/problem";
import { session } from "../../api/session.svelte";
import { laneText, prepareUse, type Template } from "../../pages/parties/template";
import { pages } from "../../routes";
import { shown, words } from "../../words";
import { addDays, fullDate, localDate } from "../../words/format";
import { adminTexts } from "../../words/language";
import { weightText } from "../../words/units";
import { airportLookup } from "../airports";
import { BEGINS, CONTAINS, EQUAL, scoreOf, WORD, type Entry } from "./rank";
import { recognise, type Recognised } from "./recognise";

export interface Found {
  entries: Entry[];
  /** Every source answered. */
  isComplete: boolean;
}

/** Shorter texts are in too many bookings, airports and names. */
const LEAST = 2;
/** Most entries that one source is asked for. */
const MOST = 5;

/** Asks for what a text can be, and for nothing else. */
export async function findAll(typed: string, signal: AbortSignal): Promise<Found> {
  const text = typed.trim();
  // Until it is known who is signed in, nothing is known of what they may see.
  await session.token();
  const today = localDate(new Date(), "UTC");
  const numbers = recognise(text, today);
  const answers = await Promise.allSettled([
    pagesNamed(text),
    bookings(text, numbers, signal),
    templates(text, numbers, signal),
    flights(numbers, today, signal),
    airports(text, numbers),
    organizations(text, numbers, signal),
  ]);
  return {
    entries: answers.flatMap((answer) => (answer.status === "fulfilled" ? answer.value : [])),
    isComplete: answers.every((answer) => answer.status === "fulfilled"),
  };
}

/** Pages that need more than their address, or that only letters and the session lead to. */
const UNNAMED = ["/book", "/guest", "/reset", "/join"];
const OF_STRANGERS = ["/sign-in", "/register", "/forgot"];

async function pagesNamed(text: string): Promise<Entry[]> {
  const own = pages.filter(
    ({ path, role }) =>
      !path.includes("{") &&
      !path.startsWith("/admin/") &&
      !UNNAMED.includes(path) &&
      (!session.user || !OF_STRANGERS.includes(path)) &&
      (!role || session.may(role)),
  );
  const named = own.map(({ path, title }) => ({ path, title }));
  if (session.may("admin")) {
    const areas = Object.entries(shown(await adminTexts()).admin.areas);
    named.push(...areas.map(([area, title]) => ({ path: `/admin/${area}`, title })));
  }
  return named.flatMap(({ path, title }) => {
    const score = scoreOf(title, text);
    return score === null ? [] : [{ group: "pages", href: path, title, score }];
  });
}

/** Bookings of an account, and the tracking page of a number that is none of theirs. */
async function bookings(text: string, numbers: Recognised, signal: AbortSignal): Promise<Entry[]> {
  const number = numbers.reference ?? numbers.awb;
  const own = session.may("customer") && text.length >= LEAST ? await ownBookings(text, numbers, signal) : [];
  return number === null || own.some(({ score }) => score === EQUAL)
    ? own
    : [...(await tracked(number, signal)), ...own];
}

/** By the number; by the text, too, where it may be another number, such as one of the shipper's own. */
async function ownBookings(text: string, numbers: Recognised, signal: AbortSignal): Promise<Entry[]> {
  const number = numbers.reference ?? numbers.awb;
  const texts = number === null ? [text] : numbers.isCertain ? [number] : [number, text];
  const answers = await Promise.all(
    texts.map((q) => take(api.GET("/api/v1/bookings", { params: { query: { q, limit: MOST } }, signal }))),
  );
  const found = new Map(answers.flatMap(({ data }) => data).map((booking) => [booking.ref_id, booking]));
  return [...found.values()].map((booking) => ({
    group: "bookings",
    href: `/bookings/${booking.ref_id}`,
    title: booking.ref_id,
    text: [
      `${booking.origin} – ${booking.destination}`,
      words.statuses[booking.status],
      ...(booking.awb_number ? [booking.awb_number] : []),
    ].join(" · "),
    score: number !== null && [booking.ref_id, booking.awb_number].includes(number) ? EQUAL : WORD,
  }));
}

async function tracked(number: string, signal: AbortSignal): Promise<Entry[]> {
  const params = { path: { number }, query: { limit: 1 } };
  try {
    const { data } = await take(api.GET("/api/v1/tracking/{number}", { params, signal }));
    const text = `${data.origin} – ${data.destination} · ${words.statuses[data.status]}`;
    return [{ group: "bookings", href: `/track/${number}`, title: words.find.track(number), text, score: EQUAL }];
  } catch (error) {
    if (asProblem(error).status !== 404) throw error;
    return [];
  }
}

/** Templates of the organization by their names: to choose one begins a booking with it. */
async function templates(text: string, numbers: Recognised, signal: AbortSignal): Promise<Entry[]> {
  if (!session.may("customer") || text.length < LEAST || numbers.isCertain) return [];
  // Names begin with a lane, `DEL–LHR`, whose dash keyboards lack.
  const texts = new Set([text, text.replaceAll("-", "–")]);
  const answers = await Promise.all(
    [...texts].map((q) =>
      take(api.GET("/api/v1/booking-templates", { params: { query: { q, limit: MOST } }, signal })),
    ),
  );
  const found = new Map(answers.flatMap(({ data }) => data).map((template) => [template.id, template]));
  return [...found.values()].map((template) => ({
    group: "templates" as const,
    href: () => prepareUse(template, session.person),
    title: template.name,
    text: partsOf(template).join(" · "),
    score: scoreOf(template.name, text) ?? CONTAINS,
  }));
}

const partsOf = (template: Template): string[] => [
  laneText(template),
  ...(template.weight_kg ? [weightText(template.weight_kg)] : []),
];

/** Flights of a number on its date; without one, on the days that are today somewhere. */
async function flights({ flight }: Recognised, today: string, signal: AbortSignal): Promise<Entry[]> {
  if (!flight) return [];
  const dates = flight.date ? [flight.date] : [-1, 0, 1].map((days) => addDays(today, days));
  const answers = await Promise.all(
    dates.map((departure_date) => {
      const query = { flight_number: flight.number, departure_date, limit: MOST };
      return take(api.GET("/api/v1/flights", { params: { query }, signal }));
    }),
  );
  return answers.flatMap(({ data }) =>
    data.map((found) => ({
      group: "flights" as const,
      href: `/flights/${found.id}`,
      title: `${found.flight_number} · ${fullDate(found.departure_local.slice(0, 10))}`,
      text: [
        `${found.departure_local.slice(11, 16)} ${found.origin} – ${found.destination}`,
        ...(found.also_sold_as ? [`${words.flight.alsoSoldAs} ${found.also_sold_as.join(", ")}`] : []),
      ].join(" · "),
      score: EQUAL,
    })),
  );
}

/** What begins at an airport: the board for staff, a search for everybody. */
async function airports(text: string, numbers: Recognised): Promise<Entry[]> {
  if (text.length < LEAST || numbers.isCertain) return [];
  const found = await airportLookup.find(text);
  if (!found) throw new Error("airports not read");
  return found.slice(0, MOST).flatMap(({ value: code, text: name = "" }) => {
    const score = code === text.toUpperCase() ? EQUAL : scoreOf(name, text) === BEGINS ? BEGINS : WORD;
    const of = { group: "airports" as const, text: name, score };
    const search = { ...of, href: `/?origin=${code}`, title: words.find.searchFrom(code) };
    return session.may("operator")
      ? [{ ...of, href: `/board?station=${code}`, title: words.board.heading(code) }, search]
      : [search];
  });
}

async function organizations(text: string, numbers: Recognised, signal: AbortSignal): Promise<Entry[]> {
  if (!session.may("admin") || text.length < LEAST || numbers.isCertain) return [];
  const query = { q: text, limit: MOST };
  const { data } = await take(api.GET("/api/v1/organizations", { params: { query }, signal }));
  return data.map(({ name }) => ({
    group: "organizations" as const,
    href: `/admin/organizations?q=${encodeURIComponent(name)}`,
    title: name,
    score: scoreOf(name, text) ?? CONTAINS,
  }));
}
