// Makes src/parts/map/land.ts of `land-110m.json` from the npm package world-atlas 2.0.2 (TopoJSON of Natural Earth 4.1.0):
// `node scripts/land.mjs path/to/land-110m.json`. Done once; the result is committed.
import { readFileSync, writeFileSync } from "node:fs";

const { arcs, objects, transform } = JSON.parse(readFileSync(process.argv[2], "utf8"));
const [sx, sy] = transform.scale;
const [tx, ty] = transform.translate;

/** The points of an arc in tenths of a degree, south positive, as SVG has it; a negative number is an arc backwards. */
function points(index) {
  let x = 0;
  let y = 0;
  const line = arcs[index < 0 ? ~index : index].map(([dx, dy]) => {
    x += dx;
    y += dy;
    return [Math.round((x * sx + tx) * 10), Math.round(-(y * sy + ty) * 10)];
  });
  return index < 0 ? line.reverse() : line;
}

/** Longitudes that run on over the antimeridian; what goes around the south pole is closed there. */
function unwrapped(line) {
  let turn = 0;
  const run = line.map(([x, y], at) => {
    const step = at > 0 ? x - line[at - 1][0] : 0;
    if (Math.abs(step) > 1800) turn -= Math.sign(step) * 3600;
    return [x + turn, y];
  });
  const [[first], [last]] = [run[0], run[run.length - 1]];
  const closed = first === last ? run : [...run, [last, 900], [first, 900], run[0]];
  // The greater part lies on this side of the antimeridian.
  const eastings = closed.map(([x]) => x);
  const away = Math.round((Math.min(...eastings) + Math.max(...eastings)) / 2 / 3600) * 3600;
  return closed.map(([x, y]) => [x - away, y]);
}

/** A ring as relative steps; points that fall together, and those on a straight line, are left out. */
function ring(indexes) {
  const line = unwrapped(indexes.flatMap((index) => points(index))).filter(
    ([x, y], at, all) => at === 0 || x !== all[at - 1][0] || y !== all[at - 1][1],
  );
  const kept = line.filter(([x, y], at) => {
    const [before, after] = [line[at - 1], line[at + 1]];
    if (!before || !after) return true;
    return (x - before[0]) * (after[1] - y) !== (y - before[1]) * (after[0] - x);
  });
  if (kept.length < 4) return "";
  const first = kept[0];
  const steps = kept.slice(1, -1).map(([x, y], at) => `${x - kept[at][0]} ${y - kept[at][1]}`);
  return `M${first.join(" ")}l${steps.join(" ")}z`.replaceAll(" -", "-");
}

const polygons = objects.land.geometries.flatMap(({ type, arcs }) => (type === "Polygon" ? [arcs] : arcs));
const path = polygons.flat().map(ring).join("");
writeFileSync(
  new URL("../src/parts/map/land.ts", import.meta.url),
  `// Made by scripts/land.mjs; do not edit. The world's land at 1:110 million from Natural Earth 4.1.0, which is in the public
// domain (https://www.naturalearthdata.com), by way of the npm package world-atlas 2.0.2 (ISC, © Michael Bostock).
// An SVG path in tenths of a degree: east is to the right, south is down. What lies across the
// antimeridian is drawn whole, so that it reaches beyond 180 degrees.
export const LAND =
  "${path}";
`,
);
console.log(`${path.length} bytes, ${polygons.length} polygons`);
