import { expect, it } from "vitest";
import { words } from "./admin";
import { en } from "./en";
import { enAdmin } from "./en-admin";

it("the texts of administrators replace none of the common ones", () => {
  expect(Object.keys(enAdmin).filter((name) => name in en)).toEqual([]);
  expect(Object.keys(words).sort()).toEqual([...Object.keys(en), ...Object.keys(enAdmin)].sort());
});
