// Whether a flight, or the room on it, is another one than what was shown: its manifest is then read again.
import type { StreamEvent } from "../../api/events";
import type { Flight } from "./act";

const stateOf = (flight: Flight): string => JSON.stringify([flight.version, flight.available]);

export class News {
  /** The id of the last event: the version of the flight, and the number of the last change of its room. */
  #id: string | null = null;
  #state: string | null = null;

  /** Takes note of the flight as it was read; whether it differs from the one before. */
  isOther(flight: Flight): boolean {
    const state = stateOf(flight);
    const isOther = this.#state !== null && this.#state !== state;
    this.#state = state;
    return isOther;
  }

  /** Whether an event says more than those before. The first ones of a stream say what is so already. */
  isLater({ id }: StreamEvent): boolean {
    const isLater = this.#id !== null && id !== this.#id;
    this.#id = id;
    return isLater;
  }
}
