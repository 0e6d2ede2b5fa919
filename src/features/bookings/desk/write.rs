//! Writes what a batch has been granted, in as few statements as there are kinds of rows.
use chrono::{DateTime, Utc};

use super::{
    super::{
        BookingService,
        draft::{Author, Draft, save_in_tx},
        model::{Booking, BookingData, Event, message},
        repository,
    },
    Operation, Verb,
    decide::{Decision, Grant},
    lane::Entry,
    ticket::Ticket,
};
use crate::{
    features::capacity::{self, FlightCapacity, Shift},
    kernel::{AwbNumber, BookingId, BookingRef},
    platform::{
        idempotency::Answer,
        postgres::{DbError, Statement},
        work::Transaction,
    },
};

/// What is made of an order.
#[derive(Debug)]
pub struct Made {
    /// The id of a new booking; its air waybill is claimed before the booking is drawn up.
    pub id: BookingId,
    pub booking: Option<Booking>,
    pub answer: Option<Answer>,
}

pub type OwnEntry = Entry<Ticket, Made>;

/// What is written, in the order of the batch.
#[derive(Default)]
struct Batch {
    shifts: Vec<Shift>,
    /// With the traces of the requests.
    new: Vec<(Booking, Event<BookingData>, Option<String>)>,
    drafts: Vec<Draft>,
    /// Claims of refused orders and of cancelled bookings.
    freed: Vec<(AwbNumber, BookingId)>,
}

/// Writes, and leaves bookings and answers in the entries. Returns the flights' rows after it.
pub async fn write(
    tx: &mut Transaction,
    service: &BookingService,
    entries: &mut [OwnEntry],
    now: DateTime<Utc>,
) -> Result<Vec<FlightCapacity>, DbError> {
    let new = entries.iter().filter(|entry| matches!(entry.decision, Decision::Granted(Grant::Book(_)))).count();
    let mut references = service.references.take(tx, new).await?.into_iter();
    let mut batch = Batch::default();
    for entry in entries.iter_mut() {
        batch.add(service, entry, &mut references, now);
    }
    if !batch.freed.is_empty() {
        batch.freed.sort();
        repository::free_awbs(tx, &batch.freed).await?;
    }
    // What follows is prepared while the database is at work.
    let shifting = capacity::shift_in_tx(tx, &batch.shifts, now);
    let (rooms, (insertion, answers)) = tokio::join!(shifting, async { (batch.statement(), batch.answers(entries)) });
    let rooms = rooms?;
    if let Some(insertion) = insertion {
        insertion.execute(&mut **tx).await.map_err(DbError::from)?;
    }
    if !batch.drafts.is_empty() {
        save_in_tx(tx, &batch.drafts).await?;
    }
    let (mut new, mut drafts) = (batch.new.into_iter(), batch.drafts.into_iter());
    for (entry, answer) in entries.iter_mut().zip(answers) {
        let booking = match &entry.decision {
            Decision::Granted(Grant::Book(_)) => new.next().map(|(booking, ..)| booking),
            Decision::Granted(_) => drafts.next().map(|draft| draft.now),
            _ => None,
        };
        let Some(booking) = booking else { continue };
        entry.made = Some(Made { id: booking.id, booking: Some(booking), answer });
    }
    let kept =
        entries.iter().filter_map(|entry| Some((&*entry.order.ticket.key, entry.made.as_ref()?.answer.as_ref()?)));
    tx.keep(&kept.collect::<Vec<_>>()).await?;
    Ok(rooms)
}

impl Batch {
    /// Returns the statement that writes the new bookings with their messages, if there are any.
    fn statement(&self) -> Option<Statement> {
        if self.new.is_empty() {
            return None;
        }
        let new: Vec<_> = self.new.iter().map(|(booking, event, _)| (booking, event)).collect();
        let messages = self.new.iter().map(|(booking, event, trace)| message(booking, event, trace.as_deref()));
        Some(repository::insert_new(&new, &messages.collect::<Vec<_>>()))
    }

    /// Returns the answers, in the order of the entries.
    fn answers(&self, entries: &[OwnEntry]) -> Vec<Option<Answer>> {
        let mut new = self.new.iter().map(|(booking, ..)| booking);
        let mut drafts = self.drafts.iter().map(|draft| &draft.now);
        let answer = |entry: &OwnEntry| {
            let booking = match &entry.decision {
                Decision::Granted(Grant::Book(_)) => new.next(),
                Decision::Granted(_) => drafts.next(),
                _ => None,
            };
            booking.map(entry.order.ticket.answer_for)
        };
        entries.iter().map(answer).collect()
    }

    fn add(
        &mut self,
        service: &BookingService,
        entry: &OwnEntry,
        references: &mut impl Iterator<Item = BookingRef>,
        now: DateTime<Utc>,
    ) {
        match (&entry.decision, &entry.order.operation) {
            (Decision::Granted(Grant::Book(flights)), Operation::Book(operation)) => {
                let (Some(made), Some(reference)) = (&entry.made, references.next()) else { return };
                let booking = service.draw_up(operation, (made.id, reference), flights, now);
                let taken = booking.legs.iter().map(|leg| Shift::booked(leg.flight_id, booking.id, leg.id, leg.space));
                self.shifts.extend(taken);
                let event = service.booked_event(&booking);
                self.new.push((booking, event, entry.order.ticket.trace.clone()));
            }
            (Decision::Granted(grant), Operation::Move(movement)) => {
                let author = Author { ids: &service.ids, actor: Some(movement.target.caller.user_id), now };
                match (grant, &movement.verb) {
                    (Grant::Advance(booking, moving), Verb::Advance(advance)) => {
                        let mut draft = draft_of(booking, entry);
                        service.advance(&mut draft, advance, moving.clone(), author);
                        self.drafts.push(draft);
                    }
                    (Grant::Cancel(booking), Verb::Cancel(cancel)) => {
                        let mut draft = draft_of(booking, entry);
                        self.shifts.extend(BookingService::cancel(&mut draft, cancel, author));
                        self.freed.extend(draft.now.awb_number.clone().map(|awb| (awb, draft.now.id)));
                        self.drafts.push(draft);
                    }
                    _ => debug_assert!(false, "a grant of another kind than its operation"),
                }
            }
            (_, Operation::Book(operation)) => {
                let id = entry.made.as_ref().map(|made| made.id);
                self.freed.extend(operation.new.awb_number.clone().zip(id));
            }
            (_, Operation::Move(_)) => {}
        }
    }
}

fn draft_of(booking: &Booking, entry: &OwnEntry) -> Draft {
    Draft::traced(booking.clone(), entry.order.ticket.trace.clone())
}
