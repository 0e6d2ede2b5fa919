use std::{
    collections::VecDeque,
    mem,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, Waker},
    time::Duration,
};

use bytes::Bytes;
use chrono::{DateTime, Utc};

use super::frame::{COMMENT, farewell, open};
use crate::clock::Moment;

/// Maximum number of pieces and of bytes that wait for one reader; beyond either its stream ends.
const MOST_PIECES: usize = 256;
const MOST_BYTES: usize = 256 * 1024;
/// Bytes that wait for a reader that is behind.
const BEHIND: usize = MOST_BYTES / 4;
/// Time of silence after which a sign of life is sent.
const SILENCE: Duration = Duration::from_secs(15);
/// Time in which a reader must take something of what waits for it.
const PATIENCE: Duration = Duration::from_secs(30);
/// A queue that was long gives its memory back when it is empty.
const KEPT_LENGTH: usize = 8;

/// A place in the history of what a stream is about.
pub type Order = (i64, i64);

/// A part of a stream, shared by all streams that send it.
#[derive(Debug, Clone)]
pub struct Piece {
    pub bytes: Bytes,
    /// Streams that began with a later state leave it out; `None`: no stream does.
    pub order: Option<Order>,
    /// What it replaces: of those of one kind that wait only the newest is sent.
    pub replaces: Option<u8>,
}

/// What waits for the reader of a stream.
pub(super) struct Queue {
    pub number: u64,
    pub kind: &'static str,
    state: Mutex<State>,
}

struct State {
    waiting: VecDeque<Piece>,
    bytes: usize,
    reader: Option<Waker>,
    /// The state that the stream began with.
    begun_with: Option<Order>,
    /// What is sent after silence.
    sign_of_life: Bytes,
    /// The last time at which something was taken, or came while nothing waited.
    moved: Moment,
    end: Option<End>,
    ends: Moment,
    lives: Duration,
}

/// How a stream ends: after these last words.
struct End(Option<Bytes>);

/// What a reader gets next.
pub(super) enum Taken {
    Piece(Bytes),
    /// The last words, if there are any.
    End(Option<Bytes>),
}

impl Queue {
    pub fn new(number: u64, kind: &'static str, now: Moment, lives: Duration) -> Arc<Self> {
        let state = State {
            waiting: VecDeque::new(),
            bytes: 0,
            reader: None,
            begun_with: None,
            sign_of_life: COMMENT,
            moved: now,
            end: None,
            ends: now,
            lives,
        };
        Arc::new(Self { number, kind, state: Mutex::new(state) })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn has_shown(&self, order: Order) {
        self.state().begun_with = Some(order);
    }

    fn push(&self, piece: &Piece, now: Moment) {
        let mut state = self.state();
        if state.end.is_some() || piece.order.is_some_and(|order| state.begun_with.is_some_and(|begun| order <= begun))
        {
            return;
        }
        if let Some(kind) = piece.replaces
            && let Some(place) = state.waiting.iter().position(|waiting| waiting.replaces == Some(kind))
            && let Some(older) = state.waiting.remove(place)
        {
            state.bytes -= older.bytes.len();
        }
        let bytes = state.bytes + piece.bytes.len();
        let is_full = state.waiting.len() >= MOST_PIECES || bytes > MOST_BYTES;
        // One piece may be larger than all may be together.
        if is_full && !state.waiting.is_empty() {
            state.finish(None);
        } else {
            if state.waiting.is_empty() {
                state.moved = now;
            }
            state.bytes = bytes;
            state.waiting.push_back(piece.clone());
        }
        wake(state);
    }

    /// Ends the stream: what waits is dropped.
    pub fn end(&self, retry: Option<u16>) {
        let mut state = self.state();
        if state.end.is_none() {
            state.finish(retry.map(farewell));
            wake(state);
        }
    }

    /// Waits for the end only, and returns the last words.
    pub fn poll_end(&self, context: &Context<'_>) -> Poll<Option<Bytes>> {
        let mut state = self.state();
        if let Some(End(words)) = &mut state.end {
            return Poll::Ready(words.take());
        }
        state.wait(context);
        Poll::Pending
    }

    pub fn poll(&self, context: &mut Context<'_>, now: impl FnOnce() -> Moment) -> Poll<Taken> {
        let mut state = self.state();
        if let Some(End(words)) = &mut state.end {
            return Poll::Ready(Taken::End(words.take()));
        }
        loop {
            let Some(piece) = state.waiting.pop_front() else {
                state.wait(context);
                return Poll::Pending;
            };
            state.bytes -= piece.bytes.len();
            if state.waiting.is_empty() && state.waiting.capacity() > KEPT_LENGTH {
                state.waiting = VecDeque::new();
            }
            // Some pieces came before it was known what the stream begins with.
            if piece.order.is_none_or(|order| state.begun_with.is_none_or(|begun| order > begun)) {
                state.moved = now();
                return Poll::Ready(Taken::Piece(piece.bytes));
            }
        }
    }

    /// Records that something else than a piece of the queue was taken.
    pub fn took(&self, now: Moment) {
        self.state().moved = now;
    }

    pub fn say_after_silence(&self, sign_of_life: Bytes) {
        self.state().sign_of_life = sign_of_life;
    }

    pub fn is_behind(&self) -> bool {
        self.state().bytes > BEHIND
    }

    /// Sends a sign of life after silence, and ends a stream that is not read or has lived long enough.
    pub fn look(&self, now: DateTime<Utc>, moment: Moment) {
        let mut state = self.state();
        if state.end.is_some() {
            return;
        }
        let idle = state.moved.age(now);
        if state.ends.age(now) >= state.lives || (!state.waiting.is_empty() && idle >= PATIENCE) {
            state.finish(None);
            wake(state);
        } else if state.waiting.is_empty() && idle >= SILENCE {
            let bytes = state.sign_of_life.clone();
            drop(state);
            self.push(&Piece { bytes, order: None, replaces: None }, moment);
        }
    }
}

impl State {
    fn finish(&mut self, words: Option<Bytes>) {
        self.end = Some(End(words));
        self.waiting = VecDeque::new();
        self.bytes = 0;
    }

    fn wait(&mut self, context: &Context<'_>) {
        match &mut self.reader {
            Some(reader) => reader.clone_from(context.waker()),
            reader => *reader = Some(context.waker().clone()),
        }
    }
}

/// Wakes the reader when nobody holds the queue.
fn wake(mut state: MutexGuard<'_, State>) {
    let reader = mem::take(&mut state.reader);
    drop(state);
    if let Some(reader) = reader {
        reader.wake();
    }
}

/// The end of a stream at which pieces are put in. Cheap to clone.
#[derive(Clone)]
pub struct Sender(pub(super) Arc<Queue>);

impl Sender {
    /// Identifies the stream in this process.
    pub fn number(&self) -> u64 {
        self.0.number
    }

    /// Sends a piece at its time, which one reading of the clock gives for all streams.
    pub fn send(&self, piece: &Piece, now: Moment) {
        self.0.push(piece, now);
    }

    /// Sends only what is later than this state.
    pub fn has_shown(&self, order: Order) {
        self.0.has_shown(order);
    }

    /// Moves the client's id on in silence: after it come this id without data and a comment.
    pub fn send_id_after_silence(&self, id: &str) {
        self.0.say_after_silence([open(id).as_bytes(), &COMMENT].concat().into());
    }

    /// Returns whether much waits for the reader.
    pub fn is_behind(&self) -> bool {
        self.0.is_behind()
    }

    /// Ends the stream; its client comes back when it likes.
    pub fn end(&self) {
        self.0.end(None);
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;

    const LIFE: Duration = Duration::from_hours(1);

    fn start() -> DateTime<Utc> {
        DateTime::UNIX_EPOCH
    }

    fn queue() -> Arc<Queue> {
        Queue::new(1, "test", Moment::at(start()), LIFE)
    }

    fn piece(text: &'static str) -> Piece {
        Piece { bytes: Bytes::from_static(text.as_bytes()), order: None, replaces: None }
    }

    fn send(queue: &Queue, piece: &Piece) {
        queue.push(piece, Moment::at(start()));
    }

    /// All that can be taken now; `true` if the stream has ended.
    fn take(queue: &Queue) -> (Vec<Bytes>, bool) {
        let mut context = Context::from_waker(Waker::noop());
        let mut taken = Vec::new();
        loop {
            match queue.poll(&mut context, || Moment::at(start())) {
                Poll::Ready(Taken::Piece(bytes)) => taken.push(bytes),
                Poll::Ready(Taken::End(words)) => {
                    taken.extend(words);
                    return (taken, true);
                }
                Poll::Pending => return (taken, false),
            }
        }
    }

    fn look_after(queue: &Queue, seconds: i64) {
        let now = start() + TimeDelta::seconds(seconds);
        queue.look(now, Moment::at(now));
    }

    #[tokio::test]
    async fn of_the_states_that_wait_only_the_newest_of_each_kind_is_sent() {
        let queue = queue();
        let state = |text, kind| Piece { replaces: Some(kind), ..piece(text) };
        for sent in [state("a1", 1), state("b1", 2), piece("other"), state("b2", 2), state("b3", 2)] {
            send(&queue, &sent);
        }
        assert_eq!(take(&queue), (vec!["a1".into(), "other".into(), "b3".into()], false));
    }

    #[tokio::test]
    async fn what_a_stream_began_with_is_not_sent_again() {
        let queue = queue();
        let at = |text, order| Piece { order: Some(order), ..piece(text) };
        send(&queue, &at("before", (1, 9)));
        queue.has_shown((2, 3));
        for sent in [at("same", (2, 3)), at("older", (2, 2)), at("later", (2, 4)), at("latest", (3, 0))] {
            send(&queue, &sent);
        }
        assert_eq!(take(&queue), (vec!["later".into(), "latest".into()], false));
    }

    #[tokio::test]
    async fn a_reader_for_whom_too_much_waits_is_left() {
        let queue = queue();
        for _ in 0..MOST_PIECES {
            send(&queue, &piece("x"));
        }
        assert_eq!(take(&queue).0.len(), MOST_PIECES, "so many may wait");
        for _ in 0..=MOST_PIECES {
            send(&queue, &piece("x"));
        }
        assert_eq!(take(&queue), (vec![], true), "and no more");
    }

    #[tokio::test]
    async fn bytes_count_too_and_one_large_piece_may_wait_alone() {
        let large = Piece { bytes: vec![b'x'; MOST_BYTES + 1].into(), order: None, replaces: None };
        let half = Piece { bytes: vec![b'x'; MOST_BYTES / 2].into(), order: None, replaces: None };
        let alone = queue();
        send(&alone, &large);
        assert_eq!(take(&alone).0.len(), 1);
        let together = queue();
        send(&together, &half);
        send(&together, &half);
        assert_eq!(take(&together).0.len(), 2);
        for sent in [&half, &half, &piece("x")] {
            send(&together, sent);
        }
        assert_eq!(take(&together), (vec![], true));
    }

    #[tokio::test]
    async fn after_silence_comes_one_comment() {
        let queue = queue();
        look_after(&queue, 14);
        assert_eq!(take(&queue), (vec![], false));
        look_after(&queue, 15);
        look_after(&queue, 16);
        assert_eq!(take(&queue), (vec![COMMENT], false));
        Sender(queue.clone()).send_id_after_silence("7");
        look_after(&queue, 16);
        assert_eq!(take(&queue), (vec!["id: 7\nevent: open\n\n:\n".into()], false));
    }

    #[tokio::test]
    async fn a_reader_that_takes_nothing_for_half_a_minute_is_left() {
        let queue = queue();
        send(&queue, &piece("x"));
        look_after(&queue, 29);
        assert_eq!(take(&queue).0.len(), 1);
        send(&queue, &piece("x"));
        look_after(&queue, 30);
        assert_eq!(take(&queue), (vec![], true));
    }

    #[tokio::test]
    async fn no_stream_lives_longer_than_it_may() {
        let queue = queue();
        let second = LIFE.as_secs().try_into().unwrap();
        look_after(&queue, second - 1);
        assert!(!take(&queue).1);
        look_after(&queue, second);
        assert!(take(&queue).1);
    }

    #[tokio::test]
    async fn the_last_words_are_sent_once_and_nothing_after_them() {
        let queue = queue();
        send(&queue, &piece("lost"));
        queue.end(Some(2345));
        queue.end(Some(1));
        send(&queue, &piece("late"));
        assert_eq!(take(&queue), (vec!["retry: 2345\n".into()], true));
        assert_eq!(take(&queue), (vec![], true));
    }
}
