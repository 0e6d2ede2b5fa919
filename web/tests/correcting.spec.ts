import { expect, signIn, test } from "./world";

test("a departure nine days early is said to be unusual, and is taken back with a reason", async ({ page, world }) => {
  const flight = await world.flight("TRV", "CJB", 9 * 24, 1000);
  const [customer, operator] = [await world.customer(), await world.operator()];
  const booking = await world.book(customer, [flight]);
  const path = `/api/v1/bookings/${booking.ref_id}`;
  await signIn(page, operator, `/bookings/${booking.ref_id}`);
  const dialog = page.getByRole("dialog");
  await page.getByRole("button", { name: "Depart", exact: true }).click();
  await expect(dialog.locator("[data-unusual]")).toContainText("Leaves in 9 days.");
  // Without a step there is nothing to take back, and to close the question records none.
  await dialog.getByRole("button", { name: "Back" }).click();
  await expect(dialog).toBeHidden();
  await expect(page.getByRole("button", { name: "Take back" })).toHaveCount(0);
  expect((await operator.get(path)).status).toBe("BOOKED");

  await page.getByRole("button", { name: "Depart", exact: true }).click();
  await dialog.getByRole("button", { name: "Depart", exact: true }).click();
  await expect(dialog).toBeHidden();
  expect((await operator.get(path)).status).toBe("DEPARTED");

  await page.getByRole("button", { name: "Take back" }).click();
  await dialog.getByRole("button", { name: "Take back" }).click();
  await expect(dialog.getByLabel("Reason")).toHaveAttribute("aria-invalid", "true");
  expect((await operator.get(path)).status).toBe("DEPARTED");
  await dialog.getByLabel("Reason").fill("Wrong booking");
  await dialog.getByRole("button", { name: "Take back" }).click();
  await expect(dialog).toBeHidden();
  const timeline = page.getByRole("list", { name: "Timeline" });
  await expect(timeline.locator('[data-event="DEPARTED"]')).toContainText("taken back");
  await expect(timeline.locator('[data-event="CORRECTED"]')).toContainText("Wrong booking");
  await expect(page.getByRole("button", { name: "Take back" })).toHaveCount(0);
  const now = await operator.get(path);
  expect([now.status, now.legs[0].status, now.version]).toEqual(["BOOKED", "BOOKED", 3]);

  await page.goto(`/track/${booking.ref_id}`);
  await expect(timeline.locator('[data-event="CORRECTED"]')).toBeVisible();
  await expect(timeline.locator('[data-event="DEPARTED"]')).toHaveCount(0);
  await expect(timeline).not.toContainText("Wrong booking");
});

test("a step that somebody else has taken meanwhile is shown before another is recorded", async ({ page, world }) => {
  const flight = await world.flight("TRV", "CJB", 0.5, 1000, { cutoff_minutes: 0 });
  const operator = await world.operator();
  const booking = await world.book(operator, [flight]);
  const path = `/api/v1/bookings/${booking.ref_id}`;
  await signIn(page, operator, `/bookings/${booking.ref_id}`);
  await page.getByRole("button", { name: "Depart", exact: true }).click();
  const dialog = page.getByRole("dialog");
  const record = dialog.getByRole("button", { name: "Depart", exact: true });
  await expect(record).toBeEnabled();
  await expect(dialog.locator("[data-unusual]")).toHaveCount(0);
  await expect(page.getByRole("button", { name: "Take back" })).toHaveCount(0);
  // The page does not hear of it while the dialog is used.
  await page.route("**/stream*", (route) => route.abort());
  await page.route(`**${path}/depart`, async (route) => {
    await operator.ask("PATCH", path, { description: "Roses" });
    await route.continue();
  });
  await record.click();
  await expect(dialog.getByRole("alert").first()).toContainText("changed this booking in the meantime");
  expect((await operator.get(path)).status).toBe("BOOKED");
  await page.unroute(`**${path}/depart`);
  await expect(page.getByText("Roses")).toBeVisible();
  await expect(record).toBeDisabled();
  await dialog.getByRole("button", { name: "Show the current state" }).click();
  await record.click();
  await expect(dialog).toBeHidden();
  expect((await operator.get(path)).status).toBe("DEPARTED");
});

test("an open question takes back no other step than the one it names", async ({ page, world }) => {
  const flight = await world.flight("TRV", "CJB", 0.5, 1000, { cutoff_minutes: 0 });
  const operator = await world.operator();
  const booking = await world.book(operator, [flight]);
  const path = `/api/v1/bookings/${booking.ref_id}`;
  await operator.post(`${path}/depart`);
  await signIn(page, operator, `/bookings/${booking.ref_id}`);
  await page.getByRole("button", { name: "Take back" }).click();
  const dialog = page.getByRole("dialog");
  await expect(dialog).toContainText("Take back Departed");
  await dialog.getByLabel("Reason").fill("Wrong booking");
  await operator.post(`${path}/arrive`);
  await expect(dialog.getByRole("alert")).toContainText("changed this booking in the meantime");
  const act = dialog.getByRole("button", { name: "Take back" });
  await expect(act).toBeDisabled();
  await dialog.getByLabel("Reason").press("Enter");
  expect((await operator.get(path)).status).toBe("ARRIVED");
  await dialog.getByRole("button", { name: "Show the current state" }).click();
  await expect(dialog).toContainText("Take back Arrived");
  await act.click();
  await expect(dialog).toBeHidden();
  expect((await operator.get(path)).status).toBe("DEPARTED");
});

test("a customer takes no step and takes none back", async ({ page, world }) => {
  const flight = await world.flight("TRV", "CJB", 30, 1000);
  const [customer, operator] = [await world.customer(), await world.operator()];
  const booking = await world.book(customer, [flight]);
  await operator.post(`/api/v1/bookings/${booking.ref_id}/depart`);
  await signIn(page, customer, `/bookings/${booking.ref_id}`);
  await expect(page.locator('[data-event="DEPARTED"]')).toBeVisible();
  for (const name of ["Arrive", "Take back"]) await expect(page.getByRole("button", { name })).toHaveCount(0);
});
