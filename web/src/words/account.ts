// What an account chooses for the texts of the console.
import { session } from "../api/session.svelte";
import { storedText, storeText } from "../stored";
import { isOtherNext, keepAccountLanguage } from "./language";
import { followWeightUnit, type WeightUnit } from "./units";

/** Keeps the unit for this browser, so that it is known before the account is. */
const UNIT = "loadmaster.weight-unit";

/**
 * Follows the unit of who is signed in. While that is not known yet, or waits for the same person to sign in again, it stays as it was:
 * what is typed keeps its meaning. Guests have kilograms.
 */
export function followAccount(): void {
  let last: WeightUnit = storedText("localStorage", UNIT) === "lb" ? "lb" : "kg";
  followWeightUnit(() => {
    if (session.user) last = session.user.weight_unit;
    else if (session.isKnown && !session.isOver) last = "kg";
    return last;
  });
}

/** Keeps unit and language of who is signed in for the next page that is loaded; nothing is left of who signed out. */
export function keepAccount(): void {
  if (!session.isKnown || session.isOver) return;
  storeText("localStorage", UNIT, session.user?.weight_unit ?? null);
  keepAccountLanguage(session.user?.language ?? null);
}

/** Whether the next page has another language than this one, by the account of who is signed in now. */
export function isOtherLanguage(): boolean {
  keepAccount();
  return isOtherNext();
}
