import { beforeEach, expect, it, vi } from "vitest";
import { visits } from "./visits";

/** A browser's history: its entries with their states, and which one is shown. */
class History {
  entries: unknown[] = [null];
  at = 0;

  get state(): unknown {
    return this.entries[this.at];
  }
  push(state: unknown): void {
    this.entries = [...this.entries.slice(0, this.at + 1), state];
    this.at += 1;
  }
  replaceState(state: unknown): void {
    this.entries[this.at] = state;
  }
}

let history: History;
const scrolled = { scrollY: 0 };
beforeEach(() => {
  history = new History();
  vi.stubGlobal("window", Object.defineProperty({ history }, "scrollY", { get: () => scrolled.scrollY }));
  visits.resume();
});

it("returns what was shown to the entry that was left, and to no other", () => {
  let shown = "first";
  const end = visits.keep((lists) => lists.set("bookings", shown));
  scrolled.scrollY = 700;
  visits.leave(true);
  visits.begin();
  history.push(visits.state);
  expect(visits.recall("bookings")).toBeUndefined();

  shown = "second";
  scrolled.scrollY = 20;
  visits.leave(true);
  history.at -= 1;
  visits.resume();
  expect(visits.recall("bookings")).toBe("first");
  expect(visits.top).toBe(700);

  history.at += 1;
  visits.resume();
  expect(visits.recall("bookings")).toBe("second");
  expect(visits.top).toBe(20);
  end();
});

it("keeps nothing of a page that was not shown yet, and nothing that another page replaced", () => {
  const end = visits.keep((lists) => lists.set("bookings", "shown"));
  visits.leave(false);
  expect(visits.recall("bookings")).toBeUndefined();
  visits.leave(true);
  expect(visits.recall("bookings")).toBe("shown");
  visits.forget();
  expect(visits.recall("bookings")).toBeUndefined();
  end();
});

it("scrolls back after a reload, of which only the browser knows", () => {
  history.replaceState({ visit: 7, top: 300 });
  visits.resume();
  expect(visits.top).toBe(300);
});

it("shows nobody what somebody else was shown", () => {
  const end = visits.keep((lists) => lists.set("bookings", "theirs"));
  visits.leave(true);
  visits.clear();
  expect(visits.recall("bookings")).toBeUndefined();
  visits.resume();
  expect(visits.top).toBeNull();
  end();
});
