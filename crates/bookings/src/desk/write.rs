//! Writes what a batch has been granted, in as few statements as there are kinds of rows.
use chrono::{DateTime, Utc};
use loadmaster_accounts::{self as accounts, Actor, Channel, Subject};
use loadmaster_capacity::{self as capacity, FlightCapacity, Shift};
use loadmaster_flights::Flight;
use loadmaster_holds::{
    self as holds, CommitTerms, Draws, Hold, HoldChange, HoldEventType, HoldVerb, Pay, Requester, Stepped,
};
use loadmaster_kernel::{AwbNumber, BookingId, BookingRef, OrganizationId, UserId};
use loadmaster_payments::{self as payments, Charge, Payment, PaymentChange};
use loadmaster_platform::{
    idempotency::Answer,
    postgres::{DbError, Statement},
    work::Transaction,
};
use loadmaster_pricing as pricing;
use loadmaster_shipment::Surroundings;
use serde_json::json;
use uuid::Uuid;

use super::{
    super::{
        BOOKING, BookingService,
        billing::{self, Books},
        contacts::NewContacts,
        draft::{Author, Draft, save_in_tx},
        draw_up::MadeOf,
        model::{Booking, BookingData, Event, message},
        repository,
    },
    AnswerFor, Verb,
    decide::{Decision, Grant},
    lane::Entry,
    order::What,
    ticket::Ticket,
};

/// What is made of an order.
#[derive(Debug)]
pub struct Made {
    /// The id of a new booking; its air waybill is claimed before the booking is drawn up.
    pub id: BookingId,
    pub booking: Option<Booking>,
    pub hold: Option<(Hold, HoldEventType)>,
    pub answer: Option<Answer>,
}

pub type OwnEntry = Entry<Ticket, Made>;

/// A new booking with its first event, the trace of the request, and the channel of its caller.
type New = (Booking, Event<BookingData>, Option<String>, Option<Channel>);

/// What is written, in the order of the batch.
#[derive(Default)]
struct Batch {
    shifts: Vec<Shift>,
    /// What allotments keep, as the shifts change it.
    draws: Draws,
    new: Vec<New>,
    /// Contacts of the new bookings.
    contacts: NewContacts,
    drafts: Vec<Draft>,
    /// Claims of refused orders and of cancelled bookings.
    freed: Vec<(AwbNumber, BookingId)>,
    holds: Vec<HoldChange>,
    /// The guests whose holds become bookings.
    guests: Vec<(UserId, OrganizationId)>,
    /// New payments, and those that go on.
    payments: Vec<PaymentChange>,
    /// The payments of cancelled bookings.
    books: Vec<Books>,
    /// Waived fees.
    waivers: Vec<Waiver>,
    /// Charges to credit accounts.
    charges: Vec<Charge>,
    /// For each entry, which of these it has made.
    places: Vec<EntryIndices>,
}

/// A waived fee: the member of staff, the id of the request, and the booking.
type Waiver = (UserId, String, BookingId, BookingRef);

/// What an entry has made: places in the lists of its batch.
#[derive(Debug, Clone, Copy, Default)]
struct EntryIndices {
    new: Option<usize>,
    draft: Option<usize>,
    hold: Option<usize>,
}

/// A hold that becomes a booking, and what it stands on.
#[derive(Clone, Copy)]
struct Posting<'a> {
    requester: &'a Requester,
    stepped: &'a Stepped,
    flights: &'a [Flight],
    /// It is authorized.
    payment: Option<&'a Payment>,
}

/// Writes, and leaves bookings, holds and answers in the entries. Returns the flights' rows after it.
pub async fn write(
    tx: &mut Transaction,
    service: &BookingService,
    entries: &mut [OwnEntry],
    draws: Draws,
    now: DateTime<Utc>,
) -> Result<Vec<FlightCapacity>, DbError> {
    let is_new = |entry: &&mut OwnEntry| {
        matches!(entry.decision, Decision::Granted(Grant::Book(_) | Grant::Commit(..) | Grant::HoldAndBook(..)))
    };
    let new = entries.iter_mut().filter(is_new).count();
    let mut references = service.references.take(tx, new).await?.into_iter();
    let mut batch = Batch { draws, ..Batch::default() };
    for entry in entries.iter_mut() {
        batch.places.push(EntryIndices::default());
        batch.add(service, entry, &mut references, now);
    }
    if !batch.freed.is_empty() {
        batch.freed.sort();
        repository::free_awbs(tx, &batch.freed).await?;
    }
    if !batch.guests.is_empty() {
        accounts::admit_guests_in_tx(tx, &batch.guests, now).await?;
    }
    // What follows is prepared while the database is at work.
    let shifting = capacity::shift_in_tx(tx, &batch.shifts, now);
    let (spaces, (insertion, answers)) =
        tokio::join!(shifting, async { (batch.statement(), batch.answers(entries, service.surroundings())) });
    let spaces = spaces?;
    if let Some(insertion) = insertion {
        insertion.execute(&mut **tx).await.map_err(DbError::from)?;
    }
    std::mem::take(&mut batch.contacts).write_in_tx(tx).await?;
    if !batch.drafts.is_empty() {
        save_in_tx(tx, &batch.drafts).await?;
    }
    if !batch.holds.is_empty() {
        holds::write_in_tx(tx, &batch.holds).await?;
    }
    if !batch.charges.is_empty() {
        let charged = payments::charge_in_tx(tx, &batch.charges, now).await?;
        // They were judged by the locked accounts.
        if charged.iter().any(Result::is_err) {
            return Err(DbError::Conflict);
        }
    }
    let unpaid: Vec<Uuid> = batch.drafts.iter().filter_map(|draft| Some(draft.now.unpaid_hold()?.uuid())).collect();
    pricing::return_uses_in_tx(tx, &unpaid, now).await?;
    payments::save_in_tx(tx, &mut batch.payments).await?;
    for books in std::mem::take(&mut batch.books) {
        books.write_in_tx(tx, now).await?;
    }
    record_waivers(tx, service, std::mem::take(&mut batch.waivers)).await?;
    batch.draws.save_in_tx(tx, now).await?;
    batch.hand_out(entries, answers);
    let kept = entries.iter().filter_map(|entry| {
        let answer = entry.made.as_ref()?.answer.as_ref().filter(|answer| answer.is_final())?;
        Some((&*entry.order.ticket.key, answer))
    });
    tx.keep(&kept.collect::<Vec<_>>()).await?;
    Ok(spaces)
}

async fn record_waivers(tx: &mut Transaction, service: &BookingService, waivers: Vec<Waiver>) -> Result<(), DbError> {
    for (actor, request, booking, reference) in waivers {
        let (subject, data) = (Subject::new(BOOKING, booking), json!({"ref_id": reference}));
        let record =
            service.acts.record_of_in_tx(tx, request, Actor::Caller(actor), "booking.fee_waived", subject, data);
        record.await?;
    }
    Ok(())
}

impl Batch {
    /// Returns the statement that writes the new bookings with their messages, if there are any.
    fn statement(&self) -> Option<Statement> {
        if self.new.is_empty() {
            return None;
        }
        let new: Vec<_> = self.new.iter().map(|(booking, event, _, channel)| (booking, event, *channel)).collect();
        let messages = self.new.iter().map(|(booking, event, trace, _)| message(booking, event, trace.as_deref()));
        Some(repository::insert_new(&new, &messages.collect::<Vec<_>>()))
    }

    /// Returns the answers, in the order of the entries.
    fn answers(&self, entries: &[OwnEntry], surroundings: &Surroundings) -> Vec<Option<Answer>> {
        let answer = |(entry, place): (&OwnEntry, &EntryIndices)| match entry.order.ticket.answer_for {
            AnswerFor::Booking(answer) => {
                let new = place.new.map(|at| &self.new[at].0);
                let booking = new.or(place.draft.map(|at| &self.drafts[at].now));
                // Its payment comes first.
                let booked = booking.map(|booking| answer(booking, surroundings));
                booked.or_else(|| Some(holds::pending(&self.holds[place.hold?].after, surroundings)))
            }
            AnswerFor::Hold(answer) => place.hold.map(|at| answer(&self.holds[at].after, surroundings)),
        };
        entries.iter().zip(&self.places).map(answer).collect()
    }

    /// Leaves what was made, and the answers, in the entries.
    fn hand_out(self, entries: &mut [OwnEntry], answers: Vec<Option<Answer>>) {
        let mut new: Vec<_> = self.new.into_iter().map(|(booking, ..)| Some(booking)).collect();
        let mut drafts: Vec<_> = self.drafts.into_iter().map(|draft| Some(draft.now)).collect();
        let mut holds: Vec<_> = self.holds.into_iter().map(|change| Some((change.after, change.event_type))).collect();
        for ((entry, answer), place) in entries.iter_mut().zip(answers).zip(self.places) {
            let booking = place.new.and_then(|at| new[at].take());
            let booking = booking.or_else(|| drafts[place.draft?].take());
            let hold = place.hold.and_then(|at| holds[at].take());
            if booking.is_none() && hold.is_none() {
                continue;
            }
            let id = booking.as_ref().map_or_else(|| Uuid::nil().into(), |booking| booking.id);
            entry.made = Some(Made { id, booking, hold, answer });
        }
    }

    fn add(
        &mut self,
        service: &BookingService,
        entry: &OwnEntry,
        references: &mut impl Iterator<Item = BookingRef>,
        now: DateTime<Utc>,
    ) {
        match (&entry.decision, &entry.order.operation.what) {
            (Decision::Granted(Grant::Book(flights)), What::Book(new)) => {
                let (Some(made), Some(reference)) = (&entry.made, references.next()) else { return };
                let (shipment, owner) = (new.wanted.shipment.clone(), new.owner());
                let booking = service.draw_up(shipment, owner, None, (made.id, reference), flights, now);
                let taken = booking.legs.iter().map(|leg| Shift::booked(leg.flight_id, booking.id, leg.id, leg.space));
                self.shift(booking.organization_id, &taken.collect::<Vec<_>>());
                self.contacts.give(booking.id.uuid(), &new.wanted.contacts);
                let accepts_oversize = entry.order.operation.accepts_oversize();
                self.add_new(service, booking, accepts_oversize, Some(new.caller.channel()), entry);
            }
            (Decision::Granted(Grant::Commit(stepped, flights, payment)), What::StepHold(step)) => {
                let (Some(made), Some(reference)) = (&entry.made, references.next()) else { return };
                let posting = Posting { requester: &step.requester, stepped, flights, payment: payment.as_deref() };
                self.commit(service, entry, &posting, (made.id, reference), now);
            }
            (Decision::Granted(Grant::Hold(made)), What::Hold(new)) => {
                let (mut hold, by) = (made.hold.clone(), new.caller.principal.user_id);
                self.take(&hold);
                if let Some(terms) = &new.commit {
                    self.contacts.give(hold.id.uuid(), &terms.contacts);
                    self.begin_payment(service, &mut hold, made.pay, terms, by);
                    self.give_claim_back(entry);
                }
                self.add_hold(None, hold, HoldEventType::Created, by, entry);
            }
            (Decision::Granted(Grant::HoldAndBook(held, flights)), What::Hold(new)) => {
                let (Some(made), Some(reference)) = (&entry.made, references.next()) else { return };
                let (Some(stepped), requester) = (&held.booked, Requester::Caller(new.caller.clone())) else { return };
                self.contacts.give(made.id.uuid(), new.commit.as_deref().map_or(&[], |terms| &terms.contacts));
                self.take(&held.hold);
                self.add_hold(None, held.hold.clone(), HoldEventType::Created, requester.user_id(), entry);
                let posting = Posting { requester: &requester, stepped, flights, payment: None };
                self.commit(service, entry, &posting, (made.id, reference), now);
            }
            (Decision::Granted(Grant::StepHold(stepped)), What::StepHold(step)) => {
                self.shift(stepped.after.organization_id, &stepped.shifts);
                let (before, mut after, by) = (&stepped.before, stepped.after.clone(), step.requester.user_id());
                if let HoldVerb::Commit(_, terms) = &step.verb {
                    self.begin_payment(service, &mut after, stepped.pay, terms, by);
                    self.give_claim_back(entry);
                }
                self.add_hold(Some(before.clone()), after, stepped.event_type, by, entry);
            }
            (Decision::Granted(grant), What::Move(movement)) => {
                let author = Author { ids: &service.ids, actor: Some(movement.target.caller.user_id), now };
                self.move_on(service, entry, grant, &movement.verb, author);
            }
            _ => self.give_claim_back(entry),
        }
    }

    fn move_on(&mut self, service: &BookingService, entry: &OwnEntry, grant: &Grant, verb: &Verb, author: Author<'_>) {
        let draft = match (grant, verb) {
            (Grant::Advance(booking, moving), Verb::Advance(advance)) => {
                let mut draft = draft_of(booking, entry);
                service.advance(&mut draft, advance, moving.clone(), author);
                draft
            }
            (Grant::Cancel(booking, present, books), Verb::Cancel(cancel)) => {
                let mut draft = draft_of(booking, entry);
                let mut books = books.as_deref().cloned();
                let given = service.cancel(&mut draft, present, cancel, books.as_mut(), author);
                self.books.extend(books);
                if let (Some(request), Some(actor)) = (&cancel.waived_by, author.actor) {
                    self.waivers.push((actor, request.clone(), draft.now.id, draft.now.ref_id.clone()));
                }
                self.shift(draft.now.organization_id, &given);
                self.freed.extend(draft.now.awb_number.clone().map(|awb| (awb, draft.now.id)));
                draft
            }
            _ => {
                debug_assert!(false, "a grant of another kind than its operation");
                return;
            }
        };
        self.place().draft = Some(self.drafts.len());
        self.drafts.push(draft);
    }

    /// Makes a booking of a hold: on each flight, it takes the space that the hold gives by the entry before.
    fn commit(
        &mut self,
        service: &BookingService,
        entry: &OwnEntry,
        posting: &Posting<'_>,
        (id, reference): (BookingId, BookingRef),
        now: DateTime<Utc>,
    ) {
        let Posting { requester, stepped, flights, payment } = *posting;
        let (mut hold, by) = (stepped.after.clone(), requester.user_id());
        let Some(shipment) = hold.shipment() else { return };
        let (owner, made_of) = ((hold.organization_id, by), Some(MadeOf::from(&hold)));
        let mut booking = service.draw_up(shipment, owner, made_of, (id, reference.clone()), flights, now);
        let mut shifts = Vec::with_capacity(2 * stepped.shifts.len());
        for shift in &stepped.shifts {
            shifts.push(*shift);
            let leg = booking.legs.iter().find(|leg| leg.flight_id == shift.flight_id);
            if let (Some(space), Some(leg)) = (shift.posted(), leg) {
                shifts.push(Shift::booked(leg.flight_id, id, leg.id, space));
            }
        }
        self.shift(hold.organization_id, &shifts);
        if hold.is_guest {
            self.guests.push((hold.created_by, hold.organization_id));
        }
        // Its flights may have been retimed while the payment was under way.
        booking.needs_rerouting = payment.is_some() && service.lacks_a_way(&booking);
        if let Some(paid) = billing::of_booking(service, &mut booking, stepped.pay, payment, now) {
            self.charges.extend(paid.charge);
            hold.payment = Some(paid.change.after.clone());
            self.payments.push(paid.change);
        }
        self.contacts.book(hold.id, id);
        hold.booking = Some((id, reference));
        let channel = hold.channel.or(requester.channel());
        // A hold that is paid was judged when its payment was begun: what does not fit was accepted then, or by a change of its
        // flight, which is refused while it is being paid for.
        let is_oversize = payment.is_some() && !service.fits(&booking, flights);
        let accepts_oversize = is_oversize || entry.order.operation.accepts_oversize();
        self.add_new(service, booking, accepts_oversize, channel, entry);
        self.add_hold(Some(stepped.before.clone()), hold, stepped.event_type, by, entry);
    }

    /// Takes the space of a new hold.
    fn take(&mut self, hold: &Hold) {
        let taken = hold.legs.iter().map(|leg| Shift::held(leg.flight_id, hold.id, leg.space));
        self.shift(hold.organization_id, &taken.collect::<Vec<_>>());
    }

    /// Begins the payment of a hold that is to become a booking.
    fn begin_payment(&mut self, service: &BookingService, hold: &mut Hold, pay: Pay, terms: &CommitTerms, by: UserId) {
        let Pay::Token(amount) = pay else { return };
        let change = billing::of_hold(service, hold, amount, terms, by);
        hold.begin_payment(change.after.clone(), hold.updated_at);
        self.payments.push(change);
    }

    /// Frees the air waybill of an order that makes no booking, or none yet.
    fn give_claim_back(&mut self, entry: &OwnEntry) {
        let id = entry.made.as_ref().map(|made| made.id);
        self.freed.extend(entry.order.operation.needs.claim().cloned().zip(id));
    }

    /// Adds shifts of an organization, and what they draw from its allotments: as it was decided, in the same order.
    fn shift(&mut self, organization: OrganizationId, shifts: &[Shift]) {
        self.shifts.extend(self.draws.apply_allotments(Some(organization), shifts));
    }

    fn add_new(
        &mut self,
        service: &BookingService,
        booking: Booking,
        accepts_oversize: bool,
        channel: Option<Channel>,
        entry: &OwnEntry,
    ) {
        let event = service.booked_event(&booking, accepts_oversize);
        self.place().new = Some(self.new.len());
        self.new.push((booking, event, entry.order.ticket.trace.clone(), channel));
    }

    fn add_hold(
        &mut self,
        before: Option<Hold>,
        after: Hold,
        event_type: HoldEventType,
        actor: UserId,
        entry: &OwnEntry,
    ) {
        self.place().hold = Some(self.holds.len());
        let trace = entry.order.ticket.trace.clone();
        self.holds.push(HoldChange { before, after, event_type, actor: Some(actor), trace });
    }

    /// The place of the entry that is added.
    fn place(&mut self) -> &mut EntryIndices {
        if self.places.is_empty() {
            self.places.push(EntryIndices::default());
        }
        let last = self.places.len() - 1;
        &mut self.places[last]
    }
}

fn draft_of(booking: &Booking, entry: &OwnEntry) -> Draft {
    Draft::traced(booking.clone(), entry.order.ticket.trace.clone())
}
