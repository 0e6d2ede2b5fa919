// Many bookings at once: what is ticked, and what became of each.
import { api, take } from "../../api/client";
import type { Schemas } from "../../api/problem";

export type BulkVerb = Schemas["BulkAction"];
/** What became of each. */
export type Rows = { id: string; ok: boolean; problem: { code: string; detail: string } | null }[];

/** The most that one request takes. */
export const MOST = 200;

export async function actOnAll(action: BulkVerb, ids: string[], header: Record<string, string>): Promise<Rows> {
  const { data } = await take(api.POST("/api/v1/bookings/bulk", { params: { header }, body: { action, ids } }));
  return data.results as Rows;
}
