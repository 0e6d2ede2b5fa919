// What the first page weighs, and what is there before its script.
import { expect, test } from "./world";

const MOST_SCRIPT_BYTES = 75_000;
const MOST_REQUESTS = 15;

const READERS = [
  { locale: "en-GB", from: "From", search: "Search", ofAdministrators: "Prices and rules" },
  { locale: "de-DE", from: "Von", search: "Suchen", ofAdministrators: "Preise und Regeln" },
] as const;

for (const { locale, from, search, ofAdministrators } of READERS)
  test.describe(`for a reader of ${locale}`, () => {
    test.use({ locale });

    test("a search works after 75 kB of scripts and 15 requests, and none has texts of administrators", async ({
      page,
    }) => {
      const devtools = await page.context().newCDPSession(page);
      await devtools.send("Network.enable");
      const scripts = new Map<string, string>();
      let [requests, bytes] = [0, 0];
      devtools.on("Network.requestWillBeSent", () => (requests += 1));
      devtools.on("Network.responseReceived", ({ requestId, type, response }) => {
        if (type === "Script") scripts.set(requestId, response.url);
      });
      devtools.on("Network.loadingFinished", ({ requestId, encodedDataLength }) => {
        if (scripts.has(requestId)) bytes += encodedDataLength;
      });
      await page.goto("/");
      await expect(page.getByRole("button", { name: search, exact: true })).toBeEnabled();
      await page.getByLabel(from).fill("delhi");
      await expect(page.getByRole("listbox").getByRole("option").first()).toBeVisible();
      await page.waitForLoadState("networkidle");
      expect(scripts.size).toBeGreaterThan(0);
      expect(bytes).toBeGreaterThan(0);
      expect(bytes, [...scripts.values()].join(" ")).toBeLessThanOrEqual(MOST_SCRIPT_BYTES);
      expect(requests).toBeLessThanOrEqual(MOST_REQUESTS);
      for (const url of scripts.values()) expect(await (await fetch(url)).text(), url).not.toContain(ofAdministrators);
    });
  });

test("the answer of the search page has the form, before any script", async ({ page }) => {
  await page.route("**/*.js", (route) => route.abort());
  await page.goto("/");
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("Where does your cargo go?");
  await expect(page.getByLabel("From")).toBeVisible();
  await expect(page.getByLabel("Weight (kg)")).toBeVisible();
  await expect(page.getByRole("button", { name: "Search" })).toBeDisabled();
});

test("what is typed before the script is there is kept, with the focus", async ({ page }) => {
  let answer: () => void = () => undefined;
  const late = new Promise<void>((resolve) => (answer = resolve));
  await page.route("**/*.js", async (route) => {
    await late;
    await route.continue();
  });
  await page.goto("/", { waitUntil: "commit" });
  await page.getByLabel("From").fill("TRV");
  await page.getByLabel("To", { exact: true }).fill("coimbatore");
  await page.getByLabel("Weight (kg)").pressSequentially("120");
  answer();
  await expect(page.getByRole("button", { name: "Search" })).toBeEnabled();
  await expect(page.getByLabel("From")).toHaveValue(/^TRV ·/);
  await expect(page.getByLabel("To", { exact: true })).toHaveValue(/^CJB ·/);
  await expect(page.getByLabel("Weight (kg)")).toBeFocused();
  await page.keyboard.type("0");
  await page.keyboard.press("Enter");
  await expect(page).toHaveURL(/origin=TRV&destination=CJB&/);
  await expect(page).toHaveURL(/weight=1200(&|$)/);
});

test("the search page can be found and used with a thumb: description, sizes of texts and of targets", async ({
  page,
}) => {
  await page.setViewportSize({ width: 360, height: 800 });
  await page.goto("/");
  await expect(page.getByRole("button", { name: "Search" })).toBeEnabled();
  await expect(page.locator('meta[name="description"]')).toHaveAttribute("content", /\w{4}/);
  await expect(page.locator('meta[name="viewport"]')).toHaveAttribute("content", /width=device-width/);
  const small = await page.locator("body *").evaluateAll((all) =>
    all
      .filter((one) => [...one.childNodes].some((node) => node.nodeType === Node.TEXT_NODE && node.textContent?.trim()))
      .filter((one) => parseFloat(getComputedStyle(one).fontSize) < 12)
      .map((one) => one.outerHTML),
  );
  expect(small).toEqual([]);
  const narrow = await page.locator("a, button, input, select").evaluateAll((all) =>
    all
      .map((one) => ({ html: one.outerHTML.slice(0, 80), box: one.getBoundingClientRect() }))
      .filter(({ html, box }) => !html.includes('class="skip') && Math.min(box.width, box.height) < 24)
      .map(({ html }) => html),
  );
  expect(narrow).toEqual([]);
});
