// What browser tests need: the server, callers of its API in each role, and flights of their own.
import { test as base, expect, type Page } from "@playwright/test";
import { randomInt, randomUUID } from "node:crypto";

export { expect };

const PASSWORD = "a phrase for tests 17";
const ADMIN = "admin@loadmaster.example";

// eslint-disable-next-line @typescript-eslint/no-explicit-any -- tests read any member of an answer
export type Json = any;

/** A caller of the API, beside the browser. */
export class Caller {
  constructor(
    readonly url: string,
    readonly email: string,
    readonly password: string,
    private readonly token: string,
  ) {}

  async ask(method: string, path: string, body?: unknown, headers: Record<string, string> = {}): Promise<Response> {
    return fetch(`${this.url}${path}`, {
      method,
      headers: {
        ...(this.token ? { Authorization: `Bearer ${this.token}` } : {}),
        ...(body === undefined ? {} : { "Content-Type": "application/json" }),
        ...headers,
      },
      ...(body === undefined
        ? {}
        : { body: typeof body === "string" || body instanceof Blob ? body : JSON.stringify(body) }),
    });
  }

  async get(path: string): Promise<Json> {
    const answer = await this.ask("GET", path);
    expect(answer.status, path).toBe(200);
    return answer.json();
  }

  async post(path: string, body: unknown = {}): Promise<Json> {
    const answer = await this.ask("POST", path, body);
    const text = await answer.text();
    expect(answer.ok, `${path}: ${text}`).toBe(true);
    return text ? JSON.parse(text) : null;
  }

  /** Sends a file as it is. */
  async postFile(path: string, type: string, body: string): Promise<Json> {
    const headers = { Authorization: `Bearer ${this.token}`, "Content-Type": type };
    const answer = await fetch(`${this.url}${path}`, { method: "POST", headers, body });
    const text = await answer.text();
    expect(answer.ok, `${path}: ${text}`).toBe(true);
    return JSON.parse(text);
  }
}

/** Workers that run at once have numbers of their own: two flights of one number, airport and date cannot be. */
const WORKERS = 8;
const FIRST = 2000 + 1000 * (Number(process.env["TEST_PARALLEL_INDEX"] ?? 0) % WORKERS);
let flights = randomInt(1000);
const flightNumber = (): string => `AI${FIRST + (flights++ % 1000)}`;

/** A file of SSIM, chapter 7, with a flight in ten days. */
function season(number: string, others: string[]): string {
  const [year = "", month = "", day = ""] = new Date(Date.now() + 10 * 86_400_000)
    .toISOString()
    .slice(2, 10)
    .split("-");
  const date = `${day}${"JANFEBMARAPRMAYJUNJULAUGSEPOCTNOVDEC".slice(Number(month) * 3 - 3, Number(month) * 3)}${year}`;
  const designator = (of: string) => `${of.slice(0, 2)} ${of.slice(2).padStart(4, "0")}`;
  const records = [
    "1AIRLINE STANDARD SCHEDULE DATA SET",
    `2U${number.slice(0, 2)}${" ".repeat(10)}${date}${date}${date}`,
    `3 ${designator(number)}0101F${date}${date}1234567 DEL04300430+0530  BOM06400640+0530  77X`,
    `4 ${designator(number)}0101F${" ".repeat(13)} AB010DELBOM${others.map(designator).join("/")}`,
    `5 ${number.slice(0, 2)}${" ".repeat(183)}000004E`,
  ];
  return records.map((record, at) => `${record.padEnd(194)}${String(at + 1).padStart(6, "0")}`).join("\n");
}

export class World {
  #admin: Promise<Caller> | null = null;

  constructor(readonly url: string) {}

  async #enter(email: string, password: string): Promise<Caller> {
    const answer = await fetch(`${this.url}/api/v1/auth/login`, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ email, password }),
    });
    expect(answer.status).toBe(200);
    return new Caller(this.url, email, password, ((await answer.json()) as Json).access_token);
  }

  anonymous(): Caller {
    return new Caller(this.url, "", "", "");
  }

  /** Waits until the demonstration has invented what lanes cost before today: it does so after its past. */
  async historyOfDemo(): Promise<void> {
    const address = "/api/v1/rates/history?origin=DEL&destination=LHR&weight_kg=300";
    const sources = async () => (await this.anonymous().get(address)).series.map((one: Json) => one.source);
    await expect.poll(sources, { timeout: 240_000, intervals: [2_000] }).toContain("demo");
  }

  /** The administrator of the demonstration, signed in once for all that a test does beside the page. */
  admin(): Promise<Caller> {
    return (this.#admin ??= this.#enter(ADMIN, process.env["CONSOLE_PASSWORD"] ?? ""));
  }

  async customer(): Promise<Caller> {
    const email = `test-${randomUUID()}@shipper.example`;
    const { access_token } = await this.anonymous().post("/api/v1/auth/register", { email, password: PASSWORD });
    return new Caller(this.url, email, PASSWORD, access_token);
  }

  /** A customer who may be written to. */
  async verifiedCustomer(): Promise<Caller> {
    const customer = await this.customer();
    const text = await this.letter(customer.email, "verify_email");
    const token = /\/verify-email\/([\w-]+)/.exec(text)?.[1];
    const answer = await this.anonymous().ask("POST", "/api/v1/auth/email/verify", { token });
    expect(answer.status).toBe(204);
    return customer;
  }

  /** The text of the newest letter or text message of a type to a receiver. */
  async letter(to: string, type: string): Promise<string> {
    const admin = await this.admin();
    let id = "";
    await expect
      .poll(
        async () => {
          const letters = await admin.get("/api/v1/admin/mailbox?limit=100");
          id = letters.find((letter: Json) => letter.to === to && letter.type === type)?.id ?? "";
          return id;
        },
        { timeout: 20_000 },
      )
      .not.toBe("");
    return (await admin.get(`/api/v1/admin/mailbox/${id}`)).text;
  }

  async operator(): Promise<Caller> {
    const customer = await this.verifiedCustomer();
    const me = await customer.get("/api/v1/auth/me");
    const admin = await this.admin();
    const answer = await admin.ask("PATCH", `/api/v1/users/${me.id}`, { role: "operator" });
    expect(answer.status).toBe(200);
    return this.#enter(customer.email, PASSWORD);
  }

  /** An administrator of this test alone. */
  async adminOfTests(): Promise<Caller> {
    const customer = await this.verifiedCustomer();
    const me = await customer.get("/api/v1/auth/me");
    const admin = await this.admin();
    const answer = await admin.ask("PATCH", `/api/v1/users/${me.id}`, { role: "admin" });
    expect(answer.status).toBe(200);
    return this.#enter(customer.email, PASSWORD);
  }

  /** A flight that leaves `hours` from now, with this capacity in kilograms. */
  async flight(
    origin: string,
    destination: string,
    hours: number,
    weight_kg: number,
    more: object = {},
  ): Promise<Json> {
    const admin = await this.admin();
    const departure = new Date(Math.ceil((Date.now() + hours * 3_600_000) / 60_000) * 60_000);
    return admin.post("/api/v1/flights", {
      flight_number: flightNumber(),
      origin,
      destination,
      departure_datetime: departure.toISOString(),
      arrival_datetime: new Date(departure.getTime() + 8 * 3_600_000).toISOString(),
      capacity: { weight_kg, volume_m3: 500, positions: 10 },
      ...more,
    });
  }

  /** A flight of a season file, in ten days from DEL to BOM, that others sell under these numbers. */
  async codeshare(others: string[]): Promise<Json> {
    const [admin, number] = [await this.admin(), flightNumber()];
    const wanted = {
      name: "Codeshares",
      kind: "SEASON",
      format: "SSIM",
      airline_codes: [number.slice(0, 2)],
      apply: "AUTO",
    };
    const feed = await admin.post("/api/v1/feeds", wanted);
    try {
      const file = { method: "POST", path: `/api/v1/feeds/${feed.id}/runs`, body: season(number, others) };
      const started = await admin.ask(file.method, file.path, file.body, { "Content-Type": "text/plain" });
      expect(started.status).toBe(202);
      const { id } = (await started.json()) as Json;
      await expect.poll(async () => (await admin.get(`${file.path}/${id}`)).status).toBe("APPLIED");
    } finally {
      // Another run of the test makes a feed of this airline, too.
      await admin.ask("DELETE", `/api/v1/feeds/${feed.id}`);
    }
    return (await admin.get(`/api/v1/flights?flight_number=${number}&status=SCHEDULED`)).at(-1);
  }

  /** A booking of three pieces, which a guest pays, with its claim. */
  async bookAsGuest(flight: Json, email: string): Promise<Json> {
    const { access_token } = await this.anonymous().post("/api/v1/auth/guest");
    const guest = new Caller(this.url, "", "", access_token);
    const hold = await guest.post("/api/v1/holds", {
      flight_ids: [flight.id],
      weight_kg: 100,
      pieces: 3,
      contact: { email },
    });
    return guest.post(`/api/v1/holds/${hold.id}/commit`, { payment_token: "tok_ok" });
  }

  /** A booking of `caller` on these flights. */
  async book(caller: Caller, flights: Json[], weight_kg = 100, more: object = {}): Promise<Json> {
    return caller.post("/api/v1/bookings", {
      origin: flights[0].origin,
      destination: flights[flights.length - 1].destination,
      pieces: 3,
      weight_kg,
      flight_ids: flights.map((flight) => flight.id),
      ...more,
    });
  }
}

/** An air waybill number of AI. */
export function awb(): string {
  const serial = String(Math.floor(Math.random() * 9_000_000) + 1_000_000);
  return `098-${serial}${Number(serial) % 7}`;
}

/** Signs in as the page does, without showing it, and opens an address. */
export async function signIn(page: Page, caller: Caller, to = "/"): Promise<void> {
  const { url, email, password } = caller;
  const [headers, data] = [{ Origin: url }, { email, password, session: "cookie" }];
  const answer = await page.request.post("/api/v1/auth/login", { headers, data });
  expect(answer.status()).toBe(200);
  // The console asks for its session only where somebody has signed in before.
  await page.goto("/health");
  await page.evaluate(() => localStorage.setItem("loadmaster.signed-in", "1"));
  await page.goto(to);
  await expect(page.locator('header a[href="/account"]')).toBeAttached();
}

/** Signs in by the page, in whatever language it is. */
export async function signInByPage(page: Page, caller: Caller, to = "/"): Promise<void> {
  await page.goto(`/sign-in?to=${encodeURIComponent(to)}`);
  const form = page.locator("main form", { has: page.locator("[name=password]") });
  await form.locator("[name=email]").fill(caller.email);
  await form.locator("[name=password]").fill(caller.password);
  await form.locator("[type=submit]").click();
  await expect(page).toHaveURL(new RegExp(`${to.split("?")[0]?.replace(/[/]/g, "\\/")}(\\?|$)`));
}

/** Renews the session in another tab, whose user the first one takes. */
export async function renewElsewhere(page: Page): Promise<void> {
  await page.evaluate(() => {
    delete document.documentElement.dataset["heard"];
    new BroadcastChannel("loadmaster.session").addEventListener("message", () => {
      document.documentElement.dataset["heard"] = "1";
    });
  });
  const other = await page.context().newPage();
  await other.goto("/track");
  await expect(page.locator("html")).toHaveAttribute("data-heard", "1");
  await page.evaluate(() => new Promise((shown) => requestAnimationFrame(() => requestAnimationFrame(shown))));
  // Not awaited: Chromium sometimes does not report the closing of a page whose language is changing.
  void other.close();
}

/** Shows the page that is open, and those that follow, in a language. */
export async function showIn(page: Page, language: "en" | "de"): Promise<void> {
  await page.evaluate((chosen) => localStorage.setItem("loadmaster.language", chosen), language);
  await page.reload();
  await expect(page.locator("html")).toHaveAttribute("lang", language);
}

/** Chooses what becomes of a payment at the provider `test`. */
export const pays = (page: Page, card: string) => page.getByLabel("Test card").selectOption({ label: card });

/** Tests fail for an error in the console, a value that is read of a page that is gone, a violation of the policy, and a request to another host. */
export const test = base.extend<{ world: World; faults: string[] }>({
  // eslint-disable-next-line no-empty-pattern -- Playwright reads the pattern
  baseURL: async ({}, use) => use(process.env["CONSOLE_URL"]),
  // eslint-disable-next-line no-empty-pattern -- Playwright reads the pattern
  world: async ({}, use) => use(new World(process.env["CONSOLE_URL"] ?? "")),
  faults: [
    async ({ context }, use) => {
      const faults: string[] = [];
      const own = new URL(process.env["CONSOLE_URL"] ?? "").host;
      context.on("page", (page) => {
        page.on("pageerror", (error) => faults.push(`error: ${error.message}`));
        page.on("console", (message) => {
          // The browser itself reports refused requests, which tests provoke; all else is a fault.
          if (message.type() === "error" && !/Failed to load resource/.test(message.text()))
            faults.push(`console: ${message.text()}`);
          // What was read of a page that is gone may be stale.
          if (/derived_inert/.test(message.text())) faults.push(`console: ${message.text()}`);
        });
      });
      context.on("request", (request) => {
        const url = new URL(request.url());
        if (url.protocol.startsWith("http") && url.host !== own) faults.push(`request to ${url.host}`);
      });
      await use(faults);
      expect(faults).toEqual([]);
    },
    { auto: true },
  ],
});
