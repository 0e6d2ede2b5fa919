// Refuses a first load of more than 150 kB of JavaScript (gzip): what index.html names, and what those files import.
import { readFileSync } from "node:fs";
import { gzipSync } from "node:zlib";

const LIMIT = 150_000;
const dist = new URL("../dist/", import.meta.url);
const read = (path) => readFileSync(new URL(path.replace(/^\//, ""), dist));
const html = read("index.html").toString();
const waiting = [...html.matchAll(/(?:src|href)="(\/assets\/[^"]+\.js)"/g)].map((found) => found[1]);
const sizes = new Map();
while (waiting.length > 0) {
  const path = waiting.pop();
  if (sizes.has(path)) continue;
  const source = read(path);
  sizes.set(path, gzipSync(source, { level: 9 }).length);
  // Static imports only: a page is loaded when it is opened.
  for (const found of source.toString().matchAll(/(?:from|import)\s*"\.\/([^"]+\.js)"/g))
    waiting.push(`/assets/${found[1]}`);
}
const total = [...sizes.values()].reduce((sum, size) => sum + size, 0);
for (const [path, size] of sizes) console.log(`${(size / 1000).toFixed(1).padStart(7)} kB  ${path}`);
console.log(`${(total / 1000).toFixed(1).padStart(7)} kB  first load (gzip), of ${LIMIT / 1000} kB`);
if (total > LIMIT) {
  console.error("The first load is too large.");
  process.exit(1);
}
