// The pseudo-language: what is not in it is a literal in a page, and what it makes too long overflows.
import { expect, signIn, test } from "./world";

/** Elements whose whole text is the console's own, not data. */
const OWN = "button, legend, th[scope=col], dt, h2, h3, .skip, nav a, label";

test("every text of the console can be translated, and has room to be longer", async ({ page, world }) => {
  const operator = await world.operator();
  const flight = await world.flight("TRV", "CJB", 150, 1000);
  const booking = await world.book(operator, [flight]);
  const { origin, destination, id } = flight;
  const quote = await operator.post("/api/v1/quotes", { origin, destination, flight_ids: [id], weight_kg: 50 });
  const day = flight.departure_local.slice(0, 10);
  await signIn(page, operator);
  await page.evaluate(() => localStorage.setItem("loadmaster.words", "pseudo"));
  await page.setViewportSize({ width: 360, height: 800 });
  for (const address of [
    "/",
    `/?origin=TRV&destination=CJB&date=${day}`,
    "/track",
    `/track/${booking.ref_id}`,
    "/sign-in",
    "/register",
    "/forgot",
    "/guest",
    "/claim",
    "/bookings",
    `/bookings/${booking.ref_id}`,
    `/bookings/${booking.ref_id}/documents`,
    `/board?station=TRV&date=${day}`,
    `/flights/${flight.id}`,
    "/rerouting",
    "/payments?show=all",
    "/quotes",
    `/quotes/${quote.id}`,
    "/holds",
    "/waitlist",
    "/account",
  ]) {
    await page.goto(address);
    await expect(page.locator("main h1")).toBeVisible();
    await expect(page.locator('[aria-busy="true"]')).toHaveCount(0);
    const literals = await page.locator(OWN).evaluateAll((all) =>
      all
        .map((one) => (one.textContent ?? "").trim())
        // Data stands beside some: what is left without it must not be a word.
        .filter((text) => /[a-z]{4,}/i.test(text.replace(/⟦[^⟧]*⟧/g, "")) && !text.includes("⟦")),
    );
    expect(literals, address).toEqual([]);
    const overflow = await page.evaluate(
      () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
    );
    expect(overflow, `${address} overflows`).toBeLessThanOrEqual(0);
  }
});
