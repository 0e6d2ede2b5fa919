import { fileURLToPath } from "node:url";
import { svelte } from "@sveltejs/vite-plugin-svelte";
import { defineConfig } from "vitest/config";
import { graphiqlUnderPolicy } from "./scripts/graphiqlUnderPolicy";

/** Where `npm run dev` finds the API: a `loadmaster serve` on this machine. */
const api = process.env["LOADMASTER_URL"] ?? "http://127.0.0.1:8080";

const FIRST = fileURLToPath(new URL("./src/main.ts", import.meta.url));
let firstLoad: ReadonlySet<string> | null = null;

/** Whether a module is the application with its first page, or what these import. */
function isOfFirstLoad(id: string, infoOf: (id: string) => { importedIds: string[] } | null): boolean {
  if (!firstLoad) {
    const waiting = [FIRST];
    const found = new Set<string>();
    for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
      if (found.has(next)) continue;
      found.add(next);
      waiting.push(...(infoOf(next)?.importedIds ?? []));
    }
    firstLoad = found;
  }
  return firstLoad.has(id);
}

export default defineConfig({
  plugins: [svelte(), graphiqlUnderPolicy()],
  build: {
    target: "es2022",
    // The policy allows no `data:` but for images, and a file of its own can be cached for ever.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
    // One file of styles and one of scripts for what the first page loads: each file is a request before it works.
    cssCodeSplit: false,
    rolldownOptions: {
      output: {
        codeSplitting: {
          groups: [
            { name: (id, chunks) => (isOfFirstLoad(id, (other) => chunks.getModuleInfo(other)) ? "first" : null) },
          ],
        },
      },
    },
  },
  server: {
    // The host stays as it was asked: a session by cookie is only for pages of the same host.
    proxy: Object.fromEntries(
      ["/api", "/graphql", "/docs", "/livez", "/health", "/problems"].map((path) => [
        path,
        { target: api, changeOrigin: false },
      ]),
    ),
  },
  test: { include: ["src/**/*.test.ts"], environment: "node" },
});
