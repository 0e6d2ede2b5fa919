// A booking that is being made: the hold that keeps its room, what is entered for it, and what became of it.
import { api, FormKey, take, type Answer } from "../../api/client";
import { claimTo, keepClaim } from "../../api/guest";
import { asProblem, isOf, type Problem, type Schemas } from "../../api/problem";
import { serverNow } from "../../api/clock.svelte";
import { pause } from "../../api/patience";
import { session } from "../../api/session.svelte";
import { forgetAgain, type Again } from "../../parts/again";
import { announce } from "../../parts/announce.svelte";
import { dimensionsOf } from "../../parts/dimensions";
import { sizesOf } from "../../parts/dimensionTexts";
import { holds, ownHolds, type Hold } from "../../parts/holds.svelte";
import { forgetTyped, typedFor, type Typed } from "../../parts/typed";
import { words } from "../../words";
import { entry, figureOf } from "../../words/parse";
import { setQuery } from "../../router.svelte";
import { isEmpty, membersOf, nobody, partyOf, type Party } from "./party";
import { forgetMade, isObstacle, keepMade, keepMadeAgain, leave, madeBy, type Made, type Wanted } from "./made";

type Booked = Schemas["CommittedBooking"];

export type Step = "holding" | "shipment" | "review" | "done" | "over";

/** The price of a quote cannot be had any more: it is over, of other freight, or its sale is used up. */
const PRICE_GONE = ["quote_expired", "price_changed", "discount_not_applicable"];

/** Between two questions whether the payment provider has decided. */
const ASK_AGAIN_MS = 1000;

export class Draft {
  step = $state<Step>("holding");
  hold = $state<Hold | null>(null);
  booked = $state<Booked | null>(null);
  /** A commit is under way, from its first request to its last answer. */
  isCommitting = $state(false);
  /** A payment that was taken up again came to nothing: the hold waits for another try. */
  declined = $state(false);
  problem = $state<Problem | null>(null);
  pieces = $state("");
  /** The dimensions, as an address has them. */
  sizes = $state("");
  /** Staff takes pieces along that pass through no door. */
  acceptsOversize = $state(false);
  description = $state("");
  awb = $state("");
  reference = $state("");
  shipper = $state(nobody());
  consignee = $state(nobody());
  contact = $state({ name: "", email: "", phone: "" });
  /** The price of the hold before, which the room was held again for. */
  #priceBefore: Schemas["Money"] | null = null;
  /** What a hold is asked for: what was searched for, and the quote that it is held at. */
  #asked: Wanted;
  #etag: string | null = null;
  #key = new FormKey();
  /** Who began it. */
  #person: string | null | undefined;
  /** The form is not shown any more. */
  #isLeft = false;
  #isSettling = false;
  /** The hold was seen while it was being paid. */
  #wasPaying = false;
  /** What the booking before had is entered, or what was typed since: what was cleared stays empty. */
  #isFilled = false;

  constructor(
    /** What was searched for. */
    private wanted: Wanted,
    pieces: string,
    /** Learns which hold the form is for. */
    private readonly onheld: (id: string) => void,
    /** The booking that is made again, if one is. */
    private readonly earlier: () => Again | null = () => null,
    private readonly mark: string | null = null,
  ) {
    this.pieces = pieces;
    this.#asked = wanted;
  }

  /** The payment provider has not decided yet: the hold keeps its room until then. */
  get isPaying(): boolean {
    return this.step !== "done" && this.hold?.status === "COMMITTING";
  }

  /** What becomes of the hold is being decided: until then it can be neither changed nor booked again. */
  get isUndecided(): boolean {
    return this.isCommitting || this.isPaying;
  }

  /** No room is held, as the price that it was asked for cannot be had any more: today's can. */
  get isPriceGone(): boolean {
    const { problem } = this;
    if (!problem || this.hold || !this.#asked.quote_id) return false;
    return PRICE_GONE.includes(problem.code) || problem.faults.some((fault) => isOf(fault, "/quote_id"));
  }

  /** The price before the room was held again, and now, if it is another one. */
  get otherPrice(): { before: Schemas["Money"]; now: Schemas["Money"] } | null {
    const [before, now] = [this.#priceBefore, this.hold?.quote?.total];
    if (!before || !now || (before.amount === now.amount && before.currency === now.currency)) return null;
    return { before, now };
  }

  get #accepted(): { accept_oversize?: true } {
    return this.acceptsOversize ? { accept_oversize: true } : {};
  }

  /** What is asked for is another request now. */
  renewKey(): void {
    this.#key.renew();
  }

  get ifMatch(): Record<string, string> {
    return this.#etag ? { "If-Match": this.#etag } : {};
  }

  /** Whether who began it is still here: what they typed is of nobody else's concern. */
  get isOwn(): boolean {
    return this.#person === session.person;
  }

  /** Takes up the hold that the address names or that this tab made for the same option, or holds room. */
  async begin(holdId: string | null): Promise<void> {
    this.problem = null;
    try {
      await session.asGuest();
      if (this.#person === undefined) {
        this.#person = session.person;
        const product = this.wanted.quote_id ? null : this.earlier()?.product;
        if (product) this.#asked = this.wanted = { product, ...this.wanted };
      }
      const typed = holdId ? typedFor(holdId, session.person) : null;
      if (holdId && (await this.#takeUp(holdId, typed))) return;
      const before = madeBy(session.person);
      if (!holdId && before && (await this.#takeUpAgain(before))) return;
      const { data, etag } = await this.#make(before);
      const last = madeBy(session.person);
      const made = { hold: data.id, etag, person: session.person, wanted: this.wanted, mark: this.mark };
      // While this was asked for, the form was left for another option, which has its room by now.
      if (this.#isLeft && last && last.hold !== before?.hold) return void leave(made);
      keepMade(made);
      this.keep(data, etag);
      if (before) void leave(before);
      // The hold is gone, as a guest's is whose token is: what was typed for it is of this one now.
      if (typed) this.#restore(data, typed);
      else this.#fill();
      this.step = "shipment";
      this.#address(data.id);
    } catch (error) {
      this.problem = asProblem(error);
    }
  }

  /** Holds room. What the option before keeps may be what is missing: it is given back first if nothing else helps. */
  async #make(before: Made | null): Promise<Answer<Hold>> {
    await session.outlastHold(async () => (await ownHolds()).length === 0);
    const body = { ...this.#asked, ...this.#accepted };
    const ask = () => take(api.POST("/api/v1/holds", { params: { header: this.#key.header }, body }));
    try {
      return await ask();
    } catch (error) {
      if (!before || !isObstacle(before, this.wanted, asProblem(error))) throw error;
      await leave(before);
      return ask();
    }
  }

  /** Whether this tab holds room for this option already, for a booking made by the same. */
  async #takeUpAgain(before: Made): Promise<boolean> {
    if (before.mark !== this.mark || JSON.stringify(before.wanted) !== JSON.stringify(this.wanted)) return false;
    const found = await take(api.GET("/api/v1/holds/{id}", { params: { path: { id: before.hold } } })).catch(
      () => null,
    );
    if (found?.data.status !== "ACTIVE") return false;
    this.keep(found.data, found.etag);
    this.#restore(found.data, typedFor(before.hold, session.person));
    this.#fill();
    this.step = "shipment";
    this.#address(before.hold);
    return true;
  }

  #address(hold: string): void {
    if (!this.#isLeft) setQuery({ hold });
  }

  /** The form is shown no more. */
  left(): void {
    this.#isLeft = true;
  }

  async #takeUp(id: string, typed: Typed | null): Promise<boolean> {
    const hold = await this.#read(id).catch((error: unknown) => {
      if (asProblem(error).status !== 404) throw error;
    });
    if (!hold) return false;
    this.#restore(hold, typed);
    if (hold.status === "ACTIVE") this.step = "shipment";
    else if (!(await this.#isSettled(hold))) void this.settle();
    return true;
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
    const { pieces, sizes, acceptsOversize, description, awb, reference } = this;
    return $state.snapshot({
      ...{ pieces, sizes, acceptsOversize, description, awb, reference },
      shipper: this.shipper,
      consignee: this.consignee,
      contact: this.contact,
    });
  }

  /** What was entered before the page was loaded again: as it was typed, else as the hold has it. */
  #restore(hold: Hold, typed: Typed | null): void {
    if (typed) {
      Object.assign(this, typed);
      this.#isFilled = true;
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

  /** Enters what the earlier booking has, once, where nothing is entered. */
  #fill(): void {
    const earlier = this.#isFilled ? null : this.earlier();
    this.#isFilled = true;
    if (!earlier) return;
    this.description ||= earlier.description ?? "";
    for (const role of ["shipper", "consignee"] as const) if (isEmpty(this[role])) this[role] = partyOf(earlier[role]);
    if (isEmpty(this.contact) && earlier.contact) this.contact = { ...earlier.contact };
  }

  /**
   * Reads the hold until its status is final or it can be booked, and shows the step of that status. The server is asked, whose
   * clock counts; a read without an answer is repeated. A commit under way does the same by itself.
   */
  async settle(): Promise<void> {
    if (this.#isSettling) return;
    this.#isSettling = true;
    this.problem = null;
    try {
      while (this.hold && this.#isOfInterest) {
        try {
          const hold = await this.#read(this.hold.id);
          if (this.#isOfInterest && (await this.#isSettled(hold))) return;
        } catch (error) {
          const { isOffline, status } = asProblem(error);
          if (!isOffline && status < 500) throw error;
        }
        await pause(ASK_AGAIN_MS);
      }
    } catch (error) {
      this.problem = asProblem(error);
    } finally {
      this.#isSettling = false;
    }
  }

  /** A form that was left follows its payment alone. */
  get #isOfInterest(): boolean {
    const isOpen = this.step !== "done" && this.step !== "over" && !this.isCommitting;
    return isOpen && (!this.#isLeft || this.isPaying || Boolean(this.hold?.booking_ref));
  }

  /** Shows the step of the hold's status; returns whether that lasts. */
  async #isSettled(hold: Hold): Promise<boolean> {
    if (hold.booking_ref) {
      await this.#show(hold.booking_ref);
      return true;
    }
    if (hold.status === "COMMITTING") {
      this.#wasPaying = true;
      this.step = "review";
      return false;
    }
    if (hold.status === "ACTIVE") {
      this.declined = this.#wasPaying;
      return Date.parse(hold.expires_at) - serverNow() > ASK_AGAIN_MS;
    }
    if (hold.status !== "EXPIRED" && hold.status !== "RELEASED") return false;
    this.step = "over";
    return true;
  }

  async #show(ref_id: string): Promise<void> {
    this.#done((await take(api.GET("/api/v1/bookings/{ref_id}", { params: { path: { ref_id } } }))).data);
  }

  #done(booked: Booked): void {
    // The claim is in the answer to the commit alone.
    if (booked.claim) keepClaim(booked.ref_id, booked.claim);
    const claim = booked.claim ?? claimTo(booked.ref_id);
    this.booked = { ...booked, ...(claim && { claim }) };
    this.step = "done";
    if (this.hold) forgetTyped(this.hold.id);
    if (this.earlier()) forgetAgain();
    if (this.#isLeft) announce(words.book.isBooked(booked.ref_id));
  }

  keep(hold: Hold, etag: string | null): void {
    const had = this.#heldSizes;
    this.hold = hold;
    const has = this.#heldSizes;
    // What was typed stays; dimensions that were sent have brought their pieces along.
    if (this.sizes === had) this.sizes = has;
    else if (this.sizes === has && hold.pieces) this.pieces = entry(hold.pieces);
    this.#etag = etag;
    if (!this.#isLeft) this.onheld(hold.id);
    holds.learn(hold);
    const made = madeBy(session.person);
    if (made?.hold === hold.id && hold.status === "ACTIVE") keepMade({ ...made, etag });
    else if (hold.status !== "ACTIVE") forgetMade(hold.id);
    this.pieces ||= hold.pieces ? entry(hold.pieces) : "";
  }

  get #heldSizes(): string {
    return sizesOf(this.hold?.dimensions ?? []);
  }

  /** Pieces and dimensions were sent: they are written as they are held. */
  follow(): void {
    this.sizes = this.#heldSizes;
    this.pieces = this.hold?.pieces ? entry(this.hold.pieces) : "";
  }

  /** Books what is held. While the payment provider is undecided, the same key joins the payment that is under way. */
  async commit(body: Schemas["CommitHold"], header: { "Idempotency-Key": string }): Promise<void> {
    const id = this.hold?.id;
    if (!id) return;
    const made = madeBy(session.person);
    // It is paid from now on, or booked: another option does not take its place, unless this is refused.
    forgetMade(id);
    this.isCommitting = true;
    this.problem = null;
    this.declined = this.#wasPaying = false;
    const asked = { ...body, ...this.#accepted };
    try {
      for (;;) {
        const { data, etag } = await take(
          api.POST("/api/v1/holds/{id}/commit", { params: { path: { id }, header }, body: asked }),
        );
        if ("ref_id" in data) {
          holds.forget(id);
          this.#done(data);
          return;
        }
        this.keep(data, etag);
        await pause(ASK_AGAIN_MS);
      }
    } catch (error) {
      const { isOffline, status } = asProblem(error);
      if (made?.hold === id && !isOffline && status < 500) {
        keepMadeAgain(made);
        // The attempt has changed it: who leaves at once gives back the version that there is now.
        await this.reread().catch(() => null);
      }
      throw error;
    } finally {
      this.isCommitting = false;
    }
  }

  /** Gives the room back. What is entered stays. */
  async giveBack(header: { "Idempotency-Key": string }): Promise<void> {
    if (!this.hold) return;
    const { data, etag } = await holds.release(this.hold.id, header);
    this.keep(data, etag);
    this.step = "over";
  }

  /** Forgets a hold that ended and holds again, with another key: the same product, at the same quote. */
  async again(): Promise<void> {
    const { quote, product } = this.hold ?? {};
    this.#asked = { ...this.wanted, ...(quote ? { quote_id: quote.id } : {}), ...(product ? { product } : {}) };
    this.#priceBefore = quote?.total ?? null;
    this.hold = null;
    await this.#anew();
  }

  /** Holds at the price of today. What is entered stays. */
  async atTodaysPrice(): Promise<void> {
    this.#asked = { ...this.#asked };
    delete this.#asked.quote_id;
    await this.#anew();
  }

  async #anew(): Promise<void> {
    this.#key.renew();
    this.step = "holding";
    await this.begin(null);
  }

  /** What is entered, as changes of the hold. Empty fields are left out: a party without a name is nobody. */
  get changes(): Schemas["AmendHold"] {
    const party = (it: Party) => (isEmpty(it) ? null : membersOf(it));
    const isSized = this.sizes !== this.#heldSizes;
    // New dimensions bring pieces along, unless others are typed.
    const isBrought = isSized && this.sizes !== "" && figureOf(this.pieces) === (this.hold?.pieces ?? undefined);
    return {
      pieces: isBrought ? null : (figureOf(this.pieces) ?? null),
      ...(isSized ? { dimensions: dimensionsOf(this.sizes) ?? null, ...this.#accepted } : {}),
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
