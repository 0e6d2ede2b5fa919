// The order of a list: the member of a row that it is sorted by, as the parameter `sort` of the API and of the address has it.

/** A member; with a leading `-` descending. */
export type Sort<K extends string> = K | `-${K}`;

/** What a list can be sorted by. */
export interface SortColumn<K extends string> {
  name: K;
  label: string;
  /** Begins with the greatest, as the newest. */
  isDescendingFirst?: boolean;
}

/** The value of a row that it is sorted by. */
export type SortValue = string | number | boolean | null | undefined;

const isDescending = (sort: string): boolean => sort.startsWith("-");
const nameOf = (sort: string): string => (isDescending(sort) ? sort.slice(1) : sort);

/** The order that an address asks for, if there is such a column. */
export function sortIn<K extends string>(query: URLSearchParams, names: readonly K[]): Sort<K> | undefined {
  const asked = query.get("sort");
  return names.flatMap((name): Sort<K>[] => [name, `-${name}`]).find((sort) => sort === asked);
}

/** The direction in which a list is sorted by a column, if it is. */
export function directionOf(sort: string | undefined, name: string): "ascending" | "descending" | undefined {
  if (sort === undefined || nameOf(sort) !== name) return undefined;
  return isDescending(sort) ? "descending" : "ascending";
}

/** The order after a click on the heading of a column. */
export function nextSort<K extends string>(sort: string | undefined, column: SortColumn<K>): Sort<K> {
  const now = directionOf(sort, column.name);
  const isDown = now ? now === "ascending" : (column.isDescendingFirst ?? false);
  return isDown ? `-${column.name}` : column.name;
}

/** The rows of a list that is complete in this order; what has no value comes last, and equal rows stay as they were. */
export function sorted<T>(
  rows: readonly T[],
  sort: string | undefined,
  value: (row: T, name: string) => SortValue,
  locale?: string,
): readonly T[] {
  if (sort === undefined) return rows;
  const collator = new Intl.Collator(locale, { numeric: true });
  const [name, sign] = [nameOf(sort), isDescending(sort) ? -1 : 1];
  const isNone = (of: SortValue) => of === null || of === undefined || of === "";
  return rows.toSorted((one, other) => {
    const [a, b] = [value(one, name), value(other, name)];
    if (isNone(a) || isNone(b)) return Number(isNone(a)) - Number(isNone(b));
    const difference = typeof a === "string" && typeof b === "string" ? collator.compare(a, b) : Number(a) - Number(b);
    return sign * difference;
  });
}

/** The number of entries of a list. */
export interface Total {
  count: number;
  /** There are more, which the server does not count. */
  isMore: boolean;
}

/** Reads the header `Total-Count`: `214` or `1000+`. */
export function totalOf(header: string | null): Total | null {
  const found = header?.match(/^(\d+)(\+?)$/);
  return found ? { count: Number(found[1]), isMore: found[2] === "+" } : null;
}
