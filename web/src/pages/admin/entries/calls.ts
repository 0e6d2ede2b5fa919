// What the pages of airports, airlines and aircraft ask: the same of three addresses.
import { api, raw, take, type Answer } from "../../../api/client";
import type { Schemas } from "../../../api/problem";
import type { Entry, Kind } from "./kinds";

type Key = { "Idempotency-Key": string };

export function list(kind: Kind, query: { q?: string; active?: boolean; cursor?: string }): Promise<Answer<Entry[]>> {
  if (kind === "airports") return take(api.GET("/api/v1/airports", { params: { query } }));
  const { active, cursor } = query;
  const asked = { params: { query: { ...(active === undefined ? {} : { active }), ...(cursor ? { cursor } : {}) } } };
  return kind === "airlines" ? take(api.GET("/api/v1/airlines", asked)) : take(api.GET("/api/v1/aircraft", asked));
}

const sent = (method: string, body: unknown, headers: Record<string, string>): RequestInit => ({
  method,
  headers: { "Content-Type": "application/json", ...headers },
  ...(body === undefined ? {} : { body: JSON.stringify(body) }),
});

export const create = (kind: Kind, body: unknown, key: Key) => raw(`/api/v1/${kind}`, sent("POST", body, key));

export const change = (kind: Kind, entry: Entry, body: unknown, key: Key) =>
  raw(`/api/v1/${kind}/${entry.iata_code}`, sent("PATCH", body, { ...key, "If-Match": `"${entry.version}"` }));

export const remove = (kind: Kind, entry: Entry, key: Key) =>
  raw(`/api/v1/${kind}/${entry.iata_code}`, sent("DELETE", undefined, { ...key, "If-Match": `"${entry.version}"` }));

export async function act(kind: Kind, action: string, ids: string[], key: Key): Promise<Schemas["BulkResult"]> {
  const answer = await raw(`/api/v1/${kind}/bulk`, sent("POST", { action, ids }, key));
  return (await answer.json()) as Schemas["BulkResult"];
}
