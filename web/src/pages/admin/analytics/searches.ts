// Searches of groups over a whole span. A report has rows for each period, so these are put together here.

/** Adds up the periods of each group; the most searches first. */
export function summed(rows: readonly { key: string | null; searches: number }[]): { key: string; searches: number }[] {
  const sums = new Map<string, number>();
  for (const { key, searches } of rows) sums.set(key ?? "", (sums.get(key ?? "") ?? 0) + searches);
  return [...sums].map(([key, searches]) => ({ key, searches })).sort((a, b) => b.searches - a.searches);
}
