// What a message says of a problem that fields do not say already.
import { addressOf, faultText, isOf, type Fault, type Problem } from "../api/problem";
import { words } from "../words";

const names: Record<string, string> = words.parts.members;

/** A fault without a field of its own, with the name of its member: `Weight: must be above 0`. */
export function told(fault: Fault): string {
  const member = addressOf(fault)
    .split("/")
    .filter((part) => part !== "" && !/^\d+$/.test(part))
    .pop();
  const name = names[member ?? ""];
  return name ? words.parts.faultOf(name, faultText(fault)) : faultText(fault);
}

export interface Message {
  text: string;
  /** Faults that no field shows. */
  others: string[];
  /** Only who looks after the server can do something with it. */
  requestId: string | null;
}

/** `fields` are the pointers of fields that show their own faults. */
export function messageOf(problem: Problem, fields: readonly string[]): Message {
  const others = problem.faults.filter((fault) => !fields.some((pointer) => isOf(fault, pointer))).map(told);
  const requestId = problem.status >= 500 ? problem.requestId : null;
  // The sentence of a validation repeats its faults.
  if (problem.code !== "validation_failed" || problem.faults.length === 0)
    return { text: problem.body.detail, others, requestId };
  const [first = "", ...more] = others;
  const marked = problem.faults.length - others.length;
  if (others.length === 0) return { text: words.parts.marked(marked), others, requestId };
  if (more.length === 0 && marked === 0) return { text: first, others: [], requestId };
  return { text: words.parts.faults, others, requestId };
}
