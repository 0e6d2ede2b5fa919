// Which part of the world a map shows, and where on it things lie.
import { greatCircle, near, split, type Place, type Point } from "./greatCircles";

export interface View {
  /** The degrees at the left and upper edge. */
  west: number;
  north: number;
  /** Pixels for a degree. */
  x: number;
  y: number;
  width: number;
  height: number;
}
/** Pixels on a map. */
export interface Spot {
  x: number;
  y: number;
}

/** Pixels around what must be seen: labels have room there. */
const MARGIN = { x: 56, y: 36 };
/** A map shows no less than this, in degrees: the coasts are not finer. */
const LEAST = 8;
/** How far land reaches beyond the antimeridian: the eastern end of Siberia, drawn whole. */
const BEYOND = 30;
/** Near the poles degrees of longitude are short, but a map must not become a stripe. */
const LEAST_SQUEEZE = 0.35;

/** The great circles of a route, one behind the other also over the antimeridian. */
export function lines(legs: readonly { from: Place; to: Place }[]): Point[][] {
  let end: number | null = null;
  return legs.map(({ from, to }) => {
    const line = greatCircle(from, to);
    const turn: number = end === null ? 0 : near(from.longitude, end) - from.longitude;
    const moved = line.map(([east, north]): Point => [east + turn, north]);
    end = moved[moved.length - 1]?.[0] ?? null;
    return moved;
  });
}

/** The view that shows all points, as large as they fit. */
export function fit(points: readonly Point[], width: number, height: number): View {
  const [easts, norths] = [points.map(([east]) => east), points.map(([, north]) => north)];
  const [west, east] = [Math.min(...easts), Math.max(...easts)];
  const [south, north] = [Math.min(...norths), Math.max(...norths)];
  const [longitude, latitude] = [(west + east) / 2, (south + north) / 2];
  const squeeze = Math.max(LEAST_SQUEEZE, Math.cos((latitude * Math.PI) / 180));
  // Wider than the world is not shown: a route around it is cut at the edges.
  const across = Math.min(360, Math.max(east - west, LEAST)) * squeeze;
  const y = Math.min((width - 2 * MARGIN.x) / across, (height - 2 * MARGIN.y) / Math.max(north - south, LEAST));
  const x = y * squeeze;
  return { west: longitude - width / 2 / x, north: latitude + height / 2 / y, x, y, width, height };
}

const middle = (view: View) => view.west + view.width / 2 / view.x;

export function spot(view: View, place: Place): Spot {
  return {
    x: (near(place.longitude, middle(view)) - view.west) * view.x,
    y: (view.north - place.latitude) * view.y,
  };
}

/** A line as an SVG path; cut in two where it leaves the world on one side and comes back on the other. */
export function path(view: View, line: readonly Point[]): string {
  const west = middle(view) - 180;
  const pixels = ([east, north]: Point) =>
    `${((east - view.west) * view.x).toFixed(1)} ${((view.north - north) * view.y).toFixed(1)}`;
  return split(line, west)
    .map((piece) => `M${piece.map(pixels).join("L")}`)
    .join("");
}

/** What moves the land of `land.ts` to its place: once for each time that the view has a part of the world in it. */
export function landPlaces(view: View): string[] {
  const first = Math.floor((view.west + 180 - BEYOND) / 360);
  const last = Math.floor((view.west + view.width / view.x + 180 + BEYOND) / 360);
  return Array.from({ length: last - first + 1 }, (_, at) => {
    const left = ((first + at) * 360 - view.west) * view.x;
    return `translate(${left.toFixed(2)} ${(view.north * view.y).toFixed(2)}) scale(${view.x / 10} ${view.y / 10})`;
  });
}

export interface Label extends Spot {
  anchor: "start" | "middle" | "end";
}
interface Box {
  left: number;
  right: number;
  top: number;
  bottom: number;
}
/** The size of a code of three letters. */
const TEXT = { width: 34, height: 16 };
const GAP = 9;

/** Places a label beside each spot, where it is on the map and covers neither a spot nor an earlier label. */
export function labels(view: View, spots: readonly Spot[]): Label[] {
  const taken = spots.map(({ x, y }) => ({ left: x - 5, right: x + 5, top: y - 5, bottom: y + 5 }));
  return spots.map(({ x, y }) => {
    const choices: Label[] = [
      { x: x + GAP, y: y + 5, anchor: "start" },
      { x: x - GAP, y: y + 5, anchor: "end" },
      { x, y: y - GAP, anchor: "middle" },
      { x, y: y + GAP + TEXT.height - 4, anchor: "middle" },
    ];
    const boxes = choices.map((choice): Box => {
      const left = choice.x - { start: 0, middle: TEXT.width / 2, end: TEXT.width }[choice.anchor];
      return { left, right: left + TEXT.width, top: choice.y - TEXT.height + 3, bottom: choice.y + 3 };
    });
    const isOn = (box: Box) => box.left >= 0 && box.right <= view.width && box.top >= 0 && box.bottom <= view.height;
    const isFree = (box: Box) =>
      !taken.some(
        (other) => box.left < other.right && other.left < box.right && box.top < other.bottom && other.top < box.bottom,
      );
    const free = boxes.findIndex((box) => isOn(box) && isFree(box));
    const at = free >= 0 ? free : Math.max(0, boxes.findIndex(isOn));
    const box = boxes[at];
    if (box) taken.push(box);
    return choices[at] ?? { x, y, anchor: "middle" };
  });
}
