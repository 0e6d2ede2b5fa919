// What may be changed of a booking, as texts of a form, and the difference as a merge patch.
import type { Schemas } from "../../api/problem";
import { figure } from "../../words/parse";

type Booking = Schemas["Booking"];

export const MEMBERS = [
  "pieces",
  "weight_kg",
  "volume_m3",
  "awb_number",
  "description",
  "customer_reference",
  "shipper",
  "consignee",
] as const;
export type Member = (typeof MEMBERS)[number];
export type Entered = Record<Member, string>;

const FIGURES: readonly Member[] = ["pieces", "weight_kg", "volume_m3"];

/** Members that may be changed now: freight only before the first departure, the rest until delivery. */
export function members(booking: Booking): Member[] {
  if (booking.status === "DELIVERED" || booking.status === "CANCELLED") return [];
  const freight: readonly Member[] = ["pieces", "weight_kg", "volume_m3", "awb_number"];
  return MEMBERS.filter((member) => booking.status === "BOOKED" || !freight.includes(member));
}

export function entered(booking: Booking): Entered {
  return {
    pieces: String(booking.pieces),
    weight_kg: String(booking.weight_kg),
    volume_m3: String(booking.volume_m3),
    awb_number: booking.awb_number ?? "",
    description: booking.description ?? "",
    customer_reference: booking.customer_reference ?? "",
    shipper: booking.shipper?.name ?? "",
    consignee: booking.consignee?.name ?? "",
  };
}

/** Members whose text differs. */
export function changed(before: Entered, now: Entered): Member[] {
  return MEMBERS.filter((member) => before[member].trim() !== now[member].trim());
}

export function patch(before: Entered, now: Entered): Record<string, unknown> {
  return Object.fromEntries(changed(before, now).map((member) => [member, value(member, now[member].trim())]));
}

function value(member: Member, text: string): unknown {
  if (FIGURES.includes(member)) return figure(text) ?? null;
  if (member === "shipper" || member === "consignee") return text === "" ? null : { name: text };
  return text || null;
}
