//! The recorder's handles of series, which each thread keeps after it has looked them up once.
use std::{
    cell::RefCell,
    collections::HashMap,
    hash::{DefaultHasher, Hash, Hasher},
};

/// Handles of one kind, by a hash of recorder, family and label values. Label values are bounded in number.
pub(super) type Handles<H> = RefCell<HashMap<u64, Vec<CachedHandle<H>>>>;

pub(super) struct CachedHandle<H> {
    recorder: usize,
    family: &'static str,
    values: Box<[Box<str>]>,
    handle: H,
}

impl<H> CachedHandle<H> {
    fn is_of<V: AsRef<str>>(&self, recorder: usize, family: &str, values: &[V]) -> bool {
        self.recorder == recorder
            && self.family == family
            && self.values.len() == values.len()
            && self.values.iter().zip(values).all(|(known, value)| **known == *value.as_ref())
    }
}

/// Returns the handle of the series of this name with these label values; `look_up` finds it the first time.
pub(super) fn handle<H: Clone, V: AsRef<str>>(
    handles: &Handles<H>,
    family: &'static str,
    values: &[V],
    look_up: impl FnOnce() -> H,
) -> H {
    // A test may have a recorder of its own.
    let recorder = metrics::with_recorder(|recorder| std::ptr::from_ref(recorder).cast::<()>() as usize);
    let mut hasher = DefaultHasher::new();
    (recorder, family.as_ptr() as usize).hash(&mut hasher);
    for value in values {
        value.as_ref().hash(&mut hasher);
    }
    let hash = hasher.finish();
    let known = |handles: &HashMap<u64, Vec<CachedHandle<H>>>| {
        let known = handles.get(&hash)?.iter().find(|known| known.is_of(recorder, family, values))?;
        Some(known.handle.clone())
    };
    if let Some(handle) = known(&handles.borrow()) {
        return handle;
    }
    let handle = look_up();
    let values = values.iter().map(|value| value.as_ref().into()).collect();
    let known = CachedHandle { recorder, family, values, handle: handle.clone() };
    handles.borrow_mut().entry(hash).or_default().push(known);
    handle
}
