//! The room's routes: reading in one file, changing in the other.
mod change;
mod read;

use axum::extract::FromRef;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::BookingService;
use crate::{
    features::reference::Reference,
    platform::{idempotency::Idempotency, web::CursorKey, work::UnitOfWork},
};

pub fn router<S>() -> OpenApiRouter<S>
where
    S: Clone + Send + Sync + 'static,
    BookingService: FromRef<S>,
    Reference: FromRef<S>,
    CursorKey: FromRef<S>,
    UnitOfWork: FromRef<S>,
    Idempotency: FromRef<S>,
{
    OpenApiRouter::new()
        .routes(routes!(read::list, change::create))
        .routes(routes!(read::show, change::amend, change::delete))
        .routes(routes!(read::status))
        .routes(routes!(read::history))
        .routes(routes!(change::depart))
        .routes(routes!(change::arrive))
        .routes(routes!(change::deliver))
        .routes(routes!(change::cancel))
}
