// How a booking is read, paid and cancelled: by an account, or by the claim of a guest.
import { api, take, type Answer } from "../../api/client";
import type { Schemas } from "../../api/problem";
import type { Terms } from "../../parts/pay/methods";

type Headers = { "Idempotency-Key": string };

export interface Access {
  /** Whoever uses it has no account. */
  isGuest: boolean;
  cancellation(): Promise<Schemas["Cancellation"]>;
  cancel(reason: string | null, headers: Headers & { "If-Match": string }): Promise<Answer<Schemas["Booking"]>>;
  pay(terms: Terms, headers: Headers): Promise<Answer<Schemas["Payment"]>>;
}

export function byAccount(ref_id: string): Access {
  const path = { ref_id };
  return {
    isGuest: false,
    cancellation: async () =>
      (await take(api.GET("/api/v1/bookings/{ref_id}/cancellation", { params: { path } }))).data,
    cancel: (reason, header) =>
      take(api.POST("/api/v1/bookings/{ref_id}/cancel", { params: { path, header }, body: reason ? { reason } : {} })),
    pay: (terms, header) =>
      take(api.POST("/api/v1/bookings/{ref_id}/payments", { params: { path, header }, body: terms })),
  };
}

export function openGuestBooking(claim_token: string): Promise<Answer<Schemas["GuestBooking"]>> {
  return take(api.POST("/api/v1/bookings/guest", { body: { claim_token } }));
}

export function byClaim(claim_token: string): Access {
  return {
    isGuest: true,
    cancellation: async () => (await openGuestBooking(claim_token)).data.cancellation,
    cancel: (reason, header) =>
      take(
        api.POST("/api/v1/bookings/guest/cancel", {
          params: { header },
          body: { claim_token, ...(reason ? { reason } : {}) },
        }),
      ),
    pay: (terms, header) =>
      take(
        api.POST("/api/v1/bookings/guest/payments", {
          params: { header },
          body: { claim_token, payment_token: "payment_token" in terms ? terms.payment_token : "" },
        }),
      ),
  };
}

/** What can be paid for a booking now; nothing while a payment is under way. */
export function dueOf({ payment_status, balance_due }: Schemas["Booking"]): Schemas["Money"] | null {
  return payment_status !== "PROCESSING" && Number(balance_due?.amount ?? 0) > 0 ? balance_due : null;
}
