// Many bookings at once: what is ticked, and what became of each.
import { api, take } from "../../api/client";
import type { Schemas } from "../../api/problem";

export type BulkVerb = Schemas["BulkAction"];
/** What became of each. */
export type Row = Schemas["BulkBookingsRow"];

/** What goes with an action, for these rows. */
export type ParamsOf = (ids: readonly string[]) => object;

export async function actOnAll(
  action: BulkVerb,
  ids: string[],
  header: Record<string, string>,
  params?: object,
): Promise<Row[]> {
  const body = { action, ids, ...(params ? { params: params as Record<string, never> } : {}) };
  const { data } = await take(api.POST("/api/v1/bookings/bulk", { params: { header }, body }));
  return data.results;
}
