// What people keep on their account: notifications, a phone, API keys and webhooks; and the keys as administrators see them.
import { randomInt, randomUUID } from "node:crypto";
import { Caller, expect, renewElsewhere, signIn, test, type Json } from "./world";

/** A public name that leads nowhere. */
const NOWHERE = "https://receiver.loadmaster.example/hook";

test("preferences that are saved come back, and the API says the same", async ({ page, world }) => {
  const customer = await world.customer();
  await signIn(page, customer, "/account");
  await expect(page.getByText("SMS needs a verified phone")).toBeVisible();
  await expect(page.getByText("Your e-mail address is not verified")).toBeVisible();
  const departed = page.getByLabel("Departed by E-mail");
  const cancelled = page.getByLabel("Cancelled by SMS");
  await expect(departed).not.toBeChecked();
  await departed.check();
  await cancelled.check();
  await page.getByLabel("Payment by E-mail").uncheck();
  await page.getByLabel("Notify me about").selectOption("organization");
  await page.getByLabel("Language").fill("a language");
  const save = page.locator("form", { has: departed }).getByRole("button", { name: "Save" });
  await save.click();
  await expect(page.getByLabel("Language")).toBeFocused();
  await expect(departed, "nothing that was chosen is lost").toBeChecked();
  await page.getByLabel("Language").fill("de");
  await save.click();
  await expect(page.locator("form", { has: departed }).getByText("The notifications are saved.")).toBeVisible();
  const kept = await customer.get("/api/v1/notifications/preferences");
  expect(kept).toMatchObject({ language: "de", scope: "organization" });
  expect(kept.types.departed).toEqual({ email: true, sms: false });
  expect(kept.types.cancelled).toEqual({ email: true, sms: true });
  expect(kept.types.payment).toEqual({ email: false, sms: false });
  expect(kept.types.arrived).toEqual({ email: false, sms: false });
  await page.reload();
  await expect(departed).toBeChecked();
  await expect(cancelled).toBeChecked();
  await expect(page.getByLabel("Payment by E-mail")).not.toBeChecked();
  await expect(page.getByLabel("Arrived by E-mail")).not.toBeChecked();
  await expect(page.getByLabel("Notify me about")).toHaveValue("organization");
  await expect(page.getByLabel("Language")).toHaveValue("de");
});

test("a profile that is saved takes nothing back that was changed elsewhere meanwhile", async ({ page, world }) => {
  const customer = await world.customer();
  await signIn(page, customer, "/account");
  const profile = page.locator("section", { has: page.getByRole("heading", { name: "Profile" }) });
  await expect(profile.getByLabel("Name")).toHaveValue("");
  expect((await customer.ask("PATCH", "/api/v1/auth/me", { name: "Ann" })).status).toBe(200);
  await renewElsewhere(page);
  await profile.getByLabel("Weights in").selectOption("lb");
  await profile.getByRole("button", { name: "Save" }).click();
  await expect(profile.getByLabel("Name")).toHaveValue("Ann");
  expect(await customer.get("/api/v1/auth/me")).toMatchObject({ name: "Ann", weight_unit: "lb" });
});

test("an empty search begins at the home airport, which the account page keeps and clears", async ({ page, world }) => {
  const customer = await world.customer();
  await signIn(page, customer, "/account");
  const profile = page.locator("section", { has: page.getByRole("heading", { name: "Profile" }) });
  await profile.getByLabel("Home airport").fill("DEL");
  await profile.getByLabel("Home airport").press("Tab");
  await profile.getByRole("button", { name: "Save" }).click();
  await expect.poll(async () => (await customer.get("/api/v1/auth/me")).home_airport).toBe("DEL");
  await page.goto("/");
  await expect(page.getByLabel("From", { exact: true })).toHaveValue(/DEL/);
  await page.goto("/?origin=BOM&destination=LHR");
  await expect(page.getByLabel("From", { exact: true })).toHaveValue(/BOM/);
  await page.goto("/account");
  await expect(profile.getByLabel("Home airport")).toHaveValue(/DEL/);
  await profile.getByLabel("Home airport").fill("");
  await profile.getByLabel("Home airport").press("Tab");
  await profile.getByRole("button", { name: "Save" }).click();
  await expect.poll(async () => (await customer.get("/api/v1/auth/me")).home_airport).toBeNull();
});

test("a phone is verified by the digits that were sent to it, and the message is in the list", async ({
  page,
  world,
}) => {
  const customer = await world.customer();
  const phone = `+4479${randomInt(10_000_000, 99_999_999)}`;
  await signIn(page, customer, "/account");
  await page.getByLabel("Phone").fill(phone);
  const profile = page.locator("section", { has: page.getByRole("heading", { name: "Profile" }) });
  await profile.getByRole("button", { name: "Save" }).click();
  await expect(page.getByText(`${phone} is not verified yet`)).toBeVisible();
  const digits = /\b\d{6}\b/.exec(await world.letter(phone, "verify_phone"))?.[0] ?? "";
  await page.getByLabel("Six digits").fill(digits === "000000" ? "000001" : "000000");
  await page.getByRole("button", { name: "Verify the phone" }).click();
  await expect(profile.getByRole("alert")).toBeVisible();
  expect((await customer.get("/api/v1/auth/me")).phone_verified).toBe(false);
  await page.getByLabel("Six digits").fill(digits);
  await page.getByRole("button", { name: "Verify the phone" }).click();
  await expect(page.getByLabel("Six digits")).toBeHidden();
  await expect(page.getByText("SMS needs a verified phone")).toBeHidden();
  expect((await customer.get("/api/v1/auth/me")).phone_verified).toBe(true);
  await page.reload();
  const told = page.locator("section", { has: page.getByRole("heading", { name: "Messages to you" }) });
  await expect(told.getByRole("row", { name: /Phone to verify.*SMS.*sent/ })).toBeVisible();
});

test("a webhook shows its secret once, and says in words how the receiver answered", async ({ page, world }) => {
  const customer = await world.verifiedCustomer();
  await signIn(page, customer, "/account");
  const webhooks = page.locator("section", { has: page.getByRole("heading", { name: "Webhooks" }) });
  await webhooks.getByRole("button", { name: "New webhook" }).click();
  await expect(webhooks.getByLabel("URL")).toBeFocused();
  await webhooks.getByLabel("URL").fill("http://127.0.0.1/");
  await expect(webhooks.getByLabel("All about flights")).toHaveCount(0);
  await webhooks.getByLabel("All about holds").check();
  await webhooks.getByLabel("Only from").fill("DEL");
  await page.getByRole("option", { name: "DEL New Delhi" }).click();
  await expect(webhooks.getByLabel("Only from"), "the next airport can be typed at once").toBeFocused();
  await expect(webhooks.getByLabel("Only from")).toHaveValue("");
  await webhooks.getByLabel("Only from").fill("BOM");
  await webhooks.getByLabel("Only to").focus();
  await expect(webhooks.getByLabel("Only from")).toHaveValue("");
  await webhooks.getByRole("button", { name: "Remove BOM" }).click();
  await webhooks.getByRole("button", { name: "New webhook" }).click();
  await expect(webhooks.getByLabel("URL"), "its fault gets the focus").toBeFocused();
  await webhooks.getByLabel("URL").fill(NOWHERE);
  await webhooks.getByRole("button", { name: "New webhook" }).click();
  const secret = (await webhooks.getByText(/^whsec_/).textContent()) ?? "";
  expect(secret).toMatch(/^whsec_\S{40,}$/);
  const [made, ...others] = await customer.get("/api/v1/webhooks");
  expect(others).toEqual([]);
  expect(made).toMatchObject({ url: NOWHERE, origins: ["DEL"], destinations: [], scope: "organization" });
  expect(made.types.toSorted()).toEqual(["loadmaster.booking.*", "loadmaster.hold.*"]);

  await page.reload();
  await expect(webhooks.getByRole("row", { name: /receiver\.loadmaster.*nothing delivered yet/ })).toBeVisible();
  await expect(page.getByText(/whsec_/)).toHaveCount(0);
  await webhooks.getByRole("link", { name: NOWHERE }).click();
  await expect(page.getByRole("heading", { level: 1 })).toBeFocused();
  await expect(page).toHaveURL(new RegExp(`webhook=${made.id}`));

  await page.getByRole("button", { name: "Send a test message" }).click();
  const row = page.locator("[data-delivery]");
  await expect(row).toContainText("loadmaster.webhook.test.v1");
  await row.getByRole("link", { name: "Details" }).click();
  const dialog = page.getByRole("dialog");
  await expect(dialog.locator("[data-attempt='1']")).toContainText("unreachable: the name leads nowhere");
  await expect(dialog.locator("[data-attempt='1']")).toContainText("no answer");
  await expect(dialog.locator("[data-attempt='2']"), "the page follows what is due").toBeVisible({ timeout: 20_000 });
  const [delivery] = await customer.get(`/api/v1/webhooks/${made.id}/deliveries`);
  const details = await customer.get(`/api/v1/webhooks/${made.id}/deliveries/${delivery.id}`);
  expect(details.attempts[0].outcome).toBe("unreachable");
  await expect(dialog).toContainText(`"id": "${details.message_id}"`);
  await page.reload();
  await expect(dialog.locator("[data-attempt='1']"), "its address can be passed on").toBeVisible();
  await expect(page.getByText(/whsec_/)).toHaveCount(0);
});

test("a webhook is paused, resumed, given a new secret, and deleted", async ({ page, world }) => {
  const customer = await world.verifiedCustomer();
  const made = await customer.post("/api/v1/webhooks", { url: NOWHERE });
  const path = `/api/v1/webhooks/${made.id}`;
  await customer.post(`${path}/test`);
  await signIn(page, customer, `/account?webhook=${made.id}`);
  await page.getByRole("button", { name: "Pause" }).click();
  await expect(page.getByText("Resume it, then send again what is missing")).toBeVisible();
  expect(await customer.get(path)).toMatchObject({ status: "DISABLED", disabled_reason: "manual" });
  await expect(page.getByRole("button", { name: "Send a test message" })).toBeDisabled();
  await expect(page.locator("[data-delivery]")).toContainText("failed");
  await page.getByLabel("State").selectOption("DELIVERED");
  await expect(page.getByText("No delivery matches.")).toBeVisible();
  await page.getByLabel("State").selectOption("FAILED");
  await expect(page.locator("[data-delivery]")).toHaveCount(1);
  await page.getByRole("button", { name: "Resume" }).click();
  await expect(page.getByRole("button", { name: "Pause" })).toBeVisible();
  expect((await customer.get(path)).status).toBe("ACTIVE");

  await page.getByLabel("Since (UTC)").fill(new Date(Date.now() - 3_600_000).toISOString().slice(0, 16));
  await page.getByRole("button", { name: "Send again" }).click();
  await expect(page.getByText("1 message is sent again.").last()).toBeVisible();
  expect((await customer.get(`${path}/deliveries?status=WAITING`)).length).toBe(1);

  await customer.ask("PATCH", path, { status: "DISABLED" });
  await customer.ask("PATCH", path, { status: "ACTIVE" });
  const [failed] = await customer.get(`${path}/deliveries?status=FAILED`);
  await page.goto(`/account?webhook=${made.id}&delivery=${failed.id}`);
  const dialog = page.getByRole("dialog");
  await expect(dialog.getByText("failed", { exact: true })).toBeVisible();
  await dialog.getByRole("button", { name: "Send again" }).click();
  await expect(dialog.getByText("waiting", { exact: true })).toBeVisible();
  expect((await customer.get(`${path}/deliveries/${failed.id}`)).status).toBe("WAITING");
  await page.keyboard.press("Escape");
  await expect(page).not.toHaveURL(/delivery=/);

  await page.getByRole("button", { name: "New secret" }).click();
  await dialog.getByLabel("Overlap in hours").fill("500");
  await dialog.getByRole("button", { name: "New secret" }).click();
  await expect(dialog.getByLabel("Overlap in hours")).toBeFocused();
  await dialog.getByLabel("Overlap in hours").fill("2");
  await dialog.getByRole("button", { name: "New secret" }).click();
  const secret = await dialog.getByText(/^whsec_/).textContent();
  expect(secret).not.toBe(made.secret);
  await expect(dialog.getByText("also signed with the former secret")).toBeVisible();
  await dialog.getByRole("button", { name: "Close" }).last().click();
  await expect(page.getByText(/whsec_/)).toHaveCount(0);

  await page.getByRole("button", { name: "Delete …" }).click();
  await expect(page.getByText("Delete it for good?")).toBeVisible();
  expect((await customer.ask("GET", path)).status, "only asked").toBe(200);
  await page.getByRole("button", { name: "Delete" }).click();
  await expect(page).toHaveURL(/\/account$/);
  await expect(page.getByText("No webhooks.")).toBeVisible();
  expect((await customer.ask("GET", path)).status).toBe(404);
});

test("a webhook that was changed meanwhile shows both versions, and loses neither", async ({ page, world }) => {
  const operator = await world.operator();
  const made = await operator.post("/api/v1/webhooks", { url: NOWHERE });
  const path = `/api/v1/webhooks/${made.id}`;
  await signIn(page, operator, `/account?webhook=${made.id}`);
  await page.getByRole("button", { name: "Change" }).click();
  await page.getByLabel("Events of").selectOption("all");
  await page.getByLabel("All about flights").check();
  await page.getByLabel("Description").fill("mine");
  const answer = await operator.ask("PATCH", path, { description: "theirs", origins: ["BOM"] });
  expect(answer.status).toBe(200);
  await page.getByRole("button", { name: "Save" }).click();
  await expect(page.getByRole("alert")).toContainText("is now theirs");
  await expect(page.getByRole("alert")).toContainText("you typed mine");
  await expect(page.getByLabel("Description")).toHaveValue("mine");
  await page.getByRole("button", { name: "Save" }).click();
  await expect(page.getByRole("button", { name: "Change" })).toBeVisible();
  const now = await operator.get(path);
  expect(now).toMatchObject({ description: "mine", scope: "all", origins: ["BOM"] });
  expect(now.types.toSorted()).toEqual(["loadmaster.booking.*", "loadmaster.flight.*"]);
});

test("a key has the role and the end that were asked for", async ({ page, world }) => {
  const operator = await world.operator();
  await signIn(page, operator, "/account");
  const keys = page.locator("section", { has: page.getByRole("heading", { name: "API keys" }) });
  const role = keys.getByLabel("Role");
  await expect(role.locator("option")).toHaveText(["Guest", "Customer", "Operator"]);
  await keys.getByLabel("Name").fill("scanner");
  await role.selectOption("customer");
  const year = new Date().getFullYear();
  await keys.getByLabel("Expires").fill(`${year - 1}-01-31`);
  await keys.getByRole("button", { name: "Make a key" }).click();
  await expect(keys.getByLabel("Expires")).toBeFocused();
  await keys.getByLabel("Expires").fill(`${year + 1}-01-31`);
  await keys.getByRole("button", { name: "Make a key" }).click();
  const secret = (await keys.getByText(/^lmk_/).textContent()) ?? "";
  const program = new Caller(world.url, "", "", secret);
  expect((await program.get("/api/v1/auth/me")).email).toBe(operator.email);
  expect((await program.ask("GET", "/api/v1/admin/notifications")).status, "no operator's key").toBe(403);
  const [made] = await operator.get("/api/v1/api-keys");
  expect(made).toMatchObject({ name: "scanner", role: "customer", rate_limit_per_minute: null });
  expect(Date.parse(made.expires_at)).toBe(Date.UTC(year + 1, 0, 31, 23, 59, 59));
  await expect(keys.getByRole("row", { name: new RegExp(`scanner Customer 31 Jan ${year + 1}`) })).toBeVisible();
  await page.reload();
  await expect(keys.getByRole("row", { name: /scanner/ })).toBeVisible();
  await expect(page.getByText(/lmk_/)).toHaveCount(0);
  await keys.getByRole("button", { name: "Revoke … scanner" }).click();
  expect((await operator.get("/api/v1/api-keys")).length, "only asked").toBe(1);
  await keys.getByRole("button", { name: "Revoke scanner" }).click();
  await expect(keys.getByText("No keys.")).toBeVisible();
  expect(await operator.get("/api/v1/api-keys")).toEqual([]);
});

test("an administrator finds a user, limits a key and revokes it", async ({ page, world }) => {
  const customer = await world.verifiedCustomer();
  const name = `scanner ${randomUUID().slice(0, 8)}`;
  const key = await customer.post("/api/v1/api-keys", { name });
  const admin = await world.adminOfTests();
  await signIn(page, admin, "/admin/api-keys");
  await page.getByLabel("User").fill(customer.email);
  await page.getByRole("option", { name: customer.email }).click();
  await expect(page).toHaveURL(/user=/);
  const row = page.getByRole("row", { name: new RegExp(name) });
  await expect(row).toContainText("general limit");
  await row.getByRole("button", { name: "Set the limit" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel("Requests per minute").fill("0");
  await dialog.getByRole("button", { name: "Set the limit" }).click();
  await expect(dialog.getByLabel("Requests per minute")).toBeFocused();
  await dialog.getByLabel("Requests per minute").fill("7");
  await dialog.getByRole("button", { name: "Set the limit" }).click();
  await expect(row).toContainText("7 requests per minute");
  const limit = async () =>
    (await customer.get("/api/v1/api-keys")).find((one: Json) => one.id === key.id)?.rate_limit_per_minute;
  expect(await limit()).toBe(7);
  await row.getByRole("button", { name: "Set the limit" }).click();
  await dialog.getByLabel("Requests per minute").fill("");
  await dialog.getByRole("button", { name: "Set the limit" }).click();
  await expect(row).toContainText("general limit");
  expect(await limit()).toBeNull();

  await page.reload();
  await row.getByRole("button", { name: "Revoke …" }).click();
  await row.getByRole("button", { name: `Revoke ${name}` }).click();
  await expect(page.getByText("This user has no API keys.")).toBeVisible();
  expect(await customer.get("/api/v1/api-keys")).toEqual([]);
  await page.getByRole("link", { name: "Show the user" }).click();
  await page.getByRole("link", { name: `API keys ${customer.email}` }).click();
  await expect(page.getByRole("heading", { name: `API keys of ${customer.email}` })).toBeVisible();
});

test("a key of a session that began long ago asks for the password", async ({ page, world }) => {
  const customer = await world.verifiedCustomer();
  await signIn(page, customer, "/account");
  const keys = page.locator("section", { has: page.getByRole("heading", { name: "API keys" }) });
  // As the server answers ten minutes after the log-in.
  const asked: Json[] = [];
  await page.route("**/api/v1/api-keys", async (route) => {
    if (route.request().method() !== "POST") return route.continue();
    const body = route.request().postDataJSON() as Json;
    asked.push(body);
    if (body.password === customer.password) return route.continue();
    return route.fulfill({
      status: 403,
      contentType: "application/problem+json",
      body: JSON.stringify({ status: 403, code: "sign_in_required", title: "", detail: "The password is required." }),
    });
  });
  await keys.getByLabel("Name").fill("scanner");
  await keys.getByRole("button", { name: "Make a key" }).click();
  await expect(keys.getByLabel("Password")).toBeFocused();
  await keys.getByLabel("Password").fill("wrong password");
  await keys.getByRole("button", { name: "Make a key" }).click();
  await expect(keys.getByText("This is not your password.")).toBeVisible();
  await keys.getByLabel("Password").fill(customer.password);
  await keys.getByRole("button", { name: "Make a key" }).click();
  await expect(keys.getByText(/^lmk_/)).toBeVisible();
  await expect(keys.getByLabel("Password")).toHaveCount(0);
  expect(asked.map((body) => body.password)).toEqual([undefined, "wrong password", customer.password]);
});

test("keys and webhooks of a user who moved are shown asleep, and a colleague wakes the webhook", async ({
  page,
  world,
}) => {
  const mover = await world.verifiedCustomer();
  const other = await world.customer();
  const [key, webhook] = [
    await mover.post("/api/v1/api-keys", { name: "scanner" }),
    await mover.post("/api/v1/webhooks", { url: NOWHERE }),
  ];
  const { id } = await mover.get("/api/v1/auth/me");
  const { organization_id } = await other.get("/api/v1/auth/me");
  const admin = await world.adminOfTests();
  expect((await admin.ask("PATCH", `/api/v1/users/${id}`, { organization_id })).status).toBe(200);
  await signIn(page, admin, `/admin/api-keys?user=${id}`);
  await expect(page.getByRole("row", { name: new RegExp(key.name) })).toContainText("asleep: the user has left");
  await page.goto(`/admin/messages?webhook=${webhook.id}`);
  await expect(page.getByText("has left the organization")).toBeVisible();
  await expect(page.getByRole("button", { name: "Send a test message" })).toBeDisabled();
  await page.getByRole("button", { name: "Wake" }).click();
  await expect(page.getByRole("button", { name: "Send a test message" })).toBeEnabled();
  expect((await admin.get(`/api/v1/webhooks/${webhook.id}`)).asleep).toBe(false);
});
