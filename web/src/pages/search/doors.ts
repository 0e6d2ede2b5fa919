// A piece before a door, to scale.
import type { Schemas } from "../../api/problem";

type Line = Schemas["NewDimensionLine"];
export type Door = Pick<Schemas["JudgedOpening"], "door_width_cm" | "door_height_cm" | "max_length_cm">;

/** The side of a piece that goes ahead through a door. */
export interface Face {
  width: number;
  height: number;
}

/**
 * The side that passes, as the piece is turned about its upright axis, and laid on a side if it may be; of one that passes in no turning
 * the smallest.
 */
export function faceOf(line: Line, door: Door): Face {
  const { length_cm: length, width_cm: width, height_cm: height } = line;
  const turned = (a: number, b: number, upright: number) => [
    { width: a, height: upright, rest: b },
    { width: b, height: upright, rest: a },
  ];
  const all = [
    ...turned(length, width, height),
    ...(line.is_tiltable ? [...turned(length, height, width), ...turned(width, height, length)] : []),
  ];
  const passes = (face: Face & { rest: number }) =>
    face.width <= door.door_width_cm &&
    face.height <= door.door_height_cm &&
    face.rest <= (door.max_length_cm ?? Infinity);
  const area = (face: Face) => face.width * face.height;
  const smallest = all.reduce((one, other) => (area(other) < area(one) ? other : one));
  const shown = all.find(passes) ?? smallest;
  return { width: shown.width, height: shown.height };
}

/** The lines whose figures are whole, as only they can be judged. */
export const judgeable = (lines: readonly Line[]): Line[] =>
  lines.filter((line) =>
    [line.pieces, line.length_cm, line.width_cm, line.height_cm].every((figure) => Number.isInteger(figure)),
  );

/** What the API's sentence names: flight, line, size of a piece, and the largest door; nothing of another sentence. */
export function figuresOf(text: string): [flight: string, line: string, size: string, door: string] | null {
  const [, flight, line, size, door] = /^(\S+) .*?(\d+) \((.+?)\).* (\d+ × \d+ cm)/.exec(text) ?? [];
  return flight && line && size && door ? [flight, line, size, door] : null;
}
