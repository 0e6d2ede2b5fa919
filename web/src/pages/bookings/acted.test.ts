import { expect, it, vi } from "vitest";
import { ActedVersion } from "./acted.svelte";

const form = () => ({ isBusy: false, waits: false, key: { renew: vi.fn() }, withdraw: vi.fn() });

it("a dialog acts on the version that it showed, until the user looks at the one of another person", () => {
  let version = 3;
  const its = form();
  const acted = new ActedVersion(() => version, its as never);
  expect([acted.isStale, acted.header]).toEqual([false, { "If-Match": '"3"' }]);
  version = 4;
  expect([acted.isStale, acted.header]).toEqual([true, { "If-Match": '"3"' }]);
  acted.show();
  expect([acted.isStale, acted.header]).toEqual([false, { "If-Match": '"4"' }]);
  expect(its.withdraw).toHaveBeenCalledOnce();
  expect(its.key.renew).toHaveBeenCalledOnce();
});

it("the change that the own act makes does not make its dialog stale", () => {
  let version = 3;
  const its = form();
  const acted = new ActedVersion(() => version, its as never);
  its.isBusy = true;
  version = 4;
  expect(acted.isStale).toBe(false);
  Object.assign(its, { isBusy: false, waits: true });
  expect(acted.isStale).toBe(false);
  its.waits = false;
  expect(acted.isStale).toBe(true);
});
