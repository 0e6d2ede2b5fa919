// Feeds: made and changed, run with a file, reviewed, applied and rejected; each is asserted by what the API says.
import type { Page } from "@playwright/test";
import {
  ELSEWHERE,
  file,
  flightsOf,
  FROM,
  numbersOf,
  page as pageOf,
  path,
  ran,
  rates,
  upload,
  withFeed,
} from "./feeds";
import { expect, signIn, test, type Json } from "./world";

const status = (page: Page) => page.locator("[data-run] [data-status]");
const differences = (page: Page) => page.locator("[data-differences] tbody tr");
const runsOf = (page: Page) => page.locator("[data-runs]");

/** Chooses a file for a run by hand, and starts it: the page of the run follows. */
async function runWith(page: Page, text: string): Promise<void> {
  await runsOf(page).getByLabel("File of a run by hand").setInputFiles(upload(text));
  await runsOf(page).getByRole("button", { name: "Run with this file" }).click();
  await expect(page).toHaveURL(/\?run=/);
}

test("a feed is made, and a file that is sent by hand is reviewed, searched and applied", async ({ page, world }) => {
  const admin = await world.adminOfTests();
  const numbers = numbersOf("5J");
  const name = `Cebu ${numbers[0]}`;
  await signIn(page, admin, "/admin/feeds");
  await page.getByRole("button", { name: "New feed" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel("Name", { exact: true }).fill(name);
  await dialog.getByLabel("Content").selectOption("Dated flights");
  await dialog.getByRole("button", { name: "Save" }).click();
  await expect(dialog.getByLabel("Airlines")).toHaveAttribute("aria-invalid", "true");
  await dialog.getByLabel("Airlines").fill("5J");
  await dialog.getByLabel("Columns with other names").fill("Flt No = flight_number");
  await dialog.getByRole("button", { name: "Save" }).click();
  await expect(dialog).toBeHidden();
  await expect(page.getByRole("heading", { level: 1 })).toHaveText(name);
  const [feed] = (await admin.get("/api/v1/feeds?limit=100")).filter((one: Json) => one.name === name);
  expect(feed).toMatchObject({
    ...{ kind: "FLIGHTS", format: "CSV", airline_codes: ["5J"], apply: "REVIEW", url: null, every_minutes: 60 },
    columns: [{ given: "Flt No", column: "flight_number" }],
  });
  try {
    // Without a source there is nothing to run by itself.
    await expect(page.getByRole("button", { name: "Run now" })).toHaveCount(0);
    await runWith(page, file(numbers).replace("flight_number", "Flt No"));
    await expect(status(page)).toHaveText("waits for review");
    await expect(page.getByRole("heading", { level: 1 })).toBeFocused();
    await expect(page.locator("[data-run]")).toContainText("3 new");
    await expect(differences(page)).toHaveCount(3);
    expect(await flightsOf(admin, numbers[0] ?? ""), "only compared").toEqual([]);

    await page.getByLabel("Flight number or airport").fill(` ${numbers[1]?.replace("5J", "5j ")}`);
    await page.getByRole("main").getByRole("button", { name: "Find", exact: true }).click();
    await expect(differences(page)).toHaveCount(1);
    await expect(differences(page)).toContainText(numbers[1] ?? "");
    await expect(differences(page)).toContainText("77X");
    await page.getByLabel("Effect").selectOption("absent");
    await expect(page.getByText("No difference matches.")).toBeVisible();
    await page.goto(pageOf(feed));
    await runsOf(page).locator("tbody a").first().click();
    await expect(differences(page)).toHaveCount(3);
    await page.getByRole("button", { name: "Apply", exact: true }).click();
    await expect(status(page)).toHaveText("applied");
    await expect(page.getByRole("button", { name: "Apply", exact: true })).toHaveCount(0);
    for (const number of numbers) expect(await flightsOf(admin, number), number).toHaveLength(1);
    const [run] = await admin.get(`${path(feed)}/runs`);
    expect(run).toMatchObject({ status: "APPLIED", created: 3, trigger: "FILE" });

    await page.getByRole("link", { name: "All runs of the feed" }).click();
    await expect(runsOf(page).locator("tbody tr")).toHaveCount(1);
    await expect(runsOf(page).locator("tbody tr")).toContainText("3 new");
    await page.getByRole("button", { name: "Change", exact: true }).click();
    await dialog.getByRole("button", { name: "Delete …" }).click();
    await dialog.getByRole("button", { name: "Delete", exact: true }).click();
    await expect(page).toHaveURL(/\/admin\/feeds$/);
    await expect(page.locator(`[data-feed="${feed.id}"]`)).toHaveCount(0);
    expect((await admin.ask("GET", path(feed))).status).toBe(404);
  } finally {
    await admin.ask("DELETE", path(feed));
  }
});

test("a run is rejected, and changes nothing", async ({ page, world }) => {
  const admin = await world.adminOfTests();
  const numbers = numbersOf("K4");
  await withFeed(admin, { airline_codes: ["K4"], apply: "REVIEW" }, async (feed) => {
    await signIn(page, admin, pageOf(feed));
    await runWith(page, file(numbers));
    await expect(status(page)).toHaveText("waits for review");
    await page.getByRole("button", { name: "Reject …" }).click();
    await expect(page.getByText("Nothing is changed, and the same file does not wait again")).toBeVisible();
    await page.getByRole("button", { name: "Reject", exact: true }).click();
    await expect(status(page)).toHaveText("rejected");
    const [run] = await admin.get(`${path(feed)}/runs`);
    expect(run.status).toBe("REJECTED");
    expect(await flightsOf(admin, numbers[0] ?? "")).toEqual([]);

    await page.getByRole("link", { name: "All runs of the feed" }).click();
    await runsOf(page).getByLabel("State").selectOption("applied");
    await expect(page.getByText("No run matches.")).toBeVisible();
    await runsOf(page).getByLabel("State").selectOption("rejected");
    await expect(page.locator(`tr[data-run="${run.id}"]`)).toContainText("A person, with a file");
  });
});

test("a run that somebody else has decided meanwhile is shown as it is", async ({ page, world }) => {
  const admin = await world.adminOfTests();
  await withFeed(admin, { airline_codes: ["5C"], apply: "REVIEW" }, async (feed) => {
    const run = await ran(admin, feed, file(numbersOf("5C")));
    await signIn(page, admin, "/admin/feeds");
    await page.getByLabel("Content").selectOption("Dated flights");
    const row = page.locator(`[data-feed="${feed.id}"]`);
    await row.getByRole("link", { name: "A run waits for review" }).click();
    await expect(page).toHaveURL(new RegExp(`run=${run.id}`));
    await expect(status(page)).toHaveText("waits for review");
    await admin.post(`${path(feed)}/runs/${run.id}/reject`);
    await page.getByRole("button", { name: "Apply", exact: true }).click();
    await expect(page.locator(".failure")).toContainText("Only a run that waits for a person");
    await expect(status(page)).toHaveText("rejected");
    await page.goto("/admin/feeds?kind=FLIGHTS");
    await expect(row).toContainText("active");
    await expect(row).not.toContainText("waits for review");
  });
});

test("a faulty file shows its faults by row and column; a reset forgets the failure", async ({ page, world }) => {
  const admin = await world.adminOfTests();
  const numbers = numbersOf("CK");
  await withFeed(admin, { airline_codes: ["CK"] }, async (feed) => {
    await signIn(page, admin, pageOf(feed));
    await runWith(page, file(numbers, 10, "77X").replace(`${numbers[1]},${FROM}`, `${numbers[1]},QQQ`));
    await expect(status(page)).toHaveText("failed");
    await expect(page.locator("[data-because]")).toContainText("have them mended by its sender");
    const [run] = await admin.get(`${path(feed)}/runs`);
    const known = await admin.get(`${path(feed)}/runs/${run.id}/faults`);
    expect(known[0]).toMatchObject({ row: 2, column: "origin" });
    const faults = page.locator("[data-faults] tbody tr");
    await expect(faults).toHaveCount(known.length);
    await expect(faults.first().locator("td")).toHaveText(["2", "origin", known[0].message]);
    expect(await flightsOf(admin, numbers[0] ?? ""), "nothing of a faulty file is applied").toEqual([]);
    await page.getByRole("link", { name: "All runs of the feed" }).click();
    await expect(runsOf(page).locator("tbody tr")).toContainText("failed");
    expect((await admin.get(path(feed))).failures).toBe(1);
    await page.getByRole("button", { name: "Reset" }).click();
    await expect.poll(async () => (await admin.get(path(feed))).failures).toBe(0);
  });
});

test("a feed is paused and resumed; what was changed meanwhile is not overwritten unseen", async ({ page, world }) => {
  const admin = await world.adminOfTests();
  const url = "https://files.loadmaster.example/season.csv";
  const secret = { headers: [{ name: "X-Key", value: "secret" }], url };
  await withFeed(admin, { ...secret, kind: "TARIFFS", airline_codes: ["5J"] }, async (feed) => {
    await signIn(page, admin, pageOf(feed));
    const facts = page.locator(".panel .facts");
    await expect(facts).toContainText(url);
    await expect(facts).toContainText("x-key");
    await expect(page.getByRole("main")).not.toContainText("secret");
    await expect(page.getByRole("button", { name: "Run now" })).toBeVisible();
    const changed = await admin.ask("PATCH", path(feed), { name: `${feed.name} B` });
    expect(changed.status).toBe(200);
    await page.getByRole("button", { name: "Pause" }).click();
    await expect(page.locator(".failure")).toBeVisible();
    await expect(page.getByRole("heading", { level: 1 })).toHaveText(`${feed.name} B`);
    expect((await admin.get(path(feed))).status).not.toBe("PAUSED");
    await page.getByRole("button", { name: "Pause" }).click();
    await expect(facts).toContainText("paused");
    expect((await admin.get(path(feed))).status).toBe("PAUSED");
    // The run that began with the feed may not have failed yet.
    await expect.poll(async () => (await admin.get(path(feed))).next_run_at, { timeout: 60_000 }).toBeNull();
    await page.getByRole("button", { name: "Resume" }).click();
    await expect(page.getByRole("button", { name: "Pause" })).toBeVisible();
    expect((await admin.get(path(feed))).status).toBe("ACTIVE");

    await page.getByRole("button", { name: "Change", exact: true }).click();
    const dialog = page.getByRole("dialog");
    await expect(dialog.getByLabel("Headers of the request")).toHaveValue("");
    await dialog.getByLabel("Name", { exact: true }).fill("Mine");
    await admin.ask("PATCH", path(feed), { every_minutes: 90 });
    await dialog.getByRole("button", { name: "Save" }).click();
    await expect(dialog.getByRole("alert")).toContainText("90");
    await dialog.getByRole("button", { name: "Save" }).click();
    await expect(dialog).toBeHidden();
    const mine = { name: "Mine", every_minutes: 90, header_names: ["x-key"] };
    expect(await admin.get(path(feed))).toMatchObject(mine);
    await page.getByRole("button", { name: "Forget the headers …" }).click();
    await page.getByRole("button", { name: "Forget the headers", exact: true }).click();
    await expect(page.getByRole("button", { name: "Forget the headers …" })).toHaveCount(0);
    await expect.poll(async () => (await admin.get(path(feed))).header_names).toEqual([]);
  });
});

test("a flight is kept from its feed by hand, and given back", async ({ page, world }) => {
  const admin = await world.adminOfTests();
  const flown = numbersOf("KZ").slice(0, 1);
  await withFeed(admin, { airline_codes: ["KZ"], apply: "AUTO" }, async (feed) => {
    expect((await ran(admin, feed, file(flown, 8))).status).toBe("APPLIED");
    const [flight] = await flightsOf(admin, flown[0] ?? "");
    const address = `/api/v1/flights/${flight.id}`;
    await signIn(page, admin, `/flights/${flight.id}`);
    const panel = page.locator("[data-flight-feed]");
    await expect(panel.getByRole("link", { name: feed.name })).toHaveAttribute("href", pageOf(feed));
    await expect(panel).toContainText("The feed changes the flight.");
    await panel.getByRole("button", { name: "Keep by hand" }).click();
    await expect(panel).toContainText("Kept by hand");
    expect((await admin.get(address)).feed).toMatchObject({ id: feed.id, is_kept: true });
    expect(await ran(admin, feed, file(flown, 9))).toMatchObject({ status: "UNCHANGED", kept: 1 });
    expect((await admin.get(address)).departure_datetime).toBe(flight.departure_datetime);

    await panel.getByRole("button", { name: "Give back to the feed" }).click();
    await expect(panel).toContainText("The feed changes the flight.");
    expect((await admin.get(address)).feed.is_kept).toBe(false);
    expect(await ran(admin, feed, file(flown, 9))).toMatchObject({ status: "APPLIED", updated: 1, kept: 0 });
    expect((await admin.get(address)).departure_datetime).toContain("T09:00");
    // The stream of the page brings the flight, and says nothing of feeds.
    await expect(page.locator('time[datetime*="T09:00"]').first()).toBeVisible();
    await expect(panel).toContainText("The feed changes the flight.");

    // An operator sees it, and changes no flights here.
    const context = await page.context().browser()?.newContext();
    const other = await context?.newPage();
    if (!other) throw new Error("there is no browser");
    await signIn(other, await world.operator(), `/flights/${flight.id}`);
    await expect(other.locator("[data-flight-feed]")).toContainText(feed.name);
    await expect(other.locator("[data-flight-feed]").getByRole("button")).toHaveCount(0);
    await expect(other.locator("[data-flight-feed]").getByRole("link")).toHaveCount(0);
    await context?.close();
  });
});

test("reference rates are a series of their own in the prices of a lane", async ({ page, world }) => {
  const admin = await world.adminOfTests();
  const flight = await world.flight(ELSEWHERE, FROM, 300, 5000);
  await withFeed(admin, { kind: "REFERENCE_RATES", apply: "AUTO" }, async (feed) => {
    const run = await ran(admin, feed, rates(ELSEWHERE, FROM));
    expect(["APPLIED", "UNCHANGED"]).toContain(run.status);
    const asked: string[] = [];
    page.on("request", (request) => {
      if (/(en|de)-feeds/.test(request.url())) asked.push(request.url());
    });
    const day = flight.departure_local.slice(0, 10);
    await page.goto(`/?origin=${ELSEWHERE}&destination=${FROM}&date=${day}&weight=300`);
    await expect(page.getByRole("button", { name: "Price history" })).toBeVisible();
    await page.waitForLoadState("networkidle");
    expect(asked, "nothing of feeds is loaded before").toEqual([]);
    await page.getByRole("button", { name: "Price history" }).click();
    const history = page.locator("[data-history]");
    await expect(history).toContainText("Reference rates are published by others.");
    await history.getByText("Figures in USD as a table").click();
    await expect(history.getByRole("columnheader", { name: "Reference, average" })).toBeVisible();
    await expect(history.locator("tbody").first()).toContainText("3.");
    const { series } = await admin.get(
      `/api/v1/rates/history?origin=${ELSEWHERE}&destination=${FROM}&weight_kg=300&by=day`,
    );
    expect(series.map((one: Json) => one.source)).toContain("reference");
  });
});

test("the pages of feeds are for administrators", async ({ page, world }) => {
  await signIn(page, await world.operator(), "/bookings");
  await page.goto("/admin/feeds");
  await expect(page.getByRole("main")).toContainText("No access");
});
