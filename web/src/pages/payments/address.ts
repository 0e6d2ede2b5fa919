// What the address of the page asks the list of payments for.
export const DUE = ["OPEN", "FAILED", "REFUND"] as const;
export type Due = (typeof DUE)[number];

export interface Asked {
  due?: Due;
  ref_id?: string;
  organization_id?: string;
}

/** The filters of an address; what it shows without one are open payments. Only staff names an organization. */
export function askedBy(query: URLSearchParams, isStaff: boolean): Asked {
  const show = query.get("show") ?? "OPEN";
  const due = DUE.find((known) => known === show);
  const reference = query.get("ref_id");
  const organization = isStaff ? query.get("organization_id") : null;
  return {
    ...(due ? { due } : {}),
    ...(reference ? { ref_id: reference } : {}),
    ...(organization ? { organization_id: organization } : {}),
  };
}

/** The same address with other parameters; null takes one out. */
export function addressWith(query: URLSearchParams, changes: Record<string, string | null>): string {
  const next = new URLSearchParams(query);
  for (const [name, value] of Object.entries(changes)) {
    if (value === null) next.delete(name);
    else next.set(name, value);
  }
  const text = next.toString();
  return text ? `/payments?${text}` : "/payments";
}
