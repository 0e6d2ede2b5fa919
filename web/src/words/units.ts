// Weights in the unit of the account. Addresses and the API have kilograms. A form names the unit that it began with: what is typed
// keeps its meaning when the account chooses another.
import { number } from "./format";
import { words } from "./index";
import { addressedNumber, entry, figure } from "./parse";

export type WeightUnit = "kg" | "lb";

const KILOGRAMS_OF_POUND = 0.45359237;
/** A number of tenths, without what binary fractions miss it by. */
const tenths = (value: number): number => Number((value * 10).toFixed(6));

let unit: () => WeightUnit = () => "kg";

/** Takes the unit from here. What shows weights follows when it changes, if `source` reads state. */
export function followWeightUnit(source: () => WeightUnit): void {
  unit = source;
}

export const weightUnit = (): WeightUnit => unit();

/**
 * Kilograms in the unit. Pounds are rounded down to a tenth: what is shown as room is there, and what a field shows is the same tenth of
 * a kilogram again when it is read.
 */
export const fromKilograms = (kilograms: number, of = unit()): number =>
  of === "kg" ? kilograms : Math.floor(tenths(kilograms / KILOGRAMS_OF_POUND)) / 10;

/** A weight in the unit as kilograms. Pounds are rounded up to a tenth of a kilogram: nothing that is carried is left out. */
export const toKilograms = (value: number, of = unit()): number =>
  of === "kg" ? value : Math.ceil(tenths(value * KILOGRAMS_OF_POUND)) / 10;

/** `453.6 kg` or `1,000 lb`, of kilograms. */
export const weightText = (kilograms: number): string => `${number(fromKilograms(kilograms), 1)} ${unit()}`;

/** `6 pieces, 1,200 kg`. */
export const freight = (of: { pieces: number; weight_kg: number }): string =>
  `${words.parts.pieces(of.pieces, number(of.pieces))}, ${weightText(of.weight_kg)}`;

/** A text that names kilograms, as `Weight (kg)`, with the unit. */
export const withUnit = (text: string, of = unit()): string => text.replace("kg", of);

/** The kilograms of a weight that is typed in the unit; nothing if it is empty. What is no number is returned as it was typed. */
export function weightFigure(text: string, of = unit()): number | string | undefined {
  const value = figure(text);
  return typeof value === "number" ? toKilograms(value, of) : value;
}

/** A weight that is typed, as addresses have it: in kilograms. What is no number stays as it was typed. */
export const canonicalWeight = (text: string, of = unit()): string => String(weightFigure(text, of) ?? "");

/** Kilograms as their reader types them in the unit. */
export const weightEntry = (kilograms: number, of = unit()): string => entry(fromKilograms(kilograms, of));

/** A weight that is typed in one unit, as it is typed in another. What is no number stays. */
export const convertedEntry = (text: string, from: WeightUnit, to: WeightUnit): string =>
  from === to ? text : addressedWeightEntry(canonicalWeight(text, from), to);

/** The weight of an address as its reader types it in the unit. What is no number stays, with its fault. */
export function addressedWeightEntry(text: string, of = unit()): string {
  const kilograms = addressedNumber(text);
  return kilograms === null ? text : weightEntry(kilograms, of);
}
