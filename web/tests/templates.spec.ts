// Booking templates: saved from a booking and while one is made, listed, used, renamed, deleted and found.
import type { Page } from "@playwright/test";
import { violationsOf } from "./axe";
import { expect, signIn, test, type Caller, type Json } from "./world";

const LIST = "/parties?show=templates";
const SHIPPER = { name: "Sole Traders", city: "Kochi", country_code: "IN" };
const CONSIGNEE = { name: "Nordwerk", street: "Am Wall 1", city: "Bremen", country_code: "DE" };
const MORE = {
  ...{ description: "Running shoes", customer_reference: "PO 17", special_handling_codes: ["HEA"], volume_m3: 0.9 },
  ...{ shipper: SHIPPER, consignee: CONSIGNEE },
};

const templates = (caller: Caller): Promise<Json> => caller.get("/api/v1/booking-templates");
const make = (caller: Caller, name: string, more: object = {}): Promise<Json> =>
  caller.post("/api/v1/booking-templates", { name, ...more });
const saving = (page: Page) => page.getByRole("dialog", { name: "Save as template" });
const nameOf = (page: Page) => page.getByRole("dialog").getByLabel("Name of the template");
const rowOf = (page: Page, name: string) => page.getByRole("main").getByRole("row").filter({ hasText: name });
const party = (page: Page, role: string) => page.getByRole("group", { name: role });

/** What an address says of parties and contents. */
const PRIVATE = /Sole|Nordwerk|Bremen|shoes/;

test("a booking is saved as a template, and a booking that is made with it has each of its members", async ({
  page,
  world,
}) => {
  const flight = await world.flight("VTZ", "BBI", 30, 1000);
  const customer = await world.customer();
  const before = await world.book(customer, [flight], 120.5, MORE);
  await signIn(page, customer);
  await page.goto(`/bookings/${before.ref_id}`);
  await page.getByRole("button", { name: "Save as template" }).click();
  await expect(nameOf(page)).toHaveValue("VTZ–BBI Running shoes");
  for (const kept of ["VTZ – BBI", "120.5 kg", "0.9 m³", "Running shoes", "HEA", "Sole Traders", "Nordwerk"])
    await expect(saving(page).locator("dl")).toContainText(kept);
  await expect(saving(page)).not.toContainText("PO 17");
  await saving(page).getByRole("button", { name: "Save" }).click();
  await expect(saving(page)).toBeHidden();
  await expect(page.locator('[aria-live="polite"]')).toContainText("VTZ–BBI Running shoes is kept as a template.");
  const kept = await templates(customer);
  expect(kept).toHaveLength(1);
  expect(kept[0]).toMatchObject({
    ...{
      name: "VTZ–BBI Running shoes",
      origin: "VTZ",
      destination: "BBI",
      weight_kg: 120.5,
      pieces: 3,
      volume_m3: 0.9,
    },
    ...{ description: "Running shoes", special_handling_codes: ["HEA"], product: null },
    ...{ shipper: SHIPPER, consignee: CONSIGNEE },
  });

  await page.getByRole("main").getByRole("link", { name: "Booking templates" }).click();
  await expect(page.getByRole("heading", { name: "Booking templates", level: 1 })).toBeVisible();
  await expect(page).toHaveTitle("Booking templates · Loadmaster");
  const row = rowOf(page, "VTZ–BBI Running shoes");
  await expect(row).toContainText("VTZ – BBI");
  await expect(row).toContainText("120.5 kg");
  await row.getByRole("button", { name: "Use VTZ–BBI Running shoes" }).click();
  const option = page.getByRole("row").filter({ hasText: flight.flight_number });
  await expect(option.getByRole("link", { name: "Book" })).toBeVisible();
  const address = new URL(page.url());
  expect(Object.fromEntries(address.searchParams)).toEqual({
    ...{ origin: "VTZ", destination: "BBI", pieces: "3", weight: "120.5", volume: "0.9", handling: "HEA", again: "1" },
    date: flight.departure_local.slice(0, 10),
  });
  await option.getByRole("link", { name: "Book" }).click();

  await expect(party(page, "Shipper").getByLabel("Name")).toHaveValue("Sole Traders");
  await expect(party(page, "Shipper").getByLabel("City")).toHaveValue("Kochi");
  await expect(party(page, "Consignee").getByLabel("Name")).toHaveValue("Nordwerk");
  await expect(party(page, "Consignee").getByLabel("Street")).toHaveValue("Am Wall 1");
  await expect(party(page, "Consignee").getByLabel("Country")).toHaveValue("DE");
  await expect(page.getByLabel("Pieces")).toHaveValue("3");
  await expect(page.getByLabel("Contents")).toHaveValue("Running shoes");
  await expect(page.getByLabel("Your reference")).toHaveValue("");
  await expect(page.getByRole("region", { name: "Room that is held" })).toContainText("120.5 kg");
  expect(decodeURIComponent(page.url())).not.toMatch(PRIVATE);
  await page.getByRole("button", { name: "Review" }).click();
  await page.getByRole("button", { name: "Book", exact: true }).click();
  await expect(page.getByRole("heading", { name: "Booked" })).toBeVisible();
  const bookings = await customer.get("/api/v1/bookings");
  expect(bookings).toHaveLength(2);
  expect(bookings.find((one: Json) => one.ref_id !== before.ref_id)).toMatchObject({
    ...{ flight_ids: [flight.id], pieces: 3, weight_kg: 120.5, volume_m3: 0.9, special_handling_codes: ["HEA"] },
    ...{ description: "Running shoes", customer_reference: null, shipper: SHIPPER, consignee: CONSIGNEE },
  });
});

test("another template on the same option fills the form with its own parties, also after going back", async ({
  page,
  world,
}) => {
  const flight = await world.flight("VTZ", "BBI", 30, 1000);
  const customer = await world.customer();
  const lane = { origin: "VTZ", destination: "BBI", weight_kg: 60, pieces: 1 };
  await make(customer, "To Bremen", { ...lane, description: "Running shoes", consignee: CONSIGNEE });
  await make(customer, "To Kochi", { ...lane, description: "Hats", consignee: SHIPPER });
  await signIn(page, customer);
  const use = async (name: string) => {
    await page.goto(LIST);
    await page.getByRole("button", { name: `Use ${name}` }).click();
    const option = page.getByRole("row").filter({ hasText: flight.flight_number });
    await option.getByRole("link", { name: "Book" }).click();
  };
  await use("To Bremen");
  await expect(party(page, "Consignee").getByLabel("Name")).toHaveValue("Nordwerk");
  await expect(page).toHaveURL(/hold=/);
  const first = page.url();
  await use("To Kochi");
  await expect(party(page, "Consignee").getByLabel("Name")).toHaveValue("Sole Traders");
  await expect(page.getByLabel("Contents")).toHaveValue("Hats");
  await expect(page).toHaveURL(/hold=/);
  // The option of the first search is held anew, by its own template.
  await page.goto(first.replace(/&hold=[^&]+/, ""));
  await expect(party(page, "Consignee").getByLabel("Name")).toHaveValue("Nordwerk");
  await expect(page.getByLabel("Contents")).toHaveValue("Running shoes");
});

test("what is entered for a booking is saved as a template, under a name that no other one has", async ({
  page,
  world,
}) => {
  const flight = await world.flight("VNS", "IXR", 40, 1000);
  const customer = await world.customer();
  await make(customer, "vns–ixr glass");
  await signIn(page, customer);
  await page.goto(`/book?flights=${flight.id}&weight=80&pieces=4&handling=HEA`);
  await page.getByLabel("Contents").fill("Glass");
  await page.getByLabel("Your reference").fill("PO 18");
  await party(page, "Shipper").getByLabel("Name").fill("Sole Traders");
  await party(page, "Shipper").getByLabel("E-mail").fill("nobody");
  await page.getByRole("button", { name: "Save as template" }).click();
  await expect(nameOf(page)).toHaveValue("VNS–IXR Glass");
  // A fault of what is entered is said; nothing is kept.
  await saving(page).getByRole("button", { name: "Save" }).click();
  await expect(saving(page).getByRole("alert")).toContainText("E-mail");
  await saving(page).getByRole("button", { name: "Back" }).click();
  await party(page, "Shipper").getByLabel("E-mail").fill("sole@traders.example");
  await page.getByRole("button", { name: "Save as template" }).click();
  await expect(saving(page).getByRole("alert")).toHaveCount(0);
  await saving(page).getByRole("button", { name: "Save" }).click();
  await expect(nameOf(page)).toBeFocused();
  await expect(nameOf(page)).toHaveAttribute("aria-invalid", "true");
  await expect(saving(page)).toContainText("Another template of your organization has this name.");
  expect(await templates(customer)).toHaveLength(1);
  await nameOf(page).fill("Glass");
  await saving(page).getByRole("button", { name: "Save" }).click();
  await expect(saving(page)).toBeHidden();
  await expect(page.getByRole("main").getByText("Glass is kept as a template.")).toBeVisible();
  const [kept] = await templates(customer);
  expect(kept).toMatchObject({
    ...{ name: "Glass", origin: "VNS", destination: "IXR", weight_kg: 80, pieces: 4, description: "Glass" },
    ...{ special_handling_codes: ["HEA"], consignee: null, product: null },
    shipper: { name: "Sole Traders", email: "sole@traders.example" },
  });
  // The booking goes on.
  await page.getByRole("button", { name: "Review" }).click();
  await expect(page.getByRole("heading", { name: "Review" })).toBeVisible();
});

test("guests save no templates, and staff none of the bookings of others", async ({ page, world }) => {
  const flight = await world.flight("VNS", "IXR", 41, 1000);
  await page.goto(`/book?flights=${flight.id}&weight=80&pieces=4`);
  await expect(party(page, "Shipper")).toBeVisible();
  await expect(page.getByRole("button", { name: "Save as template" })).toHaveCount(0);
  const { ref_id } = await world.book(await world.customer(), [flight]);
  await signIn(page, await world.operator());
  await page.goto(`/bookings/${ref_id}`);
  await expect(page.getByRole("button", { name: `Again ${ref_id}` })).toBeVisible();
  await expect(page.getByRole("button", { name: "Save as template" })).toHaveCount(0);
});

test("templates are looked for, renamed after a look at what a colleague changed, and deleted", async ({
  page,
  world,
}) => {
  const customer = await world.customer();
  const engines = await make(customer, "Engines", { origin: "VTZ", weight_kg: 900, product: "EXPRESS" });
  await make(customer, "Roses");
  await signIn(page, customer, "/parties");
  await page.getByRole("main").getByRole("link", { name: "Templates" }).click();
  await expect(rowOf(page, "Engines")).toContainText("VTZ – …");
  await expect(rowOf(page, "Engines")).toContainText("900 kg");
  await expect(rowOf(page, "Engines")).toContainText("EXPRESS");
  await expect(rowOf(page, "Roses")).toBeVisible();
  await page.getByLabel("Part of the name").fill("engi");
  await page.getByRole("button", { name: "Find", exact: true }).click();
  await expect(rowOf(page, "Roses")).toHaveCount(0);
  await expect(page).toHaveURL(/show=templates&q=engi/);

  const dialog = page.getByRole("dialog", { name: "Rename" });
  await page.getByRole("button", { name: "Rename Engines" }).click();
  await expect(nameOf(page)).toHaveValue("Engines");
  await nameOf(page).fill("ROSES");
  await dialog.getByRole("button", { name: "Rename" }).click();
  await expect(dialog).toContainText("Another template of your organization has this name.");
  await expect(nameOf(page)).toBeFocused();
  const path = `/api/v1/booking-templates/${engines.id}`;
  expect((await customer.ask("PATCH", path, { name: "Engines of Pune", pieces: 2 })).status).toBe(200);
  await nameOf(page).fill("Engines north");
  await dialog.getByRole("button", { name: "Rename" }).click();
  await expect(dialog.getByRole("alert")).toContainText("it is named Engines of Pune now");
  await expect(nameOf(page)).toHaveValue("Engines north");
  expect((await customer.get(path)).name).toBe("Engines of Pune");
  await dialog.getByRole("button", { name: "Rename" }).click();
  await expect(dialog).toBeHidden();
  await expect(rowOf(page, "Engines north")).toBeVisible();
  expect(await customer.get(path)).toMatchObject({ name: "Engines north", pieces: 2, origin: "VTZ", version: 3 });

  await rowOf(page, "Engines north")
    .getByRole("button", { name: /^Delete …/ })
    .click();
  await expect(rowOf(page, "Engines north").getByRole("alert")).toContainText("Delete Engines north?");
  await rowOf(page, "Engines north").getByRole("button", { name: "Delete Engines north" }).click();
  await expect(page.getByText("No template has this name.")).toBeVisible();
  expect((await templates(customer)).map((one: Json) => one.name)).toEqual(["Roses"]);
});

test("a list without templates says where they come from, and one that cannot be read is tried again", async ({
  page,
  world,
}) => {
  await page.route("**/api/v1/booking-templates?*", (route) =>
    route.fulfill({ status: 500, contentType: "application/problem+json", body: "{}" }),
  );
  await signIn(page, await world.customer(), "/parties");
  await page.getByRole("main").getByRole("link", { name: "Templates" }).click();
  await expect(page.getByRole("button", { name: "Try again" })).toBeVisible();
  await page.unroute("**/api/v1/booking-templates?*");
  await page.getByRole("button", { name: "Try again" }).click();
  await expect(page.getByText("Your organization has no templates.")).toBeVisible();
});

test("a template without lane and weight is of the lane that is searched for, until another one is", async ({
  page,
  world,
}) => {
  const flight = await world.flight("VNS", "IXR", 42, 1000);
  const customer = await world.customer();
  await make(customer, "Anywhere", { pieces: 2, description: "Running shoes", shipper: SHIPPER });
  await signIn(page, customer);
  await page.goto(LIST);
  await page.getByRole("button", { name: "Use Anywhere" }).click();
  await expect(page).toHaveURL(/\/[?]pieces=2&again=1$/);
  await expect(page.getByLabel("Pieces")).toHaveValue("2");
  await page.getByLabel("From", { exact: true }).fill("VNS");
  await page.getByLabel("To", { exact: true }).fill("IXR");
  await page.getByLabel("Departure", { exact: true }).fill(flight.departure_local.slice(0, 10));
  await page.getByRole("button", { name: "Search", exact: true }).click();
  await expect(page).toHaveURL(/origin=VNS/);
  await expect(page).toHaveURL(/again=1/);
  const option = page.getByRole("row").filter({ hasText: flight.flight_number });
  await option.getByRole("link", { name: "Book" }).click();
  const hold = page.getByRole("button", { name: "Hold room" });
  // The page of the search has a weight, too.
  await expect(hold).toBeVisible();
  await page.getByLabel("Weight (kg)").fill("75");
  await hold.click();
  await expect(party(page, "Shipper").getByLabel("Name")).toHaveValue("Sole Traders");
  await expect(page.getByLabel("Contents")).toHaveValue("Running shoes");
  await expect(page.getByLabel("Pieces")).toHaveValue("2");
  expect(decodeURIComponent(page.url())).not.toMatch(PRIVATE);

  await page.goto("/?origin=VNS&destination=IXR&again=1");
  await page.getByLabel("From", { exact: true }).fill("BBI");
  await page.getByLabel("From", { exact: true }).press("Enter");
  await expect(page).toHaveURL(/origin=BBI/);
  await expect(page).not.toHaveURL(/again/);
});

test("“Find anything” begins a booking with a template, and a template is renamed, by keyboard alone", async ({
  page,
  world,
}) => {
  const customer = await world.customer();
  await make(customer, "VTZ–BBI Turbine blades", {
    origin: "VTZ",
    destination: "BBI",
    weight_kg: 75,
    shipper: SHIPPER,
  });
  await signIn(page, customer, "/account");
  const finder = page.getByRole("dialog", { name: "Find anything" });
  await expect(page.locator("main h1")).toBeVisible();
  // The dash of its name is on no keyboard.
  for (const typed of ["turbine", "vtz-bbi"]) {
    await page.keyboard.press("Control+k");
    await expect(finder.getByRole("combobox")).toBeFocused();
    await page.keyboard.type(typed);
    const found = finder.getByRole("group", { name: "Book with a template" }).getByRole("option");
    await expect(found).toHaveText([/VTZ–BBI Turbine blades\s*VTZ – BBI · 75 kg/]);
    await page.keyboard.press("Escape");
    await expect(finder).toBeHidden();
  }
  await page.keyboard.press("Control+k");
  await expect(finder.getByRole("combobox")).toBeFocused();
  await page.keyboard.type("turbine");
  await page.keyboard.press("Enter");
  await expect(page).toHaveURL(/\/[?]origin=VTZ&destination=BBI&date=[\d-]+&weight=75&again=1$/);
  await expect(finder).toBeHidden();
  await expect(page.getByRole("heading", { level: 1 })).toBeFocused();
  expect(decodeURIComponent(page.url())).not.toMatch(PRIVATE);

  await page.goto(LIST);
  const rename = page.getByRole("button", { name: /^Rename/ });
  await rename.focus();
  await page.keyboard.press("Enter");
  await expect(page.getByRole("dialog", { name: "Rename" })).toBeVisible();
  await expect(page.getByRole("dialog").getByRole("button", { name: "Close" })).toBeFocused();
  await page.keyboard.press("Tab");
  await expect(nameOf(page)).toBeFocused();
  await page.keyboard.press("ControlOrMeta+A");
  await page.keyboard.type("Blades");
  await page.keyboard.press("Enter");
  await expect(page.getByRole("dialog")).toBeHidden();
  await expect(page.getByRole("button", { name: "Rename Blades" })).toBeFocused();
  expect((await templates(customer)).map((one: Json) => one.name)).toEqual(["Blades"]);
});

test("another organization neither lists nor finds a template", async ({ page, world }) => {
  await make(await world.customer(), "Turbine blades", { shipper: SHIPPER });
  const stranger = await world.customer();
  await signIn(page, stranger, "/parties");
  await page.getByRole("main").getByRole("link", { name: "Templates" }).click();
  await expect(page.getByText("Your organization has no templates.")).toBeVisible();
  await page.keyboard.press("Control+k");
  const finder = page.getByRole("dialog", { name: "Find anything" });
  await finder.getByRole("combobox").fill("turbine blades");
  await expect(finder).toContainText("Nothing found.");
});

test("templates and their dialogs fit 360 pixels, in both languages, and axe finds nothing", async ({
  page,
  world,
}) => {
  const flight = await world.flight("VNS", "IXR", 43, 1000);
  const customer = await world.customer();
  const { ref_id } = await world.book(customer, [flight], 100, MORE);
  await make(customer, "W".repeat(60), { ...MORE, customer_reference: undefined, origin: "VNS", destination: "IXR" });
  const isSound = async (what: string) => {
    expect(await violationsOf(page), what).toEqual([]);
    expect(await page.evaluate(() => document.documentElement.scrollWidth), what).toBeLessThanOrEqual(360);
    const dialog = page.getByRole("dialog");
    if (await dialog.count())
      expect(await dialog.evaluate((box) => box.scrollWidth - box.clientWidth), what).toBeLessThanOrEqual(0);
  };
  await page.setViewportSize({ width: 360, height: 800 });
  await signIn(page, customer);
  for (const [language, save, rename] of [
    ["en", "Save as template", "Rename"],
    ["de", "Als Vorlage speichern", "Umbenennen"],
  ] as const) {
    await page.evaluate((chosen) => localStorage.setItem("loadmaster.language", chosen), language);
    await page.goto(LIST);
    await expect(page.locator("html")).toHaveAttribute("lang", language);
    await expect(rowOf(page, "W".repeat(60))).toBeVisible();
    await isSound(`the list, ${language}`);
    await page.getByRole("button", { name: new RegExp(`^${rename}`) }).click();
    await expect(page.getByRole("dialog", { name: rename })).toBeVisible();
    await isSound(`the new name, ${language}`);
    await page.goto(`/bookings/${ref_id}`);
    await page.getByRole("button", { name: save }).click();
    await expect(page.getByRole("dialog", { name: save })).toBeVisible();
    await isSound(`what is kept, ${language}`);
  }
});
