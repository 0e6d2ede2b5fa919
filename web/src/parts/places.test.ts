import { expect, it } from "vitest";
import { airportChoice, citiesMeant, placeChoices } from "./places";

const airport = (iata_code: string, city: string, city_code: string | null, matched: string | null = null) => ({
  iata_code,
  city,
  city_code,
  country_code: "GB",
  name: `${iata_code} Airport`,
  matched,
});
const london = { code: "LON", name: "London", country: "GB", airports: ["LHR", "LGW"] };
const dubai = { code: "DXB", name: "Dubai", country: "AE", airports: ["DXB", "DWC"] };
const berlin = { code: "BER", name: "Berlin", country: "DE", airports: ["BER"] };
const [heathrow, gatwick] = [airport("LHR", "London", "LON"), airport("LGW", "London", "LON")];
const all = (codes: string) => `all airports: ${codes}`;
const values = (text: string, found: (typeof heathrow)[]) =>
  placeChoices(text, found, [berlin, dubai, london], all).map(({ value }) => value);

it("a city comes before its airports where its code or several of them were found", () => {
  expect(placeChoices("lond", [heathrow, gatwick], [dubai, london], all)).toEqual([
    { value: "LON", label: "LON · London", title: "LON", text: "London, GB · all airports: LHR, LGW" },
    { value: "LHR", label: "LHR · London", title: "LHR", text: "London · LHR Airport, GB" },
    { value: "LGW", label: "LGW · London", title: "LGW", text: "London · LGW Airport, GB" },
  ]);
  expect(values(" lon ", [heathrow])).toEqual(["LON", "LHR"]);
  expect(values("heathrow", [heathrow])).toEqual(["LHR"]);
  expect(values("xyz", [])).toEqual([]);
});

it("a code of a city and an airport is one choice, and a city with one airport none", () => {
  const found = [airport("DXB", "Dubai", "DXB"), airport("DWC", "Dubai", "DXB")];
  expect(values("dxb", found)).toEqual(["DXB", "DWC"]);
  expect(placeChoices("dxb", found, [dubai], all)[0]?.text).toBe("Dubai, AE · all airports: DXB, DWC");
  expect(values("dwc", [found[1] as (typeof found)[number]])).toEqual(["DWC"]);
  expect(values("ber", [airport("BER", "Berlin", "BER")])).toEqual(["BER"]);
});

it("a text means no city of which it found one airport alone", () => {
  expect(citiesMeant("heathrow", [heathrow, airport("MUC", "Munich", null)])).toEqual([]);
  expect(citiesMeant("lon", [heathrow])).toEqual(["LON"]);
  expect(citiesMeant("l", [airport("DWC", "Dubai", "DXB"), heathrow, gatwick])).toEqual(["LON"]);
});

it("cities are in the order of their airports", () => {
  const found = [airport("DWC", "Dubai", "DXB"), heathrow, gatwick, airport("DXB", "Dubai", "DXB")];
  expect(values("d", found)).toEqual(["DXB", "LON", "DWC", "LHR", "LGW"]);
});

it("an airport that another name has found shows that name, but not the code of its city", () => {
  expect(airportChoice(airport("MUC", "Munich", null, "München")).text).toBe("Munich (München) · MUC Airport, GB");
  expect(airportChoice(airport("LHR", "London", "LON", "LON")).text).toBe("London · LHR Airport, GB");
});
