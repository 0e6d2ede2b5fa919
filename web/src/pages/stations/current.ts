// Notices that hold now, of stations beside flights: each station is read once in some minutes.
import { api } from "../../api/client";
import type { Station } from "./station";

const KEPT_MS = 5 * 60_000;
/** A search between cities has several airports. */
const MOST = 8;

export type Noticed = Pick<Station, "airport" | "notices">;
const known = new Map<string, { at: number; station: Promise<Noticed | null> }>();

/** One that cannot be read says nothing: flights are shown without it. */
async function read(code: string): Promise<Noticed | null> {
  const answer = await api.GET("/api/v1/stations/{code}", { params: { path: { code } } }).catch(() => null);
  const station = answer?.data;
  const notices = station?.notices.filter((notice) => notice.is_current) ?? [];
  return station ? { airport: station.airport, notices } : null;
}

/** The stations of these codes that have notices now, in their order. */
export async function noticed(codes: readonly string[], now = Date.now()): Promise<Noticed[]> {
  const wanted = [...new Set(codes)].slice(0, MOST);
  const stations = wanted.map((code) => {
    const kept = known.get(code);
    if (kept && now - kept.at < KEPT_MS) return kept.station;
    const station = read(code);
    known.set(code, { at: now, station });
    void station.then((it) => it ?? known.delete(code));
    return station;
  });
  return (await Promise.all(stations)).filter((one) => one !== null).filter(({ notices }) => notices.length > 0);
}

/** Where the flights of options begin and end. */
export const endsOf = (options: readonly { flights: readonly { origin: string; destination: string }[] }[]): string[] =>
  options.flatMap(({ flights }) => {
    const [first, last] = [flights[0], flights.at(-1)];
    return first && last ? [first.origin, last.destination] : [];
  });
