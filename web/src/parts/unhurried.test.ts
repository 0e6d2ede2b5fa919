import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { Unhurried } from "./unhurried";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

it("runs at once, and what is asked for within the pause together at its end", () => {
  const run = vi.fn();
  const reading = new Unhurried(run, 5000);
  for (let count = 0; count < 20; count += 1) reading.ask();
  expect(run).toHaveBeenCalledTimes(1);
  vi.advanceTimersByTime(4999);
  expect(run).toHaveBeenCalledTimes(1);
  vi.advanceTimersByTime(1);
  expect(run).toHaveBeenCalledTimes(2);
  // The second one begins a pause, too, after which nothing is asked for.
  vi.advanceTimersByTime(60_000);
  expect(run).toHaveBeenCalledTimes(2);
  reading.ask();
  expect(run).toHaveBeenCalledTimes(3);
});

it("runs now within the pause, too, which begins anew", () => {
  const run = vi.fn();
  const reading = new Unhurried(run, 5000);
  reading.ask();
  reading.ask();
  vi.advanceTimersByTime(3000);
  reading.now();
  expect(run).toHaveBeenCalledTimes(2);
  // What was asked for before has been read.
  vi.advanceTimersByTime(4999);
  reading.ask();
  expect(run).toHaveBeenCalledTimes(2);
  vi.advanceTimersByTime(1);
  expect(run).toHaveBeenCalledTimes(3);
});

it("runs nothing after its end", () => {
  const run = vi.fn();
  const reading = new Unhurried(run, 5000);
  reading.ask();
  reading.ask();
  reading.end();
  vi.advanceTimersByTime(60_000);
  expect(run).toHaveBeenCalledTimes(1);
});
