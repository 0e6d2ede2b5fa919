// From the hold to the booking: what is entered, what is kept of it, and where a reader is led.
import type { Locator } from "@playwright/test";
import { expect, signIn, test, type Json } from "./world";

test("a country is chosen by its name, and the review shows the whole address", async ({ page, world }) => {
  const flight = await world.flight("TRV", "CJB", 35, 1000);
  const customer = await world.customer();
  await signIn(page, customer);
  await page.goto(`/book?flights=${flight.id}&weight=100&pieces=2`);
  const consignee = page.getByRole("group", { name: "Consignee" });
  await consignee.getByLabel("Name").fill("Nordwerk");
  await consignee.getByLabel("City").fill("Bremen");
  // As somebody types who knows no codes.
  await consignee.getByLabel("Country").focus();
  await page.keyboard.type("Germany");
  await expect(consignee.getByLabel("Country")).toHaveValue("DE");
  await page.getByRole("button", { name: "Review" }).click();
  await expect(page.getByRole("heading", { name: "Review" })).toBeVisible();
  await expect(page.getByText("Germany (DE)")).toBeVisible();
  await expect(page.getByText("Bremen")).toBeVisible();
  const [hold] = await customer.get("/api/v1/holds");
  expect(hold.consignee).toMatchObject({ name: "Nordwerk", city: "Bremen", country_code: "DE" });
});

test("focus, announcements and the title follow from the shipment to the booking", async ({ page, world }) => {
  const flight = await world.flight("TRV", "CJB", 37, 1000);
  const customer = await world.customer();
  await signIn(page, customer);
  await page.goto(`/book?flights=${flight.id}&weight=100&pieces=2`);
  await expect(page).toHaveTitle("Book · TRV–CJB · Loadmaster");
  await page.getByRole("button", { name: "Review" }).click();
  await expect(page.getByRole("heading", { name: "Review" })).toBeFocused();
  await expect(page.locator('[aria-live="polite"]')).toContainText("Review what is booked");
  await expect(page).toHaveTitle("Review · TRV–CJB · Loadmaster");
  await page.getByRole("button", { name: "Back", exact: true }).click();
  await expect(page.getByRole("heading", { name: "Shipment" })).toBeFocused();
  await page.getByRole("button", { name: "Review" }).click();
  await page.getByRole("button", { name: "Book", exact: true }).click();
  await expect(page.getByRole("heading", { name: "Booked" })).toBeFocused();
  const [{ ref_id }] = await customer.get("/api/v1/bookings");
  await expect(page.locator('[aria-live="polite"]')).toContainText(`Booked: ${ref_id}.`);
  await expect(page).toHaveTitle(`${ref_id} · TRV–CJB · Loadmaster`);
  await page.getByRole("main").getByRole("link", { name: "Booking" }).click();
  await expect(page).toHaveTitle(`${ref_id} · TRV–CJB · Loadmaster`);
  await page.getByRole("link", { name: flight.flight_number }).click();
  await expect(page).toHaveTitle(`${flight.flight_number} · TRV–CJB · Loadmaster`);
});

test("nobody books before the terms of cancelling are there, or cannot be had and the page says so", async ({
  page,
  world,
}) => {
  const flight = await world.flight("CJB", "TRV", 39, 1000);
  await signIn(page, await world.customer());
  await page.goto(`/book?flights=${flight.id}&weight=100&pieces=2`);
  await expect(page.getByRole("button", { name: "Review" })).toBeVisible();
  let fail: () => void = () => undefined;
  const failing = new Promise<void>((resolve) => (fail = resolve));
  const problem = { status: 500, code: "internal_error", title: "Broken", detail: "The terms are away." };
  await page.route("**/api/v1/info", async (route) => {
    await failing;
    await route.fulfill({ status: 500, contentType: "application/problem+json", body: JSON.stringify(problem) });
  });
  await page.getByRole("button", { name: "Review" }).click();
  const terms = page.getByRole("region", { name: "If you cancel" });
  const book = page.getByRole("button", { name: "Book", exact: true });
  await expect(terms).toBeVisible();
  await expect(book).toBeDisabled();
  fail();
  await expect(terms.getByRole("alert")).toContainText("The terms are away.");
  await expect(book).toBeEnabled();
  await page.unroute("**/api/v1/info");
  await terms.getByRole("button", { name: "Try again" }).click();
  await expect(terms).toContainText("of the price");
  await expect(book).toBeEnabled();
});

test("a price names its lines, and what cancelling costs stands beside it", async ({ page, world }) => {
  const flight = await world.flight("CJB", "TRV", 38, 1000);
  const customer = await world.customer();
  await signIn(page, customer);
  await page.goto(`/book?flights=${flight.id}&weight=100&pieces=2`);
  await page.getByRole("button", { name: "Review" }).click();
  const price = page.getByRole("table", { name: "Price" });
  const [hold] = await customer.get("/api/v1/holds");
  const fuel = hold.quote.lines.find((line: Json) => line.code === "MYC");
  await expect(price.getByRole("row").filter({ hasText: "Fuel surcharge · 100 kg at 0.85" })).toContainText(
    fuel.amount.amount,
  );
  await expect(price.getByRole("row")).toHaveCount(hold.quote.lines.length + 1);
  const cancelling = page.getByRole("region", { name: "If you cancel" });
  await expect(cancelling.getByRole("listitem")).toHaveText([
    "Until 48 hours before the first departure: free.",
    "Until 12 hours before the first departure: 25 % of the price.",
    "Until the first departure: 50 % of the price.",
    "After that: the whole price.",
  ]);
  const { payments } = await world.anonymous().get("/api/v1/info");
  expect(payments.cancellation_fees).toEqual([
    { hours: 48, percent: 0 },
    { hours: 12, percent: 25 },
    { hours: 0, percent: 50 },
  ]);
});

test("a fault of the shipment is said once, in words, at its field", async ({ page, world }) => {
  const flight = await world.flight("TRV", "CJB", 43, 1000);
  await signIn(page, await world.customer());
  await page.goto(`/book?flights=${flight.id}&weight=100&pieces=2`);
  const email = page.getByRole("group", { name: "Contact" }).getByLabel("E-mail");
  await email.fill("nobody");
  await page.getByRole("button", { name: "Review" }).click();
  await expect(email).toBeFocused();
  await expect(email).toHaveAttribute("aria-invalid", "true");
  await expect(page.getByRole("alert")).toHaveText("Check the marked field.");
  const said = (await email.getAttribute("aria-describedby")) ?? "";
  const fault = (
    await page
      .locator(
        said
          .split(" ")
          .map((id) => `[id="${id}"]`)
          .join(", "),
      )
      .last()
      .innerText()
  ).trim();
  expect(fault).toMatch(/^[A-Z][a-z ]/);
  expect(fault).not.toMatch(/[`/_]/);
  await expect(page.getByText(fault, { exact: true })).toHaveCount(1);
});

test("the number of a request is shown only where the server failed", async ({ page, world }) => {
  const flight = await world.flight("TRV", "CJB", 44, 100);
  await signIn(page, await world.customer());
  const answers: Json[] = [];
  page.on("response", async (response) => {
    if (response.url().endsWith("/api/v1/holds") && !response.ok()) answers.push(await response.json());
  });
  await page.goto(`/book?flights=${flight.id}&weight=500`);
  const alert = page.getByRole("alert");
  await expect(alert).toBeVisible();
  await expect.poll(() => answers).toHaveLength(1);
  expect(answers[0]).toMatchObject({ code: "capacity_exceeded", request_id: expect.any(String) });
  await expect(alert).toContainText(answers[0].detail);
  await expect(alert).not.toContainText("Request");
  await page.route("**/api/v1/holds", (route) =>
    route.fulfill({
      status: 500,
      contentType: "application/problem+json",
      body: JSON.stringify({ status: 500, code: "internal", title: "", detail: "It broke.", request_id: "r-17" }),
    }),
  );
  await page.getByRole("button", { name: "Try again" }).click();
  await expect(alert).toContainText("It broke.");
  await expect(alert).toContainText("Request r-17");
});

/** The contrast of an element's text to its ground, as WCAG defines it. */
const contrastOf = (element: Locator): Promise<number> =>
  element.evaluate((it) => {
    const canvas = Object.assign(document.createElement("canvas"), { width: 1, height: 1 }).getContext("2d");
    const luminance = (color: string) => {
      if (!canvas) throw new Error("no canvas");
      canvas.fillStyle = color;
      canvas.fillRect(0, 0, 1, 1);
      const linear = [...canvas.getImageData(0, 0, 1, 1).data]
        .slice(0, 3)
        .map((value) => value / 255)
        .map((value) => (value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4));
      return 0.2126 * (linear[0] ?? 0) + 0.7152 * (linear[1] ?? 0) + 0.0722 * (linear[2] ?? 0);
    };
    const { color, backgroundColor, opacity } = getComputedStyle(it);
    const [dark = 0, light = 0] = [luminance(color), luminance(backgroundColor)].sort((one, other) => one - other);
    return opacity === "1" ? (light + 0.05) / (dark + 0.05) : 0;
  });

test("a button that cannot be used yet is readable in both themes, also under the pointer", async ({ page, world }) => {
  const flight = await world.flight("TRV", "CJB", 45, 1000);
  await signIn(page, await world.customer());
  await page.goto(`/book?flights=${flight.id}&weight=100`);
  await page.getByRole("button", { name: "Review" }).click();
  const book = page.getByRole("button", { name: "Book", exact: true });
  await expect(book).toBeDisabled();
  await expect(page.getByRole("status").filter({ hasText: "Still missing: the number of pieces" })).toBeVisible();
  for (const colorScheme of ["light", "dark"] as const) {
    await page.emulateMedia({ colorScheme });
    await page.mouse.move(0, 0);
    expect(await contrastOf(book), colorScheme).toBeGreaterThanOrEqual(4.5);
    const box = await book.boundingBox();
    await page.mouse.move((box?.x ?? 0) + 5, (box?.y ?? 0) + 5);
    expect(await contrastOf(book), `${colorScheme}, under the pointer`).toBeGreaterThanOrEqual(4.5);
  }
});
