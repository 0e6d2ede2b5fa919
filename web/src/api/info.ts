// What this server is, and how bookings are paid there.
import { api, take } from "./client";
import type { Schemas } from "./problem";

let known: Promise<Schemas["Info"]> | null = null;

/** Asks again: what the server says may have changed since. */
export function freshInfo(): Promise<Schemas["Info"]> {
  known = null;
  return serverInfo();
}

/** Asks the server once; again if it did not answer. */
export function serverInfo(): Promise<Schemas["Info"]> {
  known ??= take(api.GET("/api/v1/info")).then(
    ({ data }) => data,
    (error: unknown) => {
      known = null;
      throw error;
    },
  );
  return known;
}
