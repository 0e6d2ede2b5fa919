// The languages. The pseudo-language finds literals in pages, and what a longer text makes overflow; German is one to choose.
import { violationsOf } from "./axe";
import { expect, renewElsewhere, signInByPage, test, type Caller, type World } from "./world";

/** Elements whose whole text is the console's own, not data. */
const OWN = "button, legend, th[scope=col], dt, h2, h3, .skip, nav a, label";

test("every text of the console can be translated, and has room to be longer", async ({ page, world }) => {
  const operator = await world.operator();
  const flight = await world.flight("TRV", "CJB", 150, 1000);
  const booking = await world.book(operator, [flight]);
  const { origin, destination, id } = flight;
  const quote = await operator.post("/api/v1/quotes", { origin, destination, flight_ids: [id], weight_kg: 50 });
  const consolidation = await operator.post("/api/v1/consolidations", { name: "Week 50", origin, destination });
  const path = `/api/v1/consolidations/${consolidation.id}`;
  await operator.post(`${path}/parts`, { origin, pieces: 1, weight_kg: 5, status: "READY" });
  await operator.post(`${path}/hold`, { ways: [{ origin, flight_ids: [id] }] });
  const day = flight.departure_local.slice(0, 10);
  await signInByPage(page, operator);
  await page.evaluate(() => localStorage.setItem("loadmaster.words", "pseudo"));
  await page.setViewportSize({ width: 360, height: 800 });
  for (const address of [
    "/",
    `/?origin=TRV&destination=CJB&date=${day}`,
    "/track",
    `/track/${booking.ref_id}`,
    "/sign-in",
    "/register",
    "/forgot",
    "/guest",
    "/claim",
    "/bookings",
    `/bookings/${booking.ref_id}`,
    `/bookings/${booking.ref_id}/documents`,
    `/board?station=TRV&date=${day}`,
    "/board?station=TRV&show=arrivals",
    "/board?all=1",
    "/flights",
    `/flights/${flight.id}`,
    "/rerouting",
    "/payments?show=all",
    "/quotes",
    `/quotes/${quote.id}`,
    "/parties",
    "/parties?show=templates",
    "/holds",
    "/waitlist",
    "/alerts",
    "/alerts?new=PRICE&origin=TRV&destination=CJB&weight=100",
    "/consolidations",
    "/consolidations?new=1",
    `/consolidations/${consolidation.id}`,
    "/join",
    "/stations",
    "/stations/TRV",
    "/account",
  ]) {
    await page.goto(address);
    await expect(page.locator("main h1")).toBeVisible();
    await expect(page.locator('[aria-busy="true"]')).toHaveCount(0);
    const literals = await page.locator(OWN).evaluateAll((all) =>
      all
        .map((one) => (one.textContent ?? "").trim())
        // Data stands beside some: what is left without it must not be a word.
        .filter((text) => /[a-z]{4,}/i.test(text.replace(/⟦[^⟧]*⟧/g, "")) && !text.includes("⟦")),
    );
    expect(literals, address).toEqual([]);
    const overflow = await page.evaluate(
      () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
    );
    expect(overflow, `${address} overflows`).toBeLessThanOrEqual(0);
  }
});

test.describe("in a German browser", () => {
  test.use({ locale: "de-DE" });

  test("search, booking and account are German, with German figures and dates", async ({ page, world }) => {
    const operator = await world.operator();
    const flight = await world.flight("TRV", "CJB", 151, 5000);
    const booking = await world.book(operator, [flight], 1200.5);
    const day = flight.departure_local.slice(0, 10);
    await page.goto("/");
    await expect(page.getByRole("heading", { level: 1 })).toHaveText("Wohin geht Ihre Fracht?");
    await expect(page.locator("html")).toHaveAttribute("lang", "de");
    await expect(page).toHaveTitle("Suche · Loadmaster");
    await page.goto(`/?origin=TRV&destination=CJB&date=${day}`);
    await page.getByLabel("Gewicht (kg)").fill("1.200,5");
    await page.getByRole("button", { name: "Suchen", exact: true }).click();
    await expect(page).toHaveURL(/weight=1200\.5(&|$)/);
    await expect(page.getByRole("link", { name: "Buchen" }).first()).toBeVisible();
    expect(await violationsOf(page, { serious: true })).toEqual([]);
    await signInByPage(page, operator, `/bookings/${booking.ref_id}`);
    await expect(page.getByRole("main")).toContainText("1.200,5 kg");
    await expect(page.getByRole("button", { name: "Buchung stornieren" })).toBeVisible();
    await expect(page.getByRole("main")).toContainText(/(Mo|Di|Mi|Do|Fr|Sa|So) \d{1,2}\. /);
    await expect(page.locator("html")).toHaveAttribute("lang", "de");
    expect(await violationsOf(page, { serious: true })).toEqual([]);
    await page.goto("/account");
    await expect(page.getByRole("heading", { level: 2, name: "Benachrichtigungen" })).toBeVisible();
    await expect(page.getByLabel("Diese Konsole")).toHaveValue("");
    await expect(page.locator('[aria-busy="true"]')).toHaveCount(0);
    expect(await violationsOf(page, { serious: true })).toEqual([]);
  });

  test("English is chosen without an account, and stays, at the address that was open", async ({ page, world }) => {
    const flight = await world.flight("TRV", "CJB", 152, 5000);
    const address = `/?origin=TRV&destination=CJB&date=${flight.departure_local.slice(0, 10)}&weight=1200.5`;
    await page.goto(address);
    await expect(page.getByLabel("Gewicht (kg)")).toHaveValue("1200,5");
    const foot = page.getByRole("contentinfo");
    await expect(foot.getByRole("button", { name: "Deutsch" })).toHaveAttribute("aria-current", "true");
    await foot.getByRole("button", { name: "English" }).click();
    await expect(page.getByLabel("Weight (kg)")).toHaveValue("1200.5");
    await expect(page).toHaveURL(new RegExp(`date=${flight.departure_local.slice(0, 10)}&weight=1200\\.5`));
    await expect(page.locator("html")).toHaveAttribute("lang", "en");
    await page.reload();
    await expect(page.getByRole("heading", { level: 1 })).toHaveText("Where does your cargo go?");
    await expect(page.getByRole("button", { name: "Search" })).toBeEnabled();
    await expect(page.locator("html")).toHaveAttribute("lang", "en");
  });

  test("English is chosen at the account, begins with the next page, and is that of the account in other browsers", async ({
    page,
    world,
    browser,
    baseURL,
  }) => {
    const customer = await world.customer();
    await signInByPage(page, customer, "/account");
    await expect(page.getByRole("contentinfo").getByRole("button", { name: "English" })).toHaveCount(0);
    const choice = page.getByLabel("Diese Konsole");
    await expect(choice).toHaveValue("");
    await page.getByLabel("Name", { exact: true }).first().fill("not saved yet");
    await choice.selectOption("English");
    await expect(page.getByText("Die nächste Seite ist auf Englisch.")).toBeVisible();
    await expect(page.getByLabel("Name", { exact: true }).first()).toHaveValue("not saved yet");
    expect((await customer.get("/api/v1/auth/me")).language).toBe("en");
    await page.getByRole("link", { name: "Buchungen" }).click();
    await expect(page.getByRole("heading", { level: 1 })).toHaveText("Bookings");
    const fresh = await browser.newContext({ locale: "de-DE", ...(baseURL ? { baseURL } : {}) });
    const other = await fresh.newPage();
    await signInByPage(other, customer, "/bookings");
    await expect(other.getByRole("heading", { level: 1 })).toHaveText("Bookings");
    await other.goto("/account");
    await other.getByLabel("This console").selectOption("The browser's language");
    await expect(other.getByText("The next page is in German.")).toBeVisible();
    expect((await customer.get("/api/v1/auth/me")).language).toBeNull();
    await fresh.close();
  });

  test("a fault that the server says in English is marked as English at its field", async ({ page, world }) => {
    const flight = await world.flight("TRV", "CJB", 153, 5000);
    await page.goto(`/?origin=TRV&destination=CJB&date=${flight.departure_local.slice(0, 10)}&weight=0`);
    const weight = page.getByLabel("Gewicht (kg)");
    await expect(weight).toHaveAttribute("aria-invalid", "true");
    await expect(weight).toHaveAccessibleDescription(/must be/i);
    const described = (await weight.getAttribute("aria-describedby")) ?? "";
    await expect(page.locator(`[id="${described.split(" ").pop() ?? ""}"]`)).toHaveAttribute("lang", "en");
    // What the console says itself is in the language of the page.
    await page.goto(`/book?flights=${flight.id}`);
    await page.getByRole("button", { name: "Frachtraum reservieren" }).click();
    const own = page.getByLabel("Gewicht (kg)");
    await expect(own).toHaveAttribute("aria-invalid", "true");
    const fault = page.locator(`[id="${(await own.getAttribute("aria-describedby"))?.split(" ").pop() ?? ""}"]`);
    await expect(fault).not.toHaveAttribute("lang");
  });

  test("a choice that is refused leaves the language that the account has", async ({ page, world }) => {
    await signInByPage(page, await world.customer(), "/account");
    await page.route("**/api/v1/auth/me", (route) =>
      route.request().method() === "PATCH"
        ? route.fulfill({
            status: 400,
            contentType: "application/problem+json",
            body: JSON.stringify({ status: 400, code: "bad_request", title: "No", detail: "Not now." }),
          })
        : route.fallback(),
    );
    await page.getByLabel("Diese Konsole").selectOption("English");
    await expect(page.getByText("Not now.")).toHaveAttribute("lang", "en");
    await expect(page.getByLabel("Diese Konsole")).toHaveValue("");
  });
});

test.describe("with a German account in an English browser", () => {
  test.use({ locale: "en-GB" });

  async function german(world: World): Promise<Caller> {
    const customer = await world.customer();
    expect((await customer.ask("PATCH", "/api/v1/auth/me", { language: "de" })).status).toBe(200);
    return customer;
  }

  test("pages are German from signing in to signing out, and the next person's are not", async ({ page, world }) => {
    await signInByPage(page, await german(world), "/bookings");
    await expect(page.getByRole("heading", { level: 1 })).toHaveText("Buchungen");
    await expect(page.locator("html")).toHaveAttribute("lang", "de");
    await page.getByRole("button", { name: "Abmelden" }).click();
    await expect(page.getByRole("heading", { level: 1 })).toHaveText("Where does your cargo go?");
    await expect(page.locator("html")).toHaveAttribute("lang", "en");
    await signInByPage(page, await world.customer(), "/bookings");
    await expect(page.getByRole("heading", { level: 1 })).toHaveText("Bookings");
  });

  test("a page that is shown keeps its language and what is typed; the next one is German", async ({ page, world }) => {
    const customer = await world.customer();
    await signInByPage(page, customer);
    await page.getByLabel("Pieces").fill("7");
    expect((await customer.ask("PATCH", "/api/v1/auth/me", { language: "de" })).status).toBe(200);
    await renewElsewhere(page);
    await expect(page.getByLabel("Pieces")).toHaveValue("7");
    await expect(page.locator("html")).toHaveAttribute("lang", "en");
    await page.getByRole("link", { name: "Track", exact: true }).click();
    await expect(page).toHaveURL(/\/track$/);
    await expect(page.locator("html")).toHaveAttribute("lang", "de");
  });

  test("a guest's claim is kept when signing in changes the language", async ({ page, world }) => {
    const customer = await german(world);
    await page.goto("/claim");
    await page.getByLabel("Code").fill("a-claim-of-a-guest");
    await page.getByRole("main").getByRole("link", { name: "Sign in" }).click();
    await page.getByLabel("E-mail").fill(customer.email);
    await page.getByLabel("Password").fill(customer.password);
    await page.getByRole("main").getByRole("button", { name: "Sign in" }).click();
    await expect(page.locator("html")).toHaveAttribute("lang", "de");
    await expect(page).toHaveURL(/\/claim$/);
    await expect(page.getByRole("main").getByRole("textbox")).toHaveValue("a-claim-of-a-guest");
  });
});

test.describe("a catalogue that cannot be loaded", () => {
  test.use({ locale: "de-DE" });
  const [german, english] = [/\/assets\/de-[^/]*\.js/, /\/assets\/en-[^/]*\.js/];

  test("is loaded again", async ({ page }) => {
    await page.route(german, (route) => route.abort(), { times: 1 });
    await page.goto("/track");
    await expect(page.locator("html")).toHaveAttribute("lang", "de");
    await expect(page.getByRole("heading", { level: 1 })).toHaveText("Sendung verfolgen");
  });

  test("gives way to the other language", async ({ page }) => {
    await page.route(german, (route) => route.abort());
    await page.goto("/track");
    await expect(page.locator("html")).toHaveAttribute("lang", "en", { timeout: 15_000 });
    await expect(page.getByRole("heading", { level: 1 })).toBeVisible();
  });

  test("is said, with a way to load the page again, if no other can be loaded", async ({ page }) => {
    await page.route(german, (route) => route.abort());
    await page.route(english, (route) => route.abort());
    await page.goto("/track");
    const said = page.getByRole("alert");
    await expect(said).toContainText("Die Texte dieser Seite konnten nicht geladen werden.", { timeout: 15_000 });
    await page.unroute(german);
    await said.getByRole("button", { name: "Neu laden" }).click();
    await expect(page.getByRole("heading", { level: 1 })).toHaveText("Sendung verfolgen");
  });
});
