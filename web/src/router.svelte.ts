// The address is the state: which page is shown, and what it was asked. Links are plain `<a href>`.
import { tick } from "svelte";
import { scrollBack, visits } from "./visits";

/** What a page is given. */
export type Params = Record<string, string>;

export interface Pattern {
  /** `/flights/{id}`. */
  path: string;
}

/** Returns the parameters in `path` if it has the form of `pattern`. */
export function match(pattern: string, path: string): Params | null {
  const wanted = pattern.split("/");
  const given = path.length > 1 ? path.replace(/\/+$/, "").split("/") : ["", ""];
  if (wanted.length !== given.length) return null;
  const params: Params = {};
  for (const [index, part] of wanted.entries()) {
    const value = given[index] ?? "";
    if (part.startsWith("{")) {
      if (value === "") return null;
      try {
        params[part.slice(1, -1)] = decodeURIComponent(value);
      } catch {
        return null;
      }
    } else if (part !== value) return null;
  }
  return params;
}

/** Returns the first pattern that fits, with its parameters. */
export function resolve<P extends Pattern>(patterns: readonly P[], path: string): { found: P; params: Params } | null {
  for (const found of patterns) {
    const params = match(found.path, path);
    if (params) return { found, params };
  }
  return null;
}

/** The address, and what of it the page that is shown has. */
class Location {
  path = $state("/");
  /** The parameters of the address. */
  asked = $state.raw(new URLSearchParams());
  /** The parameters of the page that is shown or waits, until the page of another address takes its place. */
  query = $state.raw(new URLSearchParams());
  /** Counts the pages that were opened, so that the same address can be opened again. */
  visit = $state(0);
  /** The path of the page that `query` is of. */
  #settled = "";

  read(): void {
    this.path = window.location.pathname;
    this.asked = new URLSearchParams(window.location.search);
    if (this.isSettled) this.query = this.asked;
  }

  /** The page of the address takes the place of the one before. */
  settle(): void {
    this.#settled = this.path;
    this.query = this.asked;
  }

  get isSettled(): boolean {
    return this.#settled === this.path;
  }

  get here(): string {
    const query = this.asked.toString();
    return query ? `${this.path}?${query}` : this.path;
  }
}

export const location = new Location();

/** Opens another page. */
export function go(address: string, how: "push" | "replace" = "push"): void {
  const url = new URL(address, window.location.origin);
  const samePage = url.pathname === location.path;
  if (how === "push") {
    visits.leave(location.isSettled);
    visits.begin();
  } else if (!samePage) visits.forget();
  window.history[how === "push" ? "pushState" : "replaceState"](visits.state, "", url);
  location.read();
  if (!samePage) {
    location.visit += 1;
    window.scrollTo(0, 0);
  }
}

/** Changes parameters of this page's address; an empty value removes one. Filters and forms live there. */
export function setQuery(
  changes: Record<string, string | null | undefined>,
  how: "push" | "replace" = "replace",
): void {
  // A page that is left, or waits, does not change the address of the one that follows.
  if (!location.isSettled) return;
  const query = new URLSearchParams(location.query);
  for (const [name, value] of Object.entries(changes)) {
    if (value) query.set(name, value);
    else query.delete(name);
  }
  const text = query.toString();
  if (text === location.query.toString()) return;
  go(text ? `${location.path}?${text}` : location.path, how);
}

/** Begins to follow the browser's address and to open links without loading the document again. */
export function startRouter(isOurs: (path: string) => boolean): void {
  // What a page shows is not there at once: scrolling waits for it.
  window.history.scrollRestoration = "manual";
  visits.resume();
  location.read();
  location.settle();
  window.addEventListener("popstate", () => {
    const before = location.path;
    visits.leave(location.isSettled);
    visits.resume();
    location.read();
    if (before !== location.path) location.visit += 1;
    else void tick().then(scrollBack);
  });
  window.addEventListener("pagehide", () => window.history.replaceState({ ...visits.state, top: window.scrollY }, ""));
  document.addEventListener("click", (event) => {
    if (
      event.defaultPrevented ||
      event.button !== 0 ||
      event.metaKey ||
      event.ctrlKey ||
      event.shiftKey ||
      event.altKey
    )
      return;
    const link = event.target instanceof Element ? event.target.closest("a") : null;
    if (!link || link.target || link.hasAttribute("download") || link.origin !== window.location.origin) return;
    if (link.hash && link.pathname === window.location.pathname) return;
    if (!isOurs(link.pathname)) return;
    event.preventDefault();
    go(link.pathname + link.search + link.hash);
  });
}

/** Moves the focus to the heading of the page that is shown, where a reader begins; a dialog that is open keeps it. */
export async function focusHeading(): Promise<void> {
  await tick();
  if (document.querySelector("[role='dialog'][data-state='open']:not([hidden])")) return;
  document.querySelector<HTMLElement>("main .page:not([hidden]) h1, main > h1")?.focus({ preventScroll: true });
}
