// Payments that are decided later, at the bank of the payer: no stream reports them.
import type { Schemas } from "../../api/problem";

const EVERY_MS = 5000;

/** Whether a payment of these is not decided yet. */
export const isUndecided = (payments: readonly Pick<Schemas["Payment"], "status">[]): boolean =>
  payments.some(({ status }) => status === "CREATED" || status === "PROCESSING" || status === "REQUIRES_ACTION");

/** Reads every few seconds while the page is seen, and when it is seen again; returns what ends that. */
export function readRepeatedly(read: () => void): () => void {
  const seen = () => {
    if (!document.hidden) read();
  };
  const timer = setInterval(seen, EVERY_MS);
  document.addEventListener("visibilitychange", seen);
  return () => {
    clearInterval(timer);
    document.removeEventListener("visibilitychange", seen);
  };
}
