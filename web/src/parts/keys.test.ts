import { expect, it } from "vitest";
import { isFindKey } from "./keys";

const key = (more: object) => ({ ctrlKey: false, metaKey: false, key: "k", ...more }) as KeyboardEvent;

it("finds by Ctrl-K, and on a Mac by Command-K alone", () => {
  const isOn = (isMac: boolean) =>
    [{ ctrlKey: true }, { metaKey: true }, { ctrlKey: true, metaKey: true }, {}].map((more) =>
      isFindKey(key(more), isMac),
    );
  expect(isOn(false)).toEqual([true, false, false, false]);
  expect(isOn(true)).toEqual([false, true, false, false]);
  expect(isFindKey(key({ ctrlKey: true, shiftKey: true }), false)).toBe(false);
  expect(isFindKey(key({ ctrlKey: true, key: "j" }), false)).toBe(false);
});
