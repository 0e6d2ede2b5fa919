/** The claim that somebody entered before signing in. It is kept in memory alone. */
export const kept = { claim: "" };
