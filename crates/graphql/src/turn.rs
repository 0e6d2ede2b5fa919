//! Waiting until all that is ready in a task has had its turn.
use std::{
    pin::Pin,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, Wake, Waker},
};

/// Is ready after the task has yielded, however often it is polled before.
pub(crate) struct Turn {
    state: Arc<State>,
    yielding: Option<Pin<Box<dyn Future<Output = ()> + Send>>>,
}

#[derive(Default)]
struct State {
    is_over: AtomicBool,
    waiting: Mutex<Option<Waker>>,
}

impl Turn {
    pub fn new() -> Self {
        Self { state: Arc::default(), yielding: Some(Box::pin(tokio::task::yield_now())) }
    }
}

impl Wake for State {
    fn wake(self: Arc<Self>) {
        self.is_over.store(true, Ordering::Release);
        let waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(waker) = waiting {
            waker.wake();
        }
    }
}

impl Future for Turn {
    type Output = ();

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let this = self.get_mut();
        *this.state.waiting.lock().unwrap_or_else(PoisonError::into_inner) = Some(context.waker().clone());
        if let Some(mut yielding) = this.yielding.take() {
            let waker = Waker::from(this.state.clone());
            // The runtime keeps the waker until the task has yielded.
            _ = yielding.as_mut().poll(&mut Context::from_waker(&waker));
        }
        if this.state.is_over.load(Ordering::Acquire) { Poll::Ready(()) } else { Poll::Pending }
    }
}
