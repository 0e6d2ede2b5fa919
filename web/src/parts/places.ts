// Airports and cities as a field of a search offers them.
import type { Schemas } from "../api/problem";
import type { Choice } from "./finder";

type Airport = Pick<Schemas["FoundAirport"], "iata_code" | "city" | "city_code" | "country_code" | "name" | "matched">;
type City = Schemas["City"];

/** `DEL · Delhi` */
export const placeName = (code: string, city: string): string => `${code} · ${city}`;

/** Another name by which an airport was found stands after its city; the code of a city says nothing new. */
const cityText = ({ city, city_code, matched }: Airport): string =>
  matched === null || matched === city_code ? city : `${city} (${matched})`;

export const airportChoice = (airport: Airport): Choice => ({
  value: airport.iata_code,
  label: placeName(airport.iata_code, airport.city),
  title: airport.iata_code,
  text: `${cityText(airport)} · ${airport.name}, ${airport.country_code}`,
});

/** Fewer airports need no word for all of them. */
const FEWEST = 2;

/** The codes of the cities that a text may mean: that of its own code, and those of which it found several airports. */
export function citiesMeant(text: string, airports: readonly Airport[]): string[] {
  const codes = airports.flatMap(({ city_code }) => city_code ?? []);
  const isMeant = (code: string) =>
    code === text.trim().toUpperCase() || codes.filter((other) => other === code).length >= FEWEST;
  return [...new Set(codes)].filter(isMeant);
}

/** The choices for a text: before the airports found, the cities that it means. A code that is both stands for the city. */
export function placeChoices(
  text: string,
  airports: readonly Airport[],
  cities: readonly City[],
  all: (codes: string) => string,
): Choice[] {
  const meant = citiesMeant(text, airports).flatMap((code) =>
    cities.filter((city) => city.code === code && city.airports.length >= FEWEST),
  );
  const codes = new Set(meant.map(({ code }) => code));
  return [
    ...meant.map((city) => ({
      value: city.code,
      label: placeName(city.code, city.name),
      title: city.code,
      text: `${city.name}, ${city.country} · ${all(city.airports.join(", "))}`,
    })),
    ...airports.filter(({ iata_code }) => !codes.has(iata_code)).map(airportChoice),
  ];
}
