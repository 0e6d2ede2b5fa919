// Refuses a first load of more than 75 kB of JavaScript (gzip) until the search works, and one with texts of administrators:
// what search.html names, and what those files import.
import { readFileSync } from "node:fs";
import { gzipSync } from "node:zlib";

const LIMIT = 75_000;
const dist = new URL("../dist/", import.meta.url);
const read = (path) => readFileSync(new URL(path.replace(/^\//, ""), dist));
const html = read("search.html").toString();
const waiting = [...html.matchAll(/(?:src|href)="(\/assets\/[^"]+\.js)"/g)].map((found) => found[1]);
const sizes = new Map();
let all = "";
while (waiting.length > 0) {
  const path = waiting.pop();
  if (sizes.has(path)) continue;
  const source = read(path);
  all += source;
  sizes.set(path, gzipSync(source, { level: 9 }).length);
  // Static imports only: a page is loaded when it is opened.
  for (const found of source.toString().matchAll(/(?:from|import)\s*["'`]\.\/([^"'`]+\.js)["'`]/g))
    waiting.push(`/assets/${found[1]}`);
}
const total = [...sizes.values()].reduce((sum, size) => sum + size, 0);
for (const [path, size] of sizes) console.log(`${(size / 1000).toFixed(1).padStart(7)} kB  ${path}`);
console.log(`${(total / 1000).toFixed(1).padStart(7)} kB  first load (gzip), of ${LIMIT / 1000} kB`);
if (total > LIMIT) {
  console.error("The first load is too large.");
  process.exit(1);
}
if (!all.includes("Where does your cargo go?")) {
  console.error("The text of the search page is missing in the first load.");
  process.exit(1);
}
// Every longer text of administrators that no other page has, too.
const words = (file) => readFileSync(new URL(`../src/words/${file}`, import.meta.url)).toString();
const common = words("en.ts");
const texts = [...words("en-admin.ts").matchAll(/"((?:[^"\\]|\\.)*)"/g)].map((found) => found[1]);
const own = texts.filter((text) => text.length >= 20 && !common.includes(text));
const loaded = own.filter((text) => all.includes(text));
if (own.length === 0 || loaded.length > 0) {
  console.error(`Texts of administrators in the first load: ${loaded.join(" | ") || "none was looked for"}`);
  process.exit(1);
}
