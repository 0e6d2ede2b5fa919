// The payment fields of a provider: its script, its frame and its API are those of a stand-in on another port.
import { createServer, type Server } from "node:http";
import { mkdtempSync, rmSync } from "node:fs";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { start, stop } from "./server";
import { expect, test, World } from "./world";

// As the provider's: it loads another script of its own, and shows its field in a frame.
const SCRIPT = `
  const origin = new URL(document.currentScript.src).origin;
  const more = document.createElement("script");
  more.src = origin + "/v3/more.js";
  document.head.append(more);
  window.Stripe = (key) => ({
    elements: (options) => ({
      create: () => ({
        mount(element) {
          const frame = document.createElement("iframe");
          frame.title = "Card " + key + " " + options.amount + " " + options.currency;
          frame.src = origin + "/frame";
          element.append(frame);
        },
        on() {},
        destroy() {},
      }),
      update() {},
      submit: async () => (window.isComplete ? {} : { error: { message: "Your card number is incomplete." } }),
    }),
    createPaymentMethod: async () =>
      ({ paymentMethod: await (await fetch(origin + "/v1/payment_methods", { method: "POST" })).json() }),
  });
`;

/** Answers as the provider does, and remembers by which payment methods it was asked to charge. */
function provider(): { server: Server; methods: string[] } {
  const methods: string[] = [];
  const intent = { id: "pi_1", object: "payment_intent", amount: 0, currency: "usd" };
  const server = createServer((request, response) => {
    const path = new URL(request.url ?? "/", "http://any").pathname;
    let body = "";
    request.on("data", (piece: Buffer) => (body += piece.toString()));
    request.on("end", () => {
      const answer = (type: string, text: string) =>
        response.writeHead(200, { "Content-Type": type, "Access-Control-Allow-Origin": "*" }).end(text);
      const form = new URLSearchParams(body);
      if (path === "/v3/") return answer("text/javascript", SCRIPT);
      if (path === "/v3/more.js") return answer("text/javascript", "window.hasMore = true;");
      if (path === "/frame") return answer("text/html", "<!doctype html><title>Card</title><p>Card number</p>");
      if (path === "/v1/payment_methods") return answer("application/json", JSON.stringify({ id: "pm_card" }));
      if (path === "/v1/payment_intents") {
        methods.push(form.get("payment_method") ?? "");
        intent.amount = Number(form.get("amount"));
        intent.currency = form.get("currency") ?? "";
      }
      const isCaptured = path.endsWith("/capture");
      const amounts = isCaptured
        ? { status: "succeeded", amount_received: intent.amount }
        : { status: "requires_capture", amount_capturable: intent.amount };
      return answer("application/json", JSON.stringify({ ...intent, ...amounts }));
    });
  });
  return { server, methods };
}

test("a guest pays by the fields of a provider, whose script alone the page admits", async ({ browser }) => {
  test.setTimeout(300_000);
  const { server, methods } = provider();
  await new Promise<void>((listens) => server.listen(0, "127.0.0.1", listens));
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const directory = mkdtempSync(join(tmpdir(), "loadmaster-paying-"));
  const running = await start(directory, 0, {
    LOADMASTER_PAYMENTS__PROVIDER: "http",
    LOADMASTER_PAYMENTS__HTTP_URL: origin,
    LOADMASTER_PAYMENTS__HTTP_SECRET: "sk_1",
    LOADMASTER_PAYMENTS__PUBLISHABLE_KEY: "pk_1",
    LOADMASTER_PAYMENTS__SCRIPT_URL: `${origin}/v3/`,
  });
  const password = process.env["CONSOLE_PASSWORD"];
  const context = await browser.newContext({ baseURL: running.url });
  try {
    process.env["CONSOLE_PASSWORD"] = running.password;
    const flight = await new World(running.url).flight("TRV", "CJB", 64, 1000);
    const page = await context.newPage();
    const faults: string[] = [];
    page.on("pageerror", (error) => faults.push(error.message));
    page.on("console", (message) => {
      if (message.type() === "error" && !/Failed to load resource/.test(message.text())) faults.push(message.text());
    });
    await page.goto(`/book?flights=${flight.id}&weight=100&pieces=2`);
    await page.getByRole("group", { name: "Contact" }).getByLabel("E-mail").fill("guest@example.com");
    await page.getByRole("button", { name: "Review" }).click();
    await expect(page.locator(`iframe[title^="Card pk_1 "][title$=" usd"]`)).toBeVisible();
    await page.waitForFunction("window.hasMore === true");
    const book = page.getByRole("button", { name: "Book", exact: true });
    await book.click();
    await expect(page.getByRole("alert")).toContainText("Your card number is incomplete.");
    expect(methods).toEqual([]);
    await page.evaluate("window.isComplete = true");
    await book.click();
    await expect(page.getByRole("heading", { name: "Booked" })).toBeVisible();
    expect(methods).toEqual(["pm_card"]);
    expect(faults).toEqual([]);
    // A script of another host is not admitted.
    const refused = page.evaluate(() => {
      const script = document.createElement("script");
      script.src = "http://other.example/x.js";
    });
    await expect(refused).rejects.toThrow("another host");
  } finally {
    if (password === undefined) delete process.env["CONSOLE_PASSWORD"];
    else process.env["CONSOLE_PASSWORD"] = password;
    await context.close();
    await stop(running);
    rmSync(directory, { recursive: true, force: true });
    server.close();
  }
});
