// The token of a guest, who has no cookie. It outlives a reload in its tab, and its tab for as long as the guest holds room.
import { store, stored } from "../stored";
import type { Schemas } from "./problem";

const NAME = "loadmaster.guest";
const CLAIMS = "loadmaster.claims";

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
  store("sessionStorage", CLAIMS, null);
}

type Claims = Record<string, Schemas["Claim"]>;

/** The claim to a booking, which the server shows once: it outlives a reload in its tab, as long as the guest. */
export const claimTo = (ref_id: string): Schemas["Claim"] | undefined =>
  stored<Claims>("sessionStorage", CLAIMS)?.[ref_id];

export function keepClaim(ref_id: string, claim: Schemas["Claim"]): void {
  store("sessionStorage", CLAIMS, { ...stored<Claims>("sessionStorage", CLAIMS), [ref_id]: claim });
}

/** Gives back what a guest holds who signs in, but what is being paid. What fails is left: a hold ends by itself. */
export async function releaseHolds(token: string): Promise<void> {
  const ask = (path: string, init: RequestInit = {}) =>
    fetch(`/api/v1/holds${path}`, { ...init, keepalive: true, headers: { Authorization: `Bearer ${token}` } });
  try {
    const answer = await ask("?status=ACTIVE&limit=100");
    if (!answer.ok) return;
    const held = (await answer.json()) as { id: string }[];
    await Promise.allSettled(held.map(({ id }) => ask(`/${id}/release`, { method: "POST" })));
  } catch {
    // The server is away.
  }
}
