import { svelte } from "@sveltejs/vite-plugin-svelte";
import { defineConfig } from "vitest/config";

/** Where `npm run dev` finds the API: a `loadmaster serve` on this machine. */
const api = process.env["LOADMASTER_URL"] ?? "http://127.0.0.1:8080";

export default defineConfig({
  plugins: [svelte()],
  build: {
    target: "es2022",
    // The policy allows no `data:` but for images, and a file of its own can be cached for ever.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
  },
  server: {
    // The host stays as it was asked: a session by cookie is only for pages of the same host.
    proxy: Object.fromEntries(
      ["/api", "/docs", "/livez", "/health", "/problems"].map((path) => [path, { target: api, changeOrigin: false }]),
    ),
  },
  test: { include: ["src/**/*.test.ts"], environment: "node" },
});
