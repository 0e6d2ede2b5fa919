import { expect, it } from "vitest";
import { words } from "./consolidations";
import { en } from "./en";
import { enAdmin } from "./en-admin";
import { enConsolidations } from "./en-consolidations";

it("the texts of consolidations replace none of the common ones and none of administrators", () => {
  const others = { ...en, ...enAdmin };
  expect(Object.keys(enConsolidations).filter((name) => name in others)).toEqual([]);
  expect(Object.keys(words).sort()).toEqual([...Object.keys(en), ...Object.keys(enConsolidations)].sort());
});
