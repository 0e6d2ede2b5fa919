import { expect, it } from "vitest";
import { memoryOf } from "./memory";

it("keeps what a person wrote, and shows it to nobody else", () => {
  memoryOf("a").setItem("tabs", "1");
  expect([memoryOf("a").getItem("tabs"), memoryOf("a").length]).toEqual(["1", 1]);
  expect(memoryOf("b").getItem("tabs")).toBeNull();
  expect(memoryOf("a").getItem("tabs")).toBeNull();
});

it("forgets one text, or all", () => {
  const memory = memoryOf("c");
  for (const name of ["one", "two", "three"]) memory.setItem(name, name);
  memory.removeItem("one");
  expect([memory.getItem("one"), memory.length]).toEqual([null, 2]);
  memory.clear();
  expect(memory.length).toBe(0);
});
