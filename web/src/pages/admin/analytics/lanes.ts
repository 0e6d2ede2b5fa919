// The figures of lanes over a whole span. A report has rows for each period, so these are put together here.
import { api, take } from "../../../api/client";
import type { Schemas } from "../../../api/problem";
import type { Asked } from "./asked";

/** Lanes that a chart shows. */
export const SHOWN = 10;
/** Months are the fewest rows: the API bounds groups times periods. */
const MOST_LANES = 1000;

type VolumeRow = Pick<Schemas["VolumeRow"], "key" | "bookings" | "cancelled" | "pieces" | "weight_kg">;
export type Counted = Omit<VolumeRow, "key">;

/** What is asked for popular routes. */
export const volumeByLane = (asked: Asked) => ({ ...asked, by: "month", group: "lane", limit: MOST_LANES }) as const;

/** Adds up the periods of each lane; the most bookings first, among equals the most weight. */
export function mostBooked(rows: readonly VolumeRow[]): (Counted & { lane: string })[] {
  const sums = new Map<string, Counted & { lane: string }>();
  for (const row of rows) {
    const lane = row.key ?? "";
    const before = sums.get(lane) ?? { lane, bookings: 0, cancelled: 0, pieces: 0, weight_kg: 0 };
    sums.set(lane, added(before, row, 1));
  }
  return [...sums.values()].sort((a, b) => b.bookings - a.bookings || b.weight_kg - a.weight_kg);
}

/** The lanes that are not shown, together; null if there are none. */
export function rest(total: Counted, shown: readonly Counted[]): Counted | null {
  const left = shown.reduce((sum, lane) => added(sum, lane, -1), total);
  return left.bookings > 0 ? left : null;
}

function added<C extends Counted>(sum: C, more: Counted, sign: 1 | -1): C {
  return {
    ...sum,
    bookings: sum.bookings + sign * more.bookings,
    cancelled: sum.cancelled + sign * more.cancelled,
    pieces: sum.pieces + sign * more.pieces,
    weight_kg: sum.weight_kg + sign * more.weight_kg,
  };
}

type Figures = Schemas["TransitFigures"];
export interface TransitOfLanes {
  as_of: string;
  from: string;
  to: string;
  total: Figures;
  /** The most shipments first. */
  lanes: (Figures & { lane: string })[];
  /** All other lanes together. */
  other: Figures | null;
}

const transit = async (query: Asked & { group?: "lane"; limit?: number }) =>
  (await take(api.GET("/api/v1/analytics/transit-times", { params: { query } }))).data;

/** Reads the transit times of the lanes with the most shipments. */
export async function readTransit(asked: Asked): Promise<TransitOfLanes> {
  const { rows, total, other, as_of, from, to } = await transit({ ...asked, by: "month", group: "lane", limit: SHOWN });
  const keys = [...new Set(rows.map((row) => row.key ?? ""))];
  const lanes = await Promise.all(
    keys.map(async (lane) => {
      const own = rows.filter((row) => row.key === lane);
      const only = own.length === 1 ? own[0] : undefined;
      return { lane, ...(only ?? (await totalOf(asked, lane))) };
    }),
  );
  return { as_of, from, to, total, other, lanes: lanes.sort((a, b) => b.shipments - a.shipments) };
}

/** Percentiles of months cannot be added up: the lane is asked for by itself. */
async function totalOf(asked: Asked, lane: string): Promise<Figures> {
  const [origin = "", destination = ""] = lane.split("-");
  return (await transit({ ...asked, by: "month", origin, destination })).total;
}
