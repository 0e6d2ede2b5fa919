// What a message says of a problem that fields do not say already.
import { addressOf, faultText, isOf, type Fault, type Problem } from "../api/problem";
import { words } from "../words";

const names: Record<string, string> = words.parts.members;

/** A sentence, and the language of it where the server says it: that is English in every language. */
export interface Said {
  /** The name of the member that a fault is of, with what parts it from the sentence: `Weight: `. */
  name: string;
  text: string;
  lang: "en" | undefined;
}

const own = (text: string): Said => ({ name: "", text, lang: undefined });

/** A fault without a field of its own, with the name of its member: `Weight: must be above 0`. */
function said(fault: Fault): Said {
  const member = addressOf(fault)
    .split("/")
    .filter((part) => part !== "" && !/^\d+$/.test(part))
    .pop();
  const name = names[member ?? ""];
  return { name: name ? words.parts.faultOf(name, "") : "", text: faultText(fault), lang: "en" };
}

export interface Message {
  text: Said;
  /** Faults that no field shows. */
  others: Said[];
  /** Only who looks after the server can do something with it. */
  requestId: string | null;
}

/** `fields` are the pointers of fields that show their own faults. */
export function messageOf(problem: Problem, fields: readonly string[]): Message {
  const others = problem.faults.filter((fault) => !fields.some((pointer) => isOf(fault, pointer))).map(said);
  const requestId = problem.status >= 500 ? problem.requestId : null;
  // The sentence of a validation repeats its faults.
  if (problem.code !== "validation_failed" || problem.faults.length === 0)
    return {
      text: { name: "", text: problem.body.detail, lang: problem.isOfServer ? "en" : undefined },
      others,
      requestId,
    };
  const [first, ...more] = others;
  const marked = problem.faults.length - others.length;
  if (!first) return { text: own(words.parts.marked(marked)), others, requestId };
  if (more.length === 0 && marked === 0) return { text: first, others: [], requestId };
  return { text: own(words.parts.faults), others, requestId };
}
