// A booking that is being made: the hold that keeps its room, what is entered for it, and what became of it.
import { api, FormKey, take } from "../../api/client";
import { asProblem, type Problem, type Schemas } from "../../api/problem";
import { serverNow } from "../../api/clock.svelte";
import { session } from "../../api/session.svelte";
import { typedFor, type Typed } from "../../parts/typed";
import { entry, figureOf } from "../../words/parse";
import { setQuery } from "../../router.svelte";

type Hold = Schemas["Hold"];
type Booked = Schemas["CommittedBooking"];

export interface Party {
  name: string;
  street: string;
  postal_code: string;
  city: string;
  country_code: string;
  phone: string;
  email: string;
}

const nobody = (): Party => ({
  name: "",
  street: "",
  postal_code: "",
  city: "",
  country_code: "",
  phone: "",
  email: "",
});

export type Step = "holding" | "shipment" | "review" | "done" | "over";

/** Between two questions whether the payment provider has decided. */
const ASK_AGAIN_MS = 1000;

export class Draft {
  step = $state<Step>("holding");
  hold = $state<Hold | null>(null);
  booked = $state<Booked | null>(null);
  /** The payment provider has not decided yet: the hold keeps its room until then. */
  isPaying = $state(false);
  /** A payment that was taken up again came to nothing: the hold waits for another try. */
  declined = $state(false);
  problem = $state<Problem | null>(null);
  pieces = $state("");
  description = $state("");
  awb = $state("");
  reference = $state("");
  shipper = $state(nobody());
  consignee = $state(nobody());
  contact = $state({ name: "", email: "", phone: "" });
  #etag: string | null = null;
  #key = new FormKey();
  /** Who began it. */
  #person: string | null | undefined;

  constructor(
    /** What was searched for. */
    readonly wanted: { flight_ids: string[]; weight_kg: number; volume_m3?: number; special_handling_codes?: string[] },
    pieces: string,
  ) {
    this.pieces = pieces;
  }

  get ifMatch(): Record<string, string> {
    return this.#etag ? { "If-Match": this.#etag } : {};
  }

  /** Whether who began it is still here: what they typed is of nobody else's concern. */
  get isOwn(): boolean {
    return this.#person === session.person;
  }

  /** Takes up the hold that the address names, or holds room. */
  async begin(holdId: string | null): Promise<void> {
    this.problem = null;
    try {
      await session.asGuest();
      if (this.#person === undefined) this.#person = session.person;
      const typed = holdId ? typedFor(holdId, session.person) : null;
      if (holdId && (await this.#takeUp(holdId, typed))) return;
      const { data, etag } = await take(
        api.POST("/api/v1/holds", { params: { header: this.#key.header }, body: { ...this.wanted } }),
      );
      this.keep(data, etag);
      // The hold is gone, as a guest's is after a reload: what was typed for it is of this one now.
      if (typed) this.#restore(data, typed);
      this.step = "shipment";
      setQuery({ hold: data.id });
    } catch (error) {
      this.problem = asProblem(error);
    }
  }

  async #takeUp(id: string, typed: Typed | null): Promise<boolean> {
    try {
      const hold = await this.#read(id);
      this.#restore(hold, typed);
      if (hold.status === "ACTIVE") this.step = "shipment";
      else if (hold.status === "COMMITTING") void this.#await(id);
      else if (hold.booking_ref) await this.#show(hold.booking_ref);
      else this.step = "over";
      return true;
    } catch (error) {
      if (asProblem(error).status === 404) return false;
      throw error;
    }
  }

  /** Reads the hold again: its version, price and end. What is typed stays. */
  async reread(): Promise<Hold | null> {
    return this.hold && (await this.#read(this.hold.id));
  }

  async #read(id: string): Promise<Hold> {
    const { data, etag } = await take(api.GET("/api/v1/holds/{id}", { params: { path: { id } } }));
    this.keep(data, etag);
    return data;
  }

  /** What is entered, as it is typed. */
  get typed(): Typed {
    const { pieces, description, awb, reference } = this;
    return $state.snapshot({
      ...{ pieces, description, awb, reference },
      shipper: this.shipper,
      consignee: this.consignee,
      contact: this.contact,
    });
  }

  /** What was entered before the page was loaded again: as it was typed, else as the hold has it. */
  #restore(hold: Hold, typed: Typed | null): void {
    if (typed) {
      Object.assign(this, typed);
      return;
    }
    this.description ||= hold.description ?? "";
    this.awb ||= hold.awb_number ?? "";
    this.reference ||= hold.customer_reference ?? "";
    for (const role of ["shipper", "consignee"] as const)
      for (const [name, value] of Object.entries(hold[role] ?? {}))
        if (name in this[role] && value) this[role][name as keyof Party] ||= value;
    const { name, email, phone } = hold.contact ?? {};
    this.contact = { name: name ?? "", email: email ?? "", phone: phone ?? "" };
  }

  /** Follows a payment that was begun before the page was loaded again. */
  async #await(id: string): Promise<void> {
    this.isPaying = true;
    this.step = "review";
    let hold = await this.#read(id);
    while (hold.status === "COMMITTING") {
      await new Promise((resolve) => setTimeout(resolve, ASK_AGAIN_MS));
      // A server that is away is asked again.
      hold = await this.#read(id).catch(() => hold);
    }
    this.isPaying = false;
    if (hold.booking_ref) await this.#show(hold.booking_ref);
    else this.declined = hold.status === "ACTIVE";
  }

  async #show(ref_id: string): Promise<void> {
    this.booked = (await take(api.GET("/api/v1/bookings/{ref_id}", { params: { path: { ref_id } } }))).data;
    this.step = "done";
  }

  keep(hold: Hold, etag: string | null): void {
    this.hold = hold;
    this.#etag = etag;
    this.pieces ||= hold.pieces ? entry(hold.pieces) : "";
  }

  /** The time is up: what was held is free again, unless its payment is under way. The server is asked, whose clock counts. */
  async end(): Promise<void> {
    let hold = await this.reread().catch(() => null);
    while (hold?.status === "ACTIVE") {
      if (Date.parse(hold.expires_at) - serverNow() > ASK_AGAIN_MS) return;
      await new Promise((resolve) => setTimeout(resolve, ASK_AGAIN_MS / 4));
      hold = await this.reread().catch(() => null);
    }
    if (this.step !== "done" && !this.isPaying) this.step = "over";
  }

  /** Books what is held. While the payment provider is undecided, the same key joins the payment that is under way. */
  async commit(body: Schemas["CommitHold"], header: { "Idempotency-Key": string }): Promise<void> {
    const id = this.hold?.id;
    if (!id) return;
    try {
      for (;;) {
        const { data, etag } = await take(
          api.POST("/api/v1/holds/{id}/commit", { params: { path: { id }, header }, body }),
        );
        if ("ref_id" in data) {
          this.booked = data;
          this.step = "done";
          return;
        }
        this.keep(data, etag);
        this.isPaying = true;
        await new Promise((resolve) => setTimeout(resolve, ASK_AGAIN_MS));
      }
    } finally {
      this.isPaying = false;
    }
  }

  /** Forgets a hold that ended and holds again, with another key. */
  async again(): Promise<void> {
    this.#key.renew();
    this.hold = null;
    this.step = "holding";
    await this.begin(null);
  }

  /** What is entered, as changes of the hold. Empty fields are left out: a party without a name is nobody. */
  get changes(): Schemas["AmendHold"] {
    const party = (it: Party) =>
      Object.values(it).some((value) => value.trim() !== "")
        ? Object.fromEntries(Object.entries(it).map(([name, value]) => [name, value.trim() || null]))
        : null;
    return {
      pieces: figureOf(this.pieces) ?? null,
      description: this.description.trim() || null,
      awb_number: this.awb.trim() || null,
      customer_reference: this.reference.trim() || null,
      shipper: party(this.shipper),
      consignee: party(this.consignee),
      contact: this.contact.email.trim()
        ? {
            email: this.contact.email.trim(),
            name: this.contact.name.trim() || null,
            phone: this.contact.phone.trim() || null,
          }
        : null,
    };
  }
}
