// What administrators keep: tables by file, entries by hand, organizations and jobs.
import { readFileSync } from "node:fs";
import { expect, signIn, test } from "./world";

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
  await dialog.getByLabel("Country").fill("gb");
  await dialog.getByRole("button", { name: "Save" }).click();
  await expect(dialog).toBeHidden();
  expect((await admin.get(`/api/v1/airlines/${code}`)).country_code).toBe("GB");

  const row = page.getByRole("row").filter({ has: page.getByRole("button", { name: `${code} change` }) });
  while (!(await row.isVisible())) await page.getByRole("button", { name: "More" }).click();
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
