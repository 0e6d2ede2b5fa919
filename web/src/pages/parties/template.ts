// A template of bookings: what is kept of a booking, and what a booking that is made with it begins with.
import type { Problem, Schemas } from "../../api/problem";
import { lineText, sizesOf } from "../../parts/dimensionTexts";
import { words } from "../../words";
import { cubicMetres, number } from "../../words/format";
import { weightText } from "../../words/units";
import { dateFor, keptFor } from "../bookings/again";
import type { Asked } from "../search/asked";

export type Template = Schemas["BookingTemplate"];
/** All of a template but its name. */
export type Content = Omit<Schemas["CreateBookingTemplate"], "name">;

/** Where the templates are listed. */
export const TEMPLATES = "/parties?show=templates";

/** The longest name, in characters. */
export const LONGEST_NAME = 60;

/** The product that is meant without one. */
const GENERAL = "GENERAL";

type Whole = {
  [Member in Exclude<keyof Content, "product">]-?: NonNullable<Content[Member]> | null;
};

/** What is kept of a booking, or of what is entered for one: what it has of the members of a template, and nothing else. */
export function contentOf(of: Whole, product: string | null): Content {
  const { origin, destination, weight_kg, pieces, volume_m3, dimensions, description, special_handling_codes } = of;
  const members = {
    ...{ origin, destination, weight_kg, pieces, volume_m3, dimensions, description, special_handling_codes },
    product: product === GENERAL ? null : product,
    shipper: of.shipper,
    consignee: of.consignee,
  };
  const isSome = (value: unknown) =>
    value !== null && value !== undefined && value !== "" && !(Array.isArray(value) && value.length === 0);
  return Object.fromEntries(Object.entries(members).filter(([, value]) => isSome(value))) as Content;
}

/** What a template of this content may be called: `DEL–LHR Electronics`. */
export function nameFor({ origin, destination, description }: Content): string {
  const lane = [origin, destination].filter(Boolean).join("–");
  const [contents = ""] = (description ?? "").trim().split("\n");
  const characters = [...`${lane} ${contents.trim()}`.trim()];
  return characters.slice(0, LONGEST_NAME).join("").trim();
}

/** `DEL – LHR`; an airport that differs from booking to booking is left open. */
export function laneText({ origin, destination }: Pick<Template, "origin" | "destination">): string {
  const { none } = words.booking;
  return origin || destination ? `${origin ?? "…"} – ${destination ?? "…"}` : none;
}

/** A figure as it is shown; what is typed and is none, as it was typed: the server refuses it. */
const figureText = (value: number, text: (figure: number) => string) =>
  typeof value === "number" ? text(value) : String(value);

/** What is kept, by the names of its members. */
export function factsOf(content: Content): { name: string; text: string }[] {
  const texts = words.templates;
  const { weight_kg, pieces, volume_m3, description, special_handling_codes, product, shipper, consignee } = content;
  const facts: [name: string, text: string | null | undefined][] = [
    [
      words.bookings.route,
      content.origin || content.destination ? laneText({ origin: null, destination: null, ...content }) : null,
    ],
    [words.booking.weight, weight_kg ? weightText(weight_kg) : null],
    [words.booking.pieces, pieces ? figureText(pieces, number) : null],
    [words.booking.volume, volume_m3 ? cubicMetres(volume_m3) : null],
    [words.search.dimensions, content.dimensions?.map(lineText).join("; ")],
    [words.booking.description, description],
    [words.booking.handling, special_handling_codes?.join(", ")],
    [words.book.product, product],
    [words.booking.shipper, shipper ? (shipper.name ?? texts.noName) : null],
    [words.booking.consignee, consignee ? (consignee.name ?? texts.noName) : null],
  ];
  return facts.flatMap(([name, text]) => (text ? [{ name, text }] : []));
}

/** The name belongs to another template of the organization. */
export const isTaken = (problem: Problem | null): boolean => problem?.code === "already_exists";

/** What a template says of a search. */
const askedOf = (template: Template): Omit<Asked, "date"> => ({
  origin: template.origin ?? "",
  destination: template.destination ?? "",
  pieces: template.pieces ? String(template.pieces) : "",
  weight: template.weight_kg ? String(template.weight_kg) : "",
  volume: template.volume_m3 ? String(template.volume_m3) : "",
  handling: template.special_handling_codes.join(","),
  sizes: sizesOf(template.dimensions ?? []),
});

/** Keeps what the form of a booking begins with for `person`; returns the address of the search with what the template has. */
export async function prepareUse(template: Template, person: string | null): Promise<string> {
  const asked = askedOf(template);
  // Days are counted for a lane.
  const date = asked.origin && asked.destination ? await dateFor(asked) : "";
  const { origin, destination, description, shipper, consignee } = template;
  const product = template.product === GENERAL ? null : template.product;
  return keptFor(
    { ...asked, date },
    { person, origin, destination, description, shipper, consignee, contact: null, product },
  );
}
