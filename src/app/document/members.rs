//! What members mean that mean the same wherever they stand: said once here, and put to all that say nothing themselves.
use utoipa::openapi::{Components, Paths, RefOr, Schema};

use super::{name_of, operations};

/// By the name of the member; of a parameter, after a `?`; of a schema, its own. Where a member means another thing than elsewhere,
/// with the name of its schema before it.
const MEANINGS: &[(&str, &str)] = &[
    ("account_number", "The number of the account with the carrier."),
    ("acted_at", "When it was done."),
    ("actor_id", "The user who caused it; null if nobody did."),
    ("actual_arrival_datetime", "When it arrived; null until then."),
    ("actual_departure_datetime", "When it departed; null until then."),
    ("airline_name", "The name of the airline; null if it is not known."),
    ("alg", "The algorithm of signatures made with it."),
    ("alliance", "The alliance that the airline belongs to."),
    ("AllotmentId", "Id of an allotment."),
    ("ApiKeyId", "Id of an API key."),
    ("arrival_datetime", "When it arrives."),
    ("arrived", "How many have arrived."),
    ("as_of", "The moment whose figures these are."),
    ("at", "When it happened."),
    ("at_destination", "Whether the shipment has arrived at its destination."),
    ("attempt_count", "How often it was tried."),
    ("attempts", "How often it was tried."),
    ("auto_route_hours", "Hours within which a booking without flights and date departs."),
    ("awb_prefix", "The first three digits of the airline's air waybills."),
    ("bookable", "Whether it can be booked for this freight at this moment; `reasons` says why not."),
    ("BookingCounts", "Number of steps of bookings."),
    ("BookingId", "Id of a booking."),
    ("bookings", "Number of bookings."),
    ("breaks", "Rates from a weight on, which fall as the weight rises."),
    ("cancelled", "How many were cancelled."),
    ("chargeable_weight_kg", "Chargeable weight in kg."),
    ("city", "The name of the city."),
    ("code", "A name of your own for it, unique among its kind."),
    ("?code", "The stable code."),
    ("ProblemEntry.code", "The stable code, which programs compare."),
    ("Region.code", "The name by which it is referred to."),
    ("VerifyPhone.code", "The six digits of the message."),
    ("column", "The column of the table, by its heading."),
    ("country_code", "ISO 3166-1 code of the country, two letters."),
    ("created", "How many were made."),
    ("created_at", "When it was made."),
    ("created_by", "The user who made it."),
    ("crv", "The curve of the key."),
    ("current", "The password until now."),
    ("customer_reference", "A reference of your own, such as the number of an order."),
    ("database", "The database."),
    ("DatabaseHealth", "How the database does."),
    ("date_from", "The first local date of departure."),
    ("date_to", "The last local date of departure."),
    ("dead", "Jobs that were given up."),
    ("delivered", "How many were delivered."),
    ("delivered_at", "When the receiver took it; null until then."),
    ("DeliveryStatus", "What became of a message to a webhook."),
    ("departed", "How many have departed."),
    ("departure_date", "Local calendar date at the origin."),
    ("departure_datetime", "When it departs."),
    ("description", "What the freight is, in your own words."),
    ("ChangeWebhook.description", "What it is for, in your own words."),
    ("CreateWebhook.description", "What it is for, in your own words."),
    ("Webhook.description", "What it is for, in your own words."),
    ("?destination", "Only those to this airport."),
    ("?disabled", "Only users who may not (`true`) or may (`false`) log in."),
    ("discount_code", "The code of a sale."),
    ("duration_minutes", "Scheduled time from departure to arrival, in minutes."),
    ("duration_ms", "How long it took, in milliseconds."),
    ("effects", "What would become of the booking."),
    ("elevation_ft", "Height above mean sea level, in feet."),
    ("email", "E-mail address."),
    ("Channels.email", "Whether notifications are sent by e-mail."),
    ("WantedChannels.email", "Whether notifications are sent by e-mail."),
    ("EmbargoId", "Id of an embargo."),
    ("error_description", "What is wrong, in a sentence."),
    ("EventId", "Id of an event."),
    ("expires_at", "From when on it is no longer valid; null: never."),
    ("failed", "How many failed."),
    ("features", "What this installation offers beside the core."),
    ("flight_id", "The flight."),
    ("flight_ids", "The flights, in order."),
    ("?flight_number", "Only flights with this number."),
    ("flight_numbers", "Only flights with one of these numbers; empty: any flight."),
    ("FlightId", "Id of a flight."),
    ("flights", "Number of flights."),
    ("handling_codes", "Only freight with any of these codes; empty: all freight."),
    (
        "HealthStatus",
        "`healthy`; `degraded`: something that can be done without is away; `unhealthy`: the database is.",
    ),
    ("hits", "How many were found in the cache."),
    ("hold_id", "The hold that it is for; null for that of a booking."),
    ("HoldId", "Id of a hold."),
    ("icao_code", "ICAO code."),
    ("id", "Identifies it, for ever."),
    ("ids", "Those that are meant."),
    ("is_active", "Whether it is offered for new flights."),
    ("is_cargo_only", "Whether the airline carries no passengers."),
    ("is_freighter", "Whether it carries freight alone, no passengers."),
    ("is_major", "Whether it is one of the large airports."),
    ("JobsHealth", "How the work in the background does."),
    ("keys", "The keys that signatures are checked with."),
    ("kid", "The name of the key, as in the head of a token."),
    ("?kind", "Only those of this kind."),
    ("kty", "The type of the key."),
    ("lag_seconds", "How far it is behind, in seconds."),
    ("language", "Language tag, such as `en`."),
    ("last_success_at", "When a message was last taken; null before."),
    ("last_used_at", "When it was last used; null before."),
    ("latency_ms", "How long the last request took, in milliseconds; null if it was not answered."),
    ("latitude", "Degrees north of the equator; south is negative."),
    ("leg_id", "The leg that it belongs to; null: the whole booking."),
    ("LegId", "Id of a leg."),
    ("legs", "The flights of the journey, in order."),
    ("Limits", "The bounds that requests must keep."),
    ("limits", "The bounds that requests must keep."),
    ("longitude", "Degrees east of Greenwich; west is negative."),
    ("made", "How many were made."),
    ("manufacturer", "Who builds it."),
    ("max_body_bytes", "Largest body of a request, in bytes."),
    ("max_flights_per_booking", "Most flights of a booking."),
    ("max_import_bytes", "Largest table that can be imported, in bytes."),
    ("max_page_size", "Most entries of a page."),
    ("max_search_results", "Most options of a search."),
    ("max_stops", "Most connections of an option."),
    ("maximum", "The most that is charged; null: any amount."),
    ("message", "What the provider said."),
    ("method", "How it is paid."),
    ("migration_version", "The number of the newest migration."),
    ("min_connection_minutes", "The shortest connection, in minutes."),
    ("minimum", "The least that is charged."),
    ("misses", "How many were not found in the cache."),
    ("name", "Its name."),
    ("AmendContact.name", "Name of the person."),
    ("BookingContact.name", "Name of the person."),
    ("BookingContactShown.name", "Name of the person."),
    ("Contact.name", "Name of the person."),
    ("NewContact.name", "Name of the person."),
    ("User.name", "Name of the person."),
    ("UserBody.name", "Name of the person."),
    ("needs_rerouting", "Whether a leg is missing, so that the shipment does not reach its destination."),
    ("?needs_rerouting", "Only those of which a leg is missing (`true`), or none (`false`)."),
    ("new", "The password from now on."),
    ("notes", "A remark that is shown in the history."),
    ("number", "1 for the first."),
    ("ok", "Whether it was done."),
    ("organization_id", "The organization that it belongs to."),
    ("?organization_id", "Only those of this organization."),
    ("ChangeTariff.organization_id", "The organization that it is for; null: all."),
    ("Tariff.organization_id", "The organization that it is for; null: all."),
    ("OrganizationId", "Id of an organization."),
    ("?origin", "Only those from this airport."),
    ("outcome", "What came of it."),
    ("p50", "Half of them took at most so long."),
    ("p90", "Nine of ten took at most so long."),
    ("p95", "95 of 100 took at most so long."),
    ("password", "The password."),
    ("payment_id", "The payment that caused it; null if none did."),
    ("PaymentId", "Id of a payment."),
    ("PaymentMethod", "`TOKEN`: by the payment provider; `ACCOUNT`: by the credit of the organization."),
    ("phone", "Phone number with the country code: `+` and 7 to 15 digits."),
    ("phone_verified", "Whether the user has shown that the phone number is theirs."),
    ("pieces", "Number of pieces."),
    ("?pieces", "Number of pieces of the freight."),
    ("pool_connections", "Connections to the database."),
    ("pool_idle", "Those of them that nobody uses."),
    ("pool_max", "Most connections to the database."),
    ("positions", "Number of whole ULD positions."),
    ("?positions", "Number of whole ULD positions of the freight."),
    ("CarriedPercent.positions", "Percentage of the positions that were carried."),
    ("positions_percent", "Percentage of the positions that are sold above capacity."),
    ("postal_code", "Postal code, as the country writes it."),
    ("product", "The product, such as `GENERAL`."),
    ("queued", "How many wait."),
    ("queued_at", "Since when it has waited."),
    ("quote_id", "The quote that it is from."),
    ("QuoteId", "Id of a quote."),
    ("reason", "Why, in your own words."),
    ("redis", "Redis; null if none is configured."),
    ("RedisHealth", "How Redis does."),
    ("reference", "What it is called by whom it comes from."),
    ("refresh_token", "Gets the next access token."),
    ("request_id", "The id of the request, as in its header `X-Request-Id`."),
    ("request_timeout_ms", "A request that takes longer is given up, in milliseconds."),
    ("?role", "Only users with this role."),
    ("RouteCounts", "Number of searches."),
    ("routes", "Counts of searches."),
    ("running", "How many are under way."),
    ("sale_from", "The first day on which it can be used, in UTC."),
    ("sale_to", "The last day on which it can be used, in UTC."),
    ("SaleId", "Id of a sale."),
    ("scheduled_arrival_datetime", "When it is to arrive by the schedule."),
    ("searches", "Number of searches."),
    ("sent_at", "When it was sent; null until then."),
    ("sequence", "The place in the order: 1 for the first."),
    ("shipments", "Number of shipments."),
    ("sink", "Where messages go."),
    ("sms", "Whether notifications are sent by SMS."),
    ("special_handling_codes", "IATA special handling codes of the freight, such as `PER`."),
    ("started_at", "When it began."),
    ("?state", "Only those in this state."),
    ("status", "Its state."),
    ("?status", "Only those in this state."),
    ("DetailedHealth.status", "How the instance is, in one word."),
    ("HealthBody.status", "How the instance is, in one word."),
    ("ProblemBody.status", "The status code of the response."),
    ("ProblemEntry.status", "The status code of responses with it."),
    ("stops", "Number of connections."),
    ("street", "Street and number."),
    ("subject", "What it is about, such as a booking."),
    ("subject_id", "The id of what was acted on."),
    ("succeeded", "How many succeeded."),
    ("SurchargeId", "Id of a surcharge."),
    ("TariffId", "Id of a tariff."),
    ("text", "What it is for, in words."),
    ("title", "What the code means, in a few words."),
    ("token", "The token of the link."),
    ("token_type", "Always `bearer`."),
    ("total_duration_minutes", "From the first departure to the last arrival, in minutes."),
    ("transit_airports", "The airports of the connections, in order."),
    ("type", "The type of the event, such as `booking.created`."),
    ("?type", "The type, such as `booking.created`."),
    ("updated", "How many were changed."),
    ("updated_at", "When it was last changed."),
    ("url", "The address to which messages are sent."),
    ("PaymentAction.url", "The page on which the payer confirms."),
    ("use", "What the key is for: signatures."),
    ("UserId", "Id of a user."),
    ("valid_from", "First local date of departure."),
    ("valid_to", "Last local date of departure; null: without end."),
    ("version", "Rises with each change; the `ETag` is made of it."),
    ("Info.version", "The version of Loadmaster."),
    ("volume", "Percentage of the volume that was carried."),
    ("volume_m3", "Volume in m³."),
    ("?volume_m3", "Volume of the freight in m³. Default: by the weight, at 166.667 kg per m³."),
    ("volume_percent", "Percentage of the volume that is sold above capacity."),
    ("WaitlistEntryId", "Id of an entry of the waitlist."),
    ("WebhookId", "Id of a webhook."),
    (
        "WebhookStatus",
        "`ACTIVE`; `FAILING`: its receiver fails, and is tried with one message at a time; `DISABLED`: nothing is sent.",
    ),
    ("weekdays", "Days of the week of the local departure, 1 (Monday) to 7; null or empty: all."),
    ("weight", "Percentage of the weight that was carried."),
    ("weight_kg", "Weight in kg."),
    ("?weight_kg", "Weight of the freight in kg: options say whether it fits."),
    ("weight_percent", "Percentage of the weight that is sold above capacity."),
    ("x", "The public key."),
];

/// Describes the members and parameters that say nothing themselves.
pub(super) fn describe(paths: &mut Paths, components: &mut Components) {
    for (_, _, operation) in operations(paths) {
        for parameter in operation.parameters.iter_mut().flatten() {
            if let RefOr::T(parameter) = parameter
                && parameter.description.as_ref().is_none_or(String::is_empty)
            {
                let of_parameters = meaning(&format!("?{}", parameter.name));
                parameter.description = of_parameters.or_else(|| meaning(&parameter.name)).map(str::to_owned);
            }
        }
    }
    let known = components.clone();
    for (name, schema) in &mut components.schemas {
        if let Some(text) = meaning(name)
            && !is_described(schema, &known)
        {
            put(schema, text);
        }
        describe_members(name, schema, &known);
    }
}

fn meaning(name: &str) -> Option<&'static str> {
    MEANINGS.iter().find(|(known, _)| *known == name).map(|(_, text)| *text)
}

fn describe_members(name: &str, schema: &mut RefOr<Schema>, known: &Components) {
    let RefOr::T(schema) = schema else { return };
    match schema {
        Schema::Object(object) => {
            for (member, of_member) in &mut object.properties {
                let text = meaning(&format!("{name}.{member}")).or_else(|| meaning(member));
                if let Some(text) = text
                    && !is_described(of_member, known)
                {
                    put(of_member, text);
                }
            }
        }
        Schema::AllOf(parts) => parts.items.iter_mut().for_each(|part| describe_members(name, part, known)),
        Schema::OneOf(shapes) => shapes.items.iter_mut().for_each(|shape| describe_members(name, shape, known)),
        Schema::AnyOf(shapes) => shapes.items.iter_mut().for_each(|shape| describe_members(name, shape, known)),
        _ => {}
    }
}

/// Returns whether a schema, or what it refers to, says what it is.
fn is_described(schema: &RefOr<Schema>, known: &Components) -> bool {
    let schema = match schema {
        RefOr::Ref(reference) => {
            return !reference.description.is_empty()
                || known.schemas.get(name_of(reference)).is_some_and(|schema| is_described(schema, known));
        }
        RefOr::T(schema) => schema,
    };
    let shapes = match schema {
        Schema::AllOf(parts) => &parts.items,
        Schema::OneOf(shapes) => &shapes.items,
        Schema::AnyOf(shapes) => &shapes.items,
        _ => return text_of(schema).is_some(),
    };
    text_of(schema).is_some() || shapes.iter().any(|shape| is_described(shape, known))
}

/// What a schema itself says that it is.
pub(super) const fn text_of(schema: &Schema) -> Option<&String> {
    match schema {
        Schema::Object(object) => object.description.as_ref(),
        Schema::Array(list) => list.description.as_ref(),
        Schema::AllOf(parts) => parts.description.as_ref(),
        Schema::OneOf(shapes) => shapes.description.as_ref(),
        Schema::AnyOf(shapes) => shapes.description.as_ref(),
        _ => None,
    }
}

fn put(schema: &mut RefOr<Schema>, text: &str) {
    let schema = match schema {
        RefOr::Ref(reference) => return text.clone_into(&mut reference.description),
        RefOr::T(schema) => schema,
    };
    let place = match schema {
        Schema::Object(object) => &mut object.description,
        Schema::Array(list) => &mut list.description,
        Schema::AllOf(parts) => &mut parts.description,
        Schema::OneOf(shapes) => &mut shapes.description,
        Schema::AnyOf(shapes) => &mut shapes.description,
        _ => return,
    };
    *place = Some(text.to_owned());
}
