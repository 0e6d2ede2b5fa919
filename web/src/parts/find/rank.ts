// The order of what “Find anything” found.

/** The groups, as they stand where none fits better. */
export const GROUPS = ["bookings", "templates", "flights", "pages", "airports", "organizations"] as const;
export type Group = (typeof GROUPS)[number];

export interface Entry {
  group: Group;
  /** The address of it, or what prepares it. */
  href: string | (() => Promise<string>);
  title: string;
  text?: string;
  /** How well it fits; less is better. */
  score: number;
}

/** It is what is typed; its name begins with it; a word of its name does; it has it somewhere. */
export const EQUAL = 0;
export const BEGINS = 1;
export const WORD = 2;
export const CONTAINS = 3;

/** Most entries of a group. */
const MOST = 5;

const folded = (text: string) =>
  text
    .normalize("NFD")
    .replace(/\p{M}/gu, "")
    .toLowerCase()
    .replace(/[\s\p{Pd}]+/gu, " ")
    .trim();

/** Returns how well a name fits a text, whatever its case and accents; `null` if it does not. */
export function scoreOf(name: string, typed: string): number | null {
  const [whole, text] = [folded(name), folded(typed)];
  if (text === "" || !whole.includes(text)) return null;
  if (whole === text) return EQUAL;
  if (whole.startsWith(text)) return BEGINS;
  return whole.includes(` ${text}`) ? WORD : CONTAINS;
}

/** Returns the groups that have entries: the one with the entry that fits best comes first, and so in each group. */
export function ranked(entries: readonly Entry[]): { group: Group; entries: Entry[] }[] {
  const groups = GROUPS.map((group) => ({
    group,
    entries: entries
      .filter((entry) => entry.group === group)
      .sort((a, b) => a.score - b.score)
      .slice(0, MOST),
  }));
  const best = (of: { entries: Entry[] }) => of.entries[0]?.score ?? CONTAINS;
  return groups.filter((it) => it.entries.length > 0).sort((a, b) => best(a) - best(b));
}
