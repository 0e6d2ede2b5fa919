// Waits where the server asks for it (429), and lets the page say so.
import { connection } from "./connection.svelte";

const LONGEST_WAIT_MS = 90_000;

export const pause = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));

/** How long to wait before the next attempt: as the answer says, else longer each time. */
export function waitBefore(answer: Response, attempt: number): number {
  const seconds = Number(answer.headers.get("Retry-After"));
  return Math.min(Number.isFinite(seconds) && seconds > 0 ? seconds * 1000 : 500 * 2 ** attempt, LONGEST_WAIT_MS);
}

/** Waits before the next attempt; of a limit the page says that it waits. */
export async function waitRetryAfter(answer: Response, attempt: number): Promise<void> {
  const isLimited = answer.status === 429;
  if (isLimited) connection.waiting += 1;
  await pause(waitBefore(answer, attempt));
  if (isLimited) connection.waiting -= 1;
}

/** Sends again for as long as the server refuses because of a limit. Nothing: the server is away. */
export async function patiently(ask: () => Promise<Response | null>): Promise<Response | null> {
  for (let attempt = 0; ; attempt += 1) {
    const answer = await ask();
    if (answer?.status !== 429) return answer;
    await waitRetryAfter(answer, attempt);
  }
}
