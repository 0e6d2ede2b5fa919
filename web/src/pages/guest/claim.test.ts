import { expect, it } from "vitest";
import { claimAddress, codeOf, guestAddress } from "./claim";

it("a code is taken from a link as well as alone", () => {
  expect(codeOf(" abc-_9 ")).toBe("abc-_9");
  expect(codeOf(`https://cargo.example${guestAddress("abc-_9")}`)).toBe("abc-_9");
  expect([codeOf(" "), claimAddress("abc-_9")]).toEqual(["", "/claim#abc-_9"]);
});
