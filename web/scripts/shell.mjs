// Writes dist/search.html, the answer of `/`: index.html with the search form in it, so that it is seen before the script is there.
import { svelte } from "@sveltejs/vite-plugin-svelte";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { build } from "vite";

/** The page of GraphiQL is never a part of the shell, and large. */
const GRAPHIQL = "./pages/graphiql/page";
const at = (path) => new URL(`../${path}`, import.meta.url);
const { output } = await build({
  configFile: false,
  root: at("").pathname,
  logLevel: "warn",
  plugins: [svelte()],
  ssr: { noExternal: true },
  build: {
    ssr: "src/shell.ts",
    write: false,
    rolldownOptions: { output: { codeSplitting: false }, external: GRAPHIQL },
  },
});
const script = at("node_modules/.cache/shell.mjs");
mkdirSync(new URL(".", script), { recursive: true });
writeFileSync(script, output[0].code);
const { shell } = await import(script);

const PLACE = '<div id="console"></div>';
const html = readFileSync(at("dist/index.html"), "utf8");
const form = shell();
// The policy refuses both, and reports them.
if (!html.includes(PLACE) || /<[^>]+\s(style|on\w+)=|<script/.test(form))
  throw new Error("The shell cannot be written.");
writeFileSync(
  at("dist/search.html"),
  html.replace(PLACE, () => `<div id="console">${form}</div>`),
);
// The application's channels and clocks, which its modules have begun, would run on.
process.exit();
