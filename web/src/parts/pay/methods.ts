// Which methods of payment are offered to whom.
import { api } from "../../api/client";
import type { Schemas } from "../../api/problem";
import { session } from "../../api/session.svelte";
import { words } from "../../words";
import type { Adapter, PaymentOptions } from "./adapter";
import { notTaken } from "./hosted";

type Money = Schemas["Money"];

export type Method = "token" | "account" | "later" | "invoice";
export type Terms = { payment_token: string } | { payment_method: "ACCOUNT" } | Record<string, never>;

interface Asked {
  options: Pick<PaymentOptions, "provider" | "guests_on_invoice">;
  /** What the organization may still charge; nothing without credit. */
  available: Money | null;
  amount: Money;
  isBooking: boolean;
  isGuest: boolean;
}

/** The methods that the server accepts, the usual one first. */
export function methodsOf({ options, available, amount, isBooking, isGuest }: Asked): Method[] {
  const token: Method[] = options.provider === null ? [] : ["token"];
  if (isGuest) {
    // Without a provider nobody can pay here: the carrier bills what is booked.
    const onInvoice = options.guests_on_invoice || options.provider === null;
    return isBooking && onInvoice ? [...token, "invoice"] : token;
  }
  const hasCredit = available?.currency === amount.currency && Number(available.amount) >= Number(amount.amount);
  return [...(isBooking ? (["later"] as const) : []), ...(hasCredit ? (["account"] as const) : []), ...token];
}

/**
 * Returns what the request says of the payment. Nothing is said of one on an invoice, of a later one, and where nothing can be paid.
 * Throws a `Problem` while the methods are not known, or the fields of the provider are not there.
 */
export async function termsOf(method: Method | null, isKnown: boolean, adapter: Adapter | null): Promise<Terms> {
  if (method === "account") return { payment_method: "ACCOUNT" };
  if (method === "token" && adapter) return { payment_token: await adapter.token() };
  if (method === "token" || !isKnown) throw notTaken(words.payment.notLoaded);
  return {};
}

/** Returns what the user's organization may still charge on its credit account; nothing without one. */
export async function credit(): Promise<Money | null> {
  const id = session.user?.organization_id;
  if (!id) return null;
  const asked = await api.GET("/api/v1/organizations/{id}/credit", { params: { path: { id } } });
  return asked.data?.available ?? null;
}
