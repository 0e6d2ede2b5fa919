//! Why a request is refused before anything of it runs.
use loadmaster_kernel::{Fault, FaultCode};
use loadmaster_platform::web::{InputFault, Problem};

use super::error::code;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Unfit {
    TooComplex(String),
    Invalid(String),
    /// A variable, and what is wrong with its value.
    Variable(String, String),
}

impl From<Unfit> for Problem {
    fn from(unfit: Unfit) -> Self {
        let (pointer, text) = match unfit {
            Unfit::TooComplex(text) => return Self::new(code::QUERY_TOO_COMPLEX, text),
            Unfit::Invalid(text) => ("/query".to_owned(), text),
            Unfit::Variable(name, text) => (format!("/variables/{name}"), text),
        };
        let fault = InputFault::body(pointer, &Fault::new(FaultCode::InvalidFormat, text.clone()));
        Self::new(code::GRAPHQL_INVALID, text).about(&fault)
    }
}
