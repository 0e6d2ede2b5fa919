// A guest: books and pays without an account, comes back by the link of the letter, and moves the booking to an account.
import { randomUUID } from "node:crypto";
import type { Page } from "@playwright/test";
import { expect, pays, signIn, test, type Json, type World } from "./world";

const PHONE = { width: 360, height: 740 };

/** Enters what a guest's booking needs, up to the review. */
async function toReview(page: Page, flight: Json, email: string): Promise<void> {
  await page.goto(`/book?flights=${flight.id}&weight=100&pieces=2`);
  await page.getByRole("group", { name: "Contact" }).getByLabel("E-mail").fill(email);
  await page.getByRole("button", { name: "Review" }).click();
  await expect(page.getByRole("heading", { name: "Review" })).toBeVisible();
}

const book = (page: Page) => page.getByRole("button", { name: "Book", exact: true }).click();

/** The path and fragment of the link in the letter to a guest. */
async function link(world: World, email: string): Promise<string> {
  const found = /\/guest#[\w-]+/.exec(await world.letter(email, "guest_booking"))?.[0];
  expect(found).toBeTruthy();
  return found ?? "";
}

const address = () => `guest-${randomUUID()}@example.com`;

for (const [name, size] of [
  ["a desktop", { width: 1280, height: 800 }],
  ["a phone", PHONE],
] as const) {
  test(`on ${name}, a guest pays, and the letter's link opens the booking on another device`, async ({
    page,
    browser,
    world,
  }) => {
    await page.setViewportSize(size);
    const flight = await world.flight("TRV", "CJB", 60, 1000);
    const email = address();
    await toReview(page, flight, email);
    await expect(page.getByLabel("On invoice")).toBeHidden();
    await pays(page, "Declined");
    await book(page);
    await expect(page.getByRole("alert")).toContainText(/declined/i);
    await pays(page, "Accepted");
    await book(page);
    await expect(page.getByRole("heading", { name: "Booked" })).toBeVisible();
    await expect(page.getByText("An e-mail with a link to your booking")).toBeVisible();
    const reference = await page.locator("strong.ref").innerText();

    const device = await browser.newContext({ baseURL: world.url, viewport: size });
    const other = await device.newPage();
    await other.goto(await link(world, email));
    await expect(other.getByRole("heading", { level: 1 })).toContainText(reference);
    await expect(other.getByText("Paid", { exact: true })).toBeVisible();
    await other.getByRole("button", { name: "Documents" }).click();
    await other.getByRole("button", { name: "Piece labels" }).click();
    await expect(other.locator("[data-code]")).toHaveCount(2);
    const overflow = await other.evaluate(
      () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
    );
    expect(overflow).toBeLessThanOrEqual(0);
    await other.getByRole("button", { name: "Documents" }).click();
    await other.getByRole("button", { name: "Cancel booking" }).click();
    const dialog = other.getByRole("dialog");
    await expect(dialog).toContainText("Refund");
    await dialog.getByRole("button", { name: "Cancel the booking" }).click();
    await expect(other.getByRole("button", { name: "Cancel booking" })).toBeHidden();
    const tracked = await world.anonymous().get(`/api/v1/tracking/${reference}`);
    expect(tracked.status).toBe("CANCELLED");
    await device.close();
  });
}

test("a guest's payment that waits is taken up again after a reload, and refused leaves the room held", async ({
  page,
  world,
}) => {
  const flight = await world.flight("TRV", "CJB", 61, 1000);
  await toReview(page, flight, address());
  await pays(page, "Waits for your confirmation");
  await book(page);
  await expect(page.getByRole("button", { name: "Refuse the payment" })).toBeVisible({ timeout: 20_000 });
  // As who comes back from a bank's page.
  await page.reload();
  await page.getByRole("button", { name: "Refuse the payment" }).click();
  await expect(page.getByRole("alert")).toContainText("The payment was not made", { timeout: 20_000 });
  await pays(page, "Waits for your confirmation");
  await book(page);
  await expect(page.getByRole("button", { name: "Confirm the payment" })).toBeVisible({ timeout: 20_000 });
  await page.reload();
  await page.getByRole("button", { name: "Confirm the payment" }).click();
  await expect(page.getByRole("heading", { name: "Booked" })).toBeVisible({ timeout: 20_000 });
  const room = await world.anonymous().get(`/api/v1/flights/${flight.id}/availability`);
  expect(room.booked.weight_kg).toBe(100);
});

test("a booking moves to an account by its link, which shows it no more", async ({ page, world }) => {
  const flight = await world.flight("TRV", "CJB", 62, 1000);
  const booking = await world.bookAsGuest(flight, address());
  const customer = await world.customer();
  await page.goto(`/guest#${booking.claim.token}`);
  await page.getByRole("link", { name: "Move to an account" }).click();
  await expect(page.getByLabel("Code of the booking")).toHaveValue(booking.claim.token);
  await page.getByRole("main").getByRole("link", { name: "Sign in" }).click();
  expect(page.url()).not.toContain(booking.claim.token);
  await page.getByLabel("E-mail").fill(customer.email);
  await page.getByLabel("Password").fill(customer.password);
  await page.getByRole("main").getByRole("button", { name: "Sign in" }).click();
  await page.getByRole("main").getByRole("button", { name: "Move to an account" }).click();
  await expect(page).toHaveURL(new RegExp(`/bookings/${booking.ref_id}$`));
  expect((await customer.get("/api/v1/bookings")).map((it: Json) => it.ref_id)).toEqual([booking.ref_id]);
  await page.goto(`/guest#${booking.claim.token}`);
  await expect(page.getByRole("alert")).toContainText("no longer valid");
  await expect(page.getByRole("main")).not.toContainText(booking.ref_id);
});

test("a guest's link outlives the skip link and signing in, but not signing out", async ({ page, world }) => {
  const flight = await world.flight("TRV", "CJB", 63, 1000);
  const booking = await world.bookAsGuest(flight, address());
  const customer = await world.customer();
  const heading = page.getByRole("heading", { level: 1 });
  await page.goto(`/guest#${booking.claim.token}`);
  await expect(heading).toContainText(booking.ref_id);
  await page.locator("a.skip").focus();
  await page.keyboard.press("Enter");
  await expect(page.locator("#main")).toBeFocused();
  await expect(heading).toContainText(booking.ref_id);
  expect(page.url()).toContain(`#${booking.claim.token}`);
  await page.getByRole("banner").getByRole("link", { name: "Sign in" }).click();
  await page.getByLabel("E-mail").fill(customer.email);
  await page.getByLabel("Password").fill(customer.password);
  await page.getByRole("main").getByRole("button", { name: "Sign in" }).click();
  await expect(heading).toContainText(booking.ref_id);
  await expect(page).toHaveURL(new RegExp(`/guest#${booking.claim.token}$`));
  await page.getByRole("link", { name: "Track", exact: true }).first().click();
  await page.getByRole("banner").getByRole("button", { name: "Sign out" }).click();
  await expect(page).toHaveURL(/\/$/);
  // Within the same document, as the next user of this browser.
  await page.evaluate(() => {
    const link = document.createElement("a");
    link.href = "/claim";
    document.querySelector("main")?.append(link);
    link.click();
  });
  await expect(page.getByLabel("Code of the booking")).toHaveValue("");
  await page.evaluate(() => (window.location.hash = "another"));
  await expect(page.getByLabel("Code of the booking")).toHaveValue("another");
});

test("a link that is wrong or incomplete says so, and a used code is refused", async ({ page, world }) => {
  for (const [path, text] of [
    ["/guest", "lacks the code from the e-mail"],
    ["/guest#forged", "no longer valid"],
  ] as const) {
    await page.goto("/");
    await page.goto(path);
    await expect(page.getByRole("alert")).toContainText(text);
  }
  const customer = await world.customer();
  await signIn(page, customer, "/claim");
  await page.getByRole("main").getByRole("button", { name: "Move to an account" }).click();
  await expect(page.getByText("Enter the code.")).toBeVisible();
  await page.getByLabel("Code of the booking").fill("forged");
  await page.getByRole("main").getByRole("button", { name: "Move to an account" }).click();
  await expect(page.getByRole("alert")).toContainText("no longer valid");
});

test("a guest finds the code of the booking again after a reload", async ({ page, world }) => {
  const flight = await world.flight("TRV", "CJB", 65, 1000);
  await toReview(page, flight, address());
  await pays(page, "Accepted");
  await book(page);
  const code = page.getByRole("main").locator("code");
  const shown = await code.innerText();
  await page.reload();
  await expect(page.getByRole("heading", { name: "Booked" })).toBeVisible();
  await expect(code).toHaveText(shown);
});

test("a guest who signs in books on with what was entered, and the room of the guest is free", async ({
  page,
  world,
}) => {
  const flight = await world.flight("TRV", "CJB", 66, 1000);
  const customer = await world.customer();
  await page.goto(`/book?flights=${flight.id}&weight=100`);
  await page.getByLabel("Contents").fill("Machine parts");
  await page.getByRole("banner").getByRole("link", { name: "Sign in" }).click();
  await page.getByLabel("Password").fill(customer.password);
  await page.getByLabel("E-mail").fill(customer.email);
  await page.getByRole("main").getByRole("button", { name: "Sign in" }).click();
  await expect(page.getByLabel("Contents")).toHaveValue("Machine parts");
  expect((await customer.get("/api/v1/holds")).map((hold: Json) => hold.status)).toEqual(["ACTIVE"]);
  const room = await world.anonymous().get(`/api/v1/flights/${flight.id}/availability`);
  expect(room.held.weight_kg).toBe(100);
});
