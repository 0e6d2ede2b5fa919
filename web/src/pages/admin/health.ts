// The health of the server, as it is at this moment.
import { api, take } from "../../api/client";
import { connection } from "../../api/connection.svelte";
import type { Schemas } from "../../api/problem";
import { session } from "../../api/session.svelte";
import { words } from "../../words/admin";

type Health = Schemas["DetailedHealth"];

/** Sends a request once: an answer of 503 is what is asked for here, and a repetition would only delay it. */
async function once(request: Request): Promise<Response> {
  const token = await session.token();
  if (token) request.headers.set("Authorization", `Bearer ${token}`);
  const answer = await fetch(request);
  connection.answered();
  return answer;
}

const isHealth = (body: unknown): body is Health => typeof body === "object" && body !== null && "database" in body;

/** The health, which a degraded or unhealthy server reports with the status 503. */
export async function askHealth(): Promise<Health> {
  const answer = await api.GET("/health/detailed", { fetch: once }).catch(() => null);
  if (answer?.data) return answer.data;
  const unwell: unknown = answer?.error;
  if (isHealth(unwell)) return unwell;
  if (answer?.response.status === 503) return (await take(Promise.resolve(answer))).data;
  // Without an answer, and without a session, it is asked as everything else is.
  return (await take(api.GET("/health/detailed"))).data;
}

const states: Record<string, string> = words.admin.health.partStates;
export const stateText = (state: string): string => states[state] ?? state;
