import { afterEach, expect, it, vi } from "vitest";
import { claimAddress, claimHere, codeOf, guestAddress } from "./claim";

afterEach(() => vi.unstubAllGlobals());

it("a code is taken from a link as well as alone", () => {
  expect(codeOf(" abc-_9 ")).toBe("abc-_9");
  expect(codeOf(`https://cargo.example${guestAddress("abc-_9")}`)).toBe("abc-_9");
  expect(codeOf(`https://cargo.example${guestAddress("a/b+9=")}`)).toBe("a/b+9=");
  expect([codeOf(" "), claimAddress("abc-_9")]).toEqual(["", "/claim#abc-_9"]);
});

it("an address has the claim of its fragment, and none where that leads to the content or is empty", () => {
  const at = (hash: string) => {
    vi.stubGlobal("window", { location: { hash } });
    return claimHere();
  };
  expect([at("#abc-_9"), at("#a%2Fb"), at("#main"), at("")]).toEqual(["abc-_9", "a/b", "", ""]);
  // The server refuses it.
  expect(at("#%E0%A4%A")).toBe("%E0%A4%A");
});
