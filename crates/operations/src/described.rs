//! What the API's description says of this room's types beyond what they say of themselves.
use std::mem;

use loadmaster_flights::ChangeFlight;
use utoipa::{
    ToSchema,
    openapi::{Components, OpenApi, RefOr, Schema, schema::AnyOf},
};

use super::{
    dto::{DepartFlight, StepAnswer},
    router,
};

/// Returns the room's operations.
pub(super) fn describe() -> OpenApi {
    let mut document = router::routes().describe();
    if let Some(components) = &mut document.components {
        each_once::<ChangeFlight>(components, "offload");
        each_once::<DepartFlight>(components, "left_behind");
        overlap(components);
    }
    document
}

/// Says of a list that it names nothing twice.
fn each_once<T: ToSchema>(components: &mut Components, member: &str) {
    if let Some(RefOr::T(Schema::Object(request))) = components.schemas.get_mut(&*T::name())
        && let Some(RefOr::T(Schema::Array(list))) = request.properties.get_mut(member)
    {
        list.unique_items = true;
    }
}

/// Says of the answers of one shape or another that they can have both: a preview has all members of a step.
fn overlap(components: &mut Components) {
    if let Some(RefOr::T(answer)) = components.schemas.get_mut(&*StepAnswer::name())
        && let Schema::OneOf(shapes) = answer
    {
        let mut either = AnyOf::new();
        (either.items, either.description) = (mem::take(&mut shapes.items), shapes.description.take());
        *answer = Schema::AnyOf(either);
    }
}
