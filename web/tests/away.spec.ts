// What happens while the server is away, is starting, or has enough of us: pages say so and recover by themselves.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Page } from "@playwright/test";
import { freePort, start, stop } from "./server";
import { expect, signIn, test, World } from "./world";

const AWAY = "The server does not answer";
// A page that asks nothing else asks after 10 s whether the server is there, and again each 3 s.
const NOTICES = { timeout: 60_000 };

// It stops a server of its own, and starts it again on its database: that takes half a minute.
test("while the server is stopped every page says so, and recovers by itself when it is back", async ({ browser }) => {
  test.setTimeout(480_000);
  const directory = mkdtempSync(join(tmpdir(), "loadmaster-away-"));
  const port = await freePort();
  let server = await start(directory, port);
  const tests = process.env["CONSOLE_PASSWORD"];
  const context = await browser.newContext({ baseURL: server.url });
  try {
    process.env["CONSOLE_PASSWORD"] = server.password;
    const world = new World(server.url);
    const admin = await world.adminOfTests();
    const flight = await world.flight("TRV", "CJB", 90, 1000);
    const booking = await world.book(admin, [flight]);
    const first = await context.newPage();
    await signIn(first, admin);
    const addresses = [
      `/?origin=TRV&destination=CJB&date=${flight.departure_local.slice(0, 10)}&weight=10`,
      `/track/${booking.ref_id}`,
      "/bookings",
      `/bookings/${booking.ref_id}`,
      "/board?station=TRV",
      `/flights/${flight.id}`,
      "/rerouting",
      "/waitlist",
      "/alerts",
      "/account",
      "/admin/users",
      "/admin/airports",
      "/admin/audit",
      "/admin/health",
    ];
    const pages: Page[] = [];
    for (const address of addresses) {
      const page = await context.newPage();
      await page.goto(address);
      await expect(page.locator("main h1"), address).toBeVisible(NOTICES);
      await expect(page.locator('[aria-busy="true"]'), address).toHaveCount(0, NOTICES);
      pages.push(page);
    }
    await stop(server);
    for (const [index, page] of pages.entries()) {
      await page.bringToFront();
      await expect(page.getByText(AWAY, { exact: false }), addresses[index]).toBeVisible(NOTICES);
    }
    server = await start(directory, port);
    for (const [index, page] of pages.entries()) {
      await page.bringToFront();
      await expect(page.getByText(AWAY, { exact: false }), addresses[index]).toBeHidden(NOTICES);
      await expect(page.getByRole("alert"), addresses[index]).toHaveCount(0, NOTICES);
      await expect(page.locator("main h1"), addresses[index]).toBeVisible(NOTICES);
    }
    // The session was kept: what needs an account is still there.
    await expect(pages[9]?.locator("tbody tr").first() ?? first.locator("none")).toBeVisible(NOTICES);
  } finally {
    process.env["CONSOLE_PASSWORD"] = tests;
    await context.close();
    await stop(server);
    rmSync(directory, { recursive: true, force: true });
  }
});

test("a page that is loaded while the API is away waits for it, and nobody is signed out", async ({ page, world }) => {
  const customer = await world.customer();
  await signIn(page, customer, "/bookings");
  await page.route("**/api/**", (route) => route.abort());
  await page.route("**/readyz", (route) => route.abort());
  await page.reload();
  await expect(page.getByText(AWAY, { exact: false })).toBeVisible();
  await expect(page).toHaveURL(/\/bookings$/);
  await page.unrouteAll();
  await expect(page.getByText("No booking matches.")).toBeVisible();
  await expect(page.getByText(AWAY, { exact: false })).toBeHidden();
});

test("answers of a server that is starting are no answers, and a proxy's page is told in words", async ({
  page,
  world,
}) => {
  const customer = await world.customer();
  await signIn(page, customer, "/bookings");
  const html = { status: 502, contentType: "text/html", body: "<html>Bad gateway</html>" };
  await page.route("**/api/**", (route) => route.fulfill(html));
  await page.route("**/readyz", (route) => route.fulfill(html));
  await page.getByLabel("Status").selectOption("BOOKED");
  await expect(page.getByText(AWAY, { exact: false })).toBeVisible();
  await expect(page.getByRole("alert")).toContainText("The server answered 502 without an explanation.");
  await page.unrouteAll();
  await expect(page.getByText("No booking matches.")).toBeVisible();
  await expect(page.getByRole("alert")).toBeHidden();
});

test("a limit is waited for, and said meanwhile", async ({ page, world }) => {
  await page.goto("/");
  let limited = 0;
  await page.route("**/api/v1/routes/search", async (route) => {
    if (limited++ > 0) return route.continue();
    return route.fulfill({
      status: 429,
      headers: { "Retry-After": "3", "Content-Type": "application/problem+json" },
      body: JSON.stringify({ status: 429, code: "rate_limited", title: "Too many requests", detail: "Wait." }),
    });
  });
  const flight = await world.flight("TRV", "CJB", 30, 1000);
  await page.goto(`/?origin=TRV&destination=CJB&date=${flight.departure_local.slice(0, 10)}&weight=10`);
  await expect(page.getByText("Too many requests", { exact: false })).toBeVisible();
  await expect(page.getByRole("row").nth(1)).toBeVisible();
  await expect(page.getByText("Too many requests", { exact: false })).toBeHidden();
});

test("signing out while the server is away is not said to be done", async ({ page, world }) => {
  const customer = await world.customer();
  await signIn(page, customer, "/bookings");
  await page.route("**/api/v1/auth/logout", (route) => route.abort());
  await page.getByRole("button", { name: "Sign out" }).click();
  await expect(page.getByRole("alert")).toContainText("You are still signed in");
  await page.unrouteAll();
  await page.getByRole("button", { name: "Sign out" }).click();
  await expect(page.getByRole("link", { name: "Sign in" })).toBeVisible();
});
