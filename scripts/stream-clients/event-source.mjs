// Follows a stream with the EventSource of a real browser, and prints a line of JSON for each event.
//
//   node event-source.mjs PACKAGES BASE PATH CHROMIUM
//
// It lets the browser come back by itself, as often as it likes. Ends when standard input is closed.
import { createRequire } from "node:module";

const [packages, base, path, executablePath] = process.argv.slice(2);
const { chromium } = createRequire(`${packages}/`)("playwright-core");
const args = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
  "--disable-component-update", "--disable-sync", "--no-proxy-server"];
const browser = await chromium.launch({ executablePath, args });
process.stdin.on("end", () => browser.close().then(() => process.exit(0)));
process.stdin.resume();
const page = await browser.newPage();
await page.exposeFunction("told", (event) => console.log(JSON.stringify(event)));
// A page of the same site: its scripts may read the API.
await page.goto(`${base}/api/v1/health`);
await page.evaluate((path) => {
  const source = new EventSource(path);
  const tell = (event) => told({ name: event.type, id: event.lastEventId, data: event.data });
  for (const name of ["booking", "tracking", "flight", "availability", "message", "reset"]) {
    source.addEventListener(name, tell);
  }
  source.onopen = () => told({ name: "opened" });
  source.onerror = () => told({ name: source.readyState === EventSource.CLOSED ? "closed" : "lost" });
}, path);
