import { expect, it } from "vitest";
import type { Flight } from "./act";
import { News } from "./news";

const flight = (version: number, weight_kg: number) =>
  ({ version, available: { weight_kg, volume_m3: 1, positions: 0 } }) as Flight;
const event = (id: string, type: string) => ({ id, type, data: "{}" });

it("takes the first state for none that has changed, and each other one for news", () => {
  const news = new News();
  expect([news.isOther(flight(1, 500)), news.isOther(flight(1, 500))]).toEqual([false, false]);
  expect([news.isOther(flight(1, 400)), news.isOther(flight(1, 400))]).toEqual([true, false]);
  expect(news.isOther(flight(2, 400))).toBe(true);
});

it("takes the first events of a stream for what is so already, and later ones for news once", () => {
  const news = new News();
  expect(news.isLater(event("7-1", "flight"))).toBe(false);
  expect(news.isLater(event("7-1", "availability"))).toBe(false);
  // The room is as it was: one booking went, another came.
  expect(news.isLater(event("7-3", "availability"))).toBe(true);
  expect(news.isLater(event("8-3", "flight"))).toBe(true);
  expect(news.isLater(event("8-3", "availability"))).toBe(false);
});
