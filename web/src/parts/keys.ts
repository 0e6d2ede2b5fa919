// Keys that act without a field.
import { choices } from "./theme.svelte";

/** Whether a key acts by itself: single keys are on, and neither a field nor a dialog takes it. */
export function isSingleKey(event: KeyboardEvent): boolean {
  if (!choices.keysAct || event.ctrlKey || event.metaKey || event.altKey) return false;
  const target = event.target instanceof HTMLElement ? event.target : null;
  return !target?.closest("input, select, textarea, [contenteditable], [role='dialog'], [role='combobox']");
}

/** Whether a key is Ctrl-K, or Command-K of a Mac. */
export const isFindKey = (event: KeyboardEvent): boolean =>
  (event.ctrlKey || event.metaKey) && !event.altKey && !event.shiftKey && event.key.toLowerCase() === "k";
