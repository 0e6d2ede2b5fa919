// The claim of a guest's booking stands in the fragment of an address, which a browser sends to no server.

/** The code in what was pasted: a code, or the link of the letter. */
export function codeOf(pasted: string): string {
  const text = pasted.trim();
  const code = text.slice(text.indexOf("#") + 1);
  try {
    return decodeURIComponent(code).trim();
  } catch {
    return code;
  }
}

/** The claim in this address; empty without one. `#main`, the target of the link that skips the header, is none. */
export function claimHere(): string {
  const { hash } = window.location;
  return hash === "#main" ? "" : codeOf(hash);
}

/** The address of the page of a guest's booking. */
export const guestAddress = (claim: string): string => `/guest#${encodeURIComponent(claim)}`;
/** The address of the page that moves it to an account. */
export const claimAddress = (claim: string): string => `/claim#${encodeURIComponent(claim)}`;
