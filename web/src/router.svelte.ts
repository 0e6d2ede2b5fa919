// The address is the state: which page is shown, and what it was asked. Links are plain `<a href>`.
import { tick } from "svelte";

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

/** The address of the page that is shown. */
class Location {
  path = $state("/");
  query = $state(new URLSearchParams());
  /** Counts the pages that were opened, so that the same address can be opened again. */
  visit = $state(0);

  read(): void {
    this.path = window.location.pathname;
    this.query = new URLSearchParams(window.location.search);
  }

  get here(): string {
    const query = this.query.toString();
    return query ? `${this.path}?${query}` : this.path;
  }
}

export const location = new Location();

/** Opens another page. */
export function go(address: string, how: "push" | "replace" = "push"): void {
  const url = new URL(address, window.location.origin);
  const samePage = url.pathname === location.path;
  window.history[how === "push" ? "pushState" : "replaceState"](null, "", url);
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
  location.read();
  window.addEventListener("popstate", () => {
    const before = location.path;
    location.read();
    if (before !== location.path) location.visit += 1;
  });
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
    go(link.pathname + link.search);
  });
}

/** Moves the focus to the heading of the page that is shown, where a reader begins. */
export async function focusHeading(): Promise<void> {
  await tick();
  document.querySelector<HTMLElement>("main .page:not([hidden]) h1, main > h1")?.focus({ preventScroll: true });
}
