// The server's clock: countdowns and cut-offs do not depend on the clock of this machine.

/** Milliseconds that the server is ahead of this machine. */
let ahead = 0;
let isKnown = false;

/** Learns from an answer's `Date`, which has whole seconds: half a second is the best guess. */
export function learnTime(date: string | null, asked: number, answered: number): void {
  if (!date) return;
  const server = Date.parse(date);
  if (Number.isNaN(server)) return;
  const difference = server + 500 - (asked + answered) / 2;
  // A second is the precision of `Date`: a small difference is noise.
  if (!isKnown || Math.abs(difference - ahead) > 1500) {
    ahead = difference;
    clock.now = serverNow();
  }
  isKnown = true;
}

export function serverNow(): number {
  return Date.now() + ahead;
}

class Ticking {
  /** The server's time, in milliseconds, each second. */
  now = $state(Date.now());
  constructor() {
    if (typeof window !== "undefined") setInterval(() => (this.now = serverNow()), 1000);
  }
}

/** The time that pages show and count down by. */
export const clock = new Ticking();
