// The claim of a guest's booking stands in the fragment of an address, which a browser sends to no server.

/** The claim in this address; nothing without one. */
export function claimHere(): string {
  return decodeURIComponentSafe(window.location.hash.slice(1)).trim();
}

function decodeURIComponentSafe(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return "";
  }
}

/** The address of the page of a guest's booking. */
export const guestAddress = (claim: string): string => `/guest#${encodeURIComponent(claim)}`;
/** The address of the page that moves it to an account. */
export const claimAddress = (claim: string): string => `/claim#${encodeURIComponent(claim)}`;

/** The code in what somebody pasted: a code, or the link of the letter. */
export function codeOf(pasted: string): string {
  const text = pasted.trim();
  return text.slice(text.indexOf("#") + 1);
}
