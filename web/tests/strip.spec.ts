// The strip of holds at the bottom of the window: it moves nothing, and covers nothing that has the focus.
import type { Page } from "@playwright/test";
import { bookLink, searchAddress, strip } from "./holds";
import { expect, signIn, test } from "./world";

for (const [hours, width] of [
  [234, 360],
  [236, 1280],
] as const)
  test(`at ${width} px nothing that is shown moves when the strip appears or ends`, async ({ page, world }) => {
    const [one, other] = [
      await world.flight("TRV", "CJB", hours, 1000),
      await world.flight("TRV", "CJB", hours + 1, 1000),
    ];
    const customer = await world.customer();
    const hold = await customer.post("/api/v1/holds", { flight_ids: [one.id], weight_kg: 500 });
    await page.setViewportSize({ width, height: 500 });
    await signIn(page, customer);
    await expect(strip(page)).toContainText("You hold 500 kg");
    let answer = (): void => undefined;
    const answered = new Promise<void>((resolve) => (answer = resolve));
    await page.route("**/api/v1/holds?*", async (route) => {
      await answered;
      await route.continue();
    });
    const asks = page.waitForRequest("**/api/v1/holds?*");
    await page.goto(searchAddress(other, 100));
    // The session is known.
    await asks;
    await expect(bookLink(page, other)).toBeVisible();
    await expect(page.locator('[aria-busy="true"]')).toHaveCount(0);
    await expect(strip(page)).toBeEmpty();
    const places = async () => [
      await page.getByRole("banner").boundingBox(),
      await bookLink(page, other).boundingBox(),
      await page.getByRole("contentinfo").boundingBox(),
    ];
    const before = await places();
    answer();
    await expect(strip(page)).toContainText("You hold 500 kg");
    expect(await places()).toEqual(before);
    await customer.post(`/api/v1/holds/${hold.id}/release`);
    // As another tab that changed a hold.
    await page.evaluate(() => new BroadcastChannel("loadmaster.holds").postMessage(null));
    await expect(strip(page)).toBeEmpty();
    expect(await places()).toEqual(before);
  });

for (const [hours, width] of [
  [238, 360],
  [239, 1280],
] as const)
  test(`at ${width} px the strip covers nothing that gets the focus, and comes last`, async ({ page, world }) => {
    const flight = await world.flight("TRV", "CJB", hours, 1000);
    const customer = await world.customer();
    await customer.post("/api/v1/holds", { flight_ids: [flight.id], weight_kg: 500 });
    await page.setViewportSize({ width, height: 500 });
    await signIn(page, customer);
    for (const address of ["/account", searchAddress(flight, 100)]) {
      await page.goto(address);
      await expect(strip(page)).toContainText("You hold 500 kg");
      if (address !== "/account") await expect(bookLink(page, flight)).toBeVisible();
      await expect(page.locator('[aria-busy="true"]')).toHaveCount(0);
      const last = strip(page).getByRole("link", { name: "Go on with the booking" });
      for (let steps = 0; steps < 300; steps += 1) {
        await page.keyboard.press("Tab");
        expect(await coveredByStrip(page), address).toBeNull();
        if (await last.evaluate((it) => it === document.activeElement)) break;
      }
      await expect(last).toBeFocused();
      // What got the focus before it was scrolled into view.
      expect(await page.evaluate(() => window.scrollY), address).toBeGreaterThan(0);
    }
  });

/** What has the focus below the strip; nothing: it is seen. */
const coveredByStrip = (page: Page): Promise<string | null> =>
  page.evaluate(() => {
    const focused = document.activeElement;
    const box = focused?.getClientRects()[0];
    if (!focused || !box || focused.closest(".strip")) return null;
    const above = document.elementFromPoint(box.x + box.width / 2, box.y + box.height / 2);
    return above?.closest(".strip") ? focused.outerHTML.slice(0, 120) : null;
  });
