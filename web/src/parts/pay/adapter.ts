// How a page gets a payment token: one adapter for each provider that the server can have. Card data goes from the adapter's
// fields to the provider; the page and the server see the token alone.
import type { Component } from "svelte";
import { serverInfo } from "../../api/info";
import type { FieldFault, Schemas } from "../../api/problem";
import HostedFields from "./HostedFields.svelte";
import TestFields from "./TestFields.svelte";
import TokenField from "./TokenField.svelte";

export type PaymentOptions = Schemas["PaymentOptions"];
type Money = Schemas["Money"];

/** What an adapter's fields can do. */
export interface Adapter {
  /** Returns a token for the amount that is shown; throws a `Problem` that the page shows if the fields do not give one. */
  token(): Promise<string>;
}

export interface AdapterProps {
  amount: Money;
  options: PaymentOptions;
  fault: FieldFault | null;
  /** Something else is entered where the page does not see it. */
  onchange: () => void;
}

/** The fields of the provider in use; nothing where nobody can pay by a token. */
export function adapterOf(options: PaymentOptions): Component<AdapterProps, Adapter> | null {
  if (options.provider === null) return null;
  if (options.provider === "test") return TestFields;
  // Without the provider's public key its fields cannot be shown: a token of the payer's own app can be entered.
  return options.fields ? HostedFields : TokenField;
}

/** Returns how bookings can be paid at this server. */
export async function paymentOptions(): Promise<PaymentOptions> {
  return (await serverInfo()).payments;
}
