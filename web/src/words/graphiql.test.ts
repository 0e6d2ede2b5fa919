import { expect, it } from "vitest";
import { en } from "./en";
import { enGraphiql } from "./en-graphiql";
import { words } from "./graphiql";

it("the texts of the page of GraphiQL replace none of the others", () => {
  expect(Object.keys(enGraphiql).filter((name) => name in en)).toEqual([]);
  expect(Object.keys(words).sort()).toEqual([...Object.keys(en), ...Object.keys(enGraphiql)].sort());
});
