// What the API answers when it refuses, and what the console makes of an answer that never came.
import { words } from "../words";
import type { components } from "./schema";

export interface Fault {
  in: "body" | "query" | "header";
  pointer: string | null;
  name: string | null;
  code: string;
  message: string;
  row?: number;
  column?: string;
  value?: string;
}

/** The field that a fault is about: its pointer (`/weight_kg`), or its name in a query. */
export const addressOf = (fault: Fault): string => fault.pointer ?? fault.name ?? "";

/** Whether a fault is of a field, or of an entry of its list: `/special_handling_codes/0`. */
export const isOf = (fault: Fault, pointer: string): boolean =>
  addressOf(fault).replace(/\/\d+$/, "") === pointer || addressOf(fault) === pointer;

/** What is wrong, as it is said at the field itself: without the name of the API's member. */
export function faultText(fault: Fault): string {
  const bare = fault.message.replace(/^`[^`]+` /, "");
  return bare.charAt(0).toUpperCase() + bare.slice(1);
}

/** Sentences of the server at a field: they are in English, whatever the language of the page. */
export interface ServerFault {
  text: string;
  lang: "en";
}
/** What is wrong with a field: in the words of the console, or in those of the server. */
export type FieldFault = string | ServerFault;

export const ofServer = (texts: readonly string[]): ServerFault | null =>
  texts.length > 0 ? { text: texts.join(" "), lang: "en" } : null;
export const textOf = (fault: FieldFault): string => (typeof fault === "string" ? fault : fault.text);
export const langOf = (fault: FieldFault): "en" | undefined => (typeof fault === "string" ? undefined : fault.lang);

/** A problem document, with the members that a code adds. */
export interface ProblemBody {
  status: number;
  code: string;
  title: string;
  detail: string;
  request_id?: string;
  errors?: Fault[];
  [more: string]: unknown;
}

export interface Again {
  /** How often the server had come back before. */
  returns: number;
  send: () => void;
  /** Gives up sending it. */
  withdraw: () => void;
}

export class Problem extends Error {
  /** Sends again what got no answer: whoever shows the problem does so when the server is back. */
  again: Again | null = null;

  constructor(
    readonly body: ProblemBody,
    readonly etag: string | null = null,
  ) {
    super(body.detail);
  }
  get code(): string {
    return this.body.code;
  }
  get status(): number {
    return this.body.status;
  }
  /** A member that the code adds. */
  extra(name: string): unknown {
    return this.body[name];
  }
  get requestId(): string | null {
    return this.body.request_id ?? null;
  }
  get faults(): Fault[] {
    return this.body.errors ?? [];
  }
  /** The server says it: its sentences are in English. */
  get isOfServer(): boolean {
    return this.status !== 0 && this.code !== UNKNOWN;
  }
  /** The server could not be asked: nothing is known about what it would have said. */
  get isOffline(): boolean {
    return this.code === OFFLINE;
  }
}

/** The code of a problem that the console made of an answer without an explanation. */
const UNKNOWN = "unknown";
/** The code of a problem that the console made, because no answer came. */
export const OFFLINE = "offline";

export function offline(detail: string): Problem {
  return new Problem({ status: 0, code: OFFLINE, title: "Offline", detail });
}

/** The problem of an answer, also of one that a proxy made. */
export function problemOf(body: unknown, response: Response): ProblemBody {
  if (body && typeof body === "object" && "detail" in body) return body as ProblemBody;
  return {
    status: response.status,
    code: UNKNOWN,
    title: response.statusText,
    detail: words.shell.unexplained(response.status),
    request_id: response.headers.get("X-Request-Id") ?? "",
  };
}

/** A fault of the console itself is shown as such, without the words of its language. */
export function asProblem(error: unknown): Problem {
  if (error instanceof Problem) return error;
  // An answer that broke off while it was read.
  if (error instanceof Error && /abort|fetch|network|load failed/i.test(`${error.name} ${error.message}`))
    return offline(words.shell.unreachable);
  console.error(error);
  return new Problem({ status: 0, code: "console", title: "Console", detail: words.shell.broken });
}

export type Schemas = components["schemas"];
