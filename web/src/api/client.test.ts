import { expect, it, vi } from "vitest";
import { takeAll, type Answer } from "./client";

it("reads a list until there is no next page", async () => {
  const pages: Record<string, [number[], string | null]> = { "": [[1, 2], "a"], a: [[3], "b"], b: [[4], null] };
  const page = vi.fn((cursor: string | undefined) => {
    const [data, next] = pages[cursor ?? ""] ?? [[], null];
    return Promise.resolve({ data, next } as Answer<number[]>);
  });
  expect(await takeAll(page)).toEqual([1, 2, 3, 4]);
  expect(page.mock.calls).toEqual([[undefined], ["a"], ["b"]]);
});
