// The public API, typed by its own description. Everything that a page asks or does goes through here.
import createClient from "openapi-fetch";
import { words } from "../words";
import { learnTime } from "./clock.svelte";
import { connection, isGone } from "./connection.svelte";
import { waitRetryAfter } from "./patience";
import { offline, Problem, problemOf } from "./problem";
import type { paths } from "./schema";
import { session } from "./session.svelte";

/** Times a request is sent again after 429 or 503. */
const REPETITIONS = 4;

async function withToken(request: Request): Promise<Request> {
  const token = await session.token();
  if (token) request.headers.set("Authorization", `Bearer ${token}`);
  return request;
}

/** Sends a request once and notes at the connection how that went. */
async function once(request: Request): Promise<Response> {
  const asked = Date.now();
  try {
    const answer = await fetch(request);
    learnTime(answer.headers.get("Date"), asked, Date.now());
    if (!isGone(answer.status)) connection.answered();
    return answer;
  } catch (error) {
    if (request.signal.aborted) throw error;
    connection.failed();
    throw offline(words.shell.unreachable);
  }
}

/** Whether another attempt can do no harm: it only reads, or by its key it is done once. */
function isRepeatable(request: Request): boolean {
  return request.method === "GET" || request.method === "HEAD" || request.headers.has("Idempotency-Key");
}

/** Whether it only asks, and may well be answered to anyone. */
function isQuestion(request: Request): boolean {
  return request.method === "GET" || request.method === "HEAD" || /\/routes\/(group-)?search$/.test(request.url);
}

/** Sends a request with the caller's token; waits and repeats where the API asks for it. */
export async function send(original: Request): Promise<Response> {
  let hasRefreshed = false;
  for (let attempt = 0; ; attempt += 1) {
    const request = await withToken(original.clone());
    const answer = await once(request);
    if (answer.status === 401) {
      if (!hasRefreshed && session.isGuest) {
        hasRefreshed = true;
        if (await session.renewGuest(request.headers.get("Authorization"))) continue;
      } else if (!hasRefreshed && session.user) {
        hasRefreshed = true;
        if ((await session.refresh()) || (session.isOver && isQuestion(original))) continue;
      }
      if (session.isOver && !isQuestion(original)) session.refusals += 1;
      return answer;
    }
    const isBusy = answer.status === 429 || (answer.status === 503 && isRepeatable(original));
    if (!isBusy || attempt >= REPETITIONS) {
      if (isGone(answer.status) && isQuestion(original)) connection.failed();
      return answer;
    }
    await waitRetryAfter(answer, attempt);
  }
}

export const api = createClient<paths>({
  baseUrl: typeof window === "undefined" ? "http://127.0.0.1" : window.location.origin,
  fetch: send,
  querySerializer: { array: { style: "form", explode: false } },
});

/** An answer with what its headers say. */
export interface Answer<T> {
  data: T;
  etag: string | null;
  /** The address of the next page of a list. */
  next: string | null;
  response: Response;
}

interface Raw<T> {
  data?: T;
  error?: unknown;
  response: Response;
}

/** Returns the answer's body, or throws its problem. */
export async function take<T>(asked: Promise<Raw<T>>): Promise<Answer<T>> {
  const { data, error, response } = await asked;
  const etag = response.headers.get("ETag");
  if (!response.ok) throw new Problem(problemOf(error, response), etag);
  return { data: data as T, etag, next: nextOf(response.headers.get("Link")), response };
}

/** The cursor in `Link: <…>; rel="next"`. */
export function nextOf(link: string | null): string | null {
  const found = link?.match(/<([^>]+)>\s*;\s*rel="?next"?/);
  return found?.[1] ? new URL(found[1], "http://any").searchParams.get("cursor") : null;
}

/** Reads all pages of a list. */
export async function takeAll<T>(page: (cursor: string | undefined) => Promise<Answer<T[]>>): Promise<T[]> {
  const rows: T[] = [];
  let cursor: string | null | undefined;
  do {
    const answer: Answer<T[]> = await page(cursor ?? undefined);
    rows.push(...answer.data);
    cursor = answer.next;
  } while (cursor);
  return rows;
}

/** Asks an address that the description does not name, such as a file to download or an import. */
export async function raw(path: string, init: RequestInit = {}): Promise<Response> {
  const answer = await send(new Request(new URL(path, window.location.origin), init));
  if (!answer.ok)
    throw new Problem(problemOf(await answer.json().catch(() => null), answer), answer.headers.get("ETag"));
  return answer;
}

/** A form's key: the same until the form succeeds, so that neither a double click nor a retry acts twice. */
export class FormKey {
  #key: string | null = null;
  get value(): string {
    this.#key ??= crypto.randomUUID();
    return this.#key;
  }
  get header(): { "Idempotency-Key": string } {
    return { "Idempotency-Key": this.value };
  }
  /** The form succeeded, or is about something else now. */
  renew(): void {
    this.#key = null;
  }
}
