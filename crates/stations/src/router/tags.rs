use loadmaster_accounts::Admin;
use loadmaster_kernel::StationTagId;
use loadmaster_platform::entries::entry_operations;
use loadmaster_platform::web::{ApiRouter, routes};
use loadmaster_reference::Reference;

use super::HandlerState;

use crate::{
    error::code,
    model::Tag,
    service::StationService,
    tags::{ChangeStationTag, CreateStationTag, TagBody},
};

pub(super) fn operations() -> ApiRouter<HandlerState> {
    ApiRouter::new().routes(routes!(list, create)).routes(routes!(show, change, end))
}

entry_operations! {
    Tag, kept by StationService, shown as (TagBody<'_>) by StationTagId,
    at "/station-tags" and "/station-tags/{id}", tag "stations", the "tag";
    roles () as "", (), Admin; reads with Reference;

    /// List the tags of stations in force, oldest first.
    ///
    /// Those that were ended are left out; `order` is the order in which they are shown. Everybody may read them.
    list "listStationTags" [LIST, CALLER];

    /// Show a tag of stations in force.
    ///
    /// One that was ended is 404.
    show "getStationTag" [INPUT, CALLER];

    /// Create a tag of stations.
    ///
    /// Stations name it by its `code`, of which no other tag in force has the same.
    create "createStationTag" of CreateStationTag() or ALREADY_EXISTS;

    /// Change a tag of stations.
    ///
    /// A JSON merge patch (RFC 7396). The `code` stays.
    change "changeStationTag" of ChangeStationTag;

    /// End a tag of stations.
    ///
    /// It is taken off all stations and not shown any more; the response is the last to show it, with `ended_at`.
    end "deleteStationTag";
}
