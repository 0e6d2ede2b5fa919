// The address book: parties are kept, taken into a booking, changed and deleted.
import { expect, signIn, test, type Json } from "./world";

const NORDWERK = {
  ...{ name: "Nordwerk GmbH", street: "Am Wall 1", city: "Bremen", postal_code: "28195", country_code: "DE" },
  email: "dock@nordwerk.example",
};

test("a party of the address book fills the fields of a booking", async ({ page, world }) => {
  const flight = await world.flight("TRV", "CJB", 240, 1000);
  const customer = await world.customer();
  await customer.post("/api/v1/parties", { name: "Sole Traders", city: "Kochi" });
  await customer.post("/api/v1/parties", NORDWERK);
  await signIn(page, customer);
  await page.goto(`/book?flights=${flight.id}&weight=100&pieces=2`);
  const consignee = page.getByRole("group", { name: "Consignee" });
  await consignee.getByLabel("Street").fill("Typed before");
  await consignee.getByRole("combobox", { name: "From the address book" }).fill("nord");
  await consignee.getByRole("option", { name: "Nordwerk GmbH Bremen, DE" }).click();
  await expect(consignee.getByLabel("Name")).toHaveValue("Nordwerk GmbH");
  await expect(consignee.getByLabel("Street")).toHaveValue("Am Wall 1");
  await expect(consignee.getByLabel("Country")).toHaveValue("DE");
  await expect(consignee.getByText("Nordwerk GmbH is in the address book.")).toBeVisible();
  const shipper = page.getByRole("group", { name: "Shipper" });
  await expect(shipper.getByLabel("Name")).toHaveValue("");
  // By keyboard, too: Enter takes the only one that is found, and does not send the form.
  await shipper.getByRole("combobox", { name: "From the address book" }).fill("sole");
  await expect(shipper.getByRole("option", { name: "Sole Traders Kochi" })).toBeVisible();
  await page.keyboard.press("Enter");
  await expect(shipper.getByLabel("Name")).toHaveValue("Sole Traders");
  await expect(page.getByRole("heading", { name: "Shipment" })).toBeVisible();
  await page.getByRole("button", { name: "Review" }).click();
  await expect(page.getByRole("heading", { name: "Review" })).toBeVisible();
  const [hold] = await customer.get("/api/v1/holds");
  expect(hold.consignee).toMatchObject(NORDWERK);
  expect(hold.shipper).toMatchObject({ name: "Sole Traders", city: "Kochi", street: null });
});

test("a party that is entered for a booking is kept once it is right", async ({ page, world }) => {
  const flight = await world.flight("TRV", "CJB", 241, 1000);
  const customer = await world.customer();
  await signIn(page, customer);
  await page.goto(`/book?flights=${flight.id}&weight=100&pieces=2`);
  const shipper = page.getByRole("group", { name: "Shipper" });
  const keep = shipper.getByRole("button", { name: "Keep in the address book Shipper" });
  await expect(keep).toBeDisabled();
  await shipper.getByLabel("Name").fill("Sole Traders");
  await shipper.getByLabel("E-mail").fill("nobody");
  await keep.click();
  await expect(shipper.getByLabel("E-mail")).toBeFocused();
  await expect(shipper.getByLabel("E-mail")).toHaveAttribute("aria-invalid", "true");
  expect(await customer.get("/api/v1/parties")).toEqual([]);
  await shipper.getByLabel("E-mail").fill("sole@traders.example");
  await keep.click();
  await expect(shipper.getByText("Sole Traders is in the address book.")).toBeVisible();
  const kept = await customer.get("/api/v1/parties");
  expect(kept).toHaveLength(1);
  expect(kept[0]).toMatchObject({ name: "Sole Traders", email: "sole@traders.example", street: null });
});

test("a guest has no address book", async ({ page, world }) => {
  const flight = await world.flight("TRV", "CJB", 242, 1000);
  await page.goto(`/book?flights=${flight.id}&weight=100&pieces=2`);
  await expect(page.getByRole("group", { name: "Shipper" })).toBeVisible();
  await expect(page.getByLabel("From the address book")).toHaveCount(0);
});

test("the address book is searched, added to, changed and deleted from", async ({ page, world }) => {
  const customer = await world.customer();
  const nordwerk: Json = await customer.post("/api/v1/parties", NORDWERK);
  await signIn(page, customer, "/parties");
  const entries = page.getByRole("list", { name: "Address book" }).getByRole("listitem");
  await page.getByRole("button", { name: "Add a party" }).click();
  await page.getByLabel("Name", { exact: true }).fill("Sole Traders");
  await page.getByRole("button", { name: "Save" }).click();
  await expect(entries).toHaveCount(2);
  await page.getByLabel("Part of the name").fill("nord");
  await page.getByRole("button", { name: "Find", exact: true }).click();
  await expect(entries).toHaveCount(1);
  await page.getByRole("button", { name: "Edit Nordwerk GmbH" }).click();
  await expect(page.getByLabel("City")).toHaveValue("Bremen");
  await expect(page.getByRole("button", { name: "Add a party" })).toBeEnabled();
  await page.getByLabel("City").fill("Kiel");
  // What is entered is saved or given up before another form takes its place.
  for (const name of ["Add a party", "Find"])
    await expect(page.getByRole("button", { name, exact: true })).toBeDisabled();
  // A colleague is quicker: what is now stands above the form, and is replaced only when it was seen.
  const path = `/api/v1/parties/${nordwerk.id}`;
  expect((await customer.ask("PATCH", path, { street: "Am Hafen 2" })).status).toBe(200);
  await page.getByRole("button", { name: "Save" }).click();
  await expect(page.getByRole("alert")).toContainText("Somebody else changed this party.");
  await expect(entries.getByText("Am Hafen 2")).toBeVisible();
  await expect(page.getByLabel("City")).toHaveValue("Kiel");
  expect((await customer.get(path)).city).toBe("Bremen");
  await page.getByLabel("Street").fill("Am Hafen 2");
  await page.getByRole("button", { name: "Save" }).click();
  await expect(page.getByLabel("City")).toHaveCount(0);
  expect(await customer.get(path)).toMatchObject({ city: "Kiel", street: "Am Hafen 2", version: 3 });
  await page.getByRole("button", { name: /^Delete/ }).click();
  await page.getByRole("button", { name: /^Delete/ }).click();
  await expect(page.getByText("No party fits.")).toBeVisible();
  expect(await customer.get("/api/v1/parties")).toHaveLength(1);
});

test("a row of a spreadsheet that is pasted into the name fills the party", async ({ page, world, context }) => {
  await context.grantPermissions(["clipboard-read", "clipboard-write"]);
  const flight = await world.flight("TRV", "CJB", 243, 1000);
  const customer = await world.customer();
  await signIn(page, customer);
  await page.goto(`/book?flights=${flight.id}&weight=100&pieces=2`);
  const shipper = page.getByRole("group", { name: "Shipper" });
  const paste = async (text: string) => {
    await page.evaluate((copied) => navigator.clipboard.writeText(copied), text);
    await shipper.getByLabel("Name").focus();
    await page.keyboard.press("ControlOrMeta+V");
  };
  await paste("Nordwerk GmbH\tAm Wall 1\tBremen\t28195\tGermany\t+49 30 555777\r\n");
  await expect(shipper.getByLabel("Name")).toHaveValue("Nordwerk GmbH");
  await expect(shipper.getByLabel("Country")).toHaveValue("DE");
  await expect(shipper.getByLabel("Phone")).toHaveValue("+49 30 555777");
  await expect(page.locator('[aria-live="polite"]')).toContainText("Shipper: 6 fields filled.");
  await page.getByRole("button", { name: "Review" }).click();
  await expect(page.getByRole("heading", { name: "Review" })).toBeVisible();
  const [hold] = await customer.get("/api/v1/holds");
  expect(hold.shipper).toMatchObject({
    city: "Bremen",
    postal_code: "28195",
    country_code: "DE",
    phone: "+4930555777",
  });
  // A text of one cell is the name, and nothing else.
  await page.getByRole("button", { name: "Back", exact: true }).click();
  await shipper.getByLabel("Name").fill("");
  await paste("Sole Traders");
  await expect(shipper.getByLabel("Name")).toHaveValue("Sole Traders");
  await expect(shipper.getByLabel("City")).toHaveValue("Bremen");
  // Another party has nothing of the one before.
  await paste("Sole Traders\nLane 5\n10115 Berlin\nGermany");
  await expect(shipper.getByLabel("City")).toHaveValue("Berlin");
  await expect(shipper.getByLabel("Postal code")).toHaveValue("10115");
  await expect(shipper.getByLabel("Phone")).toHaveValue("");
});
