// The token of a guest, who has no cookie. It outlives a reload in its tab, and its tab for as long as the guest holds room.
import { store, stored } from "../stored";

const NAME = "loadmaster.guest";

export interface GuestToken {
  token: string;
  /** In milliseconds, by the clock of this machine. */
  expires: number;
}

interface Shared extends GuestToken {
  /** The end of the last hold. */
  until: number;
}

/** The token of this tab, or of a guest who still holds room. */
export function keptGuest(): GuestToken | null {
  const own = stored<GuestToken>("sessionStorage", NAME);
  if (own) return own;
  const shared = stored<Shared>("localStorage", NAME);
  return shared && Date.now() < shared.until ? shared : null;
}

/** Keeps a token for its tab, and until a time for all. */
export function keepGuest({ token, expires }: GuestToken, until: number | null): void {
  store("sessionStorage", NAME, { token, expires });
  if (until !== null) store("localStorage", NAME, { token, expires, until } satisfies Shared);
  else if (stored<Shared>("localStorage", NAME)?.token === token) store("localStorage", NAME, null);
}

export function forgetGuest(): void {
  store("sessionStorage", NAME, null);
  store("localStorage", NAME, null);
}
