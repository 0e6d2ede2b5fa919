import { expect, it } from "vitest";
import { mayWait, type Option } from "./options";

const NOW = Date.parse("2026-12-02T08:00:00Z");
const option = (reasons: string[], flight: object = {}): Option =>
  ({
    reasons,
    flights: [
      {
        status: "SCHEDULED",
        cutoff_datetime: "2026-12-02T10:00:00Z",
        capacity: { weight_kg: 1000, volume_m3: 6, positions: 0 },
        ...flight,
      },
    ],
  }) as unknown as Option;

it("offers to wait where room alone is missing", () => {
  expect(mayWait(option(["weight_exceeded"]), { weight_kg: 500 }, NOW)).toBe(true);
  expect(mayWait(option([]), { weight_kg: 500 }, NOW)).toBe(false);
  expect(mayWait(option(["weight_exceeded", "embargoed"]), { weight_kg: 500 }, NOW)).toBe(false);
});

it("offers no waiting for what the flight cannot hold, or when nothing is offered any more", () => {
  expect(mayWait(option(["weight_exceeded"]), { weight_kg: 1001 }, NOW)).toBe(false);
  // 999 kg take 5.995 m³ unless another volume is given.
  expect(mayWait(option(["weight_exceeded"]), { weight_kg: 999 }, NOW)).toBe(true);
  expect(mayWait(option(["volume_exceeded"]), { weight_kg: 500, volume_m3: 7 }, NOW)).toBe(false);
  expect(mayWait(option(["weight_exceeded"], { status: "CANCELLED" }), { weight_kg: 500 }, NOW)).toBe(false);
  const late = { cutoff_datetime: "2026-12-02T08:20:00Z" };
  expect(mayWait(option(["weight_exceeded"], late), { weight_kg: 500 }, NOW)).toBe(false);
});
