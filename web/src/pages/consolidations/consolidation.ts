// A consolidation as its pages show it: who may do what, sums of its parts, and what each organization pays.
import type { Schemas } from "../../api/problem";

export type Consolidation = Schemas["Consolidation"];
export type Member = Schemas["ConsolidationMember"];
export type Part = Schemas["ConsolidationPart"];
export type Master = Schemas["ConsolidationMaster"];
export type Combination = Schemas["GroupOption"];
export type Split = Schemas["ConsolidationSplit"];

/** The membership of an organization that has accepted. */
export const membershipOf = (of: Consolidation, organization: string | null | undefined): Member | null =>
  of.members.find((member) => member.organization_id === organization && member.status === "ACCEPTED") ?? null;

export const isOwner = (of: Consolidation, organization: string | null | undefined): boolean =>
  membershipOf(of, organization)?.role === "OWNER";

/** Whether a caller of an organization may change a part: its own, and all as the owner. */
export const mayChange = (of: Consolidation, part: Part, organization: string | null | undefined): boolean =>
  of.status !== "CANCELLED" &&
  membershipOf(of, organization) !== null &&
  (part.organization_id === organization || isOwner(of, organization));

/** The name of an organization as members know it. */
export const organizationName = (of: Consolidation, organization: string): string =>
  of.members.find((member) => member.organization_id === organization)?.name ?? organization;

/** The status of a master: a hold whose time is up keeps no room, even if that was read before. */
export const statusAt = ({ status, expires_at }: Master, now: number): string =>
  status === "HELD" && expires_at !== null && Date.parse(expires_at) <= now ? "EXPIRED" : status;

/** Those whose space can still be given back or booked. */
export const heldMasters = (of: Consolidation, now: number): Master[] =>
  of.masters.filter((master) => statusAt(master, now) === "HELD");

/** When the first hold ends. */
export const firstEnd = (masters: readonly Master[]): string | null =>
  masters
    .map(({ expires_at }) => expires_at)
    .filter((end) => end !== null)
    .sort((one, other) => Date.parse(one) - Date.parse(other))[0] ?? null;

export interface Sum {
  origin: string;
  parts: number;
  pieces: number;
  weight_kg: number;
  volume_m3: number;
}

/** Sums of numbers with few decimals, without what binary fractions miss them by. */
const plus = (one: number, other: number): number => Number((one + other).toFixed(6));

/** The parts of each origin summed, in the order of the origins; those in one of these states alone. */
export function sumsByOrigin(parts: readonly Part[], states: readonly Part["status"][]): Sum[] {
  const sums = new Map<string, Sum>();
  for (const part of parts) {
    if (!states.includes(part.status)) continue;
    const { origin } = part;
    const sum = sums.get(origin) ?? { origin, parts: 0, pieces: 0, weight_kg: 0, volume_m3: 0 };
    sums.set(origin, {
      origin,
      parts: sum.parts + 1,
      pieces: sum.pieces + part.pieces,
      weight_kg: plus(sum.weight_kg, part.weight_kg),
      volume_m3: plus(sum.volume_m3, part.volume_m3),
    });
  }
  return [...sums.values()].sort((one, other) => one.origin.localeCompare(other.origin));
}

type Money = Schemas["Money"];

/** Amounts of one currency summed exactly, by their minor units. */
export function sumOf(amounts: readonly Money[]): Money | null {
  const [first] = amounts;
  if (!first) return null;
  const digits = first.amount.split(".")[1]?.length ?? 0;
  const minor = amounts.reduce((sum, { amount }) => sum + BigInt(amount.replace(".", "")), 0n);
  const sign = minor < 0n ? "-" : "";
  const figures = (minor < 0n ? -minor : minor).toString().padStart(digits + 1, "0");
  const amount = digits === 0 ? `${sign}${figures}` : `${sign}${figures.slice(0, -digits)}.${figures.slice(-digits)}`;
  return { amount, currency: first.currency };
}

export interface Due {
  organization_id: string;
  /** One for each currency. */
  amounts: Money[];
}

/** What each organization pays of all masters, in the order in which they first share. */
export function dues(split: Split): Due[] {
  const shares = split.masters.flatMap(({ lines }) => lines.flatMap((line) => line.shares));
  const organizations = [...new Set(shares.map(({ organization_id }) => organization_id))];
  return organizations.map((organization_id) => {
    const own = shares.filter((share) => share.organization_id === organization_id).map(({ amount }) => amount);
    const currencies = [...new Set(own.map(({ currency }) => currency))].sort();
    return {
      organization_id,
      amounts: currencies.map((currency) => sumOf(own.filter((amount) => amount.currency === currency)) as Money),
    };
  });
}

interface ChargeTexts {
  discount: string;
  refund: string;
  cancellationFee: string;
  changeFee: string;
}

/** What a line of a price is called: what is no rule by its name, others by their code, which a sale may lack. */
export function chargeName(code: string | null, texts: ChargeTexts): string {
  if (code === "REFUND") return texts.refund;
  if (code === "CANCELLATION_FEE") return texts.cancellationFee;
  if (code === "CHANGE_FEE") return texts.changeFee;
  return code ?? texts.discount;
}

/** The number of the flight that all parts share at the end. */
export const commonFlight = (of: Combination): string | null =>
  of.ways.flatMap(({ flights }) => flights).find(({ id }) => id === of.common_flight)?.flight_number ?? null;

const BOOKED: readonly string[] = ["BOOKED", "DEPARTED", "ARRIVED", "DELIVERED"];
/** The origins whose master is a booking already. */
export const bookedOrigins = (of: Consolidation): string[] =>
  of.masters.filter(({ status }) => BOOKED.includes(status)).map(({ origin }) => origin);

/** What is held of a combination: an origin that is booked keeps its master. */
export const heldWays = (of: Combination, booked: readonly string[]): { origin: string; flight_ids: string[] }[] =>
  of.ways
    .filter(({ origin }) => !booked.includes(origin))
    .map(({ origin, flights }) => ({ origin, flight_ids: flights.map(({ id }) => id) }));
