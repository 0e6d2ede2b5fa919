import { expect, test, vi } from "vitest";
import { asProblem } from "../../api/problem";
import { airports } from "../../parts/reference.svelte";
import { zonesOf } from "./zones";

test("the clocks of airports are known, or it is said of which airport they are not", async () => {
  vi.spyOn(airports, "find").mockImplementation((code) =>
    Promise.resolve(
      code === "DEL" ? ({ time_zone: "Asia/Kolkata" } as Awaited<ReturnType<typeof airports.find>>) : null,
    ),
  );
  expect(await zonesOf(["DEL", "DEL"])).toEqual(["Asia/Kolkata", "Asia/Kolkata"]);
  const problem = await zonesOf(["DEL", "LHR"]).catch(asProblem);
  expect(problem).toMatchObject({ code: "airport_unread", message: expect.stringContaining("LHR") as string });
});
