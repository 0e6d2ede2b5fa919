// What administrators keep: tables by file, entries by hand, organizations and jobs.
import { readFileSync } from "node:fs";
import { expect, signIn, test, type Json } from "./world";

const HEADER = "iata_code,name,city,country_code,latitude,longitude,time_zone";
const file = (rows: string[]) => ({
  name: "airports.csv",
  mimeType: "text/csv",
  buffer: Buffer.from([HEADER, ...rows, ""].join("\n")),
});
/** Codes that no airport has, and no other test uses. */
const fresh = () => `Q${String.fromCharCode(...[0, 1].map(() => 65 + Math.floor(Math.random() * 26)))}`;

test("a faulty table is told row by row and imports nothing; mended, it is imported", async ({ page, world }) => {
  const admin = await world.adminOfTests();
  const codes = [fresh()];
  while (codes.length < 3) {
    const code = fresh();
    const { status } = await admin.ask("GET", `/api/v1/airports/${code}`);
    if (status === 404 && !codes.includes(code)) codes.push(code);
  }
  await signIn(page, admin, "/admin/import");
  const chooser = page.getByLabel("File (CSV or xlsx)");
  await chooser.setInputFiles(
    file([
      `${codes[0]},Field,Town,GB,91,0,UTC`,
      `${codes[1]},Field,Town,GBR,1,0,UTC`,
      `${codes[2]},Field,Town,GB,1,0,Mars/Base`,
    ]),
  );
  const rows = page.getByTestId("faults").locator("tbody tr");
  await expect(rows).toHaveCount(3);
  await expect(rows.nth(0)).toContainText("latitude");
  await expect(rows.nth(1)).toContainText("GBR");
  await expect(rows.nth(2)).toContainText("time_zone");
  await expect(page.getByRole("button", { name: "Import these rows" })).toBeHidden();
  for (const code of codes.slice(1)) expect((await admin.ask("GET", `/api/v1/airports/${code}`)).status).toBe(404);
  const taken = page.waitForEvent("download");
  await page.getByRole("button", { name: "Download the faults (CSV)" }).click();
  const faults = readFileSync((await (await taken).path()) ?? "", "utf8");
  expect(faults.split("\r\n")[2]).toContain('2,"country_code","GBR"');

  await chooser.setInputFiles(file(codes.slice(1).map((code) => `${code},Field,Town,GB,1,0,UTC`)));
  await expect(page.getByText("2 would be created")).toBeVisible();
  expect((await admin.ask("GET", `/api/v1/airports/${codes[1]}`)).status, "only tried").toBe(404);
  await page.getByRole("button", { name: "Import these rows" }).click();
  await expect(page.getByText("Imported: 2 created")).toBeVisible();
  expect((await admin.get(`/api/v1/airports/${codes[1]}`)).city).toBe("Town");
});

test("an export of airports comes back unchanged, and no text of it is a formula", async ({ page, world }) => {
  const admin = await world.adminOfTests();
  await signIn(page, admin, "/admin/airports");
  for (const [button, name] of [
    ["Download xlsx", "airports.xlsx"],
    ["Download CSV", "airports.csv"],
  ] as const) {
    const taken = page.waitForEvent("download");
    await page.getByRole("button", { name: button }).click();
    const download = await taken;
    expect(download.suggestedFilename()).toBe(name);
    const path = (await download.path()) ?? "";
    await page.goto("/admin/import?table=airports");
    await page.getByLabel("File (CSV or xlsx)").setInputFiles({
      name,
      mimeType: "application/octet-stream",
      buffer: readFileSync(path),
    });
    await expect(page.getByText("0 would be created, 0 changed")).toBeVisible({ timeout: 20_000 });
    await page.goto("/admin/airports");
  }
});

test("an airline is made, changed against another's change, made inactive and deleted", async ({ page, world }) => {
  const admin = await world.adminOfTests();
  let code = "";
  do code = `Q${Math.floor(Math.random() * 10)}`;
  while ((await admin.ask("GET", `/api/v1/airlines/${code}`)).status !== 404);
  await signIn(page, admin, "/admin/airlines");
  await page.getByRole("button", { name: "New airline" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByRole("button", { name: "Save" }).click();
  await expect(dialog.getByLabel("IATA designator")).toBeFocused();
  await dialog.getByLabel("IATA designator").fill(code);
  await dialog.getByLabel("Name").fill("Test Line");
  await dialog.getByLabel("Country").selectOption("United Kingdom (GB)");
  await dialog.getByLabel("Hubs").fill("LHR QQQ");
  await dialog.getByRole("button", { name: "Save" }).click();
  await expect(dialog).toContainText("QQQ:");
  await dialog.getByLabel("Hubs").fill("LHR DEL");
  await dialog.getByRole("button", { name: "Save" }).click();
  await expect(dialog).toBeHidden();
  expect((await admin.get(`/api/v1/airlines/${code}`)).country_code).toBe("GB");

  const row = page.getByRole("row").filter({ has: page.getByRole("button", { name: `${code} change` }) });
  while (!(await row.isVisible())) await page.getByRole("button", { name: "More" }).click();
  await expect(row).toContainText("LHR, DEL");
  await row.getByRole("button", { name: `${code} change` }).click();
  await dialog.getByLabel("Name").fill("My Line");
  await admin.ask("PATCH", `/api/v1/airlines/${code}`, { name: "Their Line", alliance: "Any" });
  await dialog.getByRole("button", { name: "Save" }).click();
  await expect(dialog.getByRole("alert")).toContainText("Their Line");
  await expect(dialog.getByLabel("Name")).toHaveValue("My Line");
  await dialog.getByRole("button", { name: "Save" }).click();
  await expect(dialog).toBeHidden();
  expect((await admin.get(`/api/v1/airlines/${code}`)).name).toBe("My Line");

  while (!(await row.isVisible())) await page.getByRole("button", { name: "More" }).click();
  await row.getByRole("checkbox").check();
  await page.getByRole("button", { name: "Deactivate" }).click();
  await expect.poll(async () => (await admin.get(`/api/v1/airlines/${code}`)).is_active).toBe(false);
  await page.getByLabel("State").selectOption("inactive");
  await expect(row).toContainText("inactive");
  expect((await admin.get(`/api/v1/airlines/${code}`)).is_active).toBe(false);
  await row.getByRole("button", { name: `${code} change` }).click();
  await dialog.getByRole("button", { name: "Delete …" }).click();
  await dialog.getByRole("button", { name: "Delete", exact: true }).click();
  await expect(dialog).toBeHidden();
  expect((await admin.ask("GET", `/api/v1/airlines/${code}`)).status).toBe(404);
});

test("an organization is made and renamed, and gets credit", async ({ page, world }) => {
  const admin = await world.adminOfTests();
  const name = `Crate ${Date.now()}`;
  await signIn(page, admin, "/admin/organizations");
  await page.getByRole("button", { name: "New organization" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel("Name of the organization").fill(name);
  await dialog.getByRole("button", { name: "New organization" }).click();
  await expect(dialog).toBeHidden();
  await page.getByRole("button", { name: `Rename ${name}` }).click();
  await dialog.getByLabel("Name of the organization").fill(`${name} Ltd`);
  await dialog.getByRole("button", { name: "Rename" }).click();
  await expect(dialog).toBeHidden();
  const [found] = await admin.get(`/api/v1/organizations?q=${encodeURIComponent(name)}`);
  expect(found.name).toBe(`${name} Ltd`);
  await page.getByRole("button", { name: `Credit ${name} Ltd` }).click();
  await dialog.getByLabel("New limit").fill("500");
  await dialog.getByLabel("Currency").fill("USD");
  await dialog.getByRole("button", { name: "Set the limit" }).click();
  await expect(dialog.locator("dl")).toContainText("500");
  expect((await admin.get(`/api/v1/organizations/${found.id}/credit`)).limit.amount).toMatch(/^500/);
});

test("a schedule runs when an administrator says so", async ({ page, world }) => {
  const admin = await world.adminOfTests();
  await signIn(page, admin, "/admin/jobs");
  await expect(page.getByRole("heading", { name: "Delivery of messages" })).toBeVisible();
  const answered = page.waitForResponse((answer) => answer.url().endsWith("/expired_tokens/run"));
  await page.getByRole("button", { name: "Run now expired_tokens" }).click();
  expect((await answered).status()).toBe(202);
  const acts = await admin.get("/api/v1/admin/audit?act=schedule.run&subject_id=expired_tokens");
  expect(acts[0].subject_id).toBe("expired_tokens");
});

test("notifications are told in words, with their addresses, and one is sent again", async ({ page, world }) => {
  const customer = await world.verifiedCustomer();
  const booking = await world.book(customer, [await world.flight("TRV", "CJB", 60, 1000)]);
  const admin = await world.adminOfTests();
  const address = `/api/v1/admin/notifications?ref_id=${booking.ref_id}`;
  const sent = async () => (await admin.get(address)).filter((one: Json) => one.status === "SENT");
  await expect.poll(async () => (await sent()).length, { timeout: 20_000 }).toBe(1);
  const [notification] = await sent();
  await signIn(page, admin, "/admin/messages");
  await page.getByLabel("Reference").fill(booking.ref_id.toLowerCase());
  await page.getByRole("main").getByRole("button", { name: "Find" }).click();
  await expect(page).toHaveURL(new RegExp(`ref_id=${booking.ref_id}`));
  const row = page.locator(`[data-notification="${notification.id}"]`);
  await expect(row).toContainText("Booking confirmed");
  await expect(row).toContainText(`E-mail ${notification.address}`);
  await expect(row).toContainText("sent");
  await expect(page.locator("tbody")).not.toContainText(/booking_confirmed|SENT/);
  await page.getByLabel("State").selectOption("failed");
  await expect(page.getByText("No notification matches.")).toBeVisible();
  await expect(page).toHaveURL(/status=FAILED/);
  await page.getByLabel("State").selectOption("sent");
  await row.getByRole("button", { name: "Send again" }).click();
  await expect(row).toContainText("waits");
  const again = async () => (await sent()).find((one: Json) => one.id === notification.id)?.sent_at ?? "";
  await expect.poll(async () => (await again()) > notification.sent_at, { timeout: 20_000 }).toBe(true);
});

test("a letter of the mailbox is read at an address of its own", async ({ page, world }) => {
  const customer = await world.customer();
  const text = await world.letter(customer.email, "verify_email");
  await signIn(page, await world.adminOfTests(), "/admin/messages");
  await page.getByRole("link", { name: "Mailbox" }).click();
  const row = page.getByRole("row").filter({ hasText: customer.email });
  await expect(row).toContainText("Address to verify");
  await row.getByRole("link", { name: "Confirm your e-mail address" }).click();
  const letter = page.getByRole("dialog").locator("pre");
  const words = (all: string) => all.replace(/\s+/g, " ").trim();
  expect(words(await letter.innerText())).toBe(words(text));
  await page.reload();
  await expect(letter).toContainText("/verify-email/");
  await page.getByRole("button", { name: "Close" }).click();
  await expect(page).not.toHaveURL(/letter=/);
  await page.route("**/api/v1/admin/mailbox*", (route) => route.fulfill({ json: [] }));
  await page.reload();
  await expect(page.getByRole("main")).toContainText("mail.transport");
});

test("an administrator sees the webhooks of all organizations, and their deliveries", async ({ page, world }) => {
  const customer = await world.verifiedCustomer();
  const url = `https://receiver.loadmaster.example/${Date.now()}`;
  const webhook = await customer.post("/api/v1/webhooks", { url });
  const delivery = await customer.post(`/api/v1/webhooks/${webhook.id}/test`);
  const admin = await world.adminOfTests();
  await signIn(page, admin, "/admin/messages");
  await page.getByRole("link", { name: "Webhooks" }).click();
  const { name } = await admin.get(`/api/v1/organizations/${webhook.organization_id}`);
  const row = page.getByRole("row").filter({ hasText: url });
  await expect(row).toContainText(name);
  await page.getByLabel("State").selectOption("disabled");
  await expect(row).toBeHidden();
  await page.goBack();
  await page.getByRole("link", { name: "Webhooks" }).click();
  await row.getByRole("link", { name: url }).click();
  await expect(page).toHaveURL(new RegExp(`/admin/messages\\?webhook=${webhook.id}$`));
  await expect(page.locator(`[data-delivery="${delivery.id}"]`)).toBeVisible();
  await expect(page.getByRole("heading", { level: 1 })).toBeFocused();
  await page.getByRole("link", { name: /^Details/ }).click();
  await expect(page.getByRole("dialog")).toBeVisible();
  await expect(page).toHaveURL(/[/]admin[/]messages/);
  await page.getByRole("button", { name: "Close" }).click();
  await page.getByRole("link", { name: "All webhooks" }).click();
  await expect(page).toHaveURL(/[/]admin[/]messages[?]show=webhooks$/);
});

test("a user is moved to an organization and gets a role, against another's change", async ({ page, world }) => {
  const [customer, admin] = [await world.customer(), await world.adminOfTests()];
  const user = await customer.get("/api/v1/auth/me");
  const organization = await admin.post("/api/v1/organizations", { name: `Barrel ${Date.now()}` });
  await signIn(page, admin, `/admin/users?q=${encodeURIComponent(customer.email)}`);
  await page.getByRole("button", { name: `Change ${customer.email}` }).click();
  const dialog = page.getByRole("dialog");
  const role = dialog.getByLabel("Role");
  await role.focus();
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("ArrowDown");
  await expect(role).toHaveValue("admin");
  expect((await admin.get(`/api/v1/users/${user.id}`)).version, "keys on a list send nothing").toBe(1);
  await page.keyboard.press("ArrowUp");
  await dialog.getByLabel("Organization").fill(organization.name);
  await page.getByRole("option", { name: organization.name }).click();
  await admin.ask("PATCH", `/api/v1/users/${user.id}`, { disabled: true });
  await dialog.getByRole("button", { name: "Save" }).click();
  await expect(dialog.getByRole("alert")).toContainText("is now disabled");
  await expect(dialog.getByRole("alert")).toContainText(`you typed ${organization.name}`);
  await expect(role).toHaveValue("operator");
  await dialog.getByRole("button", { name: "Save" }).click();
  await expect(dialog).toBeHidden();
  await expect(page.getByRole("row").filter({ hasText: customer.email })).toContainText("Operator");
  const now = await admin.get(`/api/v1/users/${user.id}`);
  expect(now).toMatchObject({ role: "operator", organization_id: organization.id, disabled: true, version: 3 });
  await page.goto(`/admin/organizations?q=${encodeURIComponent(organization.name)}`);
  await page.getByRole("link", { name: `Users of ${organization.name}` }).click();
  await expect(page).toHaveURL(new RegExp(`organization_id=${organization.id}`));
  await expect(page.locator("tbody tr")).toHaveCount(1);
  await expect(page.getByLabel("Organization")).toHaveValue(organization.name);
});

test("what does not work is shown at once, and asked about one question at a time", async ({ page, world }) => {
  const admin = await world.adminOfTests();
  const healthy = await admin.get("/health/detailed");
  const unwell = { ...healthy, status: "unhealthy", jobs: null, outbox: null };
  unwell.database = { ...healthy.database, state: "refusing" };
  unwell.replica = { state: "behind", lag_ms: 5000 };
  let asked = 0;
  let answer = () => {};
  const isAnswered = new Promise<void>((resolve) => (answer = resolve));
  await page.route("**/health/detailed", async (route) => {
    asked += 1;
    // Nothing but the first answer can be shown.
    if (asked > 1) await isAnswered;
    await route.fulfill({ status: 503, json: unwell, headers: { "Retry-After": "1" } }).catch(() => undefined);
  });
  await signIn(page, admin, "/admin/health");
  await expect(page.getByText("The service does not work.")).toBeVisible();
  const rows = page.getByRole("main").locator("tbody");
  await expect(rows).toContainText("refuses writes");
  await expect(rows).toContainText("too far behind");
  await expect(rows).not.toContainText(/refusing|\bup\b/);
  await expect.poll(() => asked).toBe(2);
  await page.waitForTimeout(7000);
  expect(asked, "the second question is not answered yet").toBe(2);
  answer();
});

test("an act is found by its kind and by the person who did it", async ({ page, world }) => {
  const flight = await world.flight("TRV", "CJB", 97, 1000);
  const [admin, customer] = [await world.adminOfTests(), await world.customer()];
  const { id } = await customer.get("/api/v1/auth/me");
  await admin.ask("PATCH", `/api/v1/flights/${flight.id}`, { cutoff_minutes: 45 });
  await admin.ask("PATCH", `/api/v1/users/${id}`, { role: "operator" });
  await signIn(page, admin, "/admin/audit");
  await page.getByLabel("Act", { exact: true }).selectOption("Flight changed");
  await expect(page).toHaveURL(/act=flight\.changed/);
  await page.getByLabel("Done by").fill(admin.email);
  await page.getByRole("option", { name: admin.email }).click();
  const { id: actor } = await admin.get("/api/v1/auth/me");
  await expect(page).toHaveURL(new RegExp(`actor_id=${actor}`));
  const row = page.locator("tbody tr");
  await expect(row).toHaveCount(1);
  await expect(row).toContainText("Flight changed");
  await expect(row).toContainText("UTC");
  await expect(row.getByRole("link", { name: `Flight ${flight.flight_number}` })).toHaveAttribute(
    "href",
    `/flights/${flight.id}`,
  );
  await page.reload();
  await expect(page.getByLabel("Done by")).toHaveValue(admin.email);
  const key = await admin.post("/api/v1/api-keys", { name: "scanner", role: "operator" });
  await page.getByLabel("Act", { exact: true }).selectOption("API key created");
  await expect(row.getByRole("link", { name: admin.email }).first()).toHaveAttribute(
    "href",
    `/admin/api-keys?user=${actor}`,
  );
  await row.getByRole("link", { name: "all acts" }).click();
  await expect(page).toHaveURL(new RegExp(`/admin/audit\\?subject_id=${key.id}$`));
  await expect(page.getByLabel("Id of the subject")).toHaveValue(key.id);
  await page.goto(`/admin/audit?actor_id=${actor}`);
  await page.getByLabel("Act", { exact: true }).selectOption("User changed");
  await expect(row).toContainText("Role: Customer → Operator");
  await row.getByRole("link", { name: customer.email }).click();
  await expect(page).toHaveURL(new RegExp(`/admin/users\\?q=${encodeURIComponent(customer.email)}`));
});

test("volumes of aircraft are shown with up to three decimals", async ({ page, world }) => {
  const admin = await world.adminOfTests();
  const code = fresh();
  const aircraft = { iata_code: code, name: "Test", manufacturer: "Test", max_cargo_kg: 1500, max_cargo_m3: 12.375 };
  await admin.post("/api/v1/aircraft", aircraft);
  await signIn(page, admin, "/admin/aircraft");
  const row = page.getByRole("row").filter({ has: page.getByRole("button", { name: `${code} change` }) });
  await expect(page.locator("tbody tr").first()).toBeVisible();
  while (!(await row.isVisible())) await page.getByRole("button", { name: "Show more" }).click();
  const text = await row.textContent();
  expect((await admin.ask("DELETE", `/api/v1/aircraft/${code}`)).status).toBe(204);
  expect(text).toContain("12.375");
  expect(text).toContain("1,500");
});
