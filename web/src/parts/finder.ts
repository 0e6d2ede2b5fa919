// What a text that is typed into a field that finds things comes to.

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
