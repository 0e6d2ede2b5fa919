// What the API answers when it refuses, and what the console makes of an answer that never came.
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

export class Problem extends Error {
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
  /** The server could not be asked: nothing is known about what it would have said. */
  get isOffline(): boolean {
    return this.code === OFFLINE;
  }
}

/** The code of a problem that the console made, because no answer came. */
export const OFFLINE = "offline";

export function offline(detail: string): Problem {
  return new Problem({ status: 0, code: OFFLINE, title: "Offline", detail });
}

export function asProblem(error: unknown): Problem {
  if (error instanceof Problem) return error;
  return offline(error instanceof Error ? error.message : String(error));
}

export type Schemas = components["schemas"];
