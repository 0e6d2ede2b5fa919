// How full a flight is, the same everywhere: three dimensions, the fullest first.
import { words } from "../words";
import { cubicMetres, kilograms, number } from "../words/format";
import { weightText } from "../words/units";

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

/** `180 kg`, `1.5 m³`, `2 ULD positions`, for tables that are in metric units for every reader. */
export function metric(dimension: Dimension, value: number): string {
  if (dimension === "weight_kg") return kilograms(value);
  if (dimension === "volume_m3") return cubicMetres(value);
  return words.parts.positions(value, number(value));
}

/** The same, with the weight in the unit of the account. */
export const quantity = (dimension: Dimension, value: number): string =>
  dimension === "weight_kg" ? weightText(value) : metric(dimension, value);

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
