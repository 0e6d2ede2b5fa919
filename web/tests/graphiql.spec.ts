// GraphiQL under the console's policy: `world.ts` fails each of these tests for a violation of it, for an error in the console and
// for a request to another host.
import type { Page } from "@playwright/test";
import { expect, signIn, test } from "./world";

const response = (page: Page) => page.locator(".graphiql-response .CodeMirror-code");

/** Puts an operation in place of what the editor has. */
async function write(page: Page, operation: string): Promise<void> {
  await page.locator(".graphiql-query-editor .CodeMirror").click();
  await page.keyboard.press("ControlOrMeta+A");
  await page.keyboard.press("Delete");
  if (operation === "") return;
  // Not typed: the editor would close brackets by itself.
  await page.keyboard.insertText(operation);
}

/** Runs an operation, once its tab has its name: until then the name of the operation before is sent with it. */
async function run(page: Page, kind: string, name: string, fields: string): Promise<void> {
  await write(page, `${kind} ${name} ${fields}`);
  await expect(page.locator(".graphiql-tab-active")).toHaveText(name);
  await page.getByRole("button", { name: "Execute query" }).click();
}

test("GraphiQL runs a query of anyone and shows the result", async ({ page, world }) => {
  const flight = await world.flight("TRV", "CJB", 120, 1000);
  await page.goto("/graphiql");
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("GraphQL");
  await expect(page.getByText("You are not signed in")).toBeVisible();
  // Of this flight alone: the editor has no more than what is in sight in the page.
  const wanted = `origin: "TRV", flightNumber: "${flight.flight_number}"`;
  await run(page, "query", "Any", `{ flights(${wanted}, first: 5) { nodes { flightNumber destination } } }`);
  await expect(response(page)).toContainText(`"flightNumber": "${flight.flight_number}"`);
  await expect(response(page)).not.toContainText("errors");
});

test("GraphiQL runs a query with the rights of who is signed in", async ({ page, world }) => {
  const flight = await world.flight("TRV", "CJB", 121, 1000);
  const customer = await world.customer();
  const booking = await world.book(customer, [flight]);
  await signIn(page, customer, "/account");
  await page.getByRole("link", { name: "GraphiQL" }).click();
  await run(page, "query", "Own", `{ bookings(first: 5) { nodes { refId status } } }`);
  await expect(response(page)).toContainText(booking.ref_id);
  await expect(page.getByText("You are not signed in")).toHaveCount(0);
});

test("GraphiQL reads the schema, completes what is typed, explains it and shows its documentation", async ({
  page,
}) => {
  await page.goto("/graphiql");
  const hints = page.locator(".CodeMirror-hints");
  // The schema may still be on its way when the first letters are typed.
  await expect(async () => {
    await write(page, "");
    await page.keyboard.type("{ flights");
    await expect(hints).toContainText("flights", { timeout: 2_000 });
  }).toPass({ timeout: 60_000 });
  await page.keyboard.press("Enter");
  await page.locator(".graphiql-query-editor .cm-property").first().hover();
  await expect(page.locator(".CodeMirror-info")).toContainText("FlightConnection");
  await expect(page.getByRole("textbox", { name: "Query Editor" })).toHaveCount(1);
  await page.getByRole("button", { name: "Show Documentation Explorer" }).click();
  const docs = page.locator(".graphiql-doc-explorer");
  await docs.getByRole("link", { name: "Query", exact: true }).click();
  await expect(docs).toContainText("flights");
  // A dialog, whose parts would write a style element into the page.
  await page.getByRole("button", { name: "Open short keys dialog" }).click();
  await expect(page.getByRole("dialog")).toBeVisible();
  await page.keyboard.press("Escape");
  await expect(page.getByRole("dialog")).toHaveCount(0);
});

test("GraphiQL follows a subscription until it is stopped", async ({ page, world }) => {
  const flight = await world.flight("TRV", "CJB", 122, 1000);
  const operator = await world.operator();
  const booking = await world.book(operator, [flight]);
  await page.goto("/graphiql");
  await run(page, "subscription", "Followed", `{ tracking(number: "${booking.ref_id}") { tracking { status } } }`);
  await expect(response(page)).toContainText("BOOKED");
  await operator.post(`/api/v1/bookings/${booking.ref_id}/depart`);
  await expect(response(page)).toContainText("DEPARTED");
  await page.getByRole("button", { name: "Stop query" }).click();
  await expect(page.getByRole("button", { name: "Execute query" })).toBeVisible();
});

test("GraphiQL shows a refusal of the server, and forgets what was written when somebody else signs in", async ({
  page,
  world,
}) => {
  const [first, second] = [await world.customer(), await world.customer()];
  await signIn(page, first, "/graphiql");
  await run(page, "query", "Kept", "{ nothing }");
  await expect(response(page)).toContainText("graphql_invalid");
  await page.getByRole("link", { name: "Track" }).click();
  await page.goBack();
  await expect(page.locator(".graphiql-query-editor")).toContainText("Kept");
  await page.getByRole("button", { name: "Sign out" }).click();
  await page.getByRole("link", { name: "Track" }).click();
  await signIn(page, second, "/graphiql");
  await expect(page.locator(".graphiql-query-editor")).toContainText("Departures");
  expect(await page.evaluate(() => JSON.stringify({ ...localStorage, ...sessionStorage }))).not.toContain("Kept");
});

test("where GraphQL is switched off, the page says so", async ({ page }) => {
  await page.route("**/api/v1/info", async (route) => {
    const response = await route.fetch();
    const info = (await response.json()) as { features: string[] };
    const features = info.features.filter((name) => name !== "graphql");
    await route.fulfill({ response, json: { ...info, features } });
  });
  await page.goto("/graphiql");
  await expect(page.getByText("GraphQL is switched off")).toBeVisible();
  await expect(page.locator(".graphiql-container")).toHaveCount(0);
});
