// An air waybill number: three digits of the airline, seven of the shipment, and the remainder of those by seven.

/** Says what is wrong with a number as far as it was typed; nothing while it may still become one. */
export function awbFault(text: string): "digits" | "length" | "check" | null {
  const bare = text.trim().replace(/[\s-]/g, "");
  if (bare === "") return null;
  if (!/^\d+$/.test(bare)) return "digits";
  if (bare.length > 11) return "length";
  if (bare.length < 11) return null;
  return Number(bare.slice(3, 10)) % 7 === Number(bare[10]) ? null : "check";
}

/** `098-12345675` */
export function awbNumber(text: string): string {
  const bare = text.trim().replace(/[\s-]/g, "");
  return bare.length === 11 ? `${bare.slice(0, 3)}-${bare.slice(3)}` : text.trim();
}
