// How much work a task takes: clicks are counted in the page, requests as they leave it.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Page } from "@playwright/test";
import { start, stop } from "./server";
import { expect, signIn, test, World } from "./world";

/** Counts the presses of a pointer from now on, also of pages that are loaded later in this tab. */
async function countClicks(page: Page): Promise<() => Promise<number>> {
  const count = () => {
    addEventListener(
      "pointerdown",
      (event) => {
        if (event.isTrusted) sessionStorage.setItem("clicks", String(Number(sessionStorage.getItem("clicks")) + 1));
      },
      { capture: true },
    );
  };
  await page.addInitScript(count);
  await page.evaluate(count);
  return () => page.evaluate(() => Number(sessionStorage.getItem("clicks")));
}

test("a shipper books from the first page in at most five clicks", async ({ page, world }) => {
  const flight = await world.flight("TRV", "CJB", 190, 1000);
  const customer = await world.customer();
  await signIn(page, customer);
  const clicks = await countClicks(page);
  expect(await clicks()).toBe(0);
  // Airports are typed and taken by Enter; the other fields are filled without a click, as by the tab key.
  for (const [label, code] of [
    ["From", "TRV"],
    ["To", "CJB"],
  ] as const) {
    await page.getByLabel(label, { exact: true }).focus();
    await page.keyboard.type(code);
    await expect(page.getByRole("listbox").getByRole("option", { name: new RegExp(code) })).toBeVisible();
    await page.keyboard.press("ArrowDown");
    await page.keyboard.press("Enter");
  }
  await page.getByLabel("Departure", { exact: true }).fill(flight.departure_local.slice(0, 10));
  await page.getByLabel("Weight (kg)").fill("100");
  await page.getByLabel("Pieces").fill("2");
  await page.getByRole("button", { name: "Search", exact: true }).click();
  await page.getByRole("link", { name: `Book ${flight.flight_number}` }).click();
  await page.getByRole("button", { name: "Review" }).click();
  await page.getByRole("button", { name: "Book", exact: true }).click();
  await expect(page.getByRole("heading", { name: "Booked" })).toBeVisible();
  const counted = await clicks();
  expect(counted, "each press is counted").toBeGreaterThanOrEqual(4);
  expect(counted).toBeLessThanOrEqual(5);
  const [booking] = await customer.get("/api/v1/bookings");
  expect(booking).toMatchObject({ weight_kg: 100, pieces: 2, status: "BOOKED", flight_ids: [flight.id] });
});

// All that needs rerouting is ticked: on a server of its own, so that it is nobody else's.
test("a flight with 40 bookings is cancelled and all are rerouted in at most six clicks", async ({ browser }) => {
  test.setTimeout(480_000);
  const directory = mkdtempSync(join(tmpdir(), "loadmaster-clicks-"));
  const server = await start(directory);
  const tests = process.env["CONSOLE_PASSWORD"];
  const context = await browser.newContext({ baseURL: server.url, viewport: { width: 1280, height: 900 } });
  try {
    process.env["CONSOLE_PASSWORD"] = server.password;
    const world = new World(server.url);
    const admin = await world.adminOfTests();
    const lost = await world.flight("TRV", "CJB", 90, 1000);
    const other = await world.flight("TRV", "CJB", 91, 1000);
    const refs: string[] = [];
    for (let count = 0; count < 40; count += 1) refs.push((await world.book(admin, [lost], 10)).ref_id);
    const page = await context.newPage();
    await signIn(page, admin, `/flights/${lost.id}`);
    const clicks = await countClicks(page);
    await page.getByRole("button", { name: "Cancel flight" }).click();
    const dialog = page.getByRole("dialog");
    await expect(dialog.locator("[data-impact]")).toHaveAttribute("data-impact", "40");
    await dialog.getByRole("button", { name: "Cancel flight" }).click();
    await expect(dialog).toBeHidden();
    await page.getByRole("navigation").getByRole("link", { name: "Rerouting" }).first().click();
    await expect(page.locator("[data-booking]")).toHaveCount(40);
    // Each shows the route that it will take.
    for (const ref of refs)
      await expect(page.locator(`[data-booking="${ref}"] .option`).first()).toContainText(other.flight_number);
    await page.getByLabel("Tick all that are shown").check();
    await page.getByRole("button", { name: "Reroute by the best option" }).click();
    await expect(page.locator("[data-result]")).toContainText("40 done, 0 not possible", { timeout: 60_000 });
    await expect(page.locator("[data-booking]")).toHaveCount(0);
    const counted = await clicks();
    expect(counted, "each press is counted").toBeGreaterThanOrEqual(5);
    expect(counted).toBeLessThanOrEqual(6);
    for (const ref of refs) {
      const booking = await admin.get(`/api/v1/bookings/${ref}`);
      expect(booking, ref).toMatchObject({ needs_rerouting: false, flight_ids: [other.id] });
    }
  } finally {
    if (tests === undefined) delete process.env["CONSOLE_PASSWORD"];
    else process.env["CONSOLE_PASSWORD"] = tests;
    await context.close();
    await stop(server);
    rmSync(directory, { recursive: true, force: true });
  }
});

test("the manifest of a thousand bookings is read once, and not anew for each of many changes", async ({
  page,
  world,
}) => {
  test.setTimeout(360_000);
  const flight = await world.flight("TRV", "CJB", 192, 100_000);
  const operator = await world.operator();
  const book = () => world.book(operator, [flight], 10, { volume_m3: 0.1 });
  // Ten at a time: each takes its turn at the flight.
  for (let made = 0; made < 1000; made += 10) await Promise.all(Array.from({ length: 10 }, book));
  let reads = 0;
  page.on("request", (request) => {
    if (new URL(request.url()).pathname.endsWith(`/flights/${flight.id}/manifest`)) reads += 1;
  });
  await page.clock.install();
  await signIn(page, operator, `/flights/${flight.id}`);
  const total = page.locator("tfoot");
  await expect(total).toContainText("1,000 bookings");
  await expect(page.locator("tbody tr")).toHaveCount(1000);
  await expect(page.getByText("live", { exact: true })).toBeVisible();
  expect(reads, "read once").toBeLessThanOrEqual(1);
  // The clock of the page stands: the pause after the first reading does not end by itself.
  await page.clock.pauseAt(await page.evaluate(() => Date.now() + 10_000));
  for (let made = 0; made < 20; made += 1) await book();
  // Every change is there.
  await expect(page.getByRole("main")).toContainText("89,800 kg");
  await expect.poll(() => reads).toBeGreaterThanOrEqual(2);
  expect(reads, "read for the first of the changes alone").toBeLessThanOrEqual(2);
  await page.clock.runFor(6000);
  await expect(total).toContainText("1,020 bookings");
  expect(reads, "and once for the others").toBeLessThanOrEqual(3);
  expect((await operator.get(`/api/v1/flights/${flight.id}/manifest`)).totals.bookings).toBe(1020);
});
