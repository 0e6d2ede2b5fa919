// Stations: found, read, written by staff, with tips that staff decides; each act is asserted by what the API says.
import type { Page } from "@playwright/test";
import { randomInt } from "node:crypto";
import { content, inDays, pictured, PNG, tipOf, written } from "./stations";
import { expect, signIn, test, type Caller, type Json } from "./world";

const station = (page: Page, code: string) => page.locator(`article[data-station="${code}"]`);
const tipRow = (page: Page, tip: Json) => page.locator(`[data-tip="${tip.id}"]`);
const result = (page: Page) => page.locator("[data-result]");

/** Signs in after somebody else has been signed in. */
async function signInNext(page: Page, caller: Caller, to: string): Promise<void> {
  await page.context().clearCookies();
  await signIn(page, caller, to);
}

test("a station shows open desks, notices, acceptance, and contacts to who is signed in", async ({ page, world }) => {
  const operator = await world.operator();
  await written(operator, "GAU", content());
  await page.goto("/stations/gau");
  await expect(page.getByRole("heading", { level: 1 })).toHaveText(/^Guwahati \(GAU\)$/);
  await expect(page.locator('[data-desk="EXPORT"]')).toContainText("Open, around the clock");
  await expect(page.locator('[data-desk="IMPORT"]')).toContainText("Mon–Fri 06:00–22:00");
  await expect(page.locator('[data-desk="IMPORT"]')).toContainText(/Open until \w{3} 22:00|Closed, opens \w{3} 06:00/);
  const notices = page.locator("[data-notices] [data-notice]");
  await expect(notices).toHaveCount(2);
  await expect(notices.first()).toContainText("Gate 2 is closed.");
  const rules = page.locator("[data-acceptance] tbody tr");
  await expect(rules.nth(0)).toContainText(/4 h\s*all freight/);
  await expect(rules.nth(1)).toContainText(/1 h 30 min\s*EXPRESS · PER/);
  await expect(page.locator("[data-contacts]")).toContainText("Sign in to see the contacts.");
  await expect(page.locator("[data-write]")).toHaveCount(0);
  const customer = await world.customer();
  await signIn(page, customer, "/stations/GAU");
  await expect(page.locator("[data-contacts]")).toContainText("Duty manager");
  await expect(page.locator("[data-contacts] a[href='tel:+4930555777']")).toBeVisible();
  await page.goto("/stations/QQQ");
  await expect(page.getByRole("alert")).toHaveText("There is no such station.");
});

test("stations are found by text, capability, tag and collection, and the address has the filters", async ({
  page,
  world,
}) => {
  const admin = await world.adminOfTests();
  const code = `t-${randomInt(1e9)}`;
  await admin.post("/api/v1/station-tags", { code, name: `Tag ${code}`, color: "#2563eb" });
  const slug = `c-${randomInt(1e9)}`;
  const collection = { slug, name: `Hubs ${slug}`, text: "Two of them.", stations: ["JAI", "LKO"] };
  await admin.post("/api/v1/station-collections", collection);
  await written(admin, "JAI", { ...content(), tags: [code] });
  await written(admin, "LKO", { summary: "One hall.", capabilities: ["BONDED_STORE"] });
  await page.goto("/stations");
  await page.getByLabel("Code, city or name").fill("jaipur");
  await page.getByRole("button", { name: "Search" }).click();
  await expect(page).toHaveURL(/q=jaipur/);
  await expect(page.locator("[data-list] article")).toHaveCount(1);
  await expect(station(page, "JAI")).toContainText("Perishables around the clock.");
  await expect(station(page, "JAI")).toContainText("Notice");
  await station(page, "JAI")
    .getByRole("link", { name: `Tag ${code}` })
    .click();
  await expect(page).toHaveURL(new RegExp(`tag=${code}$`));
  await expect(page.locator("[data-list] article")).toHaveCount(1);
  await page.goto("/stations");
  await page.locator("[data-collections]").getByRole("link", { name: collection.name }).click();
  await expect(page.getByRole("heading", { name: `Stations of “${collection.name}”` })).toBeVisible();
  await expect(page.locator("[data-list] article")).toHaveCount(2);
  await page.getByLabel("Capability").selectOption({ label: "Bonded store" });
  await expect(page).toHaveURL(/capability=BONDED_STORE/);
  await expect(page.locator("[data-list] article")).toHaveCount(1);
  await expect(station(page, "LKO")).toContainText("One hall.");
  await page.getByLabel("Capability").selectOption({ label: "Live animals" });
  await expect(page.locator("[data-list] article")).toHaveCount(1);
  await expect(station(page, "JAI")).toBeVisible();
  await page.getByLabel("Featured stations only").check();
  await expect(page.getByText("No station matches.")).toBeVisible();
  await page.goto("/stations?q=imphal&featured=false");
  await expect(page.getByLabel("Featured stations only")).not.toBeChecked();
  await expect(station(page, "IMF")).toContainText("Nothing was written about this station yet.");
});

test("an operator writes a station: faults stand at their rows, and another's change is not overwritten unseen", async ({
  page,
  world,
}) => {
  const operator = await world.operator();
  const path = "/api/v1/stations/BBI";
  await written(operator, "BBI", { summary: "Before." });
  await signIn(page, operator, "/admin/stations?station=BBI");
  const nav = page.getByRole("navigation", { name: "Administration" });
  await expect(nav.getByRole("link")).toHaveText(["Stations", "Tips"]);
  const form = page.locator("[data-content]");
  await expect(form.getByLabel("Summary")).toHaveValue("Before.");
  await form.getByLabel("Summary").fill("Live animals by day.");
  await form.getByLabel("Live animals").check();
  await form.getByRole("button", { name: "Add an entry Opening hours" }).click();
  const first = form.getByRole("group", { name: "Opening hours 1" });
  await first.getByLabel("From").fill("06:00");
  await first.getByLabel("Until").fill("22:00");
  await form.getByRole("button", { name: "Add an entry Opening hours" }).click();
  const second = form.getByRole("group", { name: "Opening hours 2" });
  await second.getByLabel("From").fill("21:00");
  await second.getByLabel("Until").fill("24:00");
  await form.getByRole("button", { name: "Add an entry Acceptance rules" }).click();
  await form.getByRole("group", { name: "Acceptance rules 1" }).getByLabel("Minutes").fill("240");
  await form.getByRole("button", { name: "Save the station" }).click();
  await expect(second.getByLabel("From")).toHaveAttribute("aria-invalid", "true");
  await expect(second.getByLabel("From")).toBeFocused();
  await expect(first.getByLabel("From")).not.toHaveAttribute("aria-invalid", "true");
  expect((await operator.get(path)).summary).toBe("Before.");
  await form.getByRole("button", { name: "Remove Opening hours 2" }).click();
  await written(operator, "BBI", { summary: "Meanwhile." });
  await form.getByRole("button", { name: "Save the station" }).click();
  await expect(page.locator("[data-meanwhile]")).toBeVisible();
  expect((await operator.get(path)).summary).toBe("Meanwhile.");
  await form.getByRole("button", { name: "Save the station" }).click();
  await expect(page.locator("[data-saved]")).toBeVisible();
  expect(await operator.get(path)).toMatchObject({
    summary: "Live animals by day.",
    capabilities: ["LIVE_ANIMALS"],
    hours: [{ desk: "EXPORT", days: [1, 2, 3, 4, 5], from: "06:00", to: "22:00" }],
    acceptance: [{ minutes_before: 240, product: null, handling_code: null }],
  });
});

test("a tip is shown once it is approved with others, and the third report hides it", async ({ page, world }) => {
  const [customer, operator] = [await world.customer(), await world.operator()];
  await signIn(page, customer, "/stations/VTZ");
  const form = page.locator("[data-write]");
  await form.getByLabel("Topic").selectOption({ label: "Traffic" });
  await form.getByLabel("Tip").fill("Enter by gate 3.");
  await form.getByLabel("Link").fill("http://www.example.com/gates");
  await form.getByRole("button", { name: "Send the tip" }).click();
  await expect(form.getByLabel("Link")).toHaveAttribute("aria-invalid", "true");
  await form.getByLabel("Link").fill("https://www.example.com/gates");
  await form.getByRole("button", { name: "Send the tip" }).click();
  await expect(page.locator("[data-sent]")).toContainText("once the staff has approved it");
  await expect(form.getByLabel("Tip")).toHaveValue("");
  await expect(page.locator("[data-tips]")).toContainText("No tips yet.");
  const [tip, ...others] = await operator.get("/api/v1/tips?station=VTZ&status=PENDING");
  expect(others).toEqual([]);
  const own = await tipOf(operator, "VTZ", "Mine.");

  await signInNext(page, operator, "/admin/tips?station=VTZ");
  await tipRow(page, tip).getByRole("checkbox").check();
  await tipRow(page, own).getByRole("checkbox").check();
  await page.getByRole("button", { name: "Approve", exact: true }).click();
  await expect(result(page)).toBeVisible();
  await expect(page.locator("[data-refused] li")).toHaveCount(1);
  await expect(tipRow(page, tip)).toHaveCount(0);
  await expect(tipRow(page, own).getByRole("checkbox")).toBeChecked();
  expect((await operator.get(`/api/v1/stations/VTZ/tips`)).map((one: Json) => one.id)).toEqual([tip.id]);

  for (const reader of [await world.customer(), await world.customer()])
    expect((await reader.ask("POST", `/api/v1/tips/${tip.id}/report`)).status).toBe(204);
  await signInNext(page, await world.customer(), "/stations/VTZ");
  const link = tipRow(page, tip).getByRole("link", { name: "Link to www.example.com" });
  await expect(link).toHaveAttribute("rel", /nofollow/);
  await tipRow(page, tip).getByRole("button", { name: "Report" }).click();
  await tipRow(page, tip)
    .getByRole("button", { name: /^Report Traffic$/ })
    .click();
  await expect(tipRow(page, tip)).toContainText("Reported. Thank you.");
  expect(await operator.get(`/api/v1/stations/VTZ/tips`)).toEqual([]);

  await signInNext(page, operator, "/admin/tips?station=VTZ");
  const waiting = await operator.get("/api/v1/tips?station=VTZ&status=PENDING");
  expect(waiting.find((one: Json) => one.id === tip.id).reports).toBe(3);
  await tipRow(page, tip)
    .getByRole("button", { name: /^Reject with a reason/ })
    .click();
  await page.getByRole("dialog").getByLabel("Reason").fill("The gate has moved.");
  await page.getByRole("dialog").getByRole("button", { name: "Reject" }).click();
  await expect(tipRow(page, tip)).toHaveCount(0);
  const [rejected] = await operator.get("/api/v1/tips?station=VTZ&status=REJECTED");
  expect(rejected).toMatchObject({ id: tip.id, reason: "The gate has moved." });
});

test("an administrator features a station, and puts and deletes its image", async ({ page, world }) => {
  const admin = await world.adminOfTests();
  await written(admin, "IXR", { summary: "One hall." });
  await signIn(page, admin, "/admin/stations?q=ranchi");
  await page.locator('tr[data-station="IXR"]').getByRole("checkbox").check();
  await page.getByRole("button", { name: "Feature", exact: true }).click();
  await expect(result(page)).toBeVisible();
  expect((await admin.get("/api/v1/stations/IXR")).is_featured).toBe(true);
  await page.getByRole("link", { name: "Ranchi (IXR)" }).click();
  const picture = page.locator("[data-picture]");
  await expect(picture).toContainText("No picture.");
  const svg = { name: "a.svg", mimeType: "image/svg+xml", buffer: Buffer.from("<svg/>") };
  await picture.locator("input[type=file]").setInputFiles(svg);
  await expect(picture.getByRole("alert")).toBeVisible();
  await picture.locator("input[type=file]").setInputFiles(PNG);
  await expect(picture.getByRole("img")).toBeVisible();
  expect((await admin.get("/api/v1/stations/IXR")).image_url).toBe("/api/v1/stations/IXR/image");
  await page.goto("/stations?featured=true");
  const image = station(page, "IXR").locator("img");
  await image.scrollIntoViewIfNeeded();
  await expect.poll(() => image.evaluate((it: HTMLImageElement) => it.naturalWidth)).toBe(1);
  await page.goto("/admin/stations?station=IXR");
  await picture.getByRole("button", { name: /^Delete the picture/ }).click();
  await picture.getByRole("button", { name: "Delete the picture Image", exact: true }).click();
  await expect(picture).toContainText("No picture.");
  expect((await admin.get("/api/v1/stations/IXR")).image_url).toBeNull();
});

test("tags and collections are made, changed and ended", async ({ page, world }) => {
  const admin = await world.adminOfTests();
  const code = `t-${randomInt(1e9)}`;
  await signIn(page, admin, "/admin/tags");
  await page.getByRole("button", { name: "New tag" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel("Code").fill(code);
  await dialog.getByLabel("Name").fill(`Cool ${code}`);
  await dialog.getByLabel("Colour").fill("blue");
  await dialog.getByRole("button", { name: "Save" }).click();
  await expect(dialog.getByLabel("Colour")).toHaveAttribute("aria-invalid", "true");
  await dialog.getByLabel("Colour").fill("#2563EB");
  await dialog.getByRole("button", { name: "Save" }).click();
  await expect(dialog).toBeHidden();
  const tagOf = async () => (await admin.get("/api/v1/station-tags?limit=100")).find((one: Json) => one.code === code);
  expect(await tagOf()).toMatchObject({ name: `Cool ${code}`, color: "#2563eb", order: 0, is_active: true });
  await page.getByRole("button", { name: `Cool ${code}` }).click();
  await dialog.getByRole("button", { name: /^End/ }).click();
  await dialog.getByRole("button", { name: "End", exact: true }).click();
  await expect(dialog).toBeHidden();
  expect(await tagOf()).toBeUndefined();

  const slug = `c-${randomInt(1e9)}`;
  await page.goto("/admin/collections");
  await page.getByRole("button", { name: "New collection" }).click();
  await dialog.getByLabel("Name in addresses").fill(slug);
  await dialog.getByLabel("Name", { exact: true }).fill(`Hubs ${slug}`);
  await dialog.getByLabel("Text").fill("North\nand south.");
  await dialog.getByLabel("Stations").fill("IXB CCU");
  await dialog.getByLabel("Offered to readers").selectOption({ label: "No" });
  await dialog.getByRole("button", { name: "Save" }).click();
  await expect(dialog).toBeHidden();
  const all = await admin.get("/api/v1/station-collections?limit=100");
  expect(all.find((one: Json) => one.slug === slug)).toMatchObject({
    text: "North\nand south.",
    stations: ["IXB", "CCU"],
    is_active: false,
  });
});

test("notices and logos stand beside flights, and no logo is asked for that is not there", async ({ page, world }) => {
  const [admin, operator] = [await world.adminOfTests(), await world.operator()];
  const notice = (text: string) => [{ text, from: inDays(-2), to: inDays(2) }];
  await written(operator, "PAT", {
    notices: [...notice("Gate 2 is closed."), { text: "Later.", from: inDays(5), to: inDays(6) }],
  });
  await written(operator, "IDR", { notices: notice("The scanner is serviced.") });
  const flight = await world.flight("PAT", "IDR", 60, 1000);
  const day = flight.departure_local.slice(0, 10);
  const logos: string[] = [];
  page.on("response", (response) => {
    if (/\/logo$/.test(response.url())) logos.push(`${new URL(response.url()).pathname} ${response.status()}`);
  });
  const search = `/?origin=PAT&destination=IDR&date=${day}&weight=100`;
  await pictured(admin, "/api/v1/airlines/AI/logo");
  try {
    await page.goto(search);
    await expect(page.locator('[data-notices="PAT"]')).toContainText("Gate 2 is closed.");
    await expect(page.locator('[data-notices="PAT"]')).not.toContainText("Later.");
    await expect(page.locator('[data-notices="IDR"]')).toContainText("The scanner is serviced.");
    const row = page.locator("tr").filter({ hasText: flight.flight_number });
    await expect(row.locator('img[data-logo="AI"]')).toBeVisible();
    await signIn(page, operator, `/board?station=PAT&date=${day}`);
    await expect(page.locator('[data-notices="PAT"]')).toContainText("Gate 2 is closed.");
    const logo = page.locator(`[data-flight="${flight.flight_number}"] img[data-logo="AI"]`);
    await expect.poll(() => logo.evaluate((it: HTMLImageElement) => it.naturalWidth)).toBe(1);
    expect(new Set(logos.map((one) => one.split(" ")[0]))).toEqual(new Set(["/api/v1/airlines/AI/logo"]));
    expect(logos.filter((one) => !/ (200|304)$/.test(one))).toEqual([]);
  } finally {
    await admin.ask("DELETE", "/api/v1/airlines/AI/logo");
  }
  logos.length = 0;
  const listed = page.waitForResponse(/\/airline-logos/);
  await page.goto(`/board?station=PAT&date=${day}`);
  await expect(page.locator(`[data-flight="${flight.flight_number}"]`)).toBeVisible();
  await (await listed).finished();
  await page.evaluate(() => new Promise((shown) => requestAnimationFrame(() => requestAnimationFrame(shown))));
  expect(logos).toEqual([]);
});

test("what is going on at a station: departures, busiest lanes with a table behind the chart", async ({
  page,
  world,
}) => {
  const admin = await world.adminOfTests();
  const read = async () => admin.get("/api/v1/stations/DEL/insights");
  await expect
    .poll(
      async () => {
        await admin.ask("POST", "/api/v1/admin/schedules/station_insights/run");
        return (await read()).busiest_lanes.length;
      },
      { timeout: 60_000, intervals: [2_000] },
    )
    .toBeGreaterThan(0);
  const insights = await read();
  await page.goto("/stations/DEL");
  const section = page.locator("[data-insights]");
  await expect(section.getByRole("img", { name: "Busiest lanes" })).toBeVisible();
  await section.getByText("Busiest lanes as a table").click();
  await expect(section.locator("tbody tr")).toHaveCount(insights.busiest_lanes.length);
  await expect(section.locator("tbody tr").first()).toContainText(insights.busiest_lanes[0].destination);
});
