// Lists: their filters under a name, kept in the browser for the account, and the length of their pages.
import { violationsOf } from "./axe";
import { expect, signIn, test } from "./world";

test("a view is saved under a name, opened again, and deleted; a colleague at the same browser has none of it", async ({
  page,
  world,
}) => {
  const [ann, bob] = [await world.customer(), await world.customer()];
  await page.setViewportSize({ width: 360, height: 800 });
  await signIn(page, ann, "/bookings");
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("Bookings");
  await expect(page.getByRole("button", { name: "Save this view" })).toHaveCount(0);
  await page.getByLabel("Status", { exact: true }).selectOption("Departed");
  await page.getByLabel("Needs a new route").check();
  await page.getByRole("button", { name: "Save this view" }).click();
  await page.getByLabel("Name of the view").fill("On the way");
  await page.keyboard.press("Enter");
  const views = page.getByRole("region", { name: "Saved views" });
  await expect(views.getByRole("link", { name: "On the way" })).toHaveAttribute("aria-current", "true");
  await expect(page.getByRole("button", { name: "Save this view" })).toHaveCount(0);
  expect(await violationsOf(page)).toEqual([]);

  await page.goto("/bookings");
  await views.getByRole("link", { name: "On the way" }).click();
  await expect(page).toHaveURL(/status=DEPARTED/);
  await expect(page.getByLabel("Status", { exact: true })).toHaveValue("DEPARTED");
  await expect(page.getByLabel("Needs a new route")).toBeChecked();
  await page.goto("/payments");
  await expect(page.getByRole("heading", { level: 1 })).toBeVisible();
  await expect(page.getByRole("link", { name: "On the way" })).toHaveCount(0);

  await page.getByRole("button", { name: "Sign out" }).click();
  await expect(page.getByRole("link", { name: "Sign in" })).toBeVisible();
  await signIn(page, bob, "/bookings");
  await expect(page.getByText("No booking matches.")).toBeVisible();
  await expect(page.getByRole("link", { name: "On the way" })).toHaveCount(0);
  await page.getByRole("button", { name: "Sign out" }).click();
  await expect(page.getByRole("link", { name: "Sign in" })).toBeVisible();

  await signIn(page, ann, "/bookings");
  await views.getByRole("button", { name: "Delete the view On the way" }).click();
  await expect(page.getByRole("link", { name: "On the way" })).toHaveCount(0);
  await page.reload();
  await expect(page.getByText("No booking matches.")).toBeVisible();
  await expect(page.getByRole("link", { name: "On the way" })).toHaveCount(0);
});

test("a page of a list has as many rows as its reader chose, also after a reload", async ({ page, world }) => {
  const admin = await world.adminOfTests();
  await page.setViewportSize({ width: 360, height: 800 });
  await signIn(page, admin, "/admin/airports");
  const rows = page.locator("tbody tr");
  await expect(rows).toHaveCount(50);
  await page.getByLabel("Rows per page").selectOption("25");
  await expect(rows).toHaveCount(25);
  await page.getByRole("button", { name: "Show more" }).click();
  await expect(rows).toHaveCount(50);
  const asked = page.waitForRequest(/\/api\/v1\/airports\?/);
  await page.reload();
  expect(new URL((await asked).url()).searchParams.get("limit")).toBe("25");
  await expect(page.getByLabel("Rows per page")).toHaveValue("25");
  expect(await violationsOf(page)).toEqual([]);
  await page.getByLabel("Rows per page").selectOption("100");
  await expect(rows).toHaveCount(100);
});
