// The flights of the network: the list, what administrators do with many, and what operators may do with one.
import { randomInt } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { start, stop } from "./server";
import { expect, signIn, test, World, type Json } from "./world";

const dayOf = (flight: Json): string => flight.departure_datetime.slice(0, 10);

test("flights are found by carrier, number, lane, dates and status", async ({ page, world }) => {
  const flight = await world.flight("TRV", "CJB", 100, 1000);
  const other = await world.flight("CJB", "TRV", 100, 1000);
  const operator = await world.operator();
  await world.book(operator, [flight], 400);
  await signIn(page, operator, `/flights?number=${flight.flight_number}`);
  const row = page.locator(`[data-flight="${flight.flight_number}"]`);
  await expect(row).toContainText("TRV – CJB");
  await expect(row).toContainText("600 kg left");
  await expect(page.locator(`[data-flight="${other.flight_number}"]`)).toHaveCount(0);
  await expect(row.getByRole("link", { name: flight.flight_number })).toHaveAttribute("href", `/flights/${flight.id}`);
  await page.getByLabel("Departs to (UTC)").fill(dayOf(flight));
  await expect(page).toHaveURL(new RegExp(`to=${dayOf(flight)}`));
  await expect(row).toBeVisible();
  await page.getByLabel("Status").selectOption("Cancelled");
  await expect(page.getByText("No flight fits.")).toBeVisible();
  await page.getByLabel("Status").selectOption("Scheduled");
  await expect(row).toBeVisible();
  await page.getByLabel("Airline code").fill("ba");
  await page.getByRole("button", { name: "Find", exact: true }).click();
  await expect(page).toHaveURL(/airline=BA/);
  await expect(page.getByText("No flight fits.")).toBeVisible();
  // What administrators do is not an operator's.
  await expect(page.getByRole("button", { name: "New flight" })).toHaveCount(0);
  await expect(page.getByLabel("Tick all that are shown")).toHaveCount(0);
});

test("a shipper has no list of flights", async ({ page, world }) => {
  await signIn(page, await world.customer(), "/bookings");
  await expect(page.getByRole("navigation", { name: "Pages" }).getByRole("link", { name: "Flights" })).toHaveCount(0);
  await page.goto("/flights");
  await expect(page.getByRole("main")).toContainText("No access");
});

test("a flight is copied to another date, and a fault stands at its field", async ({ page, world }) => {
  const flight = await world.flight("TRV", "CJB", 101, 1000, { cutoff_minutes: 90 });
  const admin = await world.adminOfTests();
  await signIn(page, admin, `/flights?number=${flight.flight_number}`);
  await page.getByRole("button", { name: `Copy ${flight.flight_number}` }).click();
  const dialog = page.getByRole("dialog");
  const departure = dialog.getByLabel("Departure, local time at TRV");
  await expect(departure).not.toHaveValue("");
  await expect(dialog.getByLabel("Weight (kg)")).toHaveValue("1000");
  await expect(dialog.getByLabel("Cut-off, minutes before departure")).toHaveValue("90");
  const nextDay = await departure.inputValue();
  // Its own day is taken.
  const own = flight.departure_local.slice(0, 16);
  await departure.fill(own);
  await expect(dialog.getByLabel("Arrival, local time at CJB")).toHaveValue(flight.arrival_local.slice(0, 16));
  await dialog.getByRole("button", { name: "Create flight" }).click();
  await expect(dialog.getByRole("alert")).toBeVisible();
  await departure.fill(nextDay);
  await dialog.getByLabel("Flight number").fill("Q");
  await dialog.getByRole("button", { name: "Create flight" }).click();
  await expect(dialog.getByLabel("Flight number")).toHaveAttribute("aria-invalid", "true");
  await dialog.getByLabel("Flight number").fill(flight.flight_number);
  await dialog.getByRole("button", { name: "Create flight" }).click();
  await expect(dialog).toBeHidden();
  await expect(page.locator("[data-made]")).toContainText(`${flight.flight_number} is created.`);
  await expect(page.locator(`[data-flight="${flight.flight_number}"]`)).toHaveCount(2);
  const both = await admin.get(`/api/v1/flights?flight_number=${flight.flight_number}`);
  expect(both).toHaveLength(2);
  expect(both[1].departure_local.slice(0, 16)).toBe(nextDay);
  expect(both[1].physical_capacity).toEqual(flight.physical_capacity);
  expect(Date.parse(both[1].departure_datetime) - Date.parse(both[1].cutoff_datetime)).toBe(90 * 60_000);
});

test("many flights are cancelled after a look at their bookings; what was not possible stays ticked", async ({
  page,
  world,
}) => {
  const flights = [await world.flight("TRV", "CJB", 126, 1000)];
  const number = flights[0].flight_number;
  for (const hours of [150, 174])
    flights.push(await world.flight("TRV", "CJB", hours, 1000, { flight_number: number }));
  const admin = await world.adminOfTests();
  const [one, two, gone] = flights;
  const bookings = [await world.book(admin, [one]), await world.book(admin, [two]), await world.book(admin, [two])];
  await signIn(page, admin, `/flights?number=${number}&from=${dayOf(one)}`);
  await expect(page.locator("tbody tr")).toHaveCount(3);
  await page.getByLabel("Tick all that are shown").check();
  await page.getByRole("button", { name: "Cancel flights …" }).click();
  const dialog = page.getByRole("dialog");
  await expect(dialog.locator("[data-sum]")).toHaveAttribute("data-sum", "3");
  await expect(dialog.locator("[data-sum]")).toContainText("3 flights can be cancelled; 3 bookings lose their flight.");
  await expect(dialog.locator("tbody tr")).toHaveCount(3);
  expect((await admin.get(`/api/v1/flights/${one.id}`)).status, "only tried").toBe("SCHEDULED");
  // Somebody cancels one of them meanwhile.
  await admin.post(`/api/v1/flights/${gone.id}/cancel`);
  await dialog.getByLabel("Reason").fill("Storm");
  await dialog.getByRole("button", { name: "Cancel flights" }).click();
  await expect(page.locator("[data-result]")).toContainText("2 done, 1 not possible");
  await expect(page.locator("[data-result]")).toBeFocused();
  await expect(page.locator("[data-refused] li")).toHaveCount(1);
  await expect(page.locator("[data-refused] a")).toHaveAttribute("href", `/flights/${gone.id}`);
  await expect(page.getByText("1 ticked")).toBeVisible();
  for (const flight of [one, two]) expect((await admin.get(`/api/v1/flights/${flight.id}`)).status).toBe("CANCELLED");
  for (const booking of bookings)
    expect((await admin.get(`/api/v1/bookings/${booking.ref_id}`)).needs_rerouting, booking.ref_id).toBe(true);

  // A flight that cannot be cancelled says so before anything is done.
  await page.getByRole("button", { name: "Cancel flights …" }).click();
  await expect(dialog.locator("[data-sum]")).toContainText("Not possible: 1.");
  await expect(dialog.locator(`[data-trial="${number}"]`)).toContainText("CANCELLED");
  await expect(dialog.getByRole("button", { name: "Cancel flights" })).toBeDisabled();
});

test("a flight whose trial got no answer is not cancelled with the others, until it is tried again", async ({
  page,
  world,
}) => {
  const one = await world.flight("TRV", "CJB", 106, 1000);
  const number = one.flight_number;
  const two = await world.flight("TRV", "CJB", 130, 1000, { flight_number: number });
  const admin = await world.adminOfTests();
  await signIn(page, admin, `/flights?number=${number}`);
  await expect(page.locator(`[data-flight="${number}"]`)).toHaveCount(2);
  await page.route(
    (url) => url.pathname.endsWith(`/${two.id}/cancel`) && url.searchParams.has("dry_run"),
    (route) =>
      route.fulfill({
        status: 500,
        contentType: "application/problem+json",
        json: { status: 500, code: "internal", title: "Internal", detail: "It failed." },
      }),
  );
  await page.getByLabel("Tick all that are shown").check();
  await page.getByRole("button", { name: "Cancel flights …" }).click();
  const dialog = page.getByRole("dialog");
  await expect(dialog.locator("[data-sum]")).toContainText("1 flight can be cancelled");
  await expect(dialog.locator("[data-sum]")).not.toContainText("Not possible");
  await dialog.getByRole("button", { name: "Cancel flights" }).click();
  await expect(page.locator("[data-result]")).toContainText("1 done, 0 not possible");
  expect((await admin.get(`/api/v1/flights/${one.id}`)).status).toBe("CANCELLED");
  expect((await admin.get(`/api/v1/flights/${two.id}`)).status).toBe("SCHEDULED");
  await expect(page.getByText("1 ticked")).toBeVisible();

  // The server answers again.
  await page.getByRole("button", { name: "Cancel flights …" }).click();
  await expect(dialog.getByRole("button", { name: "Cancel flights" })).toBeDisabled();
  await page.unrouteAll();
  await dialog.getByRole("button", { name: "Try again" }).click();
  await expect(dialog.locator("[data-sum]")).toContainText("1 flight can be cancelled");
  await dialog.getByRole("button", { name: "Cancel flights" }).click();
  await expect(dialog).toBeHidden();
  expect((await admin.get(`/api/v1/flights/${two.id}`)).status).toBe("CANCELLED");
});

test("what comes late of an act that was closed is not shown for another one", async ({ page, world }) => {
  const flight = await world.flight("TRV", "CJB", 107, 1000);
  await signIn(page, await world.adminOfTests(), `/flights/${flight.id}`);
  let answer = () => {};
  const mayAnswer = new Promise<void>((resolve) => (answer = resolve));
  const isTrial = (url: URL) => url.pathname.endsWith(`/${flight.id}/cancel`) && url.searchParams.has("dry_run");
  await page.route(isTrial, async (route) => {
    await mayAnswer;
    await route.continue();
  });
  const dialog = page.getByRole("dialog");
  const asked = page.waitForRequest((request) => isTrial(new URL(request.url())));
  await page.getByRole("button", { name: "Cancel flight" }).click();
  await asked;
  await dialog.getByRole("button", { name: "Back", exact: true }).click();
  await page.getByRole("button", { name: "Change times" }).click();
  await expect(dialog.getByLabel("Arrival, local time at CJB")).toHaveValue(flight.arrival_local.slice(0, 16));
  const answered = page.waitForResponse((response) => isTrial(new URL(response.url())));
  answer();
  await (await answered).finished();
  await page.evaluate(() => new Promise((shown) => requestAnimationFrame(() => requestAnimationFrame(shown))));
  await expect(dialog.locator("[data-impact]")).toHaveCount(0);
  await expect(dialog.getByRole("button", { name: "Show the impact" })).toBeVisible();
});

test("a flight is not copied by a clock that is not known", async ({ page, world }) => {
  const flight = await world.flight("TRV", "CJB", 108, 1000);
  await page.route("**/api/v1/airports/TRV", (route) => route.fulfill({ status: 500, body: "" }));
  await signIn(page, await world.adminOfTests(), `/flights?number=${flight.flight_number}`);
  await page.getByRole("button", { name: `Copy ${flight.flight_number}` }).click();
  const dialog = page.getByRole("dialog");
  await expect(dialog.getByRole("alert")).toContainText("The local time of TRV is not known");
  await expect(dialog.getByRole("button", { name: "Create flight" })).toHaveCount(0);
  await page.unrouteAll();
  await dialog.getByRole("button", { name: "Try again" }).click();
  await expect(dialog.getByLabel("Departure, local time at TRV")).toHaveValue(/T/);
});

test("an operator departs a flight and changes nothing else of it", async ({ page, world }) => {
  const flight = await world.flight("TRV", "CJB", 103, 1000);
  await signIn(page, await world.operator(), `/flights/${flight.id}`);
  await expect(page.getByRole("button", { name: "Depart", exact: true })).toBeVisible();
  for (const name of ["Change times", "Change aircraft", "Offload", "Set overbooking", "Cancel flight"])
    await expect(page.getByRole("button", { name })).toHaveCount(0);
});

// The setting is of a whole server: this test has one of its own.
test("where the server lets operators change flights, one gets new times and the audit trail names the operator", async ({
  browser,
}) => {
  test.setTimeout(480_000);
  const directory = mkdtempSync(join(tmpdir(), "loadmaster-night-"));
  const server = await start(directory, 0, { LOADMASTER_OPERATIONS__OPERATORS_CHANGE_FLIGHTS: "true" });
  const tests = process.env["CONSOLE_PASSWORD"];
  const context = await browser.newContext({ baseURL: server.url });
  try {
    process.env["CONSOLE_PASSWORD"] = server.password;
    const world = new World(server.url);
    const flight = await world.flight("TRV", "CJB", 104, 1000);
    const operator = await world.operator();
    const page = await context.newPage();
    await signIn(page, operator, `/flights/${flight.id}`);
    await page.getByRole("button", { name: "Change times" }).click();
    await expect(page.getByRole("button", { name: "Cancel flight" })).toHaveCount(0);
    const dialog = page.getByRole("dialog");
    const arrival = dialog.getByLabel("Arrival, local time at CJB");
    const own = flight.arrival_local.slice(0, 16);
    await expect(arrival).toHaveValue(own);
    const entered = new Date(Date.parse(`${own}Z`) + 3_600_000).toISOString().slice(0, 16);
    await arrival.fill(entered);
    await dialog.getByRole("button", { name: "Show the impact" }).click();
    await dialog.getByRole("button", { name: "Change times" }).click();
    await expect(dialog).toBeHidden();
    const admin = await world.admin();
    expect((await admin.get(`/api/v1/flights/${flight.id}`)).arrival_local.slice(0, 16)).toBe(entered);
    const acts = await admin.get(`/api/v1/admin/audit?act=flight.changed&subject_id=${flight.id}`);
    expect(acts.map((act: Json) => act.actor_id)).toEqual([(await operator.get("/api/v1/auth/me")).id]);
  } finally {
    if (tests === undefined) delete process.env["CONSOLE_PASSWORD"];
    else process.env["CONSOLE_PASSWORD"] = tests;
    await context.close();
    await stop(server);
    rmSync(directory, { recursive: true, force: true });
  }
});

test("an administrator sets the overbooking of a flight, and its room grows", async ({ page, world }) => {
  const flight = await world.flight("TRV", "CJB", 105, 1000);
  const admin = await world.adminOfTests();
  await signIn(page, admin, `/flights/${flight.id}`);
  await page.getByRole("button", { name: "Set overbooking" }).click();
  const dialog = page.getByRole("dialog");
  const weight = dialog.getByLabel("Weight, % more");
  await expect(weight).toHaveValue("0");
  await weight.fill("99");
  await dialog.getByRole("button", { name: "Show the impact" }).click();
  await expect(weight).toHaveAttribute("aria-invalid", "true");
  await weight.fill("10");
  await dialog.getByRole("button", { name: "Show the impact" }).click();
  await expect(dialog.locator("[data-impact]")).toHaveAttribute("data-impact", "0");
  await dialog.getByRole("button", { name: "Set overbooking" }).click();
  await expect(dialog).toBeHidden();
  await expect(page.getByRole("main")).toContainText("1,100 kg left");
  const now = await admin.get(`/api/v1/flights/${flight.id}`);
  expect(now.overbooking).toEqual({ weight_percent: 10, volume_percent: 0, positions_percent: 0 });
  expect(now.physical_capacity.weight_kg).toBe(1000);
});

test("a flight shows the numbers under which others sell it, and is found by them", async ({ page, world }) => {
  const others = [`SQ${randomInt(2000, 9999)}`, `UA${randomInt(2000, 9999)}`];
  const flight = await world.codeshare(others);
  await signIn(page, await world.operator(), `/flights?number=${others[0]}`);
  const row = page.locator(`[data-flight="${flight.flight_number}"]`);
  await row.getByRole("link", { name: flight.flight_number }).click();
  await expect(page).toHaveURL(new RegExp(flight.id));
  await expect(page.locator("[data-others]")).toHaveText(others.join(", "));
  // One that no other carrier sells has no line for it.
  const plain = await world.flight("TRV", "CJB", 106, 1000);
  await page.goto(`/flights/${plain.id}`);
  await expect(page.getByRole("heading", { level: 1 })).toContainText(plain.flight_number);
  await expect(page.getByText("Scheduled departure")).toBeVisible();
  await expect(page.locator("[data-others]")).toHaveCount(0);
});

test("words in the list stay whole at 1280 pixels", async ({ page, world }) => {
  await world.flight("TRV", "CJB", 30, 1000);
  await page.setViewportSize({ width: 1280, height: 860 });
  await signIn(page, await world.adminOfTests(), "/flights");
  const copy = page.getByRole("button", { name: /^Copy/ }).first();
  await expect(copy).toBeVisible();
  const lines = await copy.evaluate((it) => {
    const text = [...it.childNodes].find((node) => node.nodeType === Node.TEXT_NODE && node.textContent?.trim());
    const range = document.createRange();
    range.selectNodeContents(text ?? it);
    return new Set([...range.getClientRects()].map((box) => Math.round(box.top))).size;
  });
  expect(lines).toBe(1);
});
