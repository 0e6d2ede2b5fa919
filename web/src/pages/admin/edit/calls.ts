// Calls that read, make, change and end a record, the same for each kind.
import { nextOf, raw, type Answer } from "../../../api/client";
import type { List } from "../../../parts/list.svelte";
import type { Kept, Kind } from "./members";

type Key = { "Idempotency-Key": string };

/** What became of a record in its dialog. */
export type Done<T> = { act: "made" | "changed" | "ended"; record: T };

export const sent = (method: string, body: unknown, headers: Record<string, string>): RequestInit => ({
  method,
  headers: { "Content-Type": "application/json", ...headers },
  ...(body === undefined ? {} : { body: JSON.stringify(body) }),
});

const of = <T extends Kept>(kind: Kind<T>, record: T) => `${kind.path}/${encodeURIComponent(kind.id(record))}`;
const json = async <T>(answer: Promise<Response>) => (await (await answer).json()) as T;
const match = (record: Kept) => ({ "If-Match": `"${record.version}"` });

export async function page<T>(path: string, query: Record<string, string | number>): Promise<Answer<T[]>> {
  const params = new URLSearchParams(Object.entries(query).map(([name, value]) => [name, String(value)]));
  const response = await raw(`${path}?${params}`);
  const data = (await response.json()) as T[];
  return { data, etag: response.headers.get("ETag"), next: nextOf(response.headers.get("Link")), response };
}

export const read = <T extends Kept>(kind: Kind<T>, record: T) => json<T>(raw(of(kind, record)));

export const create = <T extends Kept>(kind: Kind<T>, body: unknown, key: Key) =>
  json<T>(raw(kind.path, sent("POST", body, key)));

export const change = <T extends Kept>(kind: Kind<T>, record: T, body: unknown, key: Key) =>
  json<T>(raw(of(kind, record), sent("PATCH", body, { ...key, ...match(record) })));

export const end = <T extends Kept>(kind: Kind<T>, record: T, key: Key) =>
  raw(of(kind, record), sent("DELETE", undefined, { ...key, ...match(record) }));

/** Shows in a list what became of a record. The list is read again for a new one: only the API knows its place. */
export async function follow<T extends Kept>(list: List<T>, kind: Kind<T>, done: Done<T>): Promise<void> {
  if (done.act === "made") return list.load();
  const isIt = (record: T) => kind.id(record) === kind.id(done.record);
  list.rows =
    done.act === "ended"
      ? list.rows.filter((record) => !isIt(record))
      : list.rows.map((record) => (isIt(record) ? done.record : record));
}
