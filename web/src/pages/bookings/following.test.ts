import { afterEach, expect, it, vi } from "vitest";
import { isUndecided, readRepeatedly } from "./following";

afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

it("a payment that its payer or the provider has not decided is undecided", () => {
  expect(isUndecided([{ status: "FAILED" }, { status: "REQUIRES_ACTION" }])).toBe(true);
  expect(isUndecided([{ status: "PROCESSING" }])).toBe(true);
  expect(isUndecided([{ status: "CAPTURED" }, { status: "FAILED" }, { status: "VOIDED" }])).toBe(false);
});

it("reads while the page is seen and when it is seen again, until it is ended", () => {
  vi.useFakeTimers();
  const page = Object.assign(new EventTarget(), { hidden: false });
  vi.stubGlobal("document", page);
  const read = vi.fn();
  const end = readRepeatedly(read);
  vi.advanceTimersByTime(10_000);
  expect(read).toHaveBeenCalledTimes(2);
  page.hidden = true;
  vi.advanceTimersByTime(60_000);
  expect(read).toHaveBeenCalledTimes(2);
  page.hidden = false;
  page.dispatchEvent(new Event("visibilitychange"));
  expect(read).toHaveBeenCalledTimes(3);
  end();
  vi.advanceTimersByTime(60_000);
  page.dispatchEvent(new Event("visibilitychange"));
  expect(read).toHaveBeenCalledTimes(3);
});
