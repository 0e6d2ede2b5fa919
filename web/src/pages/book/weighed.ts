/**
 * What the address of an option gains once its freight is weighed. The volume in it may be that of its dimensions: others have another.
 */
export const weighed = (query: URLSearchParams, weight: string, sizes: string): Record<string, string> => ({
  weight,
  sizes,
  ...(sizes === (query.get("sizes") ?? "") ? {} : { volume: "" }),
});
