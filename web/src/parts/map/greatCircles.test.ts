import { expect, it } from "vitest";
import { angle, greatCircle, near, split, type Point } from "./greatCircles";

const DEL = { latitude: 28.5665, longitude: 77.1031 };
const LHR = { latitude: 51.4706, longitude: -0.4619 };
const NRT = { latitude: 35.7647, longitude: 140.3864 };
const LAX = { latitude: 33.9425, longitude: -118.4081 };
const AKL = { latitude: -37.0081, longitude: 174.7917 };
const last = (line: readonly Point[]) => line[line.length - 1];
const steps = (line: readonly Point[]) => line.slice(1).map((point, at) => Math.abs(point[0] - (line[at]?.[0] ?? 0)));

it("measures the distance as an airline does", () => {
  // 6371 km of radius: DEL–LHR is about 6720 km, NRT–LAX about 8750 km.
  expect((angle(DEL, LHR) / 180) * Math.PI * 6371).toBeCloseTo(6720, -2);
  expect((angle(NRT, LAX) / 180) * Math.PI * 6371).toBeCloseTo(8750, -2);
  expect(angle(DEL, DEL)).toBe(0);
});

it("goes from one place to the other on equal steps, and bends to the pole", () => {
  const line = greatCircle(DEL, LHR);
  expect(line[0]).toEqual([77.1031, 28.5665]);
  expect(last(line)).toEqual([-0.4619, 51.4706]);
  const place = ([longitude, latitude]: Point) => ({ latitude, longitude });
  const parts = line.slice(1).map((point, at) => angle(place(line[at] ?? point), place(point)));
  for (const part of parts) expect(part).toBeCloseTo(parts[0] ?? 0, 6);
  expect(parts[0]).toBeLessThanOrEqual(2);
  const middle = line[Math.floor(line.length / 2)];
  expect(middle?.[1]).toBeGreaterThan((28.5665 + 51.4706) / 2);
  expect(Math.max(...greatCircle(NRT, LAX).map(([, north]) => north))).toBeGreaterThan(45);
});

it("runs on over the antimeridian, eastwards and westwards", () => {
  const east = greatCircle(NRT, LAX);
  expect(last(east)?.[0]).toBeCloseTo(360 - 118.4081, 6);
  expect(Math.max(...steps(east))).toBeLessThan(10);
  const west = greatCircle(LAX, NRT);
  expect(last(west)?.[0]).toBeCloseTo(140.3864 - 360, 6);
});

it("knows a course without length, along the equator, over the pole, and to the other side of the world", () => {
  expect(greatCircle(DEL, DEL)).toEqual([[77.1031, 28.5665]]);
  const equator = greatCircle({ latitude: 0, longitude: 10 }, { latitude: 0, longitude: 50 });
  for (const [, north] of equator) expect(north).toBeCloseTo(0, 9);
  const pole = greatCircle({ latitude: 60, longitude: 0 }, { latitude: 60, longitude: 180 });
  expect(Math.max(...pole.map(([, north]) => north))).toBeGreaterThan(88);
  const far = greatCircle({ latitude: 40, longitude: 20 }, { latitude: -40, longitude: -160 });
  expect(far[0]).toEqual([20, 40]);
  expect(near(last(far)?.[0] ?? 0, -160)).toBeCloseTo(-160, 6);
  for (const point of far) for (const value of point) expect(Number.isFinite(value)).toBe(true);
});

it("cuts a line at the antimeridian, at the same latitude on both sides", () => {
  const pieces = split(greatCircle(NRT, LAX));
  expect(pieces).toHaveLength(2);
  const [one = [], two = []] = pieces;
  expect(one[0]).toEqual([140.3864, 35.7647]);
  expect(last(one)?.[0]).toBe(180);
  expect(two[0]?.[0]).toBe(-180);
  expect(two[0]?.[1]).toBeCloseTo(last(one)?.[1] ?? 0, 9);
  expect(last(two)?.[0]).toBeCloseTo(-118.4081, 6);
  for (const piece of pieces)
    for (const [longitude] of piece) expect(Math.abs(longitude)).toBeLessThanOrEqual(180 + 1e-9);
  expect(split(greatCircle(LAX, AKL)).map((piece) => piece[0]?.[0])).toEqual([-118.4081, 180]);
});

it("leaves a line whole that lies on the map, also on one that begins elsewhere", () => {
  expect(split(greatCircle(DEL, LHR))).toEqual([greatCircle(DEL, LHR)]);
  expect(split(greatCircle(NRT, LAX), 0)).toEqual([greatCircle(NRT, LAX)]);
  const ends: Point[] = [
    [170, 0],
    [180, 10],
  ];
  expect(split(ends)).toEqual([ends]);
  expect(split([...ends, [190, 20]])).toEqual([
    ends,
    [
      [-180, 10],
      [-170, 20],
    ],
  ]);
  expect(split([])).toEqual([]);
});
