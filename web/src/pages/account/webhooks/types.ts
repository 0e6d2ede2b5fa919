// Types of events, one by one and by family.
import type { Schemas } from "../../../api/problem";
import { words } from "../../../words";

type Entry = Schemas["EventTypeEntry"];

export interface Family {
  /** `loadmaster.booking.*` */
  pattern: string;
  name: string;
  types: readonly Entry[];
}

/** Families with messages about what belongs to an organization; the others are for the scope `all`. */
const OF_ORGANIZATIONS = ["booking", "hold", "payment", "waitlist", "webhook"];

const names: Record<string, string> = words.webhooks.families;
/** The family of a type or of a narrower pattern; a wider pattern, such as `loadmaster.*`, is its own. */
function patternOf(type: string): string {
  const [root = "", family = ""] = type.split(".");
  return family === "*" ? type : `${root}.${family}.*`;
}

/** The families to choose from, those of organizations first; what is chosen already is always among them. */
export function families(all: readonly Entry[], chosen: readonly string[], isEverybodys: boolean): Family[] {
  const patterns = [...new Set([...all.map((entry) => patternOf(entry.type)), ...chosen.map(patternOf)])];
  const isKnown = (type: string) => type === patternOf(type) || all.some((entry) => entry.type === type);
  const unknown = chosen.filter((type) => !isKnown(type)).map((type) => ({ type, subject: "", description: "" }));
  const nameOf = (pattern: string) => pattern.split(".")[1] ?? "";
  const rank = (pattern: string) => {
    const place = OF_ORGANIZATIONS.indexOf(nameOf(pattern));
    return place < 0 ? OF_ORGANIZATIONS.length : place;
  };
  return patterns
    .filter(
      (pattern) =>
        isEverybodys ||
        OF_ORGANIZATIONS.includes(nameOf(pattern)) ||
        chosen.some((type) => patternOf(type) === pattern),
    )
    .sort((a, b) => rank(a) - rank(b) || a.localeCompare(b))
    .map((pattern) => ({
      pattern,
      name: names[nameOf(pattern)] ?? pattern,
      types: [...all, ...unknown].filter((entry) => patternOf(entry.type) === pattern),
    }));
}

/** Adds or removes a type or a family. A family takes the place of its types. */
export function toggled(chosen: readonly string[], type: string, isOn: boolean): string[] {
  const rest = chosen.filter((one) => one !== type && !(isOn && patternOf(one) === type));
  return isOn ? [...rest, type] : rest;
}
