import { expect, test, vi } from "vitest";
import { api } from "./client";
import { freshInfo, serverInfo } from "./info";

vi.mock("./client", async (original) => ({
  ...(await original<typeof import("./client")>()),
  api: { GET: vi.fn() },
}));
const get = api.GET as unknown as ReturnType<typeof vi.fn>;
const answers = (name: string) =>
  get.mockResolvedValueOnce({ data: { name }, response: new Response(null, { status: 200 }) });

test("what the server is, is asked once, and again where it has to be fresh", async () => {
  answers("before");
  expect([await serverInfo(), await serverInfo()]).toEqual([{ name: "before" }, { name: "before" }]);
  expect(get).toHaveBeenCalledTimes(1);
  answers("after");
  expect([await freshInfo(), await serverInfo()]).toEqual([{ name: "after" }, { name: "after" }]);
  expect(get).toHaveBeenCalledTimes(2);
});
