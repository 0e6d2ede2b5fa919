// Webhooks in words, and their terms as they are typed in and sent.
import { ofServer, type Problem, type Schemas, type ServerFault } from "../../../api/problem";
import { words } from "../../../words";

export type Webhook = Schemas["Webhook"];
export type Scope = Schemas["WebhookScope"];

/** A state, what helps to leave it, and the moment since when it lasts. */
export interface State {
  text: string;
  help: string | null;
  since: string | null;
}

const { states, helps } = words.webhooks;
const DISABLED: Record<string, { text: string; help: string }> = {
  manual: { text: states.manual, help: helps.manual },
  failing: { text: states.failedForLong, help: helps.failedForLong },
  gone: { text: states.gone, help: helps.gone },
  owner_changed: { text: states.ownerChanged, help: helps.ownerChanged },
  key_ended: { text: states.keyEnded, help: helps.ended },
  access_ended: { text: states.accessEnded, help: helps.ended },
};
const ASLEEP: Record<string, string> = helps.asleep;

export function stateOf(webhook: Webhook): State {
  const { status, disabled_reason: reason, failing_since: since, last_success_at: success } = webhook;
  if (webhook.asleep && status !== "DISABLED") {
    const why = ASLEEP[webhook.asleep_because ?? ""] ?? helps.asleep.other;
    return { text: states.asleep, help: `${why} ${helps.asleepMore}`, since: null };
  }
  if (status === "FAILING") return { text: states.failing, help: helps.failing, since };
  if (status === "DISABLED") {
    const { text, help } = DISABLED[reason ?? ""] ?? { text: states.disabled, help: null };
    return { text, help, since: null };
  }
  return { text: success ? states.active : states.untried, help: null, since: null };
}

const outcomes: Record<string, string> = words.webhooks.outcomes;
export const outcomeText = (outcome: string): string => outcomes[outcome] ?? outcome;

/** What a webhook is asked to do, as it is typed in. */
export interface Terms {
  url: string;
  description: string;
  types: string[];
  origins: string[];
  destinations: string[];
  scope: Scope;
}

export const USUAL_TYPES = "loadmaster.booking.*";

export function termsOf(webhook: Webhook | null): Terms {
  return {
    url: webhook?.url ?? "",
    description: webhook?.description ?? "",
    types: [...(webhook?.types ?? [USUAL_TYPES])],
    origins: [...(webhook?.origins ?? [])],
    destinations: [...(webhook?.destinations ?? [])],
    scope: webhook?.scope ?? "organization",
  };
}

export const TERMS = ["url", "description", "types", "origins", "destinations", "scope"] as const;
const text = (terms: Terms, name: (typeof TERMS)[number]): string => [terms[name]].flat().sort().join(" ");

/** The members in which two versions differ. */
export const differing = (one: Terms, other: Terms): (typeof TERMS)[number][] =>
  TERMS.filter((name) => text(one, name) !== text(other, name));

/** What is sent: of a change, only what differs from `before`. */
export function sent(terms: Terms, before: Webhook | null): Schemas["ChangeWebhook"] {
  const body = { ...terms, url: terms.url.trim(), description: terms.description.trim() || null };
  const names = before ? differing(terms, termsOf(before)) : TERMS;
  return Object.fromEntries(names.map((name) => [name, body[name]]));
}

/** What was typed, upon another version: members that were left alone are as they are now. */
export function rebased(terms: Terms, before: Webhook, now: Webhook): Terms {
  const typed = differing(terms, termsOf(before)).map((name) => [name, terms[name]]);
  return { ...termsOf(now), ...(Object.fromEntries(typed) as Partial<Terms>) };
}

/** The faults of a list and of its entries: `/types`, `/types/0`. */
export function faultsBelow(problem: Problem | null, pointer: string): ServerFault | null {
  const found = problem?.faults.filter((fault) => `${fault.pointer ?? ""}/`.startsWith(`${pointer}/`)) ?? [];
  return ofServer(found.map((fault) => fault.message));
}
