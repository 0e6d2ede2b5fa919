import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { ask } from "./fetcher";

beforeEach(() => vi.stubGlobal("window", { location: { origin: "http://127.0.0.1" } }));
afterEach(() => vi.unstubAllGlobals());

const stream = (text: string) =>
  new Response(text, { headers: { "Content-Type": "text/event-stream; charset=utf-8" } });

it("a query is one request with the headers of the editor, and a problem is shown as it is", async () => {
  const sent: Request[] = [];
  const by = async (request: Request) => {
    sent.push(request);
    return Response.json({ code: "graphql_invalid" }, { status: 400 });
  };
  const asked = { query: "query A { me { id } } subscription B { x }", operationName: "A", variables: { a: 1 } };
  expect(await ask(asked, { "X-Trace": 7 }, by)).toEqual({ code: "graphql_invalid" });
  expect(sent).toHaveLength(1);
  const [request] = sent;
  expect([request?.url, request?.method]).toEqual(["http://127.0.0.1/graphql", "POST"]);
  expect(request?.headers.get("Content-Type")).toBe("application/json");
  expect(request?.headers.get("X-Trace")).toBe("7");
  expect(await request?.json()).toEqual(asked);
});

it("a subscription gives each result until the stream is complete", async () => {
  const text = 'retry: 3000\nid: 1\nevent: next\ndata: {"data":1}\n\n:\n\nid: 2\nevent: next\ndata: {"data":2}\n\n';
  const by = async (request: Request) => {
    expect(request.headers.get("Accept")).toBe("text/event-stream");
    return stream(`${text}event: complete\ndata:\n\nevent: next\ndata: {"data":3}\n\n`);
  };
  const results = [];
  for await (const result of ask({ query: "subscription { x }" }, {}, by) as AsyncIterable<unknown>)
    results.push(result);
  expect(results).toEqual([{ data: 1 }, { data: 2 }]);
});

it("a refused subscription gives the problem", async () => {
  const by = async () => Response.json({ code: "too_many_streams" }, { status: 429 });
  const results = [];
  for await (const result of ask({ query: "subscription { x }" }, {}, by) as AsyncIterable<unknown>)
    results.push(result);
  expect(results).toEqual([{ code: "too_many_streams" }]);
});

it("a subscription that is stopped ends its request", async () => {
  let signal: AbortSignal | null = null;
  const by = async (request: Request) => {
    signal = request.signal;
    return stream('event: next\ndata: {"data":1}\n\n');
  };
  const iterator = (ask({ query: "subscription { x }" }, {}, by) as AsyncIterable<unknown>)[Symbol.asyncIterator]();
  expect((await iterator.next()).value).toEqual({ data: 1 });
  await iterator.return?.();
  expect((signal as AbortSignal | null)?.aborted).toBe(true);
});
