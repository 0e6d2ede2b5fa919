import { expect, test } from "vitest";
import { Problem } from "../../../api/problem";
import { words } from "../../../words";
import { differing, faultsBelow, outcomeText, rebased, sent, stateOf, termsOf, type Webhook } from "./webhooks";

const webhook: Webhook = {
  id: "1",
  url: "https://erp.example/hook",
  description: null,
  types: ["loadmaster.hold.*", "loadmaster.booking.*"],
  origins: ["DEL"],
  destinations: [],
  scope: "organization",
  status: "ACTIVE",
  disabled_reason: null,
  asleep: false,
  asleep_because: null,
  failing_since: null,
  last_success_at: "2026-11-20T00:00:00Z",
  waiting: 0,
  organization_id: "2",
  version: 1,
  created_at: "2026-11-20T00:00:00Z",
  updated_at: "2026-11-20T00:00:00Z",
};

test("each state has its words, and says what helps", () => {
  const { states, helps } = words.webhooks;
  expect(stateOf(webhook)).toEqual({ text: states.active, help: null, since: null });
  expect(stateOf({ ...webhook, last_success_at: null }).text).toBe(states.untried);
  const since = "2026-11-21T00:00:00Z";
  const failing = { ...webhook, status: "FAILING", failing_since: since };
  expect(stateOf(failing)).toEqual({ text: states.failing, help: helps.failing, since });
  const disabled = { ...failing, status: "DISABLED" };
  expect(stateOf({ ...disabled, disabled_reason: "failing" })).toEqual({
    text: states.failedForLong,
    help: helps.failedForLong,
    since: null,
  });
  expect(stateOf({ ...disabled, disabled_reason: "gone" }).help).toBe(helps.gone);
  expect(stateOf({ ...disabled, disabled_reason: "owner_changed" }).help).toBe(helps.ownerChanged);
  expect(stateOf({ ...disabled, disabled_reason: "manual" }).text).toBe(states.manual);
  expect(stateOf({ ...disabled, disabled_reason: "key_ended" })).toMatchObject({
    text: states.keyEnded,
    help: helps.ended,
  });
  expect(stateOf({ ...disabled, disabled_reason: "access_ended" }).text).toBe(states.accessEnded);
  const asleep = { ...failing, asleep: true, asleep_because: "user_moved" };
  expect(stateOf(asleep).text).toBe(states.asleep);
  expect(stateOf(asleep).help).toContain(helps.asleep.user_moved);
  expect(stateOf({ ...asleep, asleep_because: "of tomorrow" }).help).toContain(helps.asleep.other);
  expect(stateOf({ ...asleep, status: "DISABLED", disabled_reason: "manual" }).text).toBe(states.manual);
  expect(stateOf({ ...disabled, disabled_reason: "of tomorrow" })).toEqual({
    text: states.disabled,
    help: null,
    since: null,
  });
});

test("an outcome that is not known yet is shown as it is", () => {
  expect(outcomeText("tls")).toBe(words.webhooks.outcomes.tls);
  expect(outcomeText("of_tomorrow")).toBe("of_tomorrow");
});

test("a new webhook sends all of its terms, a change what differs, whatever the order of a list", () => {
  const typed = { ...termsOf(null), url: " https://erp.example/hook ", types: ["loadmaster.booking.*"] };
  expect(sent(typed, null)).toEqual({
    url: "https://erp.example/hook",
    description: null,
    types: ["loadmaster.booking.*"],
    origins: [],
    destinations: [],
    scope: "organization",
  });
  const changed = {
    ...termsOf(webhook),
    types: ["loadmaster.booking.*", "loadmaster.hold.*"],
    origins: [],
    description: "ERP",
  };
  expect(sent(changed, webhook)).toEqual({ origins: [], description: "ERP" });
});

test("upon another version only what was typed stays", () => {
  const typed = { ...termsOf(webhook), description: "mine" };
  const now = { ...webhook, version: 2, origins: ["BOM"], description: "theirs" };
  const terms = rebased(typed, webhook, now);
  expect(terms.description).toBe("mine");
  expect(terms.origins).toEqual(["BOM"]);
  expect(differing(terms, termsOf(now))).toEqual(["description"]);
});

test("faults of entries are those of their list", () => {
  const fault = (pointer: string, message: string) => ({
    in: "body" as const,
    pointer,
    name: null,
    code: "x",
    message,
  });
  const problem = new Problem({
    status: 400,
    code: "validation_failed",
    title: "",
    detail: "",
    errors: [fault("/types/0", "one"), fault("/types", "two"), fault("/types_of", "three")],
  });
  expect(faultsBelow(problem, "/types")).toEqual({ text: "one two", lang: "en" });
  expect(faultsBelow(problem, "/origins")).toBeNull();
  expect(faultsBelow(null, "/types")).toBeNull();
});
