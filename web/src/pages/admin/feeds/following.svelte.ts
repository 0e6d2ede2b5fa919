// What is under way is read again until it has ended.
const EVERY_MS = 2000;

/** Reads again every two seconds while something is under way and the page is looked at. */
export function whileRunning(isRunning: () => boolean, read: () => Promise<void>): void {
  const runs = $derived(isRunning());
  $effect(() => {
    if (!runs) return;
    const timer = setInterval(() => document.visibilityState === "visible" && void read(), EVERY_MS);
    return () => clearInterval(timer);
  });
}
