import { expect, it } from "vitest";
import { offline, Problem, problemOf, type Fault } from "../api/problem";
import { messageOf } from "./faults";

const fault = (pointer: string, message: string): Fault => ({ in: "body", pointer, name: null, code: "x", message });
const weight = fault("/weight_kg", "`weight_kg` must be above 0.");
const code = fault("/special_handling_codes/1", "`QQQ` is no handling code.");
const refused = (status: number, errors: Fault[], detail = "All of it.") =>
  new Problem({
    status,
    code: errors.length > 0 ? "validation_failed" : "other",
    title: "",
    detail,
    request_id: "r-1",
    errors,
  });

/** What is read of a message. */
function read(problem: Problem, fields: readonly string[]) {
  const { text, others, requestId } = messageOf(problem, fields);
  return { text: text.name + text.text, others: others.map((other) => other.name + other.text), requestId };
}

it("says a fault once: at its field, if it has one", () => {
  const fields = ["/weight_kg", "/special_handling_codes"];
  expect(read(refused(400, [weight]), fields)).toEqual({
    text: "Check the marked field.",
    others: [],
    requestId: null,
  });
  expect(read(refused(400, [weight, code]), fields).text).toBe("Check the marked fields.");
});

it("names the member of a fault without a field", () => {
  expect(read(refused(400, [weight]), []).text).toBe("Weight: Must be above 0.");
  expect(read(refused(400, [weight, code]), ["/weight_kg"])).toEqual({
    text: "Some entries are not valid.",
    others: ["Handling codes: Is no handling code."],
    requestId: null,
  });
});

it("gives the number of a request only for failures of the server", () => {
  expect(read(refused(409, [], "The flight is full."), [])).toEqual({
    text: "The flight is full.",
    others: [],
    requestId: null,
  });
  expect(read(refused(500, [], "It broke."), []).requestId).toBe("r-1");
});

it("names English as the language of what the server says, and of nothing else", () => {
  const langs = (problem: Problem, fields: readonly string[] = []) => {
    const { text, others } = messageOf(problem, fields);
    return [text.lang, ...others.map((other) => other.lang)];
  };
  expect(langs(refused(409, []))).toEqual(["en"]);
  expect(langs(refused(400, [weight]))).toEqual(["en"]);
  expect(langs(refused(400, [weight]), ["/weight_kg"])).toEqual([undefined]);
  expect(langs(refused(400, [weight, code]), ["/weight_kg"])).toEqual([undefined, "en"]);
  expect(langs(offline("away"))).toEqual([undefined]);
  const bare = new Problem(problemOf(null, new Response("", { status: 502 })));
  expect(langs(bare)).toEqual([undefined]);
});
