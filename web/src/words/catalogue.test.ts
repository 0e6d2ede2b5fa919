import { expect, test, vi } from "vitest";
import { failedAddress, loadPatiently } from "./catalogue";

const failure = () => new TypeError("Failed to fetch dynamically imported module: http://cargo.example/assets/de-1.js");
const pauses = [0, 0, 0];

test("a catalogue that fails once is fetched again, at an address that the browser has not failed at", async () => {
  const again = vi.fn(() => Promise.resolve("texts"));
  expect(await loadPatiently(() => Promise.reject(failure()), again, pauses)).toBe("texts");
  expect(again.mock.calls).toEqual([["http://cargo.example/assets/de-1.js?attempt=1"]]);
});

test("a failure without an address is tried again as before", async () => {
  const load = vi.fn<() => Promise<string>>().mockRejectedValueOnce(new Error("no address")).mockResolvedValue("texts");
  expect(await loadPatiently(load, undefined, pauses)).toBe("texts");
  expect(load).toHaveBeenCalledTimes(2);
});

test("a catalogue that never comes is nothing after a few attempts, each at another address", async () => {
  const again = vi.fn((address: string) => Promise.reject(new TypeError(`error loading: ${address}`)));
  expect(await loadPatiently(() => Promise.reject(failure()), again, pauses)).toBeNull();
  expect(again.mock.calls.map(([address]) => address.split("?")[1])).toEqual(["attempt=1", "attempt=2", "attempt=3"]);
});

test("the address is read without its query", () => {
  expect(failedAddress(new Error("at http://cargo.example/assets/de-1.js?attempt=2"))).toBe(
    "http://cargo.example/assets/de-1.js",
  );
  expect(failedAddress(new Error("Importing a module script failed."))).toBeNull();
});
