import { expect, it } from "vitest";
import { LAND } from "./land";
import { fit, labels, landPlaces, lines, path, spot } from "./view";

const DEL = { latitude: 28.57, longitude: 77.1 };
const LHR = { latitude: 51.47, longitude: -0.46 };
const JFK = { latitude: 40.64, longitude: -73.78 };
const NRT = { latitude: 35.76, longitude: 140.39 };
const LAX = { latitude: 33.94, longitude: -118.41 };

it("shows every point of a route, with room for labels", () => {
  for (const [width, height] of [
    [300, 210],
    [1200, 360],
  ] as const) {
    const route = lines([
      { from: DEL, to: LHR },
      { from: LHR, to: JFK },
    ]);
    const view = fit(route.flat(), width, height);
    for (const place of [DEL, LHR, JFK]) {
      const { x, y } = spot(view, place);
      expect(x).toBeGreaterThanOrEqual(55);
      expect(x).toBeLessThanOrEqual(width - 55);
      expect(y).toBeGreaterThanOrEqual(35);
      expect(y).toBeLessThanOrEqual(height - 35);
    }
  }
});

it("draws a route over the Pacific in one piece, with the land of both sides", () => {
  const route = lines([{ from: NRT, to: LAX }]);
  const view = fit(route.flat(), 800, 300);
  expect(path(view, route[0] ?? []).match(/M/g)).toHaveLength(1);
  expect(spot(view, LAX).x).toBeGreaterThan(spot(view, NRT).x);
  expect(landPlaces(view).length).toBeGreaterThanOrEqual(2);
});

it("goes on where the leg before ended, and cuts a route around the world", () => {
  const route = lines([
    { from: DEL, to: NRT },
    { from: NRT, to: LAX },
    { from: LAX, to: LHR },
    { from: LHR, to: DEL },
  ]);
  route.slice(1).forEach((line, at) => {
    const before = route[at];
    expect(line[0]?.[0]).toBeCloseTo(before?.[before.length - 1]?.[0] ?? 0, 6);
  });
  const view = fit(route.flat(), 800, 300);
  const cuts = route.map((line) => path(view, line).match(/M/g)?.length ?? 0);
  expect(cuts.reduce((sum, count) => sum + count, 0)).toBeGreaterThan(4 - 1);
  for (const line of route) expect(path(view, line)).not.toContain("NaN");
});

it("does not show less than coasts are good for", () => {
  const close = lines([{ from: { latitude: 8.48, longitude: 76.92 }, to: { latitude: 11.03, longitude: 77.04 } }]);
  const view = fit(close.flat(), 600, 300);
  expect(view.height / view.y).toBeGreaterThan(8);
});

it("lets no label cover another or leave the map", () => {
  const view = { west: 0, north: 0, x: 1, y: 1, width: 200, height: 100 };
  const placed = labels(view, [
    { x: 100, y: 50 },
    { x: 112, y: 50 },
    { x: 195, y: 50 },
  ]);
  expect(placed.map((label) => label.anchor)).toEqual(["end", "start", "end"]);
});

it("has land of at most 40 kB, in which no coast jumps across the world", () => {
  expect(LAND.length).toBeLessThan(40_000);
  const jumps = LAND.split("M").flatMap((ring) => {
    const steps = [...(ring.split("l")[1] ?? "").matchAll(/-?\d+/g)].map(Number);
    return steps.filter((step, at) => at % 2 === 0 && Math.abs(step) > 600);
  });
  // The one along the south pole.
  expect(jumps).toEqual([-3600]);
});
