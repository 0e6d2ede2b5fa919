// “Find anything”: what each reader finds, by keyboard alone.
import type { Page } from "@playwright/test";
import { violationsOf } from "./axe";
import { awb, expect, signIn, test } from "./world";

const dialog = (page: Page) => page.getByRole("dialog", { name: "Find anything" });
const field = (page: Page) => dialog(page).getByRole("combobox");
const options = (page: Page) => dialog(page).getByRole("option");
const group = (page: Page, name: string) => dialog(page).getByRole("group", { name });

/** Opens it by a key and types a text. */
async function find(page: Page, text: string): Promise<void> {
  await expect(page.locator("main h1")).toBeVisible();
  await page.keyboard.press("Control+k");
  await expect(field(page)).toBeFocused();
  await field(page).fill(text);
}

test("a shipper finds a booking by its reference and by its air waybill number, as people type them", async ({
  page,
  world,
}) => {
  const flight = await world.flight("TRV", "CJB", 140, 1000);
  const customer = await world.customer();
  const number = awb();
  const { ref_id } = await world.book(customer, [flight], 100, { awb_number: number, description: "Turbine blades" });
  await signIn(page, customer, "/account");
  await page.getByRole("heading", { level: 1 }).click();
  await page.keyboard.press("/");
  await expect(field(page)).toBeFocused();
  await field(page).fill(`${number.slice(0, 3)}-${number.slice(4, 8)} ${number.slice(8)}`);
  await expect(group(page, "Bookings").getByRole("option")).toHaveCount(1);
  await expect(options(page).first()).toContainText(ref_id);
  // Enter does not wait for what is found to be looked at.
  await field(page).fill(`${ref_id.slice(0, 3).toLowerCase()} ${ref_id.slice(3, 6)} ${ref_id.slice(6)}`);
  await page.keyboard.press("Enter");
  await expect(page).toHaveURL(new RegExp(`/bookings/${ref_id}$`));
  await expect(dialog(page)).toBeHidden();
  await expect(page.getByRole("heading", { level: 1 })).toBeFocused();
  await find(page, "turbine bl");
  await expect(options(page).filter({ hasText: ref_id })).toBeVisible();
});

test("a stranger finds a shipment to track, a flight by number and date, airports and pages, and asks for no bookings", async ({
  page,
  world,
}) => {
  const flight = await world.flight("TRV", "CJB", 5, 1000);
  const number = awb();
  await world.book(await world.customer(), [flight], 100, { awb_number: number });
  const asked: string[] = [];
  page.on("request", (request) => asked.push(new URL(request.url()).pathname));
  await page.goto("/");
  await find(page, number);
  await expect(options(page)).toHaveText([new RegExp(`^Track ${number}`)]);
  await field(page).fill(`${flight.flight_number.slice(0, 2).toLowerCase()} ${flight.flight_number.slice(2)}`);
  await expect(group(page, "Flights").getByRole("option")).toContainText("TRV – CJB");
  await field(page).fill(`${flight.flight_number} ${flight.departure_local.slice(0, 10)}`);
  await expect(group(page, "Flights").getByRole("option")).toHaveCount(1);
  await page.keyboard.press("Enter");
  await expect(page).toHaveURL(new RegExp(`/flights/${flight.id}$`));
  await find(page, "trv");
  await expect(options(page).first()).toHaveText(/^Search from TRV/);
  await page.keyboard.press("Enter");
  await expect(page).toHaveURL(/[?]origin=TRV$/);
  await find(page, "rerou");
  await expect(dialog(page)).toContainText("Nothing found.");
  await field(page).fill("trac");
  await expect(options(page).first()).toHaveText("Track");
  expect(asked.filter((path) => /\/(bookings|organizations)/.test(path))).toEqual([]);
});

test("an administrator finds boards, organizations and pages by keyboard, and axe finds nothing at 360 pixels", async ({
  page,
  world,
}) => {
  const admin = await world.adminOfTests();
  const name = `Gangway ${Date.now()}`;
  await admin.post("/api/v1/organizations", { name });
  await page.setViewportSize({ width: 360, height: 800 });
  await signIn(page, admin, "/account");
  await find(page, "trv");
  await expect(options(page).first()).toHaveText(/^Departures at TRV/);
  await expect(options(page).first()).toHaveAttribute("aria-selected", "true");
  await page.keyboard.press("ArrowUp");
  await expect(options(page).last()).toHaveAttribute("aria-selected", "true");
  expect(await violationsOf(page)).toEqual([]);
  const width = await page.evaluate(() => document.documentElement.scrollWidth);
  expect(width).toBeLessThanOrEqual(360);
  await field(page).fill("audit");
  await expect(options(page).first()).toHaveText("Audit trail");
  await field(page).fill(name.toLowerCase());
  await expect(group(page, "Organizations").getByRole("option")).toHaveText([name]);
  await page.keyboard.press("Enter");
  await expect(page).toHaveURL(/\/admin\/organizations[?]q=Gangway/);
  await expect(page.getByRole("main")).toContainText(name);
});

test("it asks once a pause, says when something could not be searched, and gives the focus back", async ({ page }) => {
  const asked: string[] = [];
  page.on("request", (request) => {
    if (/airports\/search/.test(request.url())) asked.push(new URL(request.url()).searchParams.get("q") ?? "");
  });
  await page.clock.install();
  await page.goto("/track");
  await page.getByRole("button", { name: "Find anything" }).click();
  await expect(field(page)).toBeFocused();
  // However long the typing takes here, the page sees no pause in it.
  await page.clock.pauseAt((await page.evaluate(() => Date.now())) + 1000);
  await field(page).pressSequentially("thiruvanan");
  expect(asked).toEqual([]);
  await page.clock.resume();
  await expect(options(page).first()).toContainText("TRV");
  expect(asked).toEqual(["thiruvanan"]);
  await page.route("**/api/v1/airports/search?*", (route) =>
    route.fulfill({ status: 500, contentType: "application/problem+json", body: "{}" }),
  );
  await field(page).fill("coimba");
  await expect(dialog(page)).toContainText("could not be searched");
  await page.keyboard.press("Escape");
  await expect(dialog(page)).toBeHidden();
  await expect(page.getByRole("button", { name: "Find anything" })).toBeFocused();
});

test("a page that opens late leaves the focus in the dialog", async ({ page }) => {
  await page.goto("/");
  let isAsked = false;
  let open = (): void => undefined;
  const isAllowed = new Promise<void>((resolve) => (open = resolve));
  await page.route("**/assets/Find-*.js", async (route) => {
    isAsked = true;
    await isAllowed;
    await route.continue();
  });
  await page.getByRole("link", { name: "Track" }).first().click();
  await page.keyboard.press("Control+k");
  await expect(field(page)).toBeFocused();
  await expect.poll(() => isAsked, "the page is late").toBe(true);
  open();
  await expect(page.getByLabel("Booking reference or air waybill number")).toBeVisible();
  await page.keyboard.type("trv");
  await expect(field(page)).toHaveValue("trv");
  await page.keyboard.press("Escape");
  await expect(dialog(page)).toBeHidden();
  await expect(page.getByRole("link", { name: "Track" }).first()).toBeFocused();
});

test("with single keys off a slash opens nothing, and Ctrl-K does", async ({ page }) => {
  await page.goto("/track");
  await page.evaluate(() => localStorage.setItem("loadmaster.keys", "off"));
  await page.reload();
  await page.getByRole("heading", { level: 1 }).click();
  await page.keyboard.press("/");
  await page.keyboard.press("?");
  await expect(page.getByRole("dialog")).toHaveCount(0);
  await page.getByLabel("Booking reference or air waybill number").focus();
  await page.keyboard.press("Control+k");
  await expect(field(page)).toBeFocused();
});
