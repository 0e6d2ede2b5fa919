// How full a flight is, the same everywhere: three dimensions, the fullest first.
import { words } from "../words";
import { cubicMetres, kilograms, number } from "../words/format";

export interface Space {
  weight_kg: number;
  volume_m3: number;
  positions: number;
}

export type Dimension = keyof Space;

export interface Filling {
  dimension: Dimension;
  name: string;
  capacity: number;
  available: number;
  percent: number;
  /** `180 kg` */
  left: string;
  /** `180 kg left of 12 400 kg` */
  text: string;
}

export function quantity(dimension: Dimension, value: number): string {
  if (dimension === "weight_kg") return kilograms(value);
  if (dimension === "volume_m3") return cubicMetres(value);
  return words.parts.positions(number(value));
}

/** Returns the dimensions that the flight has, the fullest first. */
export function fillings(capacity: Space, available: Space): Filling[] {
  const all = (["weight_kg", "volume_m3", "positions"] as const).map((dimension) => {
    const whole = capacity[dimension];
    const left = available[dimension];
    const percent = whole > 0 ? Math.min(100, Math.max(0, ((whole - left) / whole) * 100)) : 0;
    return {
      dimension,
      name: words.parts.dimensions[dimension],
      capacity: whole,
      available: left,
      percent,
      left: quantity(dimension, left),
      text: words.parts.leftOf(quantity(dimension, left), quantity(dimension, whole)),
    };
  });
  return all.filter((filling) => filling.capacity > 0).sort((a, b) => b.percent - a.percent);
}
