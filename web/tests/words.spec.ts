// The languages. The pseudo-language finds literals in pages, and what a longer text makes overflow; German is one to choose.
import AxeBuilder from "@axe-core/playwright";
import type { Page } from "@playwright/test";
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
    "/board?station=TRV&show=arrivals",
    "/board?all=1",
    "/flights",
    `/flights/${flight.id}`,
    "/rerouting",
    "/payments?show=all",
    "/quotes",
    `/quotes/${quote.id}`,
    "/parties",
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

/** What axe calls serious or worse. */
async function seriousFaults(page: Page): Promise<string[]> {
  const { violations } = await new AxeBuilder({ page }).analyze();
  return violations
    .filter(({ impact }) => impact === "serious" || impact === "critical")
    .map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.target).join(" ")}`);
}

test.describe("in a German browser", () => {
  test.use({ locale: "de-DE" });

  test("search, booking and account are German, with German figures and dates", async ({ page, world }) => {
    const operator = await world.operator();
    const flight = await world.flight("TRV", "CJB", 151, 5000);
    const booking = await world.book(operator, [flight], 1200.5);
    const day = flight.departure_local.slice(0, 10);
    await page.goto("/");
    await expect(page.getByRole("heading", { level: 1 })).toHaveText("Wohin geht Ihre Fracht?");
    await expect(page.locator("html")).toHaveAttribute("lang", "de");
    await expect(page).toHaveTitle("Suche · Loadmaster");
    await page.goto(`/?origin=TRV&destination=CJB&date=${day}`);
    await page.getByLabel("Gewicht (kg)").fill("1.200,5");
    await page.getByRole("button", { name: "Suchen" }).click();
    await expect(page).toHaveURL(/weight=1200\.5(&|$)/);
    await expect(page.getByRole("link", { name: "Buchen" }).first()).toBeVisible();
    expect(await seriousFaults(page)).toEqual([]);
    await signIn(page, operator, `/bookings/${booking.ref_id}`);
    await expect(page.getByRole("main")).toContainText("1.200,5 kg");
    await expect(page.getByRole("button", { name: "Buchung stornieren" })).toBeVisible();
    await expect(page.getByRole("main")).toContainText(/(Mo|Di|Mi|Do|Fr|Sa|So) \d{1,2}\. /);
    await expect(page.locator("html")).toHaveAttribute("lang", "de");
    expect(await seriousFaults(page)).toEqual([]);
    await page.goto("/account");
    await expect(page.getByRole("heading", { level: 2, name: "Benachrichtigungen" })).toBeVisible();
    await expect(page.getByLabel("Diese Konsole")).toHaveValue("de");
    await expect(page.locator('[aria-busy="true"]')).toHaveCount(0);
    expect(await seriousFaults(page)).toEqual([]);
  });

  test("English is chosen without an account, and stays, at the address that was open", async ({ page, world }) => {
    const flight = await world.flight("TRV", "CJB", 152, 5000);
    const address = `/?origin=TRV&destination=CJB&date=${flight.departure_local.slice(0, 10)}&weight=1200.5`;
    await page.goto(address);
    await expect(page.getByLabel("Gewicht (kg)")).toHaveValue("1200,5");
    const choice = page.getByRole("contentinfo").getByRole("combobox");
    await expect(choice.getByRole("option")).toHaveText(["English", "Deutsch"]);
    await choice.selectOption("English");
    await expect(page.getByLabel("Weight (kg)")).toHaveValue("1200.5");
    await expect(page).toHaveURL(new RegExp(`date=${flight.departure_local.slice(0, 10)}&weight=1200\\.5`));
    await expect(page.locator("html")).toHaveAttribute("lang", "en");
    await page.reload();
    await expect(page.getByRole("heading", { level: 1 })).toHaveText("Where does your cargo go?");
    await expect(page.getByRole("button", { name: "Search" })).toBeEnabled();
    await expect(page.locator("html")).toHaveAttribute("lang", "en");
  });

  test("English is chosen at the account, and stays", async ({ page, world }) => {
    const customer = await world.customer();
    await signIn(page, customer, "/account");
    await expect(page.getByRole("contentinfo").getByRole("combobox")).toHaveCount(0);
    await page.getByLabel("Diese Konsole").selectOption("English");
    await expect(page.getByRole("heading", { level: 2, name: "Notifications" })).toBeVisible();
    await page.goto("/bookings");
    await expect(page.getByRole("heading", { level: 1 })).toHaveText("Bookings");
  });
});
