// The public API, typed by its own description. Everything that a page asks or does goes through here.
import createClient from "openapi-fetch";
import { learnTime } from "./clock.svelte";
import { connection } from "./connection.svelte";
import { offline, Problem, type ProblemBody } from "./problem";
import type { paths } from "./schema";
import { session } from "./session.svelte";

/** Times a request is sent again after 429 or 503. */
const REPETITIONS = 4;
const LONGEST_WAIT_MS = 30_000;

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

async function withToken(request: Request): Promise<Request> {
  const token = await session.token();
  if (token) request.headers.set("Authorization", `Bearer ${token}`);
  return request;
}

/** Sends a request once and tells the connection how that went. */
async function once(request: Request): Promise<Response> {
  const asked = Date.now();
  try {
    const answer = await fetch(request);
    learnTime(answer.headers.get("Date"), asked, Date.now());
    connection.answered();
    return answer;
  } catch (error) {
    if (request.signal.aborted) throw error;
    connection.failed();
    throw offline("The server cannot be reached. What you entered is kept; this page tries again by itself.");
  }
}

/** Whether another attempt can do no harm: it only reads, or its key makes it happen once. */
function isRepeatable(request: Request): boolean {
  return request.method === "GET" || request.method === "HEAD" || request.headers.has("Idempotency-Key");
}

function waitBefore(answer: Response, attempt: number): number {
  const seconds = Number(answer.headers.get("Retry-After"));
  return Math.min(Number.isFinite(seconds) && seconds > 0 ? seconds * 1000 : 500 * 2 ** attempt, LONGEST_WAIT_MS);
}

/** Sends a request with the caller's token; waits and repeats where the API asks for it. */
export async function send(original: Request): Promise<Response> {
  let hasRefreshed = false;
  for (let attempt = 0; ; attempt += 1) {
    const answer = await once(await withToken(original.clone()));
    if (answer.status === 401 && !hasRefreshed && (session.user || session.isGuest)) {
      hasRefreshed = true;
      if (await session.refresh()) continue;
      if (!session.user) connection.signedOut();
      return answer;
    }
    const isBusy = answer.status === 429 || (answer.status === 503 && isRepeatable(original));
    if (!isBusy || attempt >= REPETITIONS) return answer;
    await pause(waitBefore(answer, attempt));
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

function problemOf(error: unknown, response: Response): ProblemBody {
  if (error && typeof error === "object" && "detail" in error) return error as ProblemBody;
  return {
    status: response.status,
    code: "unknown",
    title: response.statusText,
    detail: `The server answered ${response.status} without an explanation.`,
    request_id: response.headers.get("X-Request-Id") ?? "",
  };
}

/** The cursor in `Link: <…>; rel="next"`. */
export function nextOf(link: string | null): string | null {
  const found = link?.match(/<([^>]+)>\s*;\s*rel="?next"?/);
  return found?.[1] ? new URL(found[1], "http://any").searchParams.get("cursor") : null;
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
