// The rules that administrators keep: prices, embargoes and allotments, and what they do.
import { Caller, expect, signIn, test, type Json } from "./world";
import { randomUUID } from "node:crypto";
import type { Page } from "@playwright/test";

const today = new Date().toISOString().slice(0, 10);
const fresh = (what: string) => `${what}-${randomUUID().slice(0, 8)}`.toUpperCase();

/** Opens the dialog of a rule that the list has. */
async function open(page: Page, name: string): Promise<void> {
  const button = page.getByRole("button", { name: `${name} change` });
  await expect(page.locator("tbody tr").first()).toBeVisible();
  while (!(await button.isVisible())) await page.getByRole("button", { name: "Show more" }).click();
  await button.click();
}
async function quote(caller: Caller, flight: Json, weight_kg: number): Promise<Json> {
  const { origin, destination, id } = flight;
  return caller.post("/api/v1/quotes", { origin, destination, flight_ids: [id], weight_kg });
}
/** Finds a rule among all of its kind. */
async function find(caller: Caller, path: string, member: string, value: string): Promise<Json> {
  let cursor = "";
  for (;;) {
    const answer = await caller.ask("GET", `${path}?limit=100${cursor && `&cursor=${cursor}`}`);
    const found = ((await answer.json()) as Json[]).find((rule) => rule[member] === value);
    const next = /[?&]cursor=([^&>]+)[^>]*>;\s*rel="next"/.exec(answer.headers.get("Link") ?? "")?.[1];
    if (found || !next) return found;
    cursor = next;
  }
}

test("a tariff is made, rates a quote, is changed against another's change, and is ended", async ({ page, world }) => {
  const admin = await world.adminOfTests();
  const flight = await world.flight("TRV", "CJB", 160, 1000);
  const code = fresh("T");
  await signIn(page, admin, "/admin/tariffs");
  await page.getByRole("button", { name: "New tariff" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel("Code", { exact: true }).fill(code);
  await dialog.getByLabel("Origin").fill("TRV");
  await dialog.getByLabel("Destination").fill("country:IN");
  await dialog.getByLabel("Currency").fill("USD");
  await dialog.getByLabel("Minimum charge").fill("75");
  await dialog.getByLabel("Normal rate per kg").fill("16");
  for (const [at, from, rate] of [
    [0, "45", "10"],
    [1, "100", "9"],
  ] as const) {
    await dialog.getByRole("button", { name: "Add a weight break" }).click();
    await dialog.getByLabel("From (kg)").nth(at).fill(from);
    await dialog.getByLabel("Rate per kg", { exact: true }).nth(at).fill(rate);
  }
  await dialog.getByLabel("First departure date").fill(today);
  await dialog.getByLabel("Flight numbers").fill(flight.flight_number);
  await dialog.getByRole("button", { name: "Save" }).click();
  await expect(dialog).toBeHidden();

  const made = await find(admin, "/api/v1/tariffs", "code", code);
  expect(made.breaks).toEqual([
    { from_kg: 45, rate: "10" },
    { from_kg: 100, rate: "9" },
  ]);
  const [line] = (await quote(admin, flight, 98)).lines;
  expect(line).toMatchObject({ code, rated_weight_kg: 100, amount: { amount: "900.00", currency: "USD" } });

  await open(page, code);
  await dialog.getByLabel("Rate per kg", { exact: true }).nth(1).fill("8");
  await admin.ask("PATCH", `/api/v1/tariffs/${made.id}`, { minimum: "80", breaks: [{ from_kg: 100, rate: "7" }] });
  await dialog.getByRole("button", { name: "Save" }).click();
  const meanwhile = dialog.getByRole("alert");
  await expect(meanwhile).toContainText("Weight breaks: is now from 100 kg 7 · you typed from 45 kg 10, from 100 kg 8");
  await expect(meanwhile).toContainText("Minimum charge: is now 80.00");
  await expect(dialog.getByLabel("Rate per kg", { exact: true }).nth(1)).toHaveValue("8");
  await expect(dialog.getByLabel("Minimum charge")).toHaveValue("80.00");
  await dialog.getByRole("button", { name: "Save" }).click();
  await expect(dialog).toBeHidden();
  const changed = await admin.get(`/api/v1/tariffs/${made.id}`);
  expect(changed).toMatchObject({ version: 3, minimum: "80.00" });
  expect(changed.breaks[1]).toEqual({ from_kg: 100, rate: "8" });
  await expect(page.getByRole("row").filter({ hasText: code })).toContainText("from 100 kg US$8");

  await open(page, code);
  await dialog.getByRole("button", { name: "End …" }).click();
  await dialog.getByRole("button", { name: "End", exact: true }).click();
  await expect(dialog).toBeHidden();
  await expect(page.getByRole("row").filter({ hasText: code })).toBeHidden();
  expect((await admin.ask("GET", `/api/v1/tariffs/${made.id}`)).status).toBe(404);
});

test("the faults of a tariff are at its fields, those of a break in its row", async ({ page, world }) => {
  const admin = await world.adminOfTests();
  const code = fresh("F");
  await signIn(page, admin, "/admin/tariffs");
  await page.getByRole("button", { name: "New tariff" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel("Code", { exact: true }).fill(code);
  await dialog.getByLabel("Origin").fill("Lndon");
  await dialog.getByLabel("Destination").fill("LHR");
  await dialog.getByLabel("Currency").fill("JPY");
  await dialog.getByLabel("Minimum charge").fill("75.5");
  await dialog.getByLabel("Normal rate per kg").fill("16");
  await dialog.getByRole("button", { name: "Add a weight break" }).click();
  await dialog.getByRole("button", { name: "Add a weight break" }).click();
  await dialog.getByLabel("From (kg)").nth(0).fill("45");
  await dialog.getByLabel("Rate per kg", { exact: true }).nth(0).fill("dear");
  await dialog.getByLabel("From (kg)").nth(1).fill("many");
  await dialog.getByLabel("Rate per kg", { exact: true }).nth(1).fill("9");
  await dialog.getByLabel("First departure date").fill(today);
  await dialog.getByLabel("Flight numbers").fill("AI1 nothing");
  await dialog.getByRole("button", { name: "Save" }).click();
  await expect(dialog.getByLabel("Origin")).toBeFocused();
  for (const label of ["Origin", "Minimum charge", "Flight numbers"])
    await expect(dialog.getByLabel(label), label).toHaveAttribute("aria-invalid", "true");
  await expect(dialog.getByText("nothing: ")).toBeVisible();
  const first = dialog.getByRole("group", { name: "weight break 1" });
  const second = dialog.getByRole("group", { name: "weight break 2" });
  await expect(first.getByLabel("Rate per kg")).toHaveAttribute("aria-invalid", "true");
  await expect(first.getByLabel("From (kg)")).not.toHaveAttribute("aria-invalid");
  await expect(second.getByLabel("From (kg)")).toHaveAttribute("aria-invalid", "true");
  await expect(dialog.getByLabel("Destination")).not.toHaveAttribute("aria-invalid");
  expect(await find(admin, "/api/v1/tariffs", "code", code)).toBeUndefined();

  await dialog.getByLabel("Origin").fill("city:London,GB");
  await dialog.getByLabel("Minimum charge").fill("75");
  await dialog.getByLabel("Flight numbers").fill("AI1");
  await first.getByLabel("Rate per kg").fill("10");
  await second.getByRole("button", { name: "Remove" }).click();
  await dialog.getByRole("button", { name: "Save" }).click();
  await expect(dialog).toBeHidden();
  const made = await find(admin, "/api/v1/tariffs", "code", code);
  expect(made.breaks).toEqual([{ from_kg: 45, rate: "10" }]);
  await admin.ask("DELETE", `/api/v1/tariffs/${made.id}`);
});

test("a surcharge and a sale are made, and a quote has both", async ({ page, world }) => {
  const admin = await world.adminOfTests();
  const flight = await world.flight("TRV", "CJB", 164, 1000);
  const numbers = [flight.flight_number];
  const scopes = { origin: "TRV", destination: "CJB", flight_numbers: numbers, valid_from: today };
  const rates = { code: fresh("T"), currency: "USD", minimum: "10", normal: "10" };
  const tariff = await admin.post("/api/v1/tariffs", { ...scopes, ...rates });
  const dialog = page.getByRole("dialog");
  const fill = async (fields: Record<string, string>) => {
    for (const [label, text] of Object.entries(fields)) await dialog.getByLabel(label, { exact: true }).fill(text);
    for (const [label, text] of [
      ["Origin", "TRV"],
      ["Destination", "CJB"],
      ["First departure date", today],
      ["Flight numbers", flight.flight_number],
    ] as const)
      await dialog.getByLabel(label, { exact: true }).fill(text);
    await dialog.getByRole("button", { name: "Save" }).click();
    await expect(dialog).toBeHidden();
  };
  await signIn(page, admin, "/admin/surcharges");
  await page.getByRole("button", { name: "New surcharge" }).click();
  await dialog.getByLabel("Basis").selectOption("Flat amount");
  await fill({ Code: "QQC", Rate: "50", Currency: "USD" });
  const code = fresh("S");
  await page.goto("/admin/sales");
  await page.getByRole("button", { name: "New sale" }).click();
  await fill({
    Code: code,
    Amount: "100",
    Currency: "USD",
    "First date of quotes": today,
    "Last date of quotes": today,
  });

  const asked = { origin: "TRV", destination: "CJB", flight_ids: [flight.id], weight_kg: 100 };
  const { lines } = await admin.post("/api/v1/quotes", { ...asked, discount_code: code });
  expect(lines.map((line: Json) => [line.code, line.amount.amount])).toEqual(
    expect.arrayContaining([
      [tariff.code, "1000.00"],
      [code, "-100.00"],
      ["QQC", "50.00"],
    ]),
  );
  const sale = await find(admin, "/api/v1/sales", "code", code);
  await expect(page.getByRole("row").filter({ hasText: code })).toContainText("US$100.00");
  await open(page, code);
  await dialog.getByLabel("Amount").fill("");
  await dialog.getByLabel("Currency").fill("");
  await dialog.getByLabel("Discount in percent").fill("12.5");
  await dialog.getByRole("button", { name: "Save" }).click();
  await expect(dialog).toBeHidden();
  expect(await admin.get(`/api/v1/sales/${sale.id}`)).toMatchObject({ percent: "12.5", amount: null });
  const all = (await admin.get("/api/v1/surcharges?limit=100")) as Json[];
  for (const rule of all.filter((it) => it.code === "QQC" && it.flight_numbers[0] === flight.flight_number))
    await admin.ask("DELETE", `/api/v1/surcharges/${rule.id}`);
  await admin.ask("DELETE", `/api/v1/sales/${sale.id}`);
  await admin.ask("DELETE", `/api/v1/tariffs/${tariff.id}`);
});

test("an embargo makes the search say so, and its end makes the flight bookable", async ({ page, world }) => {
  const admin = await world.adminOfTests();
  const flight = await world.flight("TRV", "CJB", 168, 1000);
  const day = flight.departure_local.slice(0, 10);
  const weekday = new Date(`${day}T00:00Z`).toLocaleDateString("en", { weekday: "short", timeZone: "UTC" });
  const name = fresh("Hall");
  await signIn(page, admin, "/admin/embargoes");
  await page.getByRole("button", { name: "New embargo" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel("Name").fill(name);
  await dialog.getByLabel("Reason").fill("The hall is closed.");
  await dialog.getByLabel("Handling codes", { exact: true }).selectOption("AVI · Live animals");
  await dialog.getByLabel("Origin").fill("TRV");
  await dialog.getByLabel("Destination").fill("*");
  await dialog.getByLabel("First departure date").fill(today);
  await dialog.getByLabel("Flight numbers").fill(flight.flight_number);
  await dialog.getByLabel(weekday, { exact: true }).check();
  await dialog.getByRole("button", { name: "Save" }).click();
  await expect(dialog).toBeHidden();
  await expect(page.getByRole("row").filter({ hasText: name })).toContainText(`freight with AVI`);
  await expect(page.getByRole("row").filter({ hasText: name })).toContainText(weekday);

  const search = `/?origin=TRV&destination=CJB&date=${day}&weight=50&handling=AVI`;
  await page.goto(search);
  const stopped = `${flight.flight_number} does not carry this cargo: an embargo applies.`;
  await expect(page.getByText(stopped)).toBeVisible();

  await page.goto("/admin/embargoes");
  await open(page, name);
  await dialog.getByLabel("Effect on the freight").selectOption("Needs a handling code");
  await dialog.getByRole("button", { name: "Save" }).click();
  const required = dialog.getByLabel("Required handling codes");
  await expect(required).toHaveAttribute("aria-invalid", "true");
  for (const code of ["CRT", "COL", "ERT"]) await required.selectOption(code);
  await dialog.getByRole("button", { name: "Remove COL" }).click();
  await dialog.getByRole("button", { name: "Save" }).click();
  await expect(dialog).toBeHidden();
  await page.goto(search);
  await expect(page.getByText(`${flight.flight_number} requires a handling code that you did not give.`)).toBeVisible();

  const embargo = await find(admin, "/api/v1/embargoes", "name", name);
  expect(embargo.effect).toEqual({ require_any: ["CRT", "ERT"] });
  await page.goto("/admin/embargoes");
  await open(page, name);
  await dialog.getByRole("button", { name: "End …" }).click();
  await dialog.getByRole("button", { name: "End", exact: true }).click();
  await expect(dialog).toBeHidden();
  expect((await admin.ask("GET", `/api/v1/embargoes/${embargo.id}`)).status).toBe(404);
});

test("an allotment of an organization shows what it keeps on its flights, and what was drawn", async ({
  page,
  world,
}) => {
  const admin = await world.adminOfTests();
  const { url, email, password } = await world.customer();
  const company = fresh("Crate");
  const organization = await admin.post("/api/v1/organizations", { name: company });
  const [user] = (await admin.get(`/api/v1/users?q=${email}`)) as Json[];
  expect((await admin.ask("PATCH", `/api/v1/users/${user.id}`, { organization_id: organization.id })).status).toBe(200);
  // The move ended the sessions of the user.
  const { access_token } = await world.anonymous().post("/api/v1/auth/login", { email, password });
  const customer = new Caller(url, email, password, access_token);
  const flight = await world.flight("TRV", "CJB", 172, 1000);
  const small = await world.flight("TRV", "CJB", 196, 200, { flight_number: flight.flight_number });
  const day = flight.departure_local.slice(0, 10);
  const name = fresh("Weekly");
  await signIn(page, admin, "/admin/allotments");
  await page.getByRole("button", { name: "New allotment" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel("Organization").fill(company);
  await page.getByRole("option", { name: company }).click();
  await expect(dialog.getByLabel("Organization")).toHaveValue(company);
  await dialog.getByLabel("Name").fill(name);
  await dialog.getByLabel("Origin").fill("TRV");
  await dialog.getByLabel("Destination").fill("CJB");
  await dialog.getByLabel("First departure date").fill(day);
  await dialog.getByLabel("Last departure date").fill(small.departure_local.slice(0, 10));
  await dialog.getByLabel("Flight number").fill(flight.flight_number);
  await dialog.getByLabel("Weight (kg)").fill("400");
  await dialog.getByRole("button", { name: "Save" }).click();
  await expect(dialog).toBeHidden();
  const row = page.getByRole("row").filter({ hasText: name });
  await expect(row).toContainText(company);
  await expect(row).toContainText("48 h before departure");

  const made = await find(admin, "/api/v1/allotments", "name", name);
  expect(made).toMatchObject({ organization_id: organization.id, weight_kg: 400, release_hours: 48 });
  const flights = async () => (await admin.get(`/api/v1/allotments/${made.id}/flights`)) as Json[];
  await expect.poll(async () => (await flights()).length, { timeout: 40_000 }).toBe(2);
  await world.book(customer, [flight], 100);
  await row.getByRole("button", { name: `Flights ${name}` }).click();
  const kept = dialog.getByRole("row").filter({ hasText: "Kept" }).filter({ hasText: "300 kg left of 400 kg" });
  await expect(kept).toContainText("100 kg");
  await expect(dialog.getByRole("row").filter({ hasText: "Too little room" })).toBeVisible();
  expect((await flights()).map((one) => [one.status, one.kept.weight_kg, one.drawn.weight_kg])).toEqual([
    ["KEPT", 300, 100],
    ["SHORT", 0, 0],
  ]);
  await page.keyboard.press("Escape");
  await open(page, name);
  await expect(dialog.getByLabel("Organization")).toHaveAttribute("readonly");
  await dialog.getByRole("button", { name: "End …" }).click();
  await dialog.getByRole("button", { name: "End", exact: true }).click();
  await expect(dialog).toBeHidden();
  expect((await admin.ask("GET", `/api/v1/allotments/${made.id}`)).status).toBe(404);
});

test("lists of prices show what the configuration has in force", async ({ page, world }) => {
  const admin = await world.adminOfTests();
  const configured = await admin.get("/api/v1/tariffs/default");
  expect(configured.is_in_force).toBe(true);
  await signIn(page, admin, "/admin/tariffs");
  const section = page.getByRole("region", { name: "From the configuration" });
  await expect(section).toContainText("In force: pricing.default_tariff");
  await expect(section).toContainText("$6.5 per kg");
  await expect(section).toContainText("at least US$75.00");
  await page.goto("/admin/surcharges");
  await expect(section.getByRole("listitem")).toHaveCount(configured.surcharges.length);
  await expect(section.getByRole("listitem").filter({ hasText: "MYC" })).toContainText("$0.85 per chargeable kg");
  await page.goto("/admin/sales");
  await expect(page.getByRole("heading", { level: 1, name: "Sales" })).toBeVisible();
  await expect(section).toHaveCount(0);
});
