// Another booking like one that was made: its lane and freight are searched for, what else it has waits in the tab for the form.
import { api, take } from "../../api/client";
import { serverNow } from "../../api/clock.svelte";
import { asProblem, type Schemas } from "../../api/problem";
import { AGAIN, keepAgain, type Again } from "../../parts/again";
import { sizesOf } from "../../parts/dimensionTexts";
import { airports } from "../../parts/reference.svelte";
import { localDate } from "../../words/format";
import { searchAddress, type Asked } from "../search/asked";
import { daysAddress, readDays } from "../search/days";

type Booking = Schemas["Booking"];

/** The most that the API looks ahead. */
const DAYS = 14;

/** Keeps what the form of another booking begins with for `person`; returns the address of the search for it. */
export async function prepareAgain(booking: Booking, person: string | null): Promise<string> {
  const asked = askedOf(booking);
  const [contact, product, date] = await Promise.all([contactOf(booking), productOf(booking), dateFor(asked)]);
  const { origin, destination, description, shipper, consignee } = booking;
  return keptFor(
    { ...asked, date },
    { person, origin, destination, description, shipper, consignee, contact, product },
  );
}

/** Keeps what the form of a booking begins with; returns the address of the search for its lane and freight. */
export function keptFor(asked: Asked, again: Again): string {
  const address = searchAddress(asked);
  return `${address}${address.endsWith("?") ? "" : "&"}${AGAIN}=${keepAgain(again)}`;
}

const askedOf = (booking: Booking): Omit<Asked, "date"> => ({
  origin: booking.origin,
  destination: booking.destination,
  pieces: String(booking.pieces),
  weight: String(booking.weight_kg),
  volume: booking.volume_m3 > 0 ? String(booking.volume_m3) : "",
  handling: booking.special_handling_codes.join(","),
  sizes: sizesOf(booking.dimensions ?? []),
});

/** The first contact that the form has a place for: it needs an e-mail address. */
async function contactOf({ ref_id }: Booking): Promise<{ name: string; email: string; phone: string } | null> {
  const { data } = await take(api.GET("/api/v1/bookings/{ref_id}/contacts", { params: { path: { ref_id } } }));
  const found = data.find(({ email }) => email);
  return found?.email ? { name: found.name, email: found.email, phone: found.phone ?? "" } : null;
}

/** The product that the booking was priced as, where its reader may see the quote. */
export async function productOf({ price }: Booking): Promise<string | null> {
  if (!price) return null;
  const params = { path: { id: price.quote_id } };
  const quote = await take(api.GET("/api/v1/quotes/{id}", { params })).catch((error: unknown) => {
    if (![403, 404].includes(asProblem(error).status)) throw error;
  });
  return quote && quote.data.product !== "GENERAL" ? quote.data.product : null;
}

/** The first day, from today at the origin on, on which the same can be booked; else today. */
export async function dateFor(asked: Omit<Asked, "date">): Promise<string> {
  const zone = (await airports.find(asked.origin))?.time_zone ?? "UTC";
  const today = localDate(new Date(serverNow()), zone);
  const address = daysAddress({ ...asked, date: today }, today, DAYS);
  // What is wrong with the lane or the freight by now is said by the search, at its field.
  const days = await readDays(address).catch(() => []);
  return days.find((day) => day.bookable > 0)?.departure_date ?? today;
}
