// A price that is kept: found again, passed on within the organization, and taken.
import { expect, signIn, test, type Json } from "./world";

test("a shipper keeps the price of an option, finds it again and books at it", async ({ page, world }) => {
  const flight = await world.flight("TRV", "CJB", 230, 1000);
  const customer = await world.customer();
  await signIn(page, customer);
  const day = flight.departure_local.slice(0, 10);
  await page.goto(`/?origin=TRV&destination=CJB&date=${day}&weight=120.5&volume=0.9`);
  await page.getByRole("button", { name: `Details ${flight.flight_number}` }).click();
  await page.getByRole("button", { name: "Keep this price" }).click();
  await expect(page).toHaveURL(/\/quotes\/[0-9a-f-]+$/);
  const [quote] = await customer.get("/api/v1/quotes");
  expect(page.url()).toContain(quote.id);
  expect(quote).toMatchObject({ flight_ids: [flight.id], weight_kg: 120.5, volume_m3: 0.9 });
  const { amount, currency } = quote.total;
  const total = new Intl.NumberFormat("en-US", { style: "currency", currency }).format(Number(amount));
  const shown = page.getByRole("article");
  await expect(shown.getByRole("row", { name: /^Total/ })).toContainText(total);
  await expect(shown).toContainText(flight.flight_number);
  await expect(shown.getByRole("timer")).toBeVisible();

  await page.getByRole("navigation", { name: "Pages" }).getByRole("link", { name: "Quotes" }).click();
  await expect(shown).toHaveCount(1);
  await expect(shown).toContainText(total);
  await shown.getByRole("link", { name: "Book at this price" }).click();
  await expect(page.getByRole("region", { name: "Room that is held" })).toContainText("120.5 kg are held for you");
  const [hold] = await customer.get("/api/v1/holds");
  expect(hold.quote.id).toBe(quote.id);
  expect(await customer.get("/api/v1/quotes")).toEqual([]);
  await page.goto("/quotes");
  await expect(page.getByText("No quote can be taken.")).toBeVisible();
});

test("carrier staff, who can keep prices too, find their quotes from every page", async ({ page, world }) => {
  const operator = await world.operator();
  const { origin, destination, id } = (await world.flight("TRV", "CJB", 263, 1000)) as Json;
  await operator.post("/api/v1/quotes", { origin, destination, flight_ids: [id], weight_kg: 50 });
  await signIn(page, operator, "/track");
  await page.getByRole("navigation", { name: "Pages" }).getByRole("link", { name: "Quotes" }).click();
  await expect(page.getByRole("article").first()).toBeVisible();
});

test("the link of a quote opens it for nobody of another organization", async ({ page, world }) => {
  const flight = await world.flight("TRV", "CJB", 231, 1000);
  const [owner, stranger] = [await world.customer(), await world.customer()];
  const { origin, destination, id } = flight as Json;
  const quote = await owner.post("/api/v1/quotes", { origin, destination, flight_ids: [id], weight_kg: 50 });
  await signIn(page, stranger, `/quotes/${quote.id}`);
  await expect(page.getByRole("alert")).toContainText("There is no such quote, or it is not yours.");
  expect((await stranger.ask("GET", `/api/v1/quotes/${quote.id}`)).status).toBe(404);
});

test("a quote that expired while it was taken leads on at the price of today, and back to its search", async ({
  page,
  world,
}) => {
  const flight = await world.flight("TRV", "CJB", 262, 1000);
  const customer = await world.customer();
  const { origin, destination, id } = flight as Json;
  const quote = await customer.post("/api/v1/quotes", { origin, destination, flight_ids: [id], weight_kg: 50 });
  await signIn(page, customer, `/quotes/${quote.id}`);
  const take = page.getByRole("link", { name: "Book at this price" });
  const day = flight.departure_local.slice(0, 10);
  await expect(take).toHaveAttribute("href", new RegExp(`origin=TRV&destination=CJB&date=${day}&weight=50`));
  const refusal = { status: 409, code: "quote_expired", title: "The quote has expired", detail: "It holds no longer." };
  await page.route("**/api/v1/holds", (route) =>
    route.request().method() === "POST" && route.request().postData()?.includes(quote.id)
      ? route.fulfill({ status: 409, contentType: "application/problem+json", body: JSON.stringify(refusal) })
      : route.fallback(),
  );
  await take.click();
  await expect(page.getByRole("main").getByRole("alert")).toContainText("It holds no longer.");
  await expect(page.getByRole("link", { name: "Back to the search" })).toHaveAttribute("href", /origin=TRV/);
  await page.getByRole("button", { name: "Hold at today's price" }).click();
  await expect(page.getByRole("region", { name: "Room that is held" })).toContainText("50 kg are held for you");
  const [hold] = await customer.get("/api/v1/holds");
  expect(hold.quote.id).not.toBe(quote.id);
});
