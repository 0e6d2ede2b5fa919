import { expect, test } from "vitest";
import { directionOf, nextSort, sorted, sortIn, totalOf } from "./sort";

const NAMES = ["created_at", "departure_datetime"] as const;
const asked = (text: string) => sortIn(new URLSearchParams(text), NAMES);

test("an address asks for an order that there is, in either direction", () => {
  expect(asked("sort=created_at")).toBe("created_at");
  expect(asked("status=BOOKED&sort=-departure_datetime")).toBe("-departure_datetime");
  for (const other of ["", "sort=", "sort=-", "sort=weight", "sort=--created_at", "sort=Created_At"])
    expect(asked(other), other).toBeUndefined();
});

test("a click on a heading sorts by it, and another one reverses the order", () => {
  const name = { name: "name", label: "Name" };
  const made = { name: "created_at", label: "Made", isDescendingFirst: true };
  expect(nextSort(undefined, name)).toBe("name");
  expect(nextSort("name", name)).toBe("-name");
  expect(nextSort("-name", name)).toBe("name");
  expect(nextSort("name", made)).toBe("-created_at");
  expect(nextSort("-created_at", made)).toBe("created_at");
  expect(directionOf("-created_at", "created_at")).toBe("descending");
  expect(directionOf("created_at", "created_at")).toBe("ascending");
  expect(directionOf("-created_at", "name")).toBeUndefined();
  expect(directionOf(undefined, "name")).toBeUndefined();
});

test("rows are sorted as people do, and those without a value come last in both directions", () => {
  const rows = [
    { id: 1, code: "T10", weight: 5, is_active: true },
    { id: 2, code: "t9", weight: null, is_active: false },
    { id: 3, code: "", weight: 40, is_active: true },
    { id: 4, code: "Ärmel", weight: 40, is_active: false },
  ];
  const ids = (sort: string | undefined) =>
    sorted(rows, sort, (row, name) => row[name as keyof typeof row], "de").map((row) => row.id);
  expect(ids(undefined)).toEqual([1, 2, 3, 4]);
  expect(ids("code")).toEqual([4, 2, 1, 3]);
  expect(ids("-code")).toEqual([1, 2, 4, 3]);
  expect(ids("weight")).toEqual([1, 3, 4, 2]);
  expect(ids("-weight")).toEqual([3, 4, 1, 2]);
  expect(ids("is_active")).toEqual([2, 4, 1, 3]);
  expect(rows.map((row) => row.id)).toEqual([1, 2, 3, 4]);
});

test("the number of entries is read from its header", () => {
  expect(totalOf("214")).toEqual({ count: 214, isMore: false });
  expect(totalOf("1000+")).toEqual({ count: 1000, isMore: true });
  for (const none of [null, "", "+", "many", "-1"]) expect(totalOf(none), String(none)).toBeNull();
});
