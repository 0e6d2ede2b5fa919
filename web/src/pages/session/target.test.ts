import { expect, it } from "vitest";
import { target } from "./target";

it("leads nowhere but into the console", () => {
  expect(target("/bookings?status=BOOKED")).toBe("/bookings?status=BOOKED");
  for (const to of [null, "", "//evil.example", "/\\evil.example", "https://evil.example", "javascript:alert(1)"])
    expect(target(to)).toBe("/");
});
