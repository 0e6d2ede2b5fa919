import { expect, test } from "vitest";
import { body, KINDS, typed, type Entry } from "./kinds";

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

test("a change sends what differs, and null for what was emptied", () => {
  const values = { ...typed(KINDS.airports, heathrow), name: "London Heathrow", elevation_ft: "", latitude: "51.5" };
  expect(body(KINDS.airports, values, heathrow)).toEqual({
    name: "London Heathrow",
    elevation_ft: null,
    latitude: 51.5,
  });
});

test("a new entry leaves out what is empty, and lets the API judge what is no number", () => {
  const values = { ...typed(KINDS.airports, null), iata_code: "QQA", latitude: "north" };
  expect(body(KINDS.airports, values, null)).toEqual({ iata_code: "QQA", latitude: "north", is_major: false });
});
