// What a screen reader announces without being asked: at most one sentence in five seconds, and the newest wins.

const EVERY_MS = 5000;

class Announcer {
  text = $state("");
  #waiting: string | null = null;
  #last = -EVERY_MS;
  #timer: ReturnType<typeof setTimeout> | null = null;

  say(text: string): void {
    this.#waiting = text;
    if (this.#timer) return;
    const wait = Math.max(0, this.#last + EVERY_MS - performance.now());
    this.#timer = setTimeout(() => {
      this.#timer = null;
      this.#last = performance.now();
      this.text = this.#waiting ?? "";
    }, wait);
  }
}

export const announcer = new Announcer();
export const announce = (text: string): void => announcer.say(text);
