import { expect, it } from "vitest";
import { en } from "./en";
import { enAdmin } from "./en-admin";
import { enConsolidations } from "./en-consolidations";
import { enFeeds } from "./en-feeds";
import { words } from "./feeds";

it("the texts of feeds replace none of the common ones, of administrators and of consolidations", () => {
  const others = { ...en, ...enAdmin, ...enConsolidations };
  expect(Object.keys(enFeeds).filter((name) => name in others)).toEqual([]);
  expect(Object.keys(words).sort()).toEqual([...Object.keys(en), ...Object.keys(enFeeds)].sort());
});
