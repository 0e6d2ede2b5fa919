// What a text that is typed into a field that finds things comes to.

/** Nothing is looked for while somebody types on. */
export const PAUSE_MS = 250;

/** The direction in which an arrow key moves through a list; `null` for other keys. */
export const stepOf = (key: string): 1 | -1 | null => (key === "ArrowDown" ? 1 : key === "ArrowUp" ? -1 : null);

/** The place that an arrow key reaches in a list of `count` entries: after the last one comes the first; -1 is none. */
export const stepped = (reached: number, step: 1 | -1, count: number): number =>
  (Math.max(reached, step < 0 ? 0 : -1) + step + count) % count;

export interface Choice {
  value: string;
  /** What the field shows when it is chosen. */
  label: string;
  /** Stands in the list. A text that equals it is this choice. */
  title: string;
  text?: string;
}

/**
 * The value of a text: the choice that it names, the value that it is by itself (`own`), or the only choice found for it. Nothing
 * where the text may be several things, or none.
 */
export function valueOf(text: string, own: string | null, choices: readonly Choice[]): string | null {
  const named = choices.find(({ title }) => title.toUpperCase() === text.toUpperCase());
  const only = choices.length === 1 ? choices[0] : undefined;
  return named?.value ?? own ?? only?.value ?? null;
}
