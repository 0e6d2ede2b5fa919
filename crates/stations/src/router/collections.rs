use loadmaster_accounts::Admin;
use loadmaster_kernel::StationCollectionId;
use loadmaster_platform::entries::entry_operations;
use loadmaster_platform::web::{ApiRouter, routes};
use loadmaster_reference::Reference;

use super::HandlerState;

use crate::{
    collections::{ChangeStationCollection, CollectionBody, CreateStationCollection},
    error::code,
    model::Collection,
    service::StationService,
};

pub(super) fn operations() -> ApiRouter<HandlerState> {
    ApiRouter::new().routes(routes!(list, create)).routes(routes!(show, change, end))
}

entry_operations! {
    Collection, kept by StationService, shown as (CollectionBody<'_>) by StationCollectionId,
    at "/station-collections" and "/station-collections/{id}", tag "stations", the "collection";
    roles () as "", (), Admin; reads with Reference;

    /// List the collections of stations in force, oldest first.
    ///
    /// Those that were ended are left out; `order` is the order in which they are shown. Everybody may read them.
    list "listStationCollections" [LIST, CALLER];

    /// Show a collection of stations in force.
    ///
    /// One that was ended is 404.
    show "getStationCollection" [INPUT, CALLER];

    /// Create a collection of stations.
    ///
    /// `GET /stations?collection=` lists its stations, by its `slug`, of which no other collection in force has the same.
    create "createStationCollection" of CreateStationCollection() or ALREADY_EXISTS;

    /// Change a collection of stations.
    ///
    /// A JSON merge patch (RFC 7396). The `slug` stays; `stations` are replaced as a whole.
    change "changeStationCollection" of ChangeStationCollection;

    /// End a collection of stations.
    ///
    /// It is not shown any more; the response is the last to show it, with `ended_at`. Its stations stay.
    end "deleteStationCollection";
}
