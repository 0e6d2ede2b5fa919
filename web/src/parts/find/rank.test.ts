import { expect, it } from "vitest";
import { BEGINS, CONTAINS, EQUAL, ranked, scoreOf, WORD, type Entry, type Group } from "./rank";

const entry = (group: Group, title: string, score: number): Entry => ({ group, title, score, href: `/${title}` });
const titles = (entries: Entry[]) =>
  ranked(entries).map((it) => [it.group, ...it.entries.map((found) => found.title)].join(" "));

it.each([
  ["Bookings", "bookings", EQUAL],
  ["Bookings", "BOOK", BEGINS],
  ["API keys", "keys", WORD],
  ["Málaga", "malaga", EQUAL],
  ["Air-cargo rules", "cargo", WORD],
  ["Rerouting", "route", null],
  ["Rerouting", "rout", CONTAINS],
  ["Bookings", "  ", null],
])("%s fits “%s” with %s", (name, typed, score) => {
  expect(scoreOf(name, typed)).toBe(score);
});

it("the group with the entry that fits best comes first, and the best entry first in its group", () => {
  const all = [
    entry("bookings", "part", CONTAINS),
    entry("pages", "word", WORD),
    entry("pages", "begin", BEGINS),
    entry("airports", "code", EQUAL),
  ];
  expect(titles(all)).toEqual(["airports code", "pages begin word", "bookings part"]);
});

it("groups that fit alike stand in their usual order, and entries as they were found", () => {
  const all = [
    entry("airports", "a", BEGINS),
    entry("flights", "f", BEGINS),
    entry("airports", "b", BEGINS),
    entry("bookings", "c", BEGINS),
  ];
  expect(titles(all)).toEqual(["bookings c", "flights f", "airports a b"]);
});

it("no group has more than five entries", () => {
  const all = Array.from({ length: 9 }, (_, index) => entry("pages", String(index), WORD));
  expect(titles(all)).toEqual(["pages 0 1 2 3 4"]);
});
