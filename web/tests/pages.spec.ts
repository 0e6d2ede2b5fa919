// Every page in each of both widths, both themes and both languages: no violation that axe knows, nothing wider than the screen, no
// error in the console and no violation of the policy (`world.ts`), and a picture to look at if CONSOLE_PICTURES is set.
//
// Axe takes seconds for a page, so it does not look at all eight:
// - It judges structure and colours in each width and in each theme, which are two in English, and four in both languages with
//   `./test --long`: so it sees each width in each language, whose texts have other lengths, and each theme in each language.
// - A theme changes colours alone. That it changes nothing else is seen without axe: in each width and language the elements, their
//   roles and states, whether they are shown, and whether they are large enough to be hit are the same in both themes.
// The pages are divided, so that browsers share them.
import type { Page, TestInfo } from "@playwright/test";
import { randomInt } from "node:crypto";
import { violationsOf } from "./axe";
import { file, flightsOf, numbersOf, page as pageOf, ran, withFeed } from "./feeds";
import { approvedTip, content, pictured, tipOf, written } from "./stations";
import { expect, showIn, signIn, test, type Caller, type Json, type World } from "./world";

const LOOKS = [
  { language: "en", width: 360, theme: "dark", other: "light" },
  { language: "en", width: 1280, theme: "light", other: "dark" },
  { language: "de", width: 360, theme: "light", other: "dark" },
  { language: "de", width: 1280, theme: "dark", other: "light" },
] as const;
const JUDGED = process.env["LOADMASTER_TEST_LONG"] ? ["en", "de"] : ["en"];
const MINUTES = 60_000;

test.describe.configure({ mode: "parallel" });

/** Brings a page that was opened into the state in which it is looked at, or waits for that. It may be in it already. */
type Show = (page: Page) => Promise<void>;

async function isSound(page: Page, address: string, info: TestInfo, state = "", show?: Show): Promise<void> {
  let before: string | null = null;
  for (const { language, width, theme, other } of LOOKS) {
    const name = state ? `${address} (${state})` : address;
    const what = `${name} ${width} ${theme} ${language}`;
    await page.setViewportSize({ width, height: 900 });
    await page.emulateMedia({ colorScheme: theme });
    if (language === "en") await page.goto(address);
    else if (before !== language) await showIn(page, language);
    before = language;
    await expect(page.locator("main h1")).toBeVisible();
    await show?.(page);
    await expect(page.locator('[aria-busy="true"]')).toHaveCount(0);
    if (JUDGED.includes(language)) expect(await violationsOf(page), what).toEqual([]);
    await hasRoom(page, what);
    await pictureOf(page, info, [state || address, width, theme, language].join(" "));
    await isSameIn(page, [theme, other], `${what}, and ${other}`);
    await hasRoom(page, `${name} ${width} ${other} ${language}`);
  }
  await page.evaluate(() => localStorage.removeItem("loadmaster.language"));
}

async function pictureOf(page: Page, info: TestInfo, what: string): Promise<void> {
  if (!process.env["CONSOLE_PICTURES"]) return;
  const [address = "", ...look] = what.split(" ");
  const name = `${[address.replace(/[^a-z]+/gi, "_").slice(0, 40), ...look].join("-")}.png`;
  await page.screenshot({ path: info.outputPath(name), fullPage: true });
}

/** What axe judges besides colours and texts: each element that is shown, with its role, its states, and whether it can be hit. */
function structureOf(page: Page): Promise<string[]> {
  return page.evaluate(() => {
    const MEANS = /^(role|aria-.+|tabindex|disabled|hidden|inert|alt|for|type|scope|lang)$/;
    return [...document.body.querySelectorAll("*")]
      .filter((element) => element.checkVisibility({ visibilityProperty: true, opacityProperty: true }))
      .map((element) => {
        const said = [...element.attributes]
          .filter(({ name }) => MEANS.test(name))
          // Texts that count time are not compared.
          .map(({ name, value }) => (name === "aria-label" || name === "aria-valuetext" ? name : `${name}=${value}`));
        const { width, height } = element.getBoundingClientRect();
        const isTarget = element.matches("a, button, input, select, textarea, summary, [tabindex]");
        return [element.localName, ...said.sort(), ...(isTarget ? [width >= 24, height >= 24] : [])].join(" ");
      });
  });
}

/** What is shown is the same in both themes. A page that is live may change in between: it is then looked at again. */
async function isSameIn(page: Page, themes: readonly ("light" | "dark")[], what: string): Promise<void> {
  await expect(async () => {
    const seen: string[][] = [];
    for (const theme of themes) {
      await page.emulateMedia({ colorScheme: theme });
      expect(await page.evaluate(() => matchMedia("(prefers-color-scheme: dark)").matches)).toBe(theme === "dark");
      seen.push(await structureOf(page));
    }
    expect(seen[0]?.length, what).toBeGreaterThan(5);
    expect(seen[1], what).toEqual(seen[0]);
  }).toPass({ timeout: 20_000 });
}

async function hasRoom(page: Page, what: string): Promise<void> {
  const overflow = await page.evaluate(
    () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
  );
  expect(overflow, `${what}: nothing is wider than the screen`).toBeLessThanOrEqual(0);
}

/** An administrator with a booking on a nearly full flight. */
async function shipped(world: World): Promise<{ admin: Caller; flight: Json; booking: Json; day: string }> {
  const flight = await world.flight("TRV", "CJB", 90, 1000);
  const admin = await world.adminOfTests();
  return { admin, flight, booking: await world.book(admin, [flight], 950), day: flight.departure_local.slice(0, 10) };
}

/** With the prices of a month, and the history of the lane with its table. */
async function pricesOpened(page: Page): Promise<void> {
  const buttons = page.locator("[data-prices] > .row button");
  await expect(buttons).toHaveCount(2);
  for (const button of await buttons.all())
    if ((await button.getAttribute("aria-expanded")) === "false") await button.click();
  await expect(page.locator("[data-prices] [data-date]").first()).toBeVisible();
  await page
    .locator("[data-history] details")
    .first()
    .evaluate((details: HTMLDetailsElement) => (details.open = true));
}

test("the pages for anyone violate nothing of WCAG 2.2 AA as far as axe can tell", async ({ page, world }, info) => {
  test.setTimeout(8 * MINUTES);
  const { flight, booking, day } = await shipped(world);
  const roomy = await world.flight("TRV", "CJB", 91, 1000);
  const { claim } = await world.bookAsGuest(roomy, "guest@example.com");
  for (const address of [
    "/",
    `/?origin=TRV&destination=CJB&date=${day}&weight=500`,
    "/track",
    `/track/${booking.ref_id}`,
    "/track/ACB000000001",
    "/sign-in",
    "/register",
    "/forgot",
    "/guest",
    `/guest#${claim.token}`,
    "/claim",
    "/join#token",
    "/reset?token=x",
    `/book?flights=${flight.id}`,
    `/book?flights=${flight.id}&weight=10`,
    // Of the guest who booked above: with the strip, and a hold in the list.
    "/holds",
    "/flights/00000000-0000-7000-8000-000000000000",
  ])
    await isSound(page, address, info);
  await isSound(page, "/graphiql", info, "", () =>
    expect(page.locator(".graphiql-query-editor .CodeMirror")).toBeVisible(),
  );
  await isSound(page, "/graphiql", info, "graphiql_answered", async () => {
    await page.getByRole("button", { name: "Execute query" }).click();
    await expect(page.locator(".graphiql-response .CodeMirror-code")).toContainText("flightNumber");
    const documentation = page.getByRole("button", { name: "Show Documentation Explorer" });
    if (await documentation.isVisible()) await documentation.click();
    await expect(page.locator(".graphiql-doc-explorer a").first()).toBeVisible();
  });
  await world.historyOfDemo();
  await isSound(page, `/?origin=DEL&destination=LHR&date=${day}&weight=300`, info, "prices", pricesOpened);
  await page.goto("/");
  await page.getByLabel("From").fill("london");
  await expect(page.getByRole("listbox")).toBeVisible();
  expect(await violationsOf(page)).toEqual([]);
});

test("the pages of stations violate nothing of it", async ({ page, world }, info) => {
  test.setTimeout(8 * MINUTES);
  const staff = await world.adminOfTests();
  await written(staff, "NAG", content());
  await pictured(staff, "/api/v1/stations/NAG/image");
  await approvedTip(world, staff, "NAG", "Enter by gate 3.");
  for (const address of ["/stations", "/stations?q=NAG&capability=COOL_ROOM", "/stations/NAG", "/stations/QQQ"])
    await isSound(page, address, info);
});

/** A consolidation of a caller with one part from TRV to CJB, which is held on a flight. */
async function consolidated(caller: Caller, flight: Json): Promise<Json> {
  const { origin, destination, id } = flight;
  const one = await caller.post("/api/v1/consolidations", { name: "Week 50", origin, destination });
  const path = `/api/v1/consolidations/${one.id}`;
  const freight = { pieces: 1, weight_kg: 5, special_handling_codes: ["PER", "COL"], status: "READY" };
  await caller.post(`${path}/parts`, { origin, ...freight, house_number: "H-1", description: "cut flowers" });
  await caller.post(`${path}/members`, { email: "member@example.com", origin });
  await caller.post(`${path}/hold`, { ways: [{ origin, flight_ids: [id] }] });
  return one;
}

test("the pages of bookings, flights and consolidations violate nothing of it", async ({ page, world }, info) => {
  test.setTimeout(12 * MINUTES);
  const { admin, flight, booking, day } = await shipped(world);
  const booked = await consolidated(admin, flight);
  await admin.post(`/api/v1/consolidations/${booked.id}/book`);
  await signIn(page, admin);
  for (const address of [
    "/bookings",
    `/bookings/${booking.ref_id}`,
    "/bookings/ACB000000001",
    `/bookings/${booking.ref_id}/documents`,
    `/bookings/${booking.ref_id}/documents?show=labels`,
    `/board?station=TRV&date=${day}`,
    "/board?station=TRV&show=arrivals",
    "/board?all=1",
    "/flights",
    `/flights/${flight.id}`,
    "/rerouting",
    "/consolidations",
    "/consolidations?new=1",
    `/consolidations/${booked.id}`,
    `/consolidations/${booked.id}/manifest/${flight.origin}`,
    "/consolidations/00000000-0000-7000-8000-000000000000",
  ])
    await isSound(page, address, info);
});

test("the pages of prices, waiting and accounts violate nothing of it", async ({ page, world }, info) => {
  test.setTimeout(12 * MINUTES);
  const { admin, flight } = await shipped(world);
  const webhook = await admin.post("/api/v1/webhooks", { url: "https://receiver.loadmaster.example/" });
  const delivery = await admin.post(`/api/v1/webhooks/${webhook.id}/test`);
  await admin.post("/api/v1/api-keys", { name: "scanner" });
  const { origin, destination, id } = flight;
  const quote = await admin.post("/api/v1/quotes", { origin, destination, flight_ids: [id], weight_kg: 50 });
  await admin.post("/api/v1/alerts", { kind: "SPACE", origin, destination, weight_kg: 500 });
  await signIn(page, admin);
  for (const address of [
    "/payments?show=all",
    "/quotes",
    `/quotes/${quote.id}`,
    "/parties",
    "/parties?show=templates",
    `/waitlist?flights=${flight.id}&origin=TRV&destination=CJB&weight=500`,
    "/alerts",
    "/alerts?new=PRICE&origin=TRV&destination=CJB&weight=500&amount=450&currency=USD",
    "/alerts?new=SPACE&origin=TRV&destination=CJB&weight=500",
    "/account",
    `/account?webhook=${webhook.id}`,
    `/account?webhook=${webhook.id}&delivery=${delivery.id}`,
  ])
    await isSound(page, address, info);
});

test("a consolidation that is held violates nothing of it: flights that were searched, rows with faults", async ({
  page,
  world,
}, info) => {
  test.setTimeout(6 * MINUTES);
  const { admin, flight, day } = await shipped(world);
  const held = await consolidated(admin, flight);
  await signIn(page, admin);
  await isSound(page, `/consolidations/${held.id}`, info, "consolidation_held", async () => {
    await expect(page.locator("[data-book]")).toBeVisible();
    if ((await page.locator("[data-combination]").count()) === 0) {
      await page.locator("[data-group-search] input[type=date]").fill(day);
      await page.locator("[data-group-search] [type=submit]").click();
      await expect(page.locator("[data-combination]").first()).toBeVisible();
    }
    const row = page.locator("[data-grid] [data-row='0']");
    if ((await row.locator("[aria-invalid]").count()) === 0) {
      await row.locator("[data-column=pieces] input").fill("many");
      await page.locator("[data-grid] [type=submit]").click();
      await expect(row.locator("[aria-invalid]").first()).toBeVisible();
    }
  });
});

test("a menu on a phone, a connection at risk and columns of products violate nothing of it", async ({
  page,
  world,
}, info) => {
  test.setTimeout(6 * MINUTES);
  const admin = await world.adminOfTests();
  const first = await world.flight("TRV", "CJB", 3, 1000);
  const after = (hours: number) => new Date(Date.parse(first.arrival_datetime) + hours * 3_600_000).toISOString();
  const second = await world.flight("CJB", "DEL", 14, 1000, {
    departure_datetime: after(3),
    arrival_datetime: after(6),
  });
  await world.book(admin, [first, second], 120);
  const late = await admin.ask("PATCH", `/api/v1/flights/${first.id}`, { arrival_datetime: after(2) });
  expect(late.status).toBe(200);
  // Of a lane that no other test searches.
  const flight = await world.flight("IXZ", "MAA", 100, 1000);
  const tariffs: Json[] = [];
  for (const product of ["GENERAL", "EXPRESS"])
    tariffs.push(
      await admin.post("/api/v1/tariffs", {
        ...{ code: `T${randomInt(100_000, 999_999)}`, origin: "IXZ", destination: "MAA", product },
        ...{ currency: "USD", minimum: "0", normal: product === "GENERAL" ? "2" : "3", breaks: [] },
        valid_from: "2020-01-01",
      }),
    );
  try {
    await signIn(page, admin);
    await isSound(page, "/account", info, "phone_menu", async () => {
      const menu = page.locator("header .menu button");
      if ((await menu.isVisible()) && (await menu.getAttribute("aria-expanded")) === "false") await menu.click();
      await expect(page.locator("header nav a").first()).toBeVisible();
    });
    await isSound(page, "/board?station=TRV", info, "connections_at_risk", () =>
      expect(page.locator(`[data-flight="${first.flight_number}"] a[href*="AT_RISK"]`)).toBeVisible(),
    );
    await isSound(page, `/rerouting?flight=${first.id}&concern=AT_RISK`, info, "bookings_at_risk", () =>
      expect(page.locator("[data-booking]")).toHaveCount(1),
    );
    const day = flight.departure_local.slice(0, 10);
    await isSound(page, `/?origin=IXZ&destination=MAA&date=${day}&weight=100`, info, "product_columns", () =>
      expect(page.locator('td[data-label="EXPRESS"] a')).toBeVisible(),
    );
  } finally {
    for (const { id } of tariffs) await admin.ask("DELETE", `/api/v1/tariffs/${id}`);
  }
});

test("a feed, its runs, their differences and faults, and a flight of it violate nothing of it", async ({
  page,
  world,
}, info) => {
  test.setTimeout(10 * MINUTES);
  const admin = await world.adminOfTests();
  const numbers = numbersOf("C8");
  await withFeed(admin, { airline_codes: ["C8"], apply: "REVIEW" }, async (feed) => {
    const first = await ran(admin, feed, file(numbers));
    await admin.post(`/api/v1/feeds/${feed.id}/runs/${first.id}/apply`);
    await expect.poll(async () => (await flightsOf(admin, numbers[0] ?? "")).length).toBe(1);
    const failed = await ran(admin, feed, file(numbers).replace("77X", "QQQ"));
    const waiting = await ran(admin, feed, file(numbers.slice(0, 2), 12));
    expect([failed.status, waiting.status]).toEqual(["FAILED", "REVIEW"]);
    const [flight] = await flightsOf(admin, numbers[0] ?? "");
    await signIn(page, admin);
    await isSound(page, pageOf(feed), info, "feed", () => expect(page.locator("tr[data-run]")).toHaveCount(3));
    await isSound(page, `${pageOf(feed)}?run=${waiting.id}`, info, "feed_run", () =>
      expect(page.locator("[data-difference]")).toHaveCount(3),
    );
    await isSound(page, `${pageOf(feed)}?run=${failed.id}`, info, "feed_faults", () =>
      expect(page.locator("[data-faults] tbody tr").first()).toBeVisible(),
    );
    await isSound(page, `/flights/${flight.id}`, info, "flight_of_feed", () =>
      expect(page.locator("[data-flight-feed]")).toBeVisible(),
    );
    await isSound(page, pageOf(feed), info, "feed_dialog", async () => {
      const dialog = page.getByRole("dialog");
      if (!(await dialog.isVisible())) await page.locator(".panel button").first().click();
      await expect(dialog).toBeVisible();
    });
  });
});

const ADMIN = {
  "people, network and rules": [
    "/admin",
    "/admin/users",
    "/admin/organizations",
    "/admin/api-keys",
    "/admin/airports?q=london",
    "/admin/airlines",
    "/admin/aircraft",
    "/admin/tariffs",
    "/admin/surcharges",
    "/admin/sales",
    "/admin/embargoes",
    "/admin/allotments",
  ],
  operation: [
    "/admin/import",
    "/admin/feeds",
    "/admin/jobs",
    "/admin/alerts",
    "/admin/consolidations",
    "/admin/messages",
    "/admin/messages?show=mailbox",
    "/admin/messages?show=webhooks",
    "/admin/audit",
    "/admin/analytics",
    "/admin/health",
  ],
} as const;

for (const [area, addresses] of Object.entries(ADMIN))
  test(`the pages of administrators violate nothing of it: ${area}`, async ({ page, world }, info) => {
    test.setTimeout(12 * MINUTES);
    const admin = await world.adminOfTests();
    await signIn(page, admin);
    for (const address of addresses) await isSound(page, address, info);
    if (area === "operation") return;
    const me = await admin.get("/api/v1/auth/me");
    await isSound(page, `/admin/api-keys?user=${me.id}`, info);
  });

test("the pages that keep stations violate nothing of it", async ({ page, world }, info) => {
  test.setTimeout(8 * MINUTES);
  const admin = await world.adminOfTests();
  await written(admin, "IXB", content());
  await tipOf(await world.customer(), "IXB", "Enter by gate 3.", { link: "https://www.example.com/page" });
  await admin.post("/api/v1/station-tags", { code: `t-${randomInt(1e9)}`, name: "Pharma hub", color: "#2563eb" });
  const collection = {
    slug: `c-${randomInt(1e9)}`,
    name: "Bengal",
    text: "North and south.",
    stations: ["IXB", "CCU"],
  };
  await admin.post("/api/v1/station-collections", collection);
  await signIn(page, admin);
  for (const address of ["/admin/stations", "/admin/tags", "/admin/collections", "/admin/tips?station=IXB"])
    await isSound(page, address, info);
  // With a fault at a field of a row.
  await isSound(page, "/admin/stations?station=IXB", info, "station_edited", async () => {
    const from = page.locator("[data-content]").getByPlaceholder("06:00").first();
    await expect(from).toBeVisible();
    if ((await from.getAttribute("aria-invalid")) === "true") return;
    await from.fill("soon");
    await page.locator("[data-content] > div:last-child button").click();
    await expect(from).toHaveAttribute("aria-invalid", "true");
  });
});
