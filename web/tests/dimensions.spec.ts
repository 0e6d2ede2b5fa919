// The dimensions of freight: pasted into a search, kept by its address, and held with what it finds.
import { paste } from "./consolidations";
import { expect, signIn, test, type World } from "./world";

test("dimensions are pasted from a spreadsheet, searched for, and held", async ({ page, context, world }) => {
  await context.grantPermissions(["clipboard-read", "clipboard-write"]);
  const [customer, flight] = await Promise.all([world.customer(), world.flight("TRV", "CJB", 1100, 5000)]);
  await signIn(page, customer);
  await page.goto(`/?origin=TRV&destination=CJB&date=${flight.departure_local.slice(0, 10)}`);
  await page.getByRole("button", { name: "Dimensions" }).click();
  await page.getByLabel("Pieces, row 1").focus();
  await paste(page, "Pcs\tL\tW\tH\tkg\n4\t120\t80\t100\t50\n2\t60\t40\t40\t7.5\n");
  await expect(page.getByLabel("Height (cm), row 2")).toHaveValue("40");
  await page.getByLabel("May lie on any side, row 2").check();
  await page.getByRole("button", { name: "Search", exact: true }).click();
  await expect(page).toHaveURL(/sizes=4x120x80x100x50_2x60x40x40x7\.5xt(&|$)/);
  await page.reload();
  await expect(page.getByLabel("Width (cm), row 1")).toHaveValue("80");

  await page.getByRole("row").filter({ hasText: flight.flight_number }).getByRole("link", { name: /^Book/ }).click();
  await expect(page.getByRole("timer")).toBeVisible();
  const [hold] = await customer.get("/api/v1/holds");
  expect(hold).toMatchObject({ pieces: 6, weight_kg: 215 });
  expect(hold.dimensions).toMatchObject([
    { pieces: 4, length_cm: 120, width_cm: 80, height_cm: 100, weight_kg: 50, is_tiltable: false },
    { pieces: 2, length_cm: 60, width_cm: 40, height_cm: 40, weight_kg: 7.5, is_tiltable: true },
  ]);
});

test("what is wrong with a line is said at its cell", async ({ page, world }) => {
  const flight = await world.flight("TRV", "CJB", 1124, 5000);
  const day = flight.departure_local.slice(0, 10);
  await page.goto(`/?origin=TRV&destination=CJB&date=${day}&sizes=4x120x80x100_1x0x40x40`);
  await expect(page.getByLabel("Length (cm), row 2")).toHaveAttribute("aria-invalid", "true");
  await page.getByLabel("Length (cm), row 2").fill("60");
  await page.getByLabel("Length (cm), row 2").press("Enter");
  await expect(page).toHaveURL(/1x60x40x40/);
  await expect(page.getByLabel("Length (cm), row 2")).not.toHaveAttribute("aria-invalid", "true");
});

/** Gives the 74N a door of 180 × 120 cm. */
async function lowDoors(world: World): Promise<void> {
  const openings = [{ deck: "MAIN", door_width_cm: 180, door_height_cm: 120 }];
  expect((await (await world.admin()).ask("PATCH", "/api/v1/aircraft/74N", { openings })).status).toBe(200);
}
const HIGH = [{ pieces: 1, length_cm: 100, width_cm: 80, height_cm: 150 }];

test("a piece is drawn before the doors of an aircraft, with what keeps it out", async ({ page, world }) => {
  await lowDoors(world);
  const flight = await world.flight("TRV", "CJB", 1148, 5000, { aircraft_code: "74N" });
  const day = flight.departure_local.slice(0, 10);
  await page.goto(`/?origin=TRV&destination=CJB&date=${day}&sizes=1x100x80x150_2x60x40x40`);
  const row = page.getByRole("row").filter({ hasText: flight.flight_number });
  await expect(row.getByRole("link", { name: /^Book/ })).toHaveCount(0);
  await expect(row).toContainText(
    "has no door for the pieces of row 1 (100 × 80 × 150 cm); its largest is 180 × 120 cm.",
  );
  await page.getByRole("button", { name: `Details ${flight.flight_number}` }).click();
  const doors = page.locator("[data-doors]");
  await expect(doors).toContainText("74N · Main deck · 180 × 120 cm");
  await expect(doors).toContainText("too high");
  await doors.getByLabel("Piece").selectOption("1");
  await expect(doors).toContainText("passes");
});

test("what keeps a piece out is said also where the part about it is not had", async ({ page, world }) => {
  await lowDoors(world);
  await page.route("**/assets/TooLarge-*.js", (route) => route.abort());
  const flight = await world.flight("TRV", "CJB", 1244, 5000, { aircraft_code: "74N" });
  const day = flight.departure_local.slice(0, 10);
  await page.goto(`/?origin=TRV&destination=CJB&date=${day}&sizes=1x100x80x150`);
  const row = page.getByRole("row").filter({ hasText: flight.flight_number });
  await expect(row.locator('li[lang="en"]')).toContainText("its largest is 180 × 120 cm.");
});

test("dimensions are typed in an amendment, and a booking is drawn before the doors of its aircraft", async ({
  page,
  world,
}) => {
  await lowDoors(world);
  const flight = await world.flight("TRV", "CJB", 1172, 5000, { aircraft_code: "74N" });
  const customer = await world.customer();
  const booking = await world.book(customer, [flight]);
  await signIn(page, customer, `/bookings/${booking.ref_id}`);
  await page.getByRole("button", { name: "Amend" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByRole("button", { name: "Dimensions" }).click();
  for (const [label, value] of Object.entries({
    Pieces: "2",
    "Length (cm)": "100",
    "Width (cm)": "80",
    "Height (cm)": "150",
  }))
    await dialog.getByLabel(`${label}, row 1`).fill(value);
  await dialog.getByRole("button", { name: "Save" }).click();
  // It passes no door; customers cannot pass over that.
  await expect(dialog.locator(".failure")).toContainText("180 × 120 cm");
  await expect(dialog.locator("[data-accept-oversize]")).toHaveCount(0);
  await dialog.getByLabel("Height (cm), row 1").fill("110");
  await dialog.getByRole("button", { name: "Save" }).click();
  await expect(dialog).toBeHidden();
  expect(await customer.get(`/api/v1/bookings/${booking.ref_id}`)).toMatchObject({ pieces: 2, volume_m3: 1.76 });
  await expect(page.locator("[data-fitting]")).toContainText("74N · Main deck · 180 × 120 cm");
  await expect(page.locator("[data-fitting]")).toContainText("passes");
});

test("staff takes pieces along that pass through no door", async ({ page, world }) => {
  await lowDoors(world);
  const flight = await world.flight("TRV", "CJB", 1196, 5000, { aircraft_code: "74N" });
  const operator = await world.operator();
  await signIn(page, operator, `/book?flights=${flight.id}&weight=100&sizes=1x100x80x150`);
  await page.getByLabel("Take the pieces along all the same").check();
  await page.getByRole("button", { name: "Try again" }).click();
  await expect(page.getByRole("timer")).toBeVisible();
  const [hold] = await operator.get("/api/v1/holds?status=ACTIVE");
  expect(hold.dimensions).toMatchObject(HIGH);
});

test("another aircraft is previewed with the bookings that do not fit, and taken with them or without", async ({
  page,
  world,
}) => {
  await lowDoors(world);
  const flight = await world.flight("TRV", "CJB", 1220, 5000);
  const [customer, admin] = [await world.customer(), await world.adminOfTests()];
  const booking = await world.book(customer, [flight], 100, { pieces: 1, dimensions: HIGH });
  await signIn(page, admin, `/flights/${flight.id}`);
  await page.getByRole("button", { name: "Change aircraft" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel("Aircraft").selectOption("74N");
  await dialog.getByRole("button", { name: "Show the impact" }).click();
  await expect(dialog.locator("[data-oversize]")).toContainText(`${booking.ref_id}: line 1, 100 × 80 × 150 cm`);
  const change = dialog.getByRole("button", { name: "Change aircraft" });
  await expect(change).toBeDisabled();
  await dialog.getByLabel("They stay on the flight all the same").check();
  await change.click();
  await expect(dialog).toBeHidden();
  expect((await admin.get(`/api/v1/flights/${flight.id}`)).aircraft_code).toBe("74N");
});
