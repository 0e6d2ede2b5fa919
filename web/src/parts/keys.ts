// Keys that act without a field.
import { choices } from "./theme.svelte";

/** Whether a key acts by itself: single keys are on, and neither a field nor a dialog takes it. */
export function isSingleKey(event: KeyboardEvent): boolean {
  if (!choices.keysAct || event.ctrlKey || event.metaKey || event.altKey) return false;
  const target = event.target instanceof HTMLElement ? event.target : null;
  return !target?.closest("input, select, textarea, [contenteditable], [role='dialog'], [role='combobox']");
}

/** Whether a key is Ctrl-K; on a Mac Command-K, as Ctrl-K deletes to the end of a line there. */
export function isFindKey(event: KeyboardEvent, isMac = /^(Mac|iP)/.test(navigator.platform)): boolean {
  const [wanted, other] = isMac ? [event.metaKey, event.ctrlKey] : [event.ctrlKey, event.metaKey];
  return wanted && !other && !event.altKey && !event.shiftKey && event.key.toLowerCase() === "k";
}
