// The shortest lines between places on a globe, as points that a map can draw.

export interface Place {
  latitude: number;
  longitude: number;
}
/** Degrees east and north. */
export type Point = readonly [longitude: number, latitude: number];

/** The angle between two points of a line, in degrees: finer than a screen shows. */
const STEP = 2;
/** Below this the sine of an angle is taken for none. */
const TINY = 1e-9;
const radians = (degrees: number) => (degrees * Math.PI) / 180;
const degrees = (radians: number) => (radians * 180) / Math.PI;

type Vector = readonly [number, number, number];

function vector({ latitude, longitude }: Place): Vector {
  const [north, east] = [radians(latitude), radians(longitude)];
  return [Math.cos(north) * Math.cos(east), Math.cos(north) * Math.sin(east), Math.sin(north)];
}

const dot = (a: Vector, b: Vector) => a[0] * b[0] + a[1] * b[1] + a[2] * b[2];

/** The longitude that differs by whole turns from `longitude` and is nearest to `other`. */
export function near(longitude: number, other: number): number {
  return longitude + 360 * Math.round((other - longitude) / 360);
}

/** The angle between two places, in degrees. */
export function angle(from: Place, to: Place): number {
  return degrees(Math.acos(Math.min(1, Math.max(-1, dot(vector(from), vector(to))))));
}

/** The great circle between two places. Longitudes run on over the antimeridian, so that no step is more than half a turn. */
export function greatCircle(from: Place, to: Place): Point[] {
  const [a, b] = [vector(from), vector(to)];
  const whole = radians(angle(from, to));
  const first: Point = [from.longitude, from.latitude];
  if (Math.sin(whole) < TINY) return whole < 1 ? [first] : overThePole(from, to);
  const steps = Math.max(1, Math.ceil(degrees(whole) / STEP));
  const points = [first];
  for (let step = 1; step <= steps; step += 1) {
    const part = (step / steps) * whole;
    const [ofA, ofB] = [Math.sin(whole - part) / Math.sin(whole), Math.sin(part) / Math.sin(whole)];
    const [x, y, z] = [0, 1, 2].map((axis) => ofA * (a[axis] ?? 0) + ofB * (b[axis] ?? 0)) as [number, number, number];
    const east = step === steps ? to.longitude : degrees(Math.atan2(y, x));
    const north = step === steps ? to.latitude : degrees(Math.atan2(z, Math.hypot(x, y)));
    points.push([near(east, points[points.length - 1]?.[0] ?? east), north]);
  }
  return points;
}

/** Between places that face each other every course is as long: this one goes over the north pole. */
function overThePole(from: Place, to: Place): Point[] {
  const up = greatCircle(from, { latitude: 90, longitude: from.longitude });
  const down = greatCircle({ latitude: 90, longitude: to.longitude }, to);
  const turn = near(to.longitude, from.longitude) - to.longitude;
  return [...up, ...down.map(([east, north]): Point => [east + turn, north])];
}

/** Cuts a line where it leaves a map that begins in the west at `west` and is one turn wide; each piece lies on the map. */
export function split(line: readonly Point[], west = -180): Point[][] {
  const turnOf = (longitude: number) => Math.floor((longitude - west) / 360);
  const pieces: Point[][] = [];
  let piece: Point[] = [];
  let turn = turnOf(line[0]?.[0] ?? west);
  const end = () => {
    if (piece.length > 1) pieces.push(piece);
    piece = [];
  };
  let before: Point | null = null;
  for (const point of line) {
    // A point on the edge itself belongs to the side that the line comes from.
    const isOnEdge = point[0] === west + (turn + 1) * 360;
    const now = isOnEdge ? turn : turnOf(point[0]);
    if (before && now !== turn) {
      const edge = west + Math.max(turn, now) * 360;
      const part = (edge - before[0]) / (point[0] - before[0]);
      const north = before[1] + part * (point[1] - before[1]);
      if (part > 0) piece.push([edge - turn * 360, north]);
      end();
      piece.push([edge - now * 360, north]);
      turn = now;
    }
    piece.push([point[0] - turn * 360, point[1]]);
    before = point;
  }
  end();
  return pieces;
}
