import { expect, test } from "vitest";
import type { Fault } from "../../../api/problem";
import { KINDS, type Entry } from "../entries/kinds";
import { EMBARGOES, SALES, TARIFFS } from "../rules/kinds";
import {
  body,
  entries,
  faultText,
  openings,
  rebased,
  steps,
  memberText,
  typed,
  type Kept,
  type Member,
} from "./members";

const airports = KINDS.airports.members;
const heathrow: Entry = {
  iata_code: "LHR",
  icao_code: "EGLL",
  name: "Heathrow",
  city: "London",
  country_code: "GB",
  latitude: 51.47,
  longitude: -0.46,
  elevation_ft: 83,
  time_zone: "Europe/London",
  is_major: true,
  is_active: true,
  version: 1,
};
const tariff: Kept = {
  version: 3,
  code: "DEL-LHR",
  origin: "DEL",
  destination: "city:London,GB",
  currency: "USD",
  minimum: "75.00",
  normal: "16",
  breaks: [
    { from_kg: 45, rate: "10" },
    { from_kg: 100.5, rate: "9.25" },
  ],
  flight_numbers: ["AI101", "AI103"],
  product: "GENERAL",
  valid_from: "2026-01-01",
  valid_to: null,
};
const member = (members: readonly Member[], name: string): Member => {
  const found = members.find((one) => one.name === name);
  if (!found) throw new Error(`there is no ${name}`);
  return found;
};
const fault = (pointer: string, message: string): Fault => ({ in: "body", pointer, name: null, code: "x", message });

test("a change sends what differs, and null for what was emptied", () => {
  const values = { ...typed(airports, heathrow), name: "London Heathrow", elevation_ft: "", latitude: "51.5" };
  expect(body(airports, values, heathrow)).toEqual({ name: "London Heathrow", elevation_ft: null, latitude: 51.5 });
});

test("a new record leaves out what is empty, and lets the API judge what is no number", () => {
  const values = { ...typed(airports, null), iata_code: "QQA", latitude: "north" };
  expect(body(airports, values, null)).toEqual({ iata_code: "QQA", latitude: "north", is_major: false });
});

test("a record that is not touched changes nothing, whatever the types of its members", () => {
  expect(body(TARIFFS.members, typed(TARIFFS.members, tariff), tariff)).toEqual({});
});

test("breaks and lists are sent as the API has them, and cleared by null", () => {
  const was = typed(TARIFFS.members, tariff);
  expect(was["breaks"]).toBe("45=10;100.5=9.25");
  const more = { ...was, breaks: "45=10;many=9;=", flight_numbers: " AI7, AI8 " };
  expect(body(TARIFFS.members, more, tariff)).toEqual({
    breaks: [
      { from_kg: 45, rate: "10" },
      { from_kg: "many", rate: "9" },
      { from_kg: "", rate: "" },
    ],
    flight_numbers: ["AI7", "AI8"],
  });
  expect(body(TARIFFS.members, { ...was, breaks: "" }, tariff)).toEqual({ breaks: null });
  expect(steps("")).toEqual([]);
});

test("openings are typed in one text, as tables have them", () => {
  const lower = { deck: "LOWER", door_width_cm: 270, door_height_cm: 170, max_length_cm: 318, max_piece_kg: 4600.5 };
  const bulk = { deck: "BULK", door_width_cm: 91, door_height_cm: 114, max_length_cm: null, max_piece_kg: null };
  const freighter: Entry = {
    iata_code: "Q0Q",
    name: "Type",
    openings: [lower, bulk] as never,
    is_active: true,
    version: 1,
  };
  const members = KINDS.aircraft.members;
  const was = typed(members, freighter);
  expect(was["openings"]).toBe("LOWER:270x170x318@4600.5 BULK:91x114");
  expect(openings(String(was["openings"]))).toEqual([lower, bulk]);
  expect(body(members, was, freighter)).toEqual({});
  expect(body(members, { ...was, openings: "BULK:91x114" }, freighter)).toEqual({ openings: [bulk] });
  expect(body(members, { ...was, openings: "" }, freighter)).toEqual({ openings: null });
  expect(openings("LOWER:widexhigh@")).toEqual([
    { deck: "LOWER", door_width_cm: "wide", door_height_cm: "high", max_length_cm: null, max_piece_kg: "" },
  ]);
});

test("handling codes are sent as a list, and one alone as a text", () => {
  const codes = { ...typed(EMBARGOES.members, null), effect: "", handling_codes: "AVI PER" };
  expect(body(EMBARGOES.members, codes, null)).toEqual({ handling_codes: ["AVI", "PER"] });
  const was = typed(TARIFFS.members, tariff);
  expect(body(TARIFFS.members, { ...was, handling_code: "PER" }, tariff)).toEqual({ handling_code: "PER" });
});

test("a code that is given once is sent for a new record alone", () => {
  const values = { ...typed(TARIFFS.members, tariff), code: "OTHER" };
  expect(body(TARIFFS.members, values, tariff)).toEqual({});
  expect(body(TARIFFS.members, values, null)["code"]).toBe("OTHER");
});

test("an embargo has its effect, its weekdays as numbers, and freighters by yes, no or either", () => {
  const values = { ...typed(EMBARGOES.members, null), weekdays: "6 7", is_freighter: "false" };
  expect(body(EMBARGOES.members, values, null)).toEqual({ effect: "FORBID", weekdays: [6, 7], is_freighter: false });
  const embargo = { version: 1, effect: { require_any: ["COL", "FRO"] }, is_freighter: false, weekdays: [] };
  const was = typed(EMBARGOES.members, embargo);
  expect(was).toMatchObject({ effect: "COL FRO", is_freighter: "false", weekdays: "" });
  expect(body(EMBARGOES.members, { ...was, effect: "COL", is_freighter: "" }, embargo)).toEqual({
    effect: { require_any: ["COL"] },
    is_freighter: null,
  });
});

test("an amount in place of a percentage clears the percentage", () => {
  const sale = { version: 1, percent: "10", amount: null };
  const values = { ...typed(SALES.members, sale), percent: "", amount: "50 USD" };
  expect(body(SALES.members, values, sale)).toEqual({ percent: null, amount: { amount: "50", currency: "USD" } });
});

test("another's change fills the fields in which nothing was typed", () => {
  const values = { ...typed(TARIFFS.members, tariff), normal: "17" };
  const now = { ...tariff, version: 4, normal: "18", minimum: "80.00", valid_to: "2026-12-31" };
  const after = rebased(TARIFFS.members, values, tariff, now);
  expect(after).toMatchObject({ normal: "17", minimum: "80.00", valid_to: "2026-12-31", code: "DEL-LHR" });
  expect(body(TARIFFS.members, after, now)).toEqual({ normal: "17" });
});

test("members are shown in words", () => {
  const of = (name: string) => memberText(member(TARIFFS.members, name), typed(TARIFFS.members, tariff)[name]);
  expect(of("breaks")).toBe("from 45 kg 10, from 100.5 kg 9.25");
  expect(of("flight_numbers")).toBe("AI101, AI103");
  expect(of("valid_from")).toBe("1 Jan 2026");
  expect(of("valid_to")).toBe("–");
  expect(memberText(member(EMBARGOES.members, "weekdays"), "1 7")).toBe("Mon, Sun");
  expect(memberText(member(EMBARGOES.members, "effect"), "COL FRO")).toBe("Flies only with one of COL, FRO");
  expect(memberText(member(EMBARGOES.members, "is_freighter"), "")).toBe("All flights");
});

test("a fault inside a member is shown at it, with the entry that it is about", () => {
  const faults = [fault("/flight_numbers/1", "is no flight number"), fault("/flight_number", "is too long")];
  expect(faultText(faults, "/flight_numbers", "AI1 X")).toEqual({ text: "X: is no flight number", lang: "en" });
  expect(faultText(faults, "/flight_number")).toEqual({ text: "is too long", lang: "en" });
  expect(faultText(faults, "/origin")).toBeNull();
});

test("a flight number may have a blank, and stays one entry of a list", () => {
  expect(entries("AI 0914, 9W 12A; LHR DEL")).toEqual(["AI0914", "9W12A", "LHR", "DEL"]);
  expect(entries("AI101 AI103")).toEqual(["AI101", "AI103"]);
});

test("hubs of an airline are typed as codes, sent as a list, and cleared by null", () => {
  const airlines = KINDS.airlines.members;
  const line: Entry = { iata_code: "AI", name: "Air India", hub_airports: ["DEL", "BOM"], is_active: true, version: 1 };
  const values = typed(airlines, line);
  expect(values["hub_airports"]).toBe("DEL BOM");
  expect(body(airlines, { ...values, hub_airports: "DEL, bom hyd" }, line)).toEqual({
    hub_airports: ["DEL", "bom", "hyd"],
  });
  expect(body(airlines, { ...values, hub_airports: "" }, line)).toEqual({ hub_airports: null });
  const unknown = [fault("/hub_airports/1", "names an unknown airport.")];
  expect(faultText(unknown, "/hub_airports", "DEL QQQ")).toEqual(
    expect.objectContaining({ text: "QQQ: names an unknown airport." }),
  );
  expect(airlines.map((one) => one.name)).not.toContain("on_time_percent");
});
