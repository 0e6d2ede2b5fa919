// Refuses a first load of more than 75 kB of JavaScript (gzip) until the search works, in any language, and one with texts of
// administrators, of consolidations, of dimensions, of feeds, of GraphiQL, of stations or of another language: what search.html names, what those files import, and the catalogue of the language.
import { readdirSync, readFileSync } from "node:fs";
import { gzipSync } from "node:zlib";

const LIMIT = 75_000;
/** The heading of the search page in each language: its catalogue has it. */
const HEADINGS = { en: "Where does your cargo go?", de: "Wohin geht Ihre Fracht?" };
const dist = new URL("../dist/", import.meta.url);
const read = (path) => readFileSync(new URL(path.replace(/^\//, ""), dist));

function fail(message) {
  console.error(message);
  process.exit(1);
}

/** The files that are loaded with those given: static imports only, for a page is loaded when it is opened. */
function loadedWith(paths) {
  const sources = new Map();
  const waiting = [...paths];
  while (waiting.length > 0) {
    const path = waiting.pop();
    if (sources.has(path)) continue;
    const source = read(path).toString();
    sources.set(path, source);
    for (const found of source.matchAll(/(?:from|import)\s*["'`]\.\/([^"'`]+\.js)["'`]/g))
      waiting.push(`/assets/${found[1]}`);
  }
  return sources;
}

const html = read("search.html").toString();
const named = [...html.matchAll(/(?:src|href)="(\/assets\/[^"]+\.js)"/g)].map((found) => found[1]);
const scripts = readdirSync(new URL("assets/", dist)).filter((name) => name.endsWith(".js"));
const catalogues = Object.entries(HEADINGS).map(([language, heading]) => {
  const [path, ...more] = scripts.map((name) => `/assets/${name}`).filter((name) => read(name).includes(heading));
  if (!path || more.length > 0) fail(`The texts in “${language}” are not in one file of their own.`);
  return { language, path };
});
const words = (file) => readFileSync(new URL(`../src/words/${file}`, import.meta.url)).toString();

for (const { language, path } of catalogues) {
  const sources = loadedWith([...named, path]);
  let total = 0;
  for (const [name, source] of sources) {
    const size = gzipSync(source, { level: 9 }).length;
    total += size;
    console.log(`${(size / 1000).toFixed(1).padStart(7)} kB  ${name}`);
  }
  console.log(`${(total / 1000).toFixed(1).padStart(7)} kB  first load in “${language}” (gzip), of ${LIMIT / 1000} kB`);
  if (total > LIMIT) fail("The first load is too large.");
  const other = catalogues.find((one) => one.path !== path && sources.has(one.path));
  if (other) fail(`The first load in “${language}” has the texts in “${other.language}”.`);
  // Every longer text of a part that no other page has, too.
  const all = [...sources.values()].join("");
  const common = words(`${language}.ts`);
  for (const part of ["admin", "consolidations", "feeds", "freight", "graphiql", "stations"]) {
    const texts = [...words(`${language}-${part}.ts`).matchAll(/"((?:[^"\\]|\\.)*)"/g)].map((found) => found[1]);
    const own = texts.filter((text) => text.length >= 20 && !common.includes(text));
    const loaded = own.filter((text) => all.includes(text));
    if (own.length === 0 || loaded.length > 0)
      fail(`Texts of “${part}” in the first load: ${loaded.join(" | ") || "none was looked for"}`);
  }
}
