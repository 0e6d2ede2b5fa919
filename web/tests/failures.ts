// Says at the end, in a line each, why tests failed, also those that passed when they were tried again.
import type { Reporter, TestCase, TestResult } from "@playwright/test/reporter";

// eslint-disable-next-line no-control-regex -- colours of a terminal
const COLOURS = /\u001b\[[0-9;]*m/g;

export default class Failures implements Reporter {
  #lines: string[] = [];

  onTestEnd(test: TestCase, result: TestResult): void {
    if (result.status === test.expectedStatus || result.status === "skipped") return;
    const text = (result.error?.message ?? result.status).replace(COLOURS, "").split("\n");
    const said = text.map((line) => line.trim()).filter((line) => line !== "");
    const { file, line } = test.location;
    this.#lines.push(
      `${file.split("/").at(-1)}:${line} (attempt ${result.retry + 1}): ${said.slice(0, 8).join(" | ")}`,
    );
  }

  onEnd(): void {
    if (this.#lines.length > 0) console.log(`\nWhat failed:\n${this.#lines.join("\n")}`);
  }
}
