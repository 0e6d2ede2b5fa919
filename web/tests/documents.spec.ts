import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { awb, expect, signIn, test } from "./world";

test("labels of three pieces print as three pages with the codes of their pieces", async ({ page, world }, info) => {
  const flight = await world.flight("TRV", "CJB", 100, 1000);
  const customer = await world.customer();
  const number = awb();
  const booking = await world.book(customer, [flight], 100, { awb_number: number });
  await signIn(page, customer, `/bookings/${booking.ref_id}/documents?show=labels`);
  await expect(page.locator("[data-code]")).toHaveCount(3);
  const codes = await page.locator("[data-code]").evaluateAll((all) => all.map((one) => one.getAttribute("data-code")));
  const digits = number.replace("-", "");
  expect(codes).toEqual([`${digits}00001`, `${digits}00002`, `${digits}00003`]);
  const pdf = await page.pdf({ preferCSSPageSize: true });
  const file = info.outputPath("labels.pdf");
  writeFileSync(file, pdf);
  expect(pdf.toString("latin1").match(/\/Type\s*\/Page[^s]/g)).toHaveLength(3);
  // A scanner that we did not write reads the picture.
  const label = page.locator(".label").nth(1);
  await page.setViewportSize({ width: 1280, height: 1200 });
  await label.screenshot({ path: info.outputPath("label.png"), scale: "device" });
  const read = execFileSync("zbarimg", ["--quiet", "--raw", info.outputPath("label.png")])
    .toString()
    .trim();
  expect(read).toBe(`${digits}00002`);
});

test("labels and manifest name the sizes of pieces", async ({ page, browser, world }) => {
  const flight = await world.flight("TRV", "CJB", 120, 1000);
  const customer = await world.customer();
  const dimensions = [
    { pieces: 1, length_cm: 60, width_cm: 50, height_cm: 40 },
    { pieces: 2, length_cm: 30, width_cm: 20, height_cm: 10 },
  ];
  const booking = await world.book(customer, [flight], 100, { dimensions });
  await signIn(page, customer, `/bookings/${booking.ref_id}/documents?show=labels`);
  const labels = page.locator(".label");
  await expect(labels).toHaveCount(3);
  await expect(labels.nth(0)).toContainText("60 × 50 × 40 cm");
  await expect(labels.nth(1)).toContainText("30 × 20 × 10 cm");
  await expect(labels.nth(2)).toContainText("30 × 20 × 10 cm");
  const context = await browser.newContext({ baseURL: world.url });
  const staff = await context.newPage();
  await signIn(staff, await world.operator(), `/flights/${flight.id}`);
  const line = staff.getByRole("row").filter({ hasText: booking.ref_id });
  await expect(line).toContainText("1 × 60 × 50 × 40 cm; 2 × 30 × 20 × 10 cm");
  await context.close();
});

test("the data sheet says that it is no air waybill", async ({ page, world }) => {
  const flight = await world.flight("TRV", "CJB", 110, 1000);
  const customer = await world.customer();
  const booking = await world.book(customer, [flight], 100, { shipper: { name: "Sunrise Textiles" } });
  await signIn(page, customer, `/bookings/${booking.ref_id}/documents?show=sheet`);
  await expect(page.getByText("This sheet is no air waybill")).toBeVisible();
  await expect(page.locator("main")).toContainText("Sunrise Textiles");
  expect((await customer.get(`/api/v1/bookings/${booking.ref_id}`)).shipper.name).toBe("Sunrise Textiles");
});
