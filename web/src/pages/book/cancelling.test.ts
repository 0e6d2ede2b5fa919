import { expect, it } from "vitest";
import { cancellingTerms } from "./cancelling";

it("says until when which part of the price is kept", () => {
  const fees = [
    { hours: 48, percent: 0 },
    { hours: 12, percent: 25 },
    { hours: 0, percent: 50 },
  ];
  expect(cancellingTerms(fees)).toEqual([
    "Until 48 hours before the first departure: free.",
    "Until 12 hours before the first departure: 25 % of the price.",
    "Until the first departure: 50 % of the price.",
    "After that: the whole price.",
  ]);
});

it("keeps all of the price where no hours are named", () => {
  expect(cancellingTerms([])).toEqual(["At any time: the whole price."]);
});

it("says the same part once", () => {
  const fees = [
    { hours: 24, percent: 10 },
    { hours: 1, percent: 10 },
    { hours: 0, percent: 100 },
  ];
  expect(cancellingTerms(fees)).toEqual([
    "Until 1 hour before the first departure: 10 % of the price.",
    "After that: the whole price.",
  ]);
});
