// The script of a provider with the shape of PaymentIntents, and what of it is used: fields that give a payment method, whose
// id is the token.
import { Problem, type Schemas } from "../../api/problem";
import { words } from "../../words";

type Money = Schemas["Money"];
type PaymentFields = Schemas["PaymentFields"];

interface Refusal {
  message?: string;
}
interface Elements {
  create(kind: "payment"): {
    mount(element: HTMLElement): void;
    on(event: "change", changed: () => void): void;
    destroy(): void;
  };
  submit(): Promise<{ error?: Refusal }>;
  update(options: { amount: number }): void;
}
interface Provider {
  elements(options: Record<string, unknown>): Elements;
  createPaymentMethod(of: { elements: Elements }): Promise<{ error?: Refusal; paymentMethod?: { id: string } }>;
}
type Provide = (publishableKey: string) => Provider;

/** Fields that are shown. */
export interface Hosted {
  token(): Promise<string>;
  update(amount: Money): void;
  end(): void;
}

/** The provider, or its fields, give no token. */
export function notTaken(sentence: string | undefined): Problem {
  const detail = sentence || words.payment.notTaken;
  return new Problem({ status: 0, code: "payment_fields", title: words.payment.title, detail });
}

/** Currencies whose amounts the provider takes in hundredths, although they have none. */
const HUNDREDTHS = ["ISK", "UGX"];
/** Currencies whose amounts it takes in whole units. */
const WHOLE = ["MGA"];

/** The amount in the units of the provider: `12.50 USD` is 1250. */
export function units({ amount, currency }: Money): number {
  if (WHOLE.includes(currency)) return Math.round(Number(amount));
  const minor = Number(amount.replace(".", ""));
  return HUNDREDTHS.includes(currency) && !amount.includes(".") ? minor * 100 : minor;
}

interface TrustedTypes {
  defaultPolicy: unknown;
  createPolicy(name: string, rules: { createScriptURL: (address: string) => string }): unknown;
}

/** The page admits scripts of the provider's origin, which its script itself loads, and none else. */
function admit(origin: string): void {
  const { trustedTypes } = window as unknown as { trustedTypes?: TrustedTypes };
  if (!trustedTypes || trustedTypes.defaultPolicy) return;
  trustedTypes.createPolicy("default", {
    createScriptURL(address) {
      if (new URL(address, window.location.href).origin !== origin) throw new TypeError("A script of another host.");
      return address;
    },
  });
}

let loading: Promise<Provide> | null = null;

/** Loads the provider's script, once. */
function load(address: string): Promise<Provide> {
  loading ??= new Promise<Provide>((done, failed) => {
    admit(new URL(address).origin);
    const script = document.createElement("script");
    script.src = address;
    script.async = true;
    script.addEventListener("load", () => {
      const provide = (window as unknown as { Stripe?: Provide }).Stripe;
      if (provide) done(provide);
      else failed(notTaken(words.payment.notLoaded));
    });
    script.addEventListener("error", () => failed(notTaken(words.payment.notLoaded)));
    document.head.append(script);
  }).catch((error: unknown) => {
    loading = null;
    throw error;
  });
  return loading;
}

/** Shows the fields for an amount in an element; `onchange` learns that something else is entered. */
export async function mount(
  fields: PaymentFields,
  amount: Money,
  element: HTMLElement,
  onchange: () => void,
): Promise<Hosted> {
  const provide = await load(fields.script_url);
  return fieldsOf(provide(fields.publishable_key), amount, element, onchange);
}

export function fieldsOf(provider: Provider, amount: Money, element: HTMLElement, onchange: () => void): Hosted {
  const elements = provider.elements({
    mode: "payment",
    amount: units(amount),
    currency: amount.currency.toLowerCase(),
    captureMethod: "manual",
    paymentMethodCreation: "manual",
  });
  const shown = elements.create("payment");
  shown.on("change", onchange);
  shown.mount(element);
  return {
    async token() {
      const { error } = await elements.submit();
      if (error) throw notTaken(error.message);
      const made = await provider.createPaymentMethod({ elements });
      if (made.error || !made.paymentMethod) throw notTaken(made.error?.message);
      return made.paymentMethod.id;
    },
    update: (changed) => elements.update({ amount: units(changed) }),
    end: () => shown.destroy(),
  };
}
