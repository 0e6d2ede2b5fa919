// What new dimensions bring along, as forms that amend freight show it before it is saved.
import { addressedEntry, addressedNumber } from "../words/parse";
import { addressedWeightEntry, type WeightUnit } from "../words/units";
import { cellsOf, volumeOf, weightOf } from "./dimensions";

/** Freight as fields show it; the dimensions are as an address has them. */
export interface Measures {
  pieces: string;
  weight: string;
  volume: string;
  sizes: string;
}

/** The sum of the pieces, as an address has it; nothing unless each line has some. */
function piecesOf(sizes: string): string {
  const sum = cellsOf(sizes).reduce((all, [pieces = ""]) => all + (addressedNumber(pieces) ?? NaN), 0);
  return Number.isNaN(sum) ? "" : String(sum);
}

/**
 * What is saved of the freight that was `before`: other dimensions bring pieces, volume and, if each line has one, weight along, unless
 * others are typed.
 */
export function measuresAfter(before: Measures, now: Measures, unit: WeightUnit): Measures {
  if (now.sizes === "" || now.sizes === before.sizes) return now;
  const isKept = (name: "pieces" | "weight" | "volume") => now[name].trim() === before[name].trim();
  const isLeft = (name: "pieces" | "volume") => isKept(name) || now[name].trim() === "";
  const pieces = isLeft("pieces") ? addressedEntry(piecesOf(now.sizes)) : "";
  const weight = isKept("weight") ? addressedWeightEntry(weightOf(now.sizes), unit) : "";
  const volume = isLeft("volume") ? addressedEntry(volumeOf(now.sizes)) : "";
  return { ...now, pieces: pieces || now.pieces, weight: weight || now.weight, volume: volume || now.volume };
}
