/** The claim that was opened or entered before signing in. It is kept in memory alone, until somebody signs out. */
export const kept = { claim: "" };
