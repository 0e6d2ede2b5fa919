/** The papers of a booking. */
export const KINDS = ["confirmation", "labels", "sheet"] as const;
export type Kind = (typeof KINDS)[number];
