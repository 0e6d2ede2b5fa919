// Every page, in both themes and both widths: no violation that axe knows, and a picture to look at.
import AxeBuilder from "@axe-core/playwright";
import { expect, signIn, test } from "./world";

const WIDTHS = [360, 1280] as const;
const THEMES = ["light", "dark"] as const;

test("no page violates WCAG 2.2 AA as far as axe can tell", async ({ page, world }, info) => {
  test.setTimeout(360_000);
  const flight = await world.flight("TRV", "CJB", 90, 1000);
  const operator = await world.adminOfTests();
  const booking = await world.book(operator, [flight], 950);
  const me = await operator.get("/api/v1/auth/me");
  await operator.post("/api/v1/api-keys", { name: "scanner" });
  const webhook = await operator.post("/api/v1/webhooks", { url: "https://receiver.loadmaster.example/" });
  const delivery = await operator.post(`/api/v1/webhooks/${webhook.id}/test`);
  const day = flight.departure_local.slice(0, 10);
  const open = [
    "/",
    `/?origin=TRV&destination=CJB&date=${day}&weight=500`,
    "/track",
    `/track/${booking.ref_id}`,
    "/sign-in",
    "/register",
    "/forgot",
    "/reset?token=x",
    `/book?flights=${flight.id}&weight=10`,
  ];
  const own = [
    "/bookings",
    `/bookings/${booking.ref_id}`,
    `/bookings/${booking.ref_id}/documents`,
    `/bookings/${booking.ref_id}/documents?show=labels`,
    `/board?station=TRV&date=${day}`,
    `/flights/${flight.id}`,
    "/rerouting",
    `/waitlist?flights=${flight.id}&origin=TRV&destination=CJB&weight=500`,
    "/account",
    `/account?webhook=${webhook.id}`,
    `/account?webhook=${webhook.id}&delivery=${delivery.id}`,
    "/admin",
    "/admin/users",
    "/admin/organizations",
    "/admin/api-keys",
    `/admin/api-keys?user=${me.id}`,
    "/admin/airports?q=london",
    "/admin/airlines",
    "/admin/aircraft",
    "/admin/tariffs",
    "/admin/surcharges",
    "/admin/sales",
    "/admin/embargoes",
    "/admin/allotments",
    "/admin/import",
    "/admin/jobs",
    "/admin/messages",
    "/admin/messages?show=mailbox",
    "/admin/messages?show=webhooks",
    `/admin/messages?webhook=${webhook.id}`,
    "/admin/audit",
    "/admin/health",
  ];
  for (const [addresses, isSignedIn] of [
    [open, false],
    [own, true],
  ] as const) {
    if (isSignedIn) await signIn(page, operator);
    for (const address of addresses)
      for (const width of WIDTHS)
        for (const theme of THEMES) {
          await page.setViewportSize({ width, height: 900 });
          await page.emulateMedia({ colorScheme: theme });
          await page.goto(address);
          await expect(page.locator("main h1")).toBeVisible();
          await expect(page.locator('[aria-busy="true"]')).toHaveCount(0);
          const { violations } = await new AxeBuilder({ page })
            .withTags(["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"])
            .analyze();
          expect(
            violations.map((it) => `${it.id}: ${it.nodes.map((node) => node.target).join(" ")}`),
            `${address} ${width} ${theme}`,
          ).toEqual([]);
          const overflow = await page.evaluate(
            () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
          );
          expect(overflow, `${address} ${width}: nothing is wider than the screen`).toBeLessThanOrEqual(0);
          const name = `${address.replace(/[^a-z]+/gi, "_").slice(0, 40)}-${width}-${theme}.png`;
          await page.screenshot({ path: info.outputPath(name), fullPage: true });
        }
  }
});
