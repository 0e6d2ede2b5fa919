import { expect, it } from "vitest";
import { pastedParty } from "./pasted";

const NORDWERK = {
  ...{ name: "Nordwerk GmbH", street: "Am Wall 1", city: "Bremen", postal_code: "28195", country_code: "DE" },
  ...{ phone: "+49 30 555777", email: "dock@nordwerk.example" },
};
const cells = ["Nordwerk GmbH", "Am Wall 1", "Bremen", "28195", "Germany", "+49 30 555777", "dock@nordwerk.example"];

it.each([
  ["a row", cells.join("\t")],
  ["a row with the line break that spreadsheets add", `${cells.join("\t")}\r\n`],
  ["a row with empty cells behind it", `${cells.join("\t")}\t\t\n`],
  ["a column", cells.join("\n")],
  ["a column of Windows", `${cells.join("\r\n")}\r\n`],
])("reads %s", (_, text) => {
  expect(pastedParty(text)).toEqual(NORDWERK);
});

it("gives the members that have a cell, and no others", () => {
  expect(pastedParty("Nordwerk\tAm Wall 1")).toEqual({ name: "Nordwerk", street: "Am Wall 1" });
  expect(pastedParty("Nordwerk\t\tBremen")).toEqual({ name: "Nordwerk", street: "", city: "Bremen" });
});

it("knows the postal code by its digits, and the e-mail by its sign", () => {
  expect(pastedParty("Nordwerk\tAm Wall 1\t28195\tBremen\tDE\tdock@nordwerk.example\t+49 30 555777")).toEqual(
    NORDWERK_DE,
  );
  expect(pastedParty("Sole\tLane\tLondon\tSW1A 1AA")).toMatchObject({ city: "London", postal_code: "SW1A 1AA" });
  // Both have digits, as a district of Paris: as they stand.
  expect(pastedParty("Sole\tRue\tParis 8\t75008")).toMatchObject({ city: "Paris 8", postal_code: "75008" });
  expect(pastedParty("Sole\tLane\t28195")).toMatchObject({ city: "", postal_code: "28195" });
});

it.each([
  ["Sole\nLane 5\n10115 Berlin\nGermany", { city: "Berlin", postal_code: "10115", country_code: "DE" }],
  ["Sole\nLane 5\nD-10115 Berlin", { city: "Berlin", postal_code: "D-10115" }],
  ["Sole\tLane 5\t10115 Berlin\t\tDE", { city: "Berlin", postal_code: "10115", country_code: "DE" }],
  ["Sole\nKade 5\n1012 AB Amsterdam\nNetherlands", { city: "Amsterdam", postal_code: "1012 AB", country_code: "NL" }],
  [
    "Sole\nLane 5\nDublin\nIreland\n+353 1 555",
    { city: "Dublin", postal_code: "", country_code: "IE", phone: "+353 1 555" },
  ],
  ["Sole\tLane\t238801\tSingapore\tSG", { city: "Singapore", postal_code: "238801", country_code: "SG" }],
  ["Sole\tLane\tParis 8", { city: "Paris 8" }],
])("reads city, postal code and country of %j", (text, members) => {
  expect(pastedParty(text)).toMatchObject(members);
});

it.each([
  ["a district before a country", "Sole\tRue\tParis 8\tFrance"],
  ["a postal code before a country", "Sole\tLane\t10115\tGermany"],
  ["a district before a region", "Sole\tRue\tParis 8\tIle-de-France"],
  ["a town before a phone", "Sole\tLane\t10115 Berlin\t+49 30 555777"],
])("takes nothing of %s", (_, text) => {
  expect(pastedParty(text)).toBeNull();
});
const NORDWERK_DE = { ...NORDWERK, name: "Nordwerk" };

it.each([
  ["de", "DE"],
  ["GERMANY", "DE"],
  ["Deutschland", "DE"],
  ["Cote d’Ivoire", "CI"],
  ["Atlantis", "Atlantis"],
])("reads the country %s", (name, code) => {
  expect(pastedParty(`Sole\tLane\tTown\t1\t${name}`)?.country_code).toBe(code);
});

it("reads cells in quotation marks", () => {
  expect(pastedParty('"Sole ""Fast"" Traders"\t"Unit 3\nLane 5"\tKochi')).toEqual({
    ...{ name: 'Sole "Fast" Traders', street: "Unit 3 Lane 5", city: "Kochi" },
  });
});

it.each([
  ["a text of one cell", "Nordwerk GmbH"],
  ["one cell with its line break", "Nordwerk GmbH\r\n"],
  ["a table", "Nordwerk\tBremen\nSole\tKochi"],
  ["more cells than there are members", [...cells, "more"].join("\t")],
  ["nothing", ""],
])("leaves %s to the field", (_, text) => {
  expect(pastedParty(text)).toBeNull();
});
