//! Writes what a batch has been granted, in as few statements as there are kinds of rows.
use chrono::{DateTime, Utc};

use super::{
    super::{
        BookingService,
        draft::{Author, Draft, Told, announce_in_tx, save_in_tx},
        model::{Booking, Event},
        repository,
    },
    Verb, Wish,
    decide::Grant,
    lane::{Course, Seat},
    ticket::Ticket,
};
use crate::{
    features::capacity::{self, FlightCapacity, Shift},
    kernel::{AwbNumber, BookingId, BookingRef},
    platform::{idempotency::Answer, postgres::DbError, work::Transaction},
};

/// What is made of an order.
#[derive(Debug)]
pub struct Made {
    /// The id of a new booking; its air waybill is claimed before the booking is drawn up.
    pub id: BookingId,
    pub booking: Option<Booking>,
    pub answer: Option<Answer>,
}

pub type OwnSeat = Seat<Ticket, Made>;

/// What is written, in the order of the batch.
#[derive(Default)]
struct Batch {
    shifts: Vec<Shift>,
    /// With the traces of the requests.
    new: Vec<(Booking, Event, Option<String>)>,
    drafts: Vec<Draft>,
    /// Claims of refused orders and of cancelled bookings.
    freed: Vec<(AwbNumber, BookingId)>,
}

/// Writes, and leaves bookings and answers in the seats. Returns the flights' rows after it.
pub async fn write(
    tx: &mut Transaction,
    service: &BookingService,
    seats: &mut [OwnSeat],
    now: DateTime<Utc>,
) -> Result<Vec<FlightCapacity>, DbError> {
    let new = seats.iter().filter(|seat| matches!(seat.course, Course::Granted(Grant::Book(_)))).count();
    let mut references = service.references.take(tx, new).await?.into_iter();
    let mut batch = Batch::default();
    for seat in seats.iter_mut() {
        batch.add(service, seat, &mut references, now);
    }
    if !batch.freed.is_empty() {
        batch.freed.sort();
        repository::free_awbs(tx, &batch.freed).await?;
    }
    let rooms = capacity::shift_in_tx(tx, &batch.shifts, now).await?;
    if !batch.new.is_empty() {
        repository::insert_new(tx, &batch.new.iter().map(|(booking, event, _)| (booking, event)).collect::<Vec<_>>())
            .await?;
        let told = batch.new.iter().map(|(booking, event, trace)| Told { booking, event, trace: trace.as_deref() });
        announce_in_tx(tx, &told.collect::<Vec<_>>()).await?;
    }
    if !batch.drafts.is_empty() {
        save_in_tx(tx, &batch.drafts).await?;
    }
    let (mut new, mut drafts) = (batch.new.into_iter(), batch.drafts.into_iter());
    for seat in seats.iter_mut() {
        let booking = match &seat.course {
            Course::Granted(Grant::Book(_)) => new.next().map(|(booking, ..)| booking),
            Course::Granted(_) => drafts.next().map(|draft| draft.now),
            _ => None,
        };
        let Some(booking) = booking else { continue };
        let answer = (seat.order.ticket.answer_for)(&booking);
        seat.made = Some(Made { id: booking.id, booking: Some(booking), answer: Some(answer) });
    }
    let kept = seats.iter().filter_map(|seat| Some((&*seat.order.ticket.key, seat.made.as_ref()?.answer.as_ref()?)));
    tx.keep(&kept.collect::<Vec<_>>()).await?;
    Ok(rooms)
}

impl Batch {
    fn add(
        &mut self,
        service: &BookingService,
        seat: &OwnSeat,
        references: &mut impl Iterator<Item = BookingRef>,
        now: DateTime<Utc>,
    ) {
        match (&seat.course, &seat.order.wish) {
            (Course::Granted(Grant::Book(flights)), Wish::Book(wish)) => {
                let (Some(made), Some(reference)) = (&seat.made, references.next()) else { return };
                let booking = service.draw_up(wish, (made.id, reference), flights, now);
                let taken = booking.legs.iter().map(|leg| Shift::booked(leg.flight_id, booking.id, leg.id, leg.space));
                self.shifts.extend(taken);
                let event = service.booked_event(&booking);
                self.new.push((booking, event, seat.order.ticket.trace.clone()));
            }
            (Course::Granted(grant), Wish::Move(movement)) => {
                let author = Author { ids: &service.ids, actor: Some(movement.target.caller.user_id), now };
                match (grant, &movement.verb) {
                    (Grant::Advance(booking, moving), Verb::Advance(advance)) => {
                        let mut draft = draft_of(booking, seat);
                        service.advance(&mut draft, advance, moving.clone(), author);
                        self.drafts.push(draft);
                    }
                    (Grant::Cancel(booking), Verb::Cancel(cancel)) => {
                        let mut draft = draft_of(booking, seat);
                        self.shifts.extend(BookingService::cancel(&mut draft, cancel, author));
                        self.freed.extend(draft.now.awb_number.clone().map(|awb| (awb, draft.now.id)));
                        self.drafts.push(draft);
                    }
                    _ => debug_assert!(false, "a grant of another kind than its wish"),
                }
            }
            (_, Wish::Book(wish)) => {
                let id = seat.made.as_ref().map(|made| made.id);
                self.freed.extend(wish.new.awb_number.clone().zip(id));
            }
            (_, Wish::Move(_)) => {}
        }
    }
}

fn draft_of(booking: &Booking, seat: &OwnSeat) -> Draft {
    Draft::traced(booking.clone(), seat.order.ticket.trace.clone())
}
