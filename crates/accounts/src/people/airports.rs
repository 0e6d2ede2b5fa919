use std::{
    fmt,
    sync::{Arc, OnceLock},
};

use loadmaster_kernel::{AirportCode, Fault, FaultCode};
use loadmaster_platform::web::{Raw, read};

type IsKnown = Box<dyn Fn(AirportCode) -> bool + Send + Sync>;

/// Which airports exist: the room of the reference data, a higher one, says it when it opens.
#[derive(Clone, Default)]
pub struct KnownAirports(Arc<OnceLock<IsKnown>>);

impl fmt::Debug for KnownAirports {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KnownAirports")
    }
}

impl KnownAirports {
    /// Lets this decide which airports exist. The first one remains.
    pub fn are(&self, known: impl Fn(AirportCode) -> bool + Send + Sync + 'static) {
        _ = self.0.set(Box::new(known));
    }

    /// Parses the code of an existing airport.
    pub(crate) fn read(&self, raw: Raw<'_>) -> Result<AirportCode, Fault> {
        let code = read::code(raw)?;
        let is_known = self.0.get().is_some_and(|is_known| is_known(code));
        let unknown = || Fault::new(FaultCode::UnknownValue, format!("names an unknown airport: {code}"));
        if is_known { Ok(code) } else { Err(unknown()) }
    }
}
