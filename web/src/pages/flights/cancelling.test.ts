import { expect, test } from "vitest";
import { offline, Problem } from "../../api/problem";
import type { Flight } from "./act";
import { possibleOf, sumOf, tryAll, unknownOf, type Trial } from "./cancelling";

const flight = (number: number) => ({ id: String(number) }) as Flight;
const trial = (number: number, bookings: number): Trial => ({ flight: flight(number), bookings, problem: null });

test("trials come in the order of the flights, whichever ends first, and four run at once", async () => {
  let running = 0;
  let most = 0;
  const flights = [5, 4, 3, 2, 1, 0].map(flight);
  const found = await tryAll(
    flights,
    () => true,
    async (one) => {
      most = Math.max(most, ++running);
      for (let turn = 0; turn < Number(one.id); turn += 1) await Promise.resolve();
      running -= 1;
      return trial(Number(one.id), 1);
    },
  );
  expect(found.map((it) => it.flight.id)).toEqual(["5", "4", "3", "2", "1", "0"]);
  expect(most).toBe(4);
});

test("no trial begins once nobody waits for it", async () => {
  let begun = 0;
  const attempt = (one: Flight) => {
    begun += 1;
    return Promise.resolve({ flight: one, bookings: 0, problem: null });
  };
  await tryAll([0, 1, 2, 3, 4, 5].map(flight), () => begun < 3, attempt);
  expect(begun).toBe(3);
});

const failed = (number: number, status: number): Trial => ({
  ...trial(number, 0),
  problem: new Problem({ status, code: "code", title: "", detail: "" }),
});

test("a trial without an answer of the flight is neither possible nor refused, and is made again", () => {
  const unanswered = { ...trial(5, 0), problem: offline("") };
  const trials = [trial(1, 2), failed(2, 409), failed(3, 429), failed(4, 503), unanswered];
  expect(possibleOf(trials).map(({ id }) => id)).toEqual(["1"]);
  expect(unknownOf(trials).map(({ flight }) => flight.id)).toEqual(["3", "4", "5"]);
  expect(sumOf(trials)).toEqual({ flights: 1, bookings: 2, refused: 1 });
});

test("the sum counts bookings of flights that can be cancelled, and those that cannot", () => {
  expect(sumOf([trial(1, 2), trial(2, 5), failed(3, 409)])).toEqual({ flights: 2, bookings: 7, refused: 1 });
});
