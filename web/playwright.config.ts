import { defineConfig } from "@playwright/test";
import { existsSync } from "node:fs";

// The system's Chromium: nothing is downloaded. Its shell without windows does the same in less time.
const installed = ["/usr/bin/chromium-headless-shell", "/usr/bin/chromium"].find((program) => existsSync(program));
const executablePath = process.env["CHROMIUM"] ?? installed ?? "chromium";

export default defineConfig({
  testDir: "tests",
  testMatch: "*.spec.ts",
  globalSetup: "./tests/server.ts",
  // Each test brings its own users and flights, so that tests of a file can run beside those of others. A third of their time is waiting.
  workers: 3,
  // Bounds, not expectations: a busy machine is several times slower than a quiet one.
  timeout: 180_000,
  expect: { timeout: 20_000 },
  forbidOnly: true,
  // What passes the second time is listed as flaky, with why it failed: to be mended, but no reason to hold up another change.
  retries: 1,
  reporter: [["list"], ["./tests/failures.ts"]],
  outputDir: "test-results",
  use: {
    locale: "en-GB",
    timezoneId: "Europe/Zurich",
    viewport: { width: 1280, height: 900 },
    // Recording takes a fifth of the time: CONSOLE_TRACE=1 keeps what led to a failure.
    trace: process.env["CONSOLE_TRACE"] ? "retain-on-failure" : "off",
    launchOptions: {
      executablePath,
      args: [
        "--no-sandbox",
        "--disable-gpu",
        "--disable-quic",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
      ],
    },
  },
});
