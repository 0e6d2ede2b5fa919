import { expect, test } from "vitest";
import { concernOf } from "./concerned";

test("an address that names no concern lists both", () => {
  expect(concernOf("AT_RISK")).toBe("AT_RISK");
  expect(concernOf("TO_REROUTE")).toBe("TO_REROUTE");
  for (const other of [null, "", "at_risk", "toString"]) expect(concernOf(other)).toBe(null);
});
