// What an account chooses for the texts of the console.
import { session } from "../api/session.svelte";
import { storedText, storeText } from "../stored";
import { isLanguage, language, setLanguage } from "./language";
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

/** Keeps the unit of who is signed in for the next visit. */
export function keepUnit(): void {
  if (session.isKnown && !session.isOver) storeText("localStorage", UNIT, session.user?.weight_unit ?? null);
}

/** Shows the language of who is signed in, if it is another one. */
export function showLanguage(): void {
  const chosen = session.isOver ? null : session.user?.language;
  if (chosen && chosen !== language && isLanguage(chosen)) setLanguage(chosen);
}
