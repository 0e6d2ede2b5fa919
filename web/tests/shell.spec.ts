import { expect, signIn, signInByPage, test } from "./world";

test("every address of a page answers the shell under its policy, and no other does", async ({ world }) => {
  const shell = await world.anonymous().ask("GET", "/");
  expect(shell.headers.get("content-security-policy")).toContain("default-src 'none'; script-src 'self'");
  expect(await shell.text()).toContain("<form");
  const [board, track] = await Promise.all(["/board", "/track"].map((path) => world.anonymous().ask("GET", path)));
  expect(await board?.text()).toBe(await track?.text());
  const nowhere = await world.anonymous().ask("GET", "/nowhere");
  expect(nowhere.status).toBe(404);
  expect(nowhere.headers.get("content-type")).toBe("application/problem+json");
});

test("signing in leaves the refresh token in a cookie that no script can read", async ({ page, context, world }) => {
  const customer = await world.customer();
  const answered = page.waitForResponse("**/api/v1/auth/login");
  await signInByPage(page, customer);
  expect(await (await answered).json()).not.toHaveProperty("refresh_token");
  const cookies = await context.cookies(`${world.url}/api/v1/auth/refresh`);
  expect(cookies).toHaveLength(1);
  expect(cookies[0]).toMatchObject({
    name: "loadmaster_session",
    httpOnly: true,
    sameSite: "Strict",
    path: "/api/v1/auth",
  });
  const stored = await page.evaluate(() => JSON.stringify({ ...localStorage, ...sessionStorage }) + document.cookie);
  expect(stored).not.toContain(cookies[0]?.value);
});

test("a reload stays signed in, and signing out in one tab signs out the other", async ({ page, context, world }) => {
  const customer = await world.customer();
  await signIn(page, customer, "/bookings");
  await page.reload();
  await expect(page.getByRole("heading", { name: "Bookings" })).toBeVisible();
  const other = await context.newPage();
  await other.goto("/bookings");
  await expect(other.getByRole("heading", { name: "Bookings" })).toBeVisible();
  await other.getByRole("button", { name: "Sign out" }).click();
  await expect(page).toHaveURL(/sign-in/);
  await page.goto("/bookings");
  await expect(page).toHaveURL(/sign-in/);
});

test("a customer who types an operator's address is told that it is not theirs", async ({ page, world }) => {
  const customer = await world.customer();
  await signIn(page, customer);
  await page.goto("/board?station=DEL");
  await expect(page.getByRole("heading", { name: "No access" })).toBeVisible();
  expect((await customer.ask("GET", "/api/v1/users")).status).toBe(403);
});

test("the sign-in page names what is wrong and keeps what was typed", async ({ page }) => {
  await page.goto("/sign-in");
  await page.getByLabel("E-mail").fill("nobody");
  await page.getByRole("main").getByRole("button", { name: "Sign in" }).click();
  await expect(page.getByLabel("E-mail")).toBeFocused();
  await expect(page.getByLabel("E-mail")).toHaveAttribute("aria-invalid", "true");
  await page.getByLabel("E-mail").fill("nobody@shipper.example");
  await page.getByLabel("Password").fill("something else 1");
  await page.getByRole("main").getByRole("button", { name: "Sign in" }).click();
  await expect(page.getByRole("alert")).toContainText(/password/i);
  await expect(page.getByLabel("E-mail")).toHaveValue("nobody@shipper.example");
});

test("without the server a page says so, and recovers by itself", async ({ page, world }) => {
  const customer = await world.customer();
  await signIn(page, customer, "/bookings");
  await expect(page.getByText("No booking matches.")).toBeVisible();
  await page.route("**/api/**", (route) => route.abort());
  await page.route("**/readyz", (route) => route.abort());
  await page.getByLabel("Status").selectOption("BOOKED");
  await expect(page.getByText("The server does not answer", { exact: false })).toBeVisible();
  await expect(page.getByRole("alert")).toContainText("cannot be reached");
  await page.unrouteAll();
  await expect(page.getByText("The server does not answer", { exact: false })).toBeHidden();
  await expect(page.getByRole("alert")).toBeHidden();
  await expect(page.getByText("No booking matches.")).toBeVisible();
});

test("a session that the server ended leads to the sign-in page, and back to the form as it was", async ({
  page,
  context,
  world,
}) => {
  const flight = await world.flight("TRV", "CJB", 125, 1000);
  const customer = await world.customer();
  const booking = await world.book(customer, [flight], 100);
  const entered = page.waitForResponse("**/api/v1/auth/login");
  await signInByPage(page, customer, `/bookings/${booking.ref_id}`);
  const old = (await (await entered).json()).access_token;
  await page.getByRole("button", { name: "Amend" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel("Weight (kg)").fill("150");
  // From now on the server refuses the token, and there is no cookie to renew it with.
  await context.clearCookies();
  await page.route("**/api/**", (route) => {
    const headers = route.request().headers();
    const isOld = headers["authorization"] === `Bearer ${old}`;
    return route.continue(isOld ? { headers: { ...headers, authorization: "Bearer none" } } : {});
  });
  await dialog.getByRole("button", { name: "Save" }).click();
  await expect(page).toHaveURL(/sign-in/);
  await expect(dialog).toBeHidden();
  await expect(page.getByRole("main")).not.toContainText(booking.ref_id, { useInnerText: true });
  await page.getByLabel("E-mail").fill(customer.email);
  await page.getByLabel("Password").fill(customer.password);
  await page.getByRole("main").getByRole("button", { name: "Sign in" }).click();
  await expect(page).toHaveURL(new RegExp(`/bookings/${booking.ref_id}$`));
  await expect(dialog.getByLabel("Weight (kg)")).toHaveValue("150");
  await dialog.getByRole("button", { name: "Save" }).click();
  await expect(dialog).toBeHidden();
  expect((await customer.get(`/api/v1/bookings/${booking.ref_id}`)).weight_kg).toBe(150);
});

test("a session that the server ended keeps the form of a booking, also of a page that was opened first", async ({
  page,
  context,
  world,
}) => {
  const flight = await world.flight("TRV", "CJB", 126, 1000);
  const customer = await world.customer();
  await signIn(page, customer);
  const renewed = page.waitForResponse("**/api/v1/auth/refresh");
  await page.goto(`/book?flights=${flight.id}&weight=100&pieces=2`);
  const old = (await (await renewed).json()).access_token;
  await page.getByLabel("Contents").fill("Machine parts");
  await context.clearCookies();
  await page.route("**/api/**", (route) => {
    const headers = route.request().headers();
    const isOld = headers["authorization"] === `Bearer ${old}`;
    return route.continue(isOld ? { headers: { ...headers, authorization: "Bearer none" } } : {});
  });
  await page.getByRole("button", { name: "Review" }).click();
  await expect(page).toHaveURL(/sign-in/);
  // The form of the booking, which waits hidden, has an e-mail address as well.
  await page.getByRole("textbox", { name: "E-mail" }).fill(customer.email);
  await page.getByLabel("Password").fill(customer.password);
  await page.getByRole("main").getByRole("button", { name: "Sign in" }).click();
  await expect(page).toHaveURL(/\/book\?flights=.*hold=/);
  await expect(page.getByLabel("Contents")).toHaveValue("Machine parts");
  await page.getByRole("button", { name: "Review" }).click();
  await expect(page.getByRole("button", { name: "Book", exact: true })).toBeVisible();
  const [hold] = await customer.get("/api/v1/holds");
  expect(hold.description).toBe("Machine parts");
});

test("Back shows a list as it was left: its pages, and how far it was scrolled", async ({ page, world }) => {
  const flight = await world.flight("TRV", "CJB", 67, 1000);
  const customer = await world.customer();
  for (let count = 0; count < 5; count += 1) await world.book(customer, [flight], 10);
  await page.route("**/api/v1/bookings*", (route) => {
    const url = new URL(route.request().url());
    if (route.request().method() === "GET") url.searchParams.set("limit", "2");
    return route.continue({ url: url.toString() });
  });
  await page.setViewportSize({ width: 1280, height: 420 });
  await signIn(page, customer, "/bookings");
  const rows = page.getByRole("row").filter({ has: page.getByRole("link") });
  await expect(rows).toHaveCount(2);
  await page.getByRole("button", { name: "Show more" }).click();
  await expect(rows).toHaveCount(4);
  const last = rows.last().getByRole("link");
  await last.scrollIntoViewIfNeeded();
  const top = await page.evaluate(() => window.scrollY);
  expect(top).toBeGreaterThan(0);
  await last.click();
  await expect(page.getByRole("heading", { level: 1 })).toContainText("TRV – CJB");
  await page.goBack();
  await expect(rows).toHaveCount(4);
  await expect.poll(() => page.evaluate(() => window.scrollY)).toBe(top);
});

test("single keys can be switched off, and on again", async ({ page }) => {
  await page.goto("/track");
  await page.getByRole("heading", { level: 1 }).click();
  await page.keyboard.press("?");
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel("Single keys act").uncheck();
  await page.keyboard.press("Escape");
  await expect(dialog).toBeHidden();
  await page.keyboard.press("?");
  await page.keyboard.press("s");
  await expect(dialog).toBeHidden();
  await expect(page).toHaveURL(/track/);
  await page.getByRole("button", { name: "Keyboard" }).click();
  await dialog.getByLabel("Single keys act").check();
  await page.keyboard.press("Escape");
  await page.getByRole("heading", { level: 1 }).click();
  await page.keyboard.press("s");
  await expect(page.getByLabel("From")).toBeVisible();
});

test("the focus goes to the heading of the page that opens", async ({ page, world }) => {
  const flight = await world.flight("TRV", "CJB", 66, 1000);
  const customer = await world.customer();
  const booking = await world.book(customer, [flight]);
  await signIn(page, customer, "/bookings");
  await page.getByRole("link", { name: booking.ref_id }).click();
  await expect(page.getByRole("heading", { level: 1 })).toBeFocused();
  await expect(page.getByRole("heading", { level: 1 })).toContainText("TRV – CJB");
  await page.getByRole("link", { name: flight.flight_number }).click();
  await expect(page.getByRole("heading", { level: 1 })).toBeFocused();
});

test("on a phone the links of somebody who is signed in wait behind a button, until a page opens", async ({
  page,
  world,
}) => {
  await page.setViewportSize({ width: 360, height: 800 });
  await page.goto("/");
  await expect(page.getByRole("link", { name: "Track" })).toBeVisible();
  await expect(page.getByRole("button", { name: "Menu" })).toBeHidden();
  await signIn(page, await world.customer());
  const menu = page.getByRole("button", { name: "Menu" });
  await expect(menu).toHaveAttribute("aria-expanded", "false");
  await expect(page.getByRole("link", { name: "Bookings" })).toBeHidden();
  await menu.click();
  await page.getByRole("link", { name: "Bookings" }).click();
  await expect(page).toHaveURL(/\/bookings/);
  await expect(menu).toHaveAttribute("aria-expanded", "false");
  await expect(page.getByRole("link", { name: "Track" })).toBeHidden();
  await page.setViewportSize({ width: 1280, height: 800 });
  await expect(menu).toBeHidden();
  await expect(page.getByRole("link", { name: "Track" })).toBeVisible();
});
