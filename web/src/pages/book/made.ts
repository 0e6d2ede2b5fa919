// The hold that this tab made for an option. Another option that is chosen in this tab takes its place, also after a reload.
import { FormKey } from "../../api/client";
import { pause } from "../../api/patience";
import { asProblem, type Problem, type Schemas } from "../../api/problem";
import { holds } from "../../parts/holds.svelte";
import { store, stored } from "../../stored";

const NAME = "loadmaster.made";
/** Before a release that failed is sent once more. */
const AGAIN_MS = 1000;

/** What room was asked for. */
export interface Wanted {
  flight_ids: string[];
  weight_kg: number;
  volume_m3?: number;
  dimensions?: Schemas["NewDimensionLine"][];
  special_handling_codes?: string[];
  /** At the price of this quote. */
  quote_id?: string;
  product?: string;
}

export interface Made {
  hold: string;
  /** The version that this tab knows: a hold that changed elsewhere stays. */
  etag: string | null;
  /** The id of the user who made it; nothing of a guest. */
  person: string | null;
  wanted: Wanted;
  /** The mark of what the booking is made by (`AGAIN`), if it is made again. */
  mark: string | null;
}

/** The hold that this person made last in this tab, unless it is being paid or over. */
export function madeBy(person: string | null): Made | null {
  const made = stored<Made>("sessionStorage", NAME);
  return made?.person === person ? made : null;
}

export const keepMade = (made: Made): void => store("sessionStorage", NAME, made);

/** Keeps it again, unless another was made meanwhile. */
export function keepMadeAgain(made: Made): void {
  if (stored<Made>("sessionStorage", NAME) === null) keepMade(made);
}

export function forgetMade(hold: string): void {
  if (stored<Made>("sessionStorage", NAME)?.hold === hold) store("sessionStorage", NAME, null);
}

/** Whether what another option is refused for may be what a hold keeps. */
export function isObstacle(made: Made, wanted: Wanted, problem: Problem): boolean {
  if (problem.code === "hold_limit_exceeded" && problem.extra("limit") === "active") return true;
  const isOfFlight = ["capacity_exceeded", "position_taken", "hold_limit_exceeded"].includes(problem.code);
  return isOfFlight && made.wanted.flight_ids.some((id) => wanted.flight_ids.includes(id));
}

const lockOf = (hold: string) => `loadmaster.hold.${hold}`;

/** Lets other tabs know that this one shows a hold, until what it returns is called. */
export function showing(hold: string): () => void {
  let end: () => void = () => undefined;
  const ended = new Promise<void>((resolve) => (end = resolve));
  // Without locks, as where the page came unencrypted, versions alone keep tabs apart.
  void navigator.locks?.request(lockOf(hold), { mode: "shared" }, () => ended);
  return end;
}

async function isShownElsewhere(hold: string): Promise<boolean> {
  if (!navigator.locks) return false;
  return navigator.locks.request(lockOf(hold), { ifAvailable: true }, (lock) => lock === null);
}

/**
 * Gives back the hold of an option that was left, unless another tab shows it or changed it. Nobody waits for that: what fails is
 * sent once more, and a hold ends by itself.
 */
export async function leave(made: Made): Promise<void> {
  if (await isShownElsewhere(made.hold)) return;
  const header = { ...new FormKey().header, ...(made.etag ? { "If-Match": made.etag } : {}) };
  const attempt = async () => {
    try {
      await holds.release(made.hold, header);
      return true;
    } catch (error) {
      const { isOffline, status } = asProblem(error);
      return !isOffline && status < 500;
    }
  };
  if (await attempt()) return;
  await pause(AGAIN_MS);
  await attempt();
}
