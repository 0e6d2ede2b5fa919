// What tests of holds share.
import type { Page } from "@playwright/test";
import type { Json } from "./world";

/** What shows on every page what is held. */
export const strip = (page: Page) => page.getByRole("status", { name: "Holds" });

/** The search that offers a flight. */
export const searchAddress = (flight: Json, weight: number): string =>
  `/?origin=${flight.origin}&destination=${flight.destination}&date=${flight.departure_local.slice(0, 10)}&weight=${weight}`;

/** The link of its option. */
export const bookLink = (page: Page, flight: Json) =>
  page.getByRole("row").filter({ hasText: flight.flight_number }).getByRole("link", { name: /^Book/ });

/** Goes to the end of the page. */
export const scrollToEnd = (page: Page) =>
  page.evaluate(() => window.scrollTo(0, document.documentElement.scrollHeight));
