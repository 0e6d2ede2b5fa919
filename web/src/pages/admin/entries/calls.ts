// The actions on many airports, airlines or aircraft at once.
import { raw } from "../../../api/client";
import type { Schemas } from "../../../api/problem";
import { sent } from "../edit/calls";

export async function act(
  path: string,
  action: string,
  ids: string[],
  key: { "Idempotency-Key": string },
): Promise<Schemas["BulkResult"]> {
  const answer = await raw(`${path}/bulk`, sent("POST", { action, ids }, key));
  return (await answer.json()) as Schemas["BulkResult"];
}
