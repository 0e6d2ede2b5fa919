// The list of payments: what is open, has failed or is to be given back, for its payer and for the carrier.
import { expect, signIn, test, type Caller, type Json } from "./world";

/** Commits a hold of 100 kg, paid by a token; returns the answer. */
async function pays(caller: Caller, flight: Json, payment_token: string): Promise<Response> {
  const hold = await caller.post("/api/v1/holds", { flight_ids: [flight.id], weight_kg: 100, pieces: 1 });
  return caller.ask("POST", `/api/v1/holds/${hold.id}/commit`, { payment_token });
}

/** A payment that was captured, with its booking's reference, one that was declined and one that waits for its payer. */
async function threePayments(caller: Caller, flight: Json): Promise<string> {
  const booked = await pays(caller, flight, "tok_ok");
  expect(booked.status).toBe(201);
  const { ref_id } = (await booked.json()) as Json;
  expect((await pays(caller, flight, "tok_declined")).status).toBe(402);
  expect((await pays(caller, flight, "tok_confirm")).status).toBe(202);
  const statusOf = async () => (await caller.get(`/api/v1/payments?ref_id=${ref_id}`))[0].status;
  await expect.poll(statusOf).toBe("CAPTURED");
  return ref_id;
}

test("a customer finds its payments by section and by booking", async ({ page, world }) => {
  const flight = await world.flight("TRV", "CJB", 220, 1000);
  const customer = await world.customer();
  const reference = await threePayments(customer, flight);
  await signIn(page, customer);
  await page.getByRole("navigation", { name: "Pages" }).getByRole("link", { name: "Payments" }).click();
  const rows = page.locator("tbody tr");
  const section = (name: string) =>
    page.getByRole("navigation", { name: "Payments" }).getByRole("link", { name, exact: true }).click();
  await expect(rows).toHaveCount(1);
  await expect(rows).toContainText("to be confirmed");
  await expect(rows.locator("time").first(), "with the year").toContainText(/ 20\d\d /);
  await section("Failed");
  await expect(rows).toHaveCount(1);
  await expect(rows).toContainText("The payment provider declined the payment.");
  await section("Refunds due");
  await expect(page.getByText("No refund is due.")).toBeVisible();
  await section("All");
  await expect(rows).toHaveCount(3);
  await expect(page.getByRole("columnheader", { name: "Organization" })).toHaveCount(0);
  await page.getByLabel("Reference").fill(reference.toLowerCase());
  await page.getByRole("main").getByRole("button", { name: "Find" }).click();
  await expect(rows).toHaveCount(1);
  await rows.getByRole("link", { name: reference }).click();
  await expect(page).toHaveURL(new RegExp(`/bookings/${reference}$`));
});

test("a customer sees what its organization may still charge, as the API says it", async ({ page, world }) => {
  const [customer, admin] = [await world.customer(), await world.admin()];
  const { organization_id } = await customer.get("/api/v1/auth/me");
  const credit = `/api/v1/organizations/${organization_id}/credit`;
  await signIn(page, customer, "/payments");
  const account = page.getByRole("region", { name: "Credit account" });
  await expect(account).toContainText("The organization has no credit account.");
  const limit = { amount: "5000.00", currency: "USD" };
  expect((await admin.ask("PATCH", credit, { limit })).status).toBe(200);
  await page.reload();
  for (const fact of [/^Limit\s*US\$5,000\.00$/, /^Used\s*US\$0\.00$/, /^Available\s*US\$5,000\.00$/])
    await expect(account.locator("dl > div").filter({ hasText: fact })).toHaveCount(1);
  expect((await customer.get(credit)).available).toEqual(limit);
});

test("staff finds the payments of an organization by one of its rows", async ({ page, world }) => {
  const flight = await world.flight("TRV", "CJB", 221, 1000);
  const [customer, operator] = [await world.customer(), await world.operator()];
  const reference = await threePayments(customer, flight);
  const [payment] = await operator.get(`/api/v1/payments?ref_id=${reference}`);
  await signIn(page, operator, `/payments?show=all&ref_id=${reference}`);
  const rows = page.locator("tbody tr");
  await expect(rows).toHaveCount(1);
  await rows.getByRole("link", { name: payment.organization_name }).click();
  await expect(page).toHaveURL(new RegExp(`organization_id=${payment.organization_id}`));
  await expect(page.getByRole("region", { name: "Credit account" })).toBeVisible();
  await page.getByLabel("Reference").fill("");
  await page.getByRole("main").getByRole("button", { name: "Find" }).click();
  await expect(rows).toHaveCount(3);
  const listed = await operator.get(`/api/v1/payments?organization_id=${payment.organization_id}`);
  expect(listed.map((one: Json) => one.status)).toEqual(["REQUIRES_ACTION", "FAILED", "CAPTURED"]);
  await page.getByRole("link", { name: "All organizations" }).click();
  await expect(page).not.toHaveURL(/organization_id/);
});

test("staff is not shown a credit account that is missing for an organization that does not exist", async ({
  page,
  world,
}) => {
  const operator = await world.operator();
  const customer = await world.customer();
  const { organization_id } = await customer.get("/api/v1/auth/me");
  const account = page.getByRole("region", { name: "Credit account" });
  await signIn(page, operator, `/payments?organization_id=${organization_id}`);
  await expect(account).toContainText(`Organization ${organization_id} has no credit account.`);
  await page.goto("/payments?organization_id=019aa000-0000-7000-8000-00000000000f");
  await expect(account).toContainText("There is no organization 019aa000-0000-7000-8000-00000000000f");
  await expect(account).not.toContainText("has no credit");
});
