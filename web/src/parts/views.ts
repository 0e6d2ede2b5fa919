// Views of lists, named by a person: their addresses, kept in this browser for the account.
import { store, stored } from "../stored";

export interface View {
  name: string;
  /** `/bookings` */
  path: string;
  /** The parameters as `queryText` writes them. */
  query: string;
}

/** Most views of an account, of all lists together. */
export const MOST_VIEWS = 20;

const keyOf = (person: string): string => `loadmaster.views.${person}`;
const isSame = (a: View, b: View): boolean => a.path === b.path && a.name === b.name;

/** Whether what the browser kept is a view, of whatever release it is. */
function isView(kept: unknown): kept is View {
  const texts = kept as Partial<Record<keyof View, unknown>> | null;
  return ["name", "path", "query"].every((member) => typeof texts?.[member as keyof View] === "string");
}

/** The filters in one order, so that the same ones are the same text; without what is searched for, which may be about a person. */
export function queryText(query: URLSearchParams): string {
  const sorted = new URLSearchParams(query);
  sorted.delete("q");
  sorted.sort();
  return sorted.toString();
}

export function viewsOf(person: string): View[] {
  const kept = stored<unknown>("localStorage", keyOf(person));
  const views = (Array.isArray(kept) ? kept.filter(isView) : []).map((view) => ({
    ...view,
    // Releases before kept what was searched for.
    query: queryText(new URLSearchParams(view.query)),
  }));
  return views.filter((view, index) => views.findIndex((it) => isSame(it, view)) === index);
}

/** Keeps a view in place of one with the same name of the same list, unless there are too many or the browser keeps nothing. */
export function keepView(person: string, view: View): "kept" | "full" | "refused" {
  const others = viewsOf(person).filter((it) => !isSame(it, view));
  if (others.length >= MOST_VIEWS) return "full";
  store("localStorage", keyOf(person), [...others, view]);
  return viewsOf(person).some((it) => isSame(it, view) && it.query === view.query) ? "kept" : "refused";
}

export function forgetView(person: string, view: View): void {
  const others = viewsOf(person).filter((it) => !isSame(it, view));
  store("localStorage", keyOf(person), others.length > 0 ? others : null);
}
