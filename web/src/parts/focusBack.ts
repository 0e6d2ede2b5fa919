// Where the focus goes when a dialog closes: to what had it before, or else to the heading of the page.
import { focusHeading } from "../router.svelte";

/** A dialog that was closed is gone some frames later. */
const FRAMES = 30;
/** Whoever does anything has seen where the focus is. */
const DEEDS = ["focusin", "pointerdown", "keydown"] as const;

/** Gives the focus back to `opener`, unless something else took it when the dialog was closed. */
export function focusBack(opener: Element | null, frames = FRAMES): void {
  requestAnimationFrame(() => {
    const holder = document.activeElement ?? document.body;
    if (holder === document.body) giveTo(opener);
    else if (frames > 0 && holder.closest("[role='dialog']")) focusBack(opener, frames - 1);
  });
}

function giveTo(opener: Element | null): void {
  if (opener instanceof HTMLElement && opener !== document.body) {
    opener.focus({ preventScroll: true });
    // What is gone, hidden or disabled does not take it.
    if (document.activeElement === opener) {
      untilGone(opener, () => void focusHeading());
      return;
    }
  }
  void focusHeading();
}

/** Often the button of an act goes when its effect is read: what had the focus until then loses it. */
function untilGone(holder: HTMLElement, gone: () => void): void {
  const observer = new MutationObserver(() => {
    if (holder.isConnected) return;
    stop();
    if (document.activeElement === document.body) gone();
  });
  const stop = (): void => {
    observer.disconnect();
    for (const deed of DEEDS) document.removeEventListener(deed, stop, true);
  };
  for (const deed of DEEDS) document.addEventListener(deed, stop, true);
  observer.observe(document.body, { childList: true, subtree: true });
}
