// Room that is held: it is given back for another option, shown on every page, and taken up again.
import type { Page } from "@playwright/test";
import { bookLink, scrollToEnd, searchAddress, strip } from "./holds";
import { expect, pays, signIn, signInByPage, test, type Caller, type Json, type World } from "./world";

/** Chooses a flight of a search by its page. */
async function choose(page: Page, flight: Json, weight: number): Promise<void> {
  await page.goto(searchAddress(flight, weight));
  await bookLink(page, flight).click();
  await expect(page.getByRole("region", { name: "Room that is held" })).toContainText(flight.flight_number);
}

const held = async (world: World, flight: Json): Promise<number> =>
  (await world.anonymous().get(`/api/v1/flights/${flight.id}/availability`)).held.weight_kg;

const statusesOf = async (caller: Caller): Promise<string[]> =>
  (await caller.get("/api/v1/holds")).map((hold: Json) => hold.status);

test("leaving for another option gives its room back, and Back to it says so", async ({ page, world }) => {
  const [one, other] = [await world.flight("TRV", "CJB", 200, 1000), await world.flight("TRV", "CJB", 201, 1000)];
  const customer = await world.customer();
  await signIn(page, customer);
  await choose(page, one, 500);
  expect(await held(world, one)).toBe(500);
  await page.getByLabel("Contents").fill("Machine parts");
  // Looking at the search gives nothing back.
  await page.getByRole("link", { name: "Search" }).first().click();
  await expect(strip(page)).toContainText(`You hold 500 kg on ${one.flight_number},`);
  expect(await held(world, one)).toBe(500);
  await choose(page, other, 400);
  await expect.poll(() => held(world, one)).toBe(0);
  expect(await held(world, other)).toBe(400);
  expect(await statusesOf(customer)).toEqual(["ACTIVE", "RELEASED"]);
  await page.goBack();
  await page.goBack();
  await page.goBack();
  await expect(page.getByRole("alert")).toContainText(
    `500 kg on ${one.flight_number} are released and no longer held.`,
  );
});

test("the same option again is the same hold; more on the same flight is held although the first is in the way", async ({
  page,
  world,
}) => {
  const flight = await world.flight("TRV", "CJB", 202, 1000);
  const customer = await world.customer();
  await signIn(page, customer);
  await choose(page, flight, 400);
  await choose(page, flight, 400);
  expect(await statusesOf(customer)).toEqual(["ACTIVE"]);
  // A search shows what is left beside it: the address asks for more.
  await page.goto(`/book?flights=${flight.id}&weight=700`);
  await expect(page.getByRole("region", { name: "Room that is held" })).toContainText("700 kg are held for you");
  expect(await statusesOf(customer)).toEqual(["ACTIVE", "RELEASED"]);
  expect(await held(world, flight)).toBe(700);
});

test("a hold that another tab shows, or that changed elsewhere, is kept", async ({ page, context, world }) => {
  const flights: Json[] = [];
  for (const hours of [203, 204, 205]) flights.push(await world.flight("TRV", "CJB", hours, 1000));
  const customer = await world.customer();
  await signIn(page, customer);
  await choose(page, flights[0], 100);
  const other = await context.newPage();
  await other.goto(page.url());
  await expect(other.getByRole("timer")).toBeVisible();
  const refused: string[] = [];
  page.on("request", (request) => {
    if (request.url().endsWith("/release")) refused.push(request.url());
  });
  await choose(page, flights[1], 200);
  const second = (await customer.get("/api/v1/holds"))[0];
  expect((await customer.ask("PATCH", `/api/v1/holds/${second.id}`, { description: "Shoes" })).status).toBe(200);
  const answered = page.waitForResponse("**/release");
  await choose(page, flights[2], 300);
  expect((await answered).status()).toBe(412);
  expect(refused).toHaveLength(1);
  expect(await statusesOf(customer)).toEqual(["ACTIVE", "ACTIVE", "ACTIVE"]);
});

test("a hold whose payment was begun is kept, and one whose payment was declined is not", async ({ page, world }) => {
  const flights: Json[] = [];
  for (const hours of [206, 207, 208]) flights.push(await world.flight("TRV", "CJB", hours, 1000));
  const customer = await world.customer();
  await signIn(page, customer);
  const pay = async (card: string) => {
    await page.getByLabel("Pieces").fill("2");
    await page.getByRole("button", { name: "Review" }).click();
    await page.getByLabel("Pay now").check();
    await pays(page, card);
    await page.getByRole("button", { name: "Book", exact: true }).click();
  };
  await choose(page, flights[0], 100);
  await pay("Declined");
  await expect(page.getByRole("alert")).toContainText(/declined/i);
  await choose(page, flights[1], 100);
  await expect.poll(() => held(world, flights[0])).toBe(0);
  await pay("Waits for your confirmation");
  await expect(page.getByRole("status").filter({ hasText: "has not decided yet" })).toBeVisible();
  for (const name of [/^Release the room/, /^Hold longer/])
    await expect(page.getByRole("button", { name })).toHaveCount(0);
  await expect(page.getByRole("button", { name: "Back", exact: true })).toBeDisabled();
  await choose(page, flights[2], 100);
  expect(await statusesOf(customer)).toEqual(["ACTIVE", "COMMITTING", "RELEASED"]);
  await expect(strip(page)).toContainText(`100 kg on ${flights[1].flight_number} are being paid.`);
  await page.getByRole("banner").getByRole("link", { name: "Holds" }).click();
  const paying = page.getByRole("article", { name: `100 kg, ${flights[1].flight_number}` });
  await expect(paying).toContainText("The payment is in progress.");
  // Nobody says here that it is booked: the list finds it out.
  const [payment] = (await customer.get("/api/v1/holds?status=COMMITTING")).map((hold: Json) => hold.payment);
  await customer.post(`/api/v1/test-payments/${payment.provider_reference}/confirm`);
  await expect(paying).toHaveCount(0, { timeout: 20_000 });
  await expect(strip(page)).not.toContainText("are being paid");
});

test("a release that fails is shown nowhere, and sent once more", async ({ page, world }) => {
  const [one, other] = [await world.flight("TRV", "CJB", 209, 1000), await world.flight("TRV", "CJB", 210, 1000)];
  const customer = await world.customer();
  await signIn(page, customer);
  await choose(page, one, 500);
  let sent = 0;
  await page.route("**/release", (route) => {
    sent += 1;
    return sent === 1 ? route.fulfill({ status: 500, body: "" }) : route.continue();
  });
  await choose(page, other, 500);
  await expect.poll(() => held(world, one)).toBe(0);
  expect(sent).toBe(2);
  await expect(page.getByRole("alert")).toHaveCount(0);
});

test("room is given back by a button that asks first, and can be held again with what was entered", async ({
  page,
  world,
}) => {
  const flight = await world.flight("TRV", "CJB", 211, 1000);
  const customer = await world.customer();
  await signIn(page, customer);
  await choose(page, flight, 500);
  await page.getByLabel("Contents").fill("Machine parts");
  await page.getByRole("button", { name: "Release the room" }).click();
  await expect(page.getByRole("alert")).toContainText("Others can take it at once.");
  await page.getByRole("button", { name: "Back", exact: true }).click();
  expect(await held(world, flight)).toBe(500);
  await page.getByRole("button", { name: "Release the room" }).click();
  await page.getByRole("button", { name: "Release the room" }).click();
  await expect(page.getByRole("alert")).toBeFocused();
  await expect(page.getByRole("alert")).toContainText(`500 kg on ${flight.flight_number} are released`);
  expect(await held(world, flight)).toBe(0);
  await page.getByRole("button", { name: "Hold again" }).click();
  await expect(page.getByLabel("Contents")).toHaveValue("Machine parts");
  expect(await held(world, flight)).toBe(500);
});

for (const role of ["customer", "operator", "admin"] as const)
  test(`the strip counts down a hold of the role ${role} on every page, and leads to the form`, async ({
    page,
    world,
  }) => {
    const hours = { customer: 212, operator: 213, admin: 214 }[role];
    const flight = await world.flight("TRV", "CJB", hours, 1000);
    const other = await world.flight("TRV", "CJB", hours + 10, 1000);
    const caller = await { customer: world.customer(), operator: world.operator(), admin: world.adminOfTests() }[role];
    const booking = await world.book(caller, [other], 10);
    // What others hold is not theirs, also where they may see it.
    await (await world.customer()).post("/api/v1/holds", { flight_ids: [other.id], weight_kg: 10, ttl_seconds: 600 });
    const hold = await caller.post("/api/v1/holds", { flight_ids: [flight.id], weight_kg: 500 });
    await page.setViewportSize({ width: 360, height: 800 });
    await signIn(page, caller);
    const pages = ["/", "/track", `/track/${booking.ref_id}`, "/bookings", `/bookings/${booking.ref_id}`, "/waitlist"];
    if (role !== "customer") pages.push(`/flights/${flight.id}`, "/board?station=TRV", "/rerouting");
    if (role === "admin") pages.push("/admin/users", "/admin/tariffs", "/admin/health");
    for (const address of [...pages, "/account", "/holds"]) {
      await page.goto(address);
      await expect(strip(page), address).toContainText(
        new RegExp(`You hold 500 kg on ${flight.flight_number}, 1[0-5]:\\d\\d left`),
      );
      await nothingOverlaps(page, address);
    }
    const time = strip(page).getByRole("timer");
    const shown = (await time.textContent()) ?? "";
    await expect(time).not.toHaveText(shown);
    await expect(time).toHaveAttribute("aria-live", "off");
    await strip(page).getByRole("link", { name: "Go on with the booking" }).click();
    await expect(page.getByRole("region", { name: "Room that is held" })).toContainText("500 kg are held for you");
    // There the form counts down.
    await expect(strip(page)).toBeEmpty();
    expect((await caller.get(`/api/v1/holds/${hold.id}`)).status).toBe("ACTIVE");
  });

/** Nothing is wider than the screen, and the strip lies at the bottom of the window, where it covers nothing of the page's end. */
async function nothingOverlaps(page: Page, address: string): Promise<void> {
  const overflow = () =>
    page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
  expect(await overflow(), address).toBeLessThanOrEqual(0);
  const boxOf = async (selector: string) => {
    const box = await page.locator(selector).first().boundingBox();
    return { top: box?.y ?? 0, bottom: (box?.y ?? 0) + (box?.height ?? 0) };
  };
  // What the page reads meanwhile makes it longer.
  await expect(async () => {
    await scrollToEnd(page);
    const [footer, bar] = [await boxOf("#console > footer"), await boxOf(".strip")];
    expect(footer.bottom, address).toBeLessThanOrEqual(bar.top + 0.5);
    expect(Math.abs(bar.bottom - (page.viewportSize()?.height ?? 0)), address).toBeLessThanOrEqual(0.5);
  }).toPass({ timeout: 20_000 });
  const parts = await page
    .locator(".strip p > *")
    .evaluateAll((all) => all.map((it) => it.getBoundingClientRect().toJSON() as DOMRect));
  for (const [index, one] of parts.entries())
    for (const other of parts.slice(index + 1))
      expect(one.right <= other.left + 0.5 || one.bottom <= other.top + 0.5, address).toBe(true);
}

test("of several holds the strip shows the one that ends next, and the list all", async ({ page, world }) => {
  const flights: Json[] = [];
  for (const hours of [225, 226, 227]) flights.push(await world.flight("TRV", "CJB", hours, 1000));
  const customer = await world.customer();
  for (const [index, flight] of flights.entries())
    await customer.post("/api/v1/holds", {
      flight_ids: [flight.id],
      weight_kg: 100 * (index + 1),
      ttl_seconds: [900, 600, 800][index],
    });
  await page.setViewportSize({ width: 360, height: 800 });
  await signIn(page, customer);
  await expect(strip(page)).toContainText(`You hold 200 kg on ${flights[1].flight_number},`);
  await nothingOverlaps(page, "/");
  await strip(page).getByRole("link", { name: "and 2 more" }).click();
  await expect(page.getByRole("heading", { name: "Holds", level: 1 })).toBeFocused();
  const rows = page.getByRole("main").getByRole("article");
  await expect(rows).toHaveCount(3);
  for (const [place, index] of [1, 2, 0].entries())
    await expect(rows.nth(place)).toContainText(`${100 * (index + 1)} kg`);
  await rows
    .nth(0)
    .getByRole("button", { name: /^Release the room/ })
    .click();
  await rows
    .nth(0)
    .getByRole("button", { name: /^Release the room/ })
    .click();
  await expect(rows).toHaveCount(2);
  await expect(page.getByRole("heading", { name: "Holds", level: 1 })).toBeFocused();
  await expect(strip(page)).toContainText(`You hold 300 kg on ${flights[2].flight_number},`);
  expect(await held(world, flights[1])).toBe(0);
  const before = (await customer.get("/api/v1/holds?status=ACTIVE")).map((hold: Json) => hold.expires_at).sort();
  await rows
    .nth(0)
    .getByRole("button", { name: /^Hold longer/ })
    .click();
  await expect
    .poll(async () => (await customer.get("/api/v1/holds?status=ACTIVE")).map((hold: Json) => hold.expires_at).sort())
    .not.toEqual(before);
  // From one form to the other, at the same address of a page.
  await rows
    .filter({ hasText: "100 kg" })
    .getByRole("link", { name: /^Go on/ })
    .click();
  const room = page.getByRole("region", { name: "Room that is held" });
  await expect(room).toContainText("100 kg are held for you");
  await strip(page).getByRole("link", { name: "Go on with the booking" }).click();
  await expect(room).toContainText("300 kg are held for you");
  await page.goBack();
  await expect(room).toContainText("100 kg are held for you");
});

test("a hold is taken up again after the tab was closed, and in another tab at once", async ({
  page,
  context,
  world,
}) => {
  const flight = await world.flight("TRV", "CJB", 228, 1000);
  const customer = await world.customer();
  const first = await context.newPage();
  await signIn(first, customer);
  await page.goto("/track");
  await choose(first, flight, 500);
  await expect(strip(page)).toContainText("You hold 500 kg");
  await first.getByLabel("Contents").fill("Machine parts");
  await first.getByLabel("Pieces").fill("3");
  await first.getByRole("button", { name: "Review" }).click();
  await expect(first.getByRole("heading", { name: "Review" })).toBeVisible();
  await first.close();
  expect(await held(world, flight)).toBe(500);
  const again = await context.newPage();
  await again.goto("/holds");
  const [hold] = await customer.get("/api/v1/holds");
  await again.getByRole("link", { name: /^Go on with the booking 500 kg/ }).click();
  await expect(again.getByRole("region", { name: "Room that is held" })).toContainText(flight.flight_number);
  await expect(again.getByLabel("Contents")).toHaveValue("Machine parts");
  await expect(again.getByLabel("Pieces")).toHaveValue("3");
  await again.getByRole("button", { name: "Review" }).click();
  await again.getByRole("button", { name: "Book", exact: true }).click();
  await expect(again.getByRole("heading", { name: "Booked" })).toBeVisible();
  expect((await customer.get("/api/v1/bookings"))[0].hold_id).toBe(hold.id);
  // The other tab learns of it.
  await page.bringToFront();
  await expect(strip(page)).toBeEmpty();
  await page.goto("/holds");
  await expect(page.getByRole("main")).toContainText("You hold no room.");
});

test("a guest's hold is on every page, outlives a reload and its tab, and becomes one booking", async ({
  page,
  context,
  world,
}) => {
  const flight = await world.flight("TRV", "CJB", 229, 1000);
  await page.goto("/holds");
  await expect(page.getByRole("main")).toContainText("You hold no room.");
  await choose(page, flight, 100);
  await page.getByLabel("Contents").fill("Machine parts");
  await page.reload();
  await expect(page.getByLabel("Contents")).toHaveValue("Machine parts");
  expect(await held(world, flight)).toBe(100);
  await page.goto("/track");
  await expect(strip(page)).toContainText(`You hold 100 kg on ${flight.flight_number},`);
  const next = await context.newPage();
  await page.close();
  await next.goto("/");
  await strip(next).getByRole("link", { name: "Go on with the booking" }).click();
  // The search, which is left, has a field for the pieces, too.
  await expect(next.getByRole("region", { name: "Room that is held" })).toBeVisible();
  await next.getByLabel("Pieces").fill("2");
  await next.getByRole("group", { name: "Contact" }).getByLabel("E-mail").fill("guest@shipper.example");
  await next.getByRole("button", { name: "Review" }).click();
  await pays(next, "Accepted");
  await next.getByRole("button", { name: "Book", exact: true }).click();
  await expect(next.getByRole("heading", { name: "Booked" })).toBeVisible();
  const availability = await world.anonymous().get(`/api/v1/flights/${flight.id}/availability`);
  expect([availability.held.weight_kg, availability.booked.weight_kg]).toEqual([0, 100]);
  // A reload shows the booking, and holds nothing anew.
  await next.reload();
  await expect(next.getByRole("heading", { name: "Booked" })).toBeVisible();
  expect(await held(world, flight)).toBe(0);
  // Whoever opens another tab finds nothing of it.
  expect(await next.evaluate(() => localStorage.getItem("loadmaster.guest"))).toBeNull();
});

test("a hold that runs out while another page is shown says so there, and offers to hold again", async ({
  page,
  world,
}) => {
  const flight = await world.flight("TRV", "CJB", 230, 1000);
  const customer = await world.customer();
  await signIn(page, customer, "/bookings");
  await customer.post("/api/v1/holds", { flight_ids: [flight.id], weight_kg: 500, ttl_seconds: 10 });
  await page.reload();
  await expect(strip(page)).toContainText("You hold 500 kg");
  await expect(strip(page)).toContainText(`The time is up: 500 kg on ${flight.flight_number} are no longer held.`);
  await expect(strip(page)).not.toContainText("You hold");
  expect(await held(world, flight)).toBe(0);
  await strip(page).getByRole("link", { name: "Hold again" }).click();
  await expect(strip(page)).toBeEmpty();
  await page.getByRole("button", { name: "Hold again" }).click();
  await expect(page.getByRole("region", { name: "Room that is held" })).toContainText("500 kg are held for you");
  expect(await held(world, flight)).toBe(500);
});

test("a hold that is booked in another tab is shown as booked when its time is up, and is not held again", async ({
  page,
  world,
}) => {
  const flight = await world.flight("TRV", "CJB", 231, 1000);
  const customer = await world.customer();
  const hold = await customer.post("/api/v1/holds", {
    ...{ flight_ids: [flight.id], weight_kg: 100, pieces: 2, ttl_seconds: 20 },
  });
  await signIn(page, customer);
  await page.goto(`/book?flights=${flight.id}&weight=100&hold=${hold.id}`);
  await expect(page.getByRole("timer")).toBeVisible();
  await customer.post(`/api/v1/holds/${hold.id}/commit`);
  await expect(page.getByRole("heading", { name: "Booked" })).toBeVisible({ timeout: 40_000 });
  expect(await customer.get("/api/v1/bookings")).toHaveLength(1);
});

test("a guest who comes back in another tab while a payment waits finds it again", async ({ page, context, world }) => {
  const flight = await world.flight("TRV", "CJB", 232, 1000);
  await page.goto(`/book?flights=${flight.id}&weight=100&pieces=2`);
  await page.getByRole("group", { name: "Contact" }).getByLabel("E-mail").fill("guest@shipper.example");
  await page.getByRole("button", { name: "Review" }).click();
  await pays(page, "Waits for your confirmation");
  await page.getByRole("button", { name: "Book", exact: true }).click();
  await expect(page.getByRole("button", { name: "Confirm the payment" })).toBeVisible({ timeout: 20_000 });
  const other = await context.newPage();
  await other.goto("/");
  await expect(strip(other)).toContainText(`100 kg on ${flight.flight_number} are being paid.`);
  await strip(other).getByRole("link", { name: "Show the payment" }).click();
  await other.getByRole("button", { name: "Confirm the payment" }).click();
  await expect(other.getByRole("heading", { name: "Booked" })).toBeVisible({ timeout: 20_000 });
  // The form of the first tab learns of it by itself.
  await page.bringToFront();
  await expect(page.getByRole("heading", { name: "Booked" })).toBeVisible({ timeout: 20_000 });
});

test("the page of holds asks to sign in while the session is over", async ({ page, context, world }) => {
  const flight = await world.flight("TRV", "CJB", 233, 1000);
  const customer = await world.customer();
  await customer.post("/api/v1/holds", { flight_ids: [flight.id], weight_kg: 500 });
  const entered = page.waitForResponse("**/api/v1/auth/login");
  await signInByPage(page, customer, "/holds");
  const old = (await (await entered).json()).access_token;
  const row = page.getByRole("article", { name: `500 kg, ${flight.flight_number}` });
  await expect(row).toBeVisible();
  // From now on the server refuses the token, and there is no cookie to renew it with.
  await context.clearCookies();
  await page.route("**/api/**", (route) => {
    const headers = route.request().headers();
    const isOld = headers["authorization"] === `Bearer ${old}`;
    return route.continue(isOld ? { headers: { ...headers, authorization: "Bearer none" } } : {});
  });
  // As another tab that changed a hold.
  await page.evaluate(() => new BroadcastChannel("loadmaster.holds").postMessage(null));
  const main = page.getByRole("main");
  await expect(main).toContainText("Sign in to continue.");
  await expect(main).not.toContainText("You hold no room.");
  await main.getByRole("link", { name: "Sign in" }).click();
  await page.getByLabel("E-mail").fill(customer.email);
  await page.getByLabel("Password").fill(customer.password);
  await main.getByRole("button", { name: "Sign in" }).click();
  await expect(row).toBeVisible();
});
