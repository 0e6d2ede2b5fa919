// Sends what GraphiQL asks as the console sends its own requests: with the session's token, waits and repetitions. A
// subscription is an event stream of its own (graphql-sse, distinct connections).
import { parse, getOperationAST } from "graphql";
import { send } from "../../api/client";
import { EventParser } from "../../api/events";

export interface Asked {
  query: string;
  variables?: unknown;
  operationName?: string | null | undefined;
}

type Headers = Record<string, unknown>;
type Result = Record<string, unknown>;
type Sender = (request: Request) => Promise<Response>;

const isSubscription = ({ query, operationName }: Asked): boolean =>
  getOperationAST(parse(query), operationName)?.operation === "subscription";

/** Sends the operation; answers its result, or the results of a subscription until it ends or is stopped. */
export function ask(asked: Asked, headers: Headers = {}, by: Sender = send): Promise<Result> | AsyncIterable<Result> {
  return isSubscription(asked) ? follow(asked, headers, by) : once(asked, headers, by);
}

function requestOf(asked: Asked, accept: string, headers: Headers, signal?: AbortSignal): Request {
  const own = Object.entries(headers).map(([name, value]) => [name, String(value)] as [string, string]);
  const { query, variables, operationName } = asked;
  return new Request(new URL("/graphql", window.location.origin), {
    method: "POST",
    headers: [["Content-Type", "application/json"], ["Accept", accept], ...own],
    body: JSON.stringify({ query, variables, operationName }),
    ...(signal ? { signal } : {}),
  });
}

/** A refusal is a problem, which is shown as it is. */
async function once(asked: Asked, headers: Headers, by: Sender): Promise<Result> {
  const answer = await by(requestOf(asked, "application/json", headers));
  return answer.json() as Promise<Result>;
}

function follow(asked: Asked, headers: Headers, by: Sender): AsyncIterable<Result> {
  const stopped = new AbortController();
  const results = read(asked, headers, by, stopped.signal);
  return {
    [Symbol.asyncIterator]: () => ({
      next: () => results.next(),
      // A generator that waits for the stream does not end before the stream does.
      return: (value?: unknown) => {
        stopped.abort();
        return Promise.resolve({ done: true, value });
      },
    }),
  };
}

async function* read(asked: Asked, headers: Headers, by: Sender, signal: AbortSignal): AsyncGenerator<Result> {
  try {
    const answer = await by(requestOf(asked, "text/event-stream", headers, signal));
    if (!answer.body || !answer.headers.get("Content-Type")?.startsWith("text/event-stream")) {
      yield (await answer.json()) as Result;
      return;
    }
    const parser = new EventParser();
    const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
    for (let piece = await reader.read(); !piece.done; piece = await reader.read())
      for (const { type, data } of parser.push(piece.value)) {
        if (type === "complete") return;
        if (type === "next") yield JSON.parse(data) as Result;
      }
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}
