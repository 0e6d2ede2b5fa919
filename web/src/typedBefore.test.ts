import { afterEach, expect, it, vi } from "vitest";
import { typedBefore } from "./typedBefore";

afterEach(() => vi.unstubAllGlobals());

const input = (type: string, value = "") => {
  const setSelectionRange = vi.fn(() => {
    if (type !== "text") throw new Error("InvalidStateError");
  });
  return { type, value, focus: vi.fn(), dispatchEvent: vi.fn(), setSelectionRange };
};
const place = (...inputs: object[]) => ({ querySelectorAll: () => inputs }) as unknown as ParentNode;

it("puts the texts and the focus of the shell into the page, with the caret at the end of a text", () => {
  vi.stubGlobal("FocusEvent", Event);
  const shell = [input("text", "del"), input("date", "2026-12-02")];
  vi.stubGlobal("document", { activeElement: shell[0] });
  const page = [input("text"), input("date")] as const;
  typedBefore(place(...shell))(place(...page));
  expect(page.map(({ value }) => value)).toEqual(["del", "2026-12-02"]);
  expect(page[0].focus).toHaveBeenCalledOnce();
  expect(page[0].setSelectionRange).toHaveBeenCalledWith(3, 3);
});

it("gives a date the focus, which has no caret to put", () => {
  const shell = [input("date")];
  vi.stubGlobal("document", { activeElement: shell[0] });
  const page = input("date");
  typedBefore(place(...shell))(place(page));
  expect(page.focus).toHaveBeenCalledOnce();
  expect(page.setSelectionRange).not.toHaveBeenCalled();
});
