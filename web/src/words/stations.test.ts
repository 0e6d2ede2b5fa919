import { expect, it } from "vitest";
import { en } from "./en";
import { enAdmin } from "./en-admin";
import { enConsolidations } from "./en-consolidations";
import { enStations } from "./en-stations";
import { words } from "./stations";

it("the texts of stations replace none of the others", () => {
  const others = { ...en, ...enAdmin, ...enConsolidations };
  expect(Object.keys(enStations).filter((name) => name in others)).toEqual([]);
  expect(Object.keys(words).sort()).toEqual([...Object.keys(en), ...Object.keys(enStations)].sort());
});
