// An air waybill number: three digits of the airline, seven of the shipment, and the remainder of those by seven.

/** Blanks and dashes between the groups of digits. */
const BETWEEN = /[\s\u2010-\u2015\u2212-]/g;

/** Says what is wrong with a number as far as it was typed; nothing while it may still become one. */
export function awbFault(text: string): "digits" | "length" | "check" | null {
  const bare = text.trim().replace(BETWEEN, "");
  if (bare === "") return null;
  if (!/^\d+$/.test(bare)) return "digits";
  if (bare.length > 11) return "length";
  if (bare.length < 11) return null;
  return Number(bare.slice(3, 10)) % 7 === Number(bare[10]) ? null : "check";
}

/** `098-12345675` */
export function awbNumber(text: string): string {
  const bare = text.trim().replace(BETWEEN, "");
  return bare.length === 11 ? `${bare.slice(0, 3)}-${bare.slice(3)}` : text.trim();
}
