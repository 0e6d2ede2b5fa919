// A booking that is being made: the hold that keeps its room, what is entered for it, and what became of it.
import { api, FormKey, take } from "../../api/client";
import { asProblem, type Problem, type Schemas } from "../../api/problem";
import { session } from "../../api/session.svelte";
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

export class Draft {
  step = $state<Step>("holding");
  hold = $state<Hold | null>(null);
  booked = $state<Booked | null>(null);
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

  /** Takes up the hold that the address names, or holds room. */
  async begin(holdId: string | null): Promise<void> {
    this.problem = null;
    try {
      await session.asGuest();
      if (holdId && (await this.#takeUp(holdId))) return;
      const { data, etag } = await take(
        api.POST("/api/v1/holds", { params: { header: this.#key.header }, body: { ...this.wanted } }),
      );
      this.keep(data, etag);
      this.step = "shipment";
      setQuery({ hold: data.id });
    } catch (error) {
      this.problem = asProblem(error);
    }
  }

  async #takeUp(id: string): Promise<boolean> {
    try {
      const { data, etag } = await take(api.GET("/api/v1/holds/{id}", { params: { path: { id } } }));
      this.keep(data, etag);
      if (data.status === "ACTIVE") this.step = "shipment";
      else this.step = "over";
      return true;
    } catch (error) {
      if (asProblem(error).status === 404) return false;
      throw error;
    }
  }

  keep(hold: Hold, etag: string | null): void {
    this.hold = hold;
    this.#etag = etag;
    this.pieces ||= hold.pieces ? String(hold.pieces) : "";
  }

  /** The time is up: what was held is free again. */
  end(): void {
    if (this.step !== "done") this.step = "over";
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
    const pieces = this.pieces.trim();
    const party = (it: Party) =>
      Object.values(it).some((value) => value.trim() !== "")
        ? Object.fromEntries(Object.entries(it).map(([name, value]) => [name, value.trim() || null]))
        : null;
    return {
      pieces: pieces === "" ? null : (Number(pieces) as Schemas["Pieces"]),
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
