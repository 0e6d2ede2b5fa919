//! Descriptions of the members that mean the same in every schema. They are written once here and given to every member that has no
//! description of its own.
use utoipa::openapi::{Components, Paths, RefOr, Schema};

use super::{name_of, operations};

/// Descriptions by name: of a member by its name, of a parameter with `?` before it, of a schema by the schema's name. A member that
/// means something else in one schema has the schema's name before it.
const MEANINGS: &[(&str, &str)] = &[
    ("account_number", "The number of the account with the carrier."),
    ("acted_at", "When the action was done."),
    ("actor_id", "The user who caused it; null if nobody did."),
    ("actual_arrival_datetime", "When it arrived; null until then."),
    ("actual_departure_datetime", "When it departed; null until then."),
    ("airline_name", "The name of the airline; null if it is not known."),
    ("alg", "The algorithm of signatures made with it."),
    ("alliance", "The alliance that the airline belongs to."),
    ("AllotmentId", "Id of an allotment."),
    ("ApiKeyId", "Id of an API key."),
    ("arrival_datetime", "When it arrives."),
    ("arrived", "Number that have arrived."),
    ("as_of", "The moment whose figures these are."),
    ("at", "When it happened."),
    ("at_destination", "Whether the shipment has arrived at its destination."),
    ("attempt_count", "Number of attempts so far."),
    ("attempts", "Number of attempts so far."),
    ("auto_route_hours", "A booking without flights and date departs within this number of hours."),
    ("awb_prefix", "The first three digits of the airline's air waybills."),
    ("bookable", "Whether it can be booked for this freight at this moment; `reasons` says why not."),
    ("BookingCounts", "Numbers of bookings by step."),
    ("BookingId", "Id of a booking."),
    ("bookings", "Number of bookings."),
    ("BookingTemplateId", "Id of a booking template."),
    ("breaks", "Rates by weight: each is valid from its weight on, and the rates fall as the weight rises."),
    ("cancelled", "Number cancelled."),
    ("chargeable_weight_kg", "Chargeable weight in kg."),
    ("city", "The name of the city."),
    ("code", "A name of your own for it, unique among its kind."),
    ("?code", "The stable code."),
    ("ProblemEntry.code", "The stable code, which programs compare."),
    ("Region.code", "The name by which it is referred to."),
    ("VerifyPhone.code", "The six digits of the message."),
    ("column", "The column of the table, by its heading."),
    ("country_code", "ISO 3166-1 code of the country, two letters."),
    ("created", "Number created."),
    ("created_at", "When it was created."),
    ("created_by", "The user who created it."),
    ("crv", "The curve of the key."),
    ("current", "The present password."),
    ("customer_reference", "A reference of your own, such as the number of an order."),
    ("database", "The database."),
    ("DatabaseHealth", "State of the database."),
    ("date_from", "The first local date of departure."),
    ("date_to", "The last local date of departure."),
    ("dead", "Jobs that were given up."),
    ("delivered", "Number delivered."),
    ("delivered_at", "When the receiver took it; null until then."),
    ("DeliveryStatus", "Result of sending a message to a webhook."),
    ("departed", "Number that have departed."),
    ("departure_date", "Local calendar date at the origin."),
    ("departure_datetime", "When it departs."),
    ("description", "What the freight is, in your own words."),
    ("ChangeWebhook.description", "What it is for, in your own words."),
    ("CreateWebhook.description", "What it is for, in your own words."),
    ("Webhook.description", "What it is for, in your own words."),
    ("?destination", "Only those to this airport."),
    ("?disabled", "Only disabled users (`true`), or only those who can log in (`false`)."),
    ("discount_code", "The code of a sale."),
    ("duration_minutes", "Scheduled time from departure to arrival, in minutes."),
    ("duration_ms", "Time taken, in milliseconds."),
    ("effects", "What the change would do to the booking."),
    ("elevation_ft", "Height above mean sea level, in feet."),
    ("email", "E-mail address."),
    ("Channels.email", "Whether notifications are sent by e-mail."),
    ("WantedChannels.email", "Whether notifications are sent by e-mail."),
    ("EmbargoId", "Id of an embargo."),
    ("error_description", "What is wrong, in a sentence."),
    ("EventId", "Id of an event."),
    ("expires_at", "It is valid until this time; null: without end."),
    ("failed", "Number that failed."),
    ("features", "Optional parts that this installation has switched on."),
    ("flight_id", "The flight."),
    ("flight_ids", "The flights, in order."),
    ("?flight_number", "Only flights with this number."),
    ("flight_numbers", "Only flights with one of these numbers; empty: any flight."),
    ("FlightId", "Id of a flight."),
    ("flights", "Number of flights."),
    ("handling_codes", "Only freight with any of these codes; empty: all freight."),
    (
        "HealthStatus",
        "`healthy`; `degraded`: a part that is not essential is unavailable; `unhealthy`: the database is unavailable.",
    ),
    ("hits", "Number of searches found in the cache."),
    ("hold_id", "The hold that it is for; null for that of a booking."),
    ("HoldId", "Id of a hold."),
    ("icao_code", "ICAO code."),
    ("id", "Permanent identifier."),
    ("ids", "Ids of the objects that the request applies to."),
    ("is_active", "Whether it is offered for new flights."),
    ("is_cargo_only", "Whether the airline carries no passengers."),
    ("is_freighter", "Whether it carries freight alone, no passengers."),
    ("is_major", "Whether it is one of the large airports."),
    ("JobsHealth", "State of the background jobs."),
    ("keys", "The keys that signatures are checked with."),
    ("kid", "Key ID, as in the header of a token."),
    ("?kind", "Only those of this kind."),
    ("kty", "The type of the key."),
    ("lag_seconds", "Delay behind the newest change, in seconds."),
    ("language", "Language tag, such as `en`."),
    ("last_success_at", "When the receiver last accepted a message; null if it never did."),
    ("last_used_at", "When it was last used; null if it never was."),
    ("latency_ms", "Time that the last request took, in milliseconds; null if there was no answer."),
    ("latitude", "Degrees north of the equator; south is negative."),
    ("leg_id", "The leg that it belongs to; null: the whole booking."),
    ("LegId", "Id of a leg."),
    ("legs", "The flights of the journey, in order."),
    ("Limits", "The bounds that requests must keep."),
    ("limits", "The bounds that requests must keep."),
    ("longitude", "Degrees east of Greenwich; west is negative."),
    ("made", "Number created."),
    ("manufacturer", "Manufacturer."),
    ("max_body_bytes", "Largest body of a request, in bytes."),
    ("max_flights_per_booking", "Maximum number of flights of a booking."),
    ("max_import_bytes", "Largest table that can be imported, in bytes."),
    ("max_page_size", "Maximum number of entries of a page."),
    ("max_search_results", "Maximum number of options of a search."),
    ("max_stops", "Maximum number of connections of an option."),
    ("maximum", "Maximum charge; null: no maximum."),
    ("message", "What the provider said."),
    ("method", "How it is paid."),
    ("migration_version", "Number of the newest migration."),
    ("min_connection_minutes", "The shortest connection, in minutes."),
    ("minimum", "Minimum charge."),
    ("misses", "Number of searches not found in the cache."),
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
    ("new", "The new password."),
    ("notes", "A remark that is shown in the history."),
    ("number", "Number in the sequence, from 1."),
    ("ok", "Whether the action succeeded."),
    ("organization_id", "The organization that it belongs to."),
    ("?organization_id", "Only those of this organization."),
    ("ChangeTariff.organization_id", "The organization that it is for; null: all."),
    ("Tariff.organization_id", "The organization that it is for; null: all."),
    ("OrganizationId", "Id of an organization."),
    ("?origin", "Only those from this airport."),
    ("outcome", "Result of the attempt."),
    ("p50", "Median: half of the values are at most this."),
    ("p90", "90th percentile: 90 % of the values are at most this."),
    ("p95", "95th percentile: 95 % of the values are at most this."),
    ("password", "The password."),
    ("payment_id", "The payment that caused it; null if none did."),
    (
        "payment_token",
        "What the payment provider gives to the payer's browser in place of a card number: at most 255 visible ASCII characters. It is passed on, never stored. At the provider `test`, `tok_ok` pays and `tok_declined` does not.",
    ),
    ("PartyId", "Id of a party in an address book."),
    ("PaymentId", "Id of a payment."),
    ("PaymentMethod", "`TOKEN`: by the payment provider; `ACCOUNT`: by the credit of the organization."),
    (
        "phone",
        "Phone number with the country code, as people write it: `+44 (0)20 7946 0123` is kept as `+442079460123`, without what is dialled within the country only.",
    ),
    ("phone_verified", "Whether the user has verified the phone number."),
    ("pieces", "Number of pieces."),
    ("?pieces", "Number of pieces of the freight."),
    ("pool_connections", "Connections to the database."),
    ("pool_idle", "Database connections that are not in use."),
    ("pool_max", "Maximum number of connections to the database."),
    ("positions", "Number of whole ULD positions."),
    ("?positions", "Number of whole ULD positions of the freight."),
    ("CarriedPercent.positions", "Percentage of the positions that were carried."),
    ("positions_percent", "Percentage of the positions that are sold above capacity."),
    ("postal_code", "Postal code, as the country writes it."),
    ("product", "The product, such as `GENERAL`."),
    ("queued", "Number that wait."),
    ("queued_at", "When it was queued."),
    ("quote_id", "The quote that it is from."),
    ("QuoteId", "Id of a quote."),
    ("reason", "Why, in your own words."),
    ("redis", "Redis; null if none is configured."),
    ("RedisHealth", "State of Redis."),
    ("reference", "Reference that its source gives it."),
    ("refresh_token", "Token with which a new access token is requested."),
    ("request_id", "The id of the request, as in its header `X-Request-Id`."),
    ("request_timeout_ms", "Maximum time of a request, in milliseconds; after it, the server answers 504."),
    ("?role", "Only users with this role; `guest` is refused, as guests have no account."),
    ("RouteCounts", "Number of searches."),
    ("routes", "Counts of searches."),
    ("running", "Number in progress."),
    ("sale_from", "The first day on which it can be used, in UTC."),
    ("sale_to", "The last day on which it can be used, in UTC."),
    ("SaleId", "Id of a sale."),
    ("scheduled_arrival_datetime", "Scheduled time of arrival."),
    ("searches", "Number of searches."),
    ("sent_at", "When it was sent; null until then."),
    ("sequence", "Position in the order, from 1."),
    ("shipments", "Number of shipments."),
    ("sink", "Where messages go."),
    ("sms", "Whether notifications are sent by SMS."),
    ("special_handling_codes", "IATA special handling codes of the freight, such as `PER`."),
    ("started_at", "When it began."),
    ("?state", "Only those in this state."),
    ("status", "Its state."),
    ("?status", "Only those in this state."),
    ("DetailedHealth.status", "State of the instance."),
    ("HealthBody.status", "State of the instance."),
    ("ProblemBody.status", "The status code of the response."),
    ("ProblemEntry.status", "The status code of responses with it."),
    ("stops", "Number of connections."),
    ("street", "Street and number."),
    ("subject", "What it is about, such as a booking."),
    ("subject_id", "The id of what was acted on."),
    ("succeeded", "Number that succeeded."),
    ("SurchargeId", "Id of a surcharge."),
    ("TariffId", "Id of a tariff."),
    ("text", "What it is for, in words."),
    ("title", "Short title of the code."),
    ("token", "The token of the link."),
    ("token_type", "Always `bearer`."),
    ("total_duration_minutes", "From the first departure to the last arrival, in minutes."),
    ("transit_airports", "The airports of the connections, in order."),
    ("type", "The type of the event, such as `booking.created`."),
    ("?type", "The type, such as `booking.created`."),
    ("updated", "Number changed."),
    ("updated_at", "When it was last changed."),
    ("url", "The address to which messages are sent."),
    ("PaymentAction.url", "Address of the page on which the payer confirms the payment."),
    ("use", "Use of the key: signatures."),
    ("UserId", "Id of a user."),
    ("valid_from", "First local date of departure."),
    ("valid_to", "Last local date of departure; null: without end."),
    ("version", "Number that increases with each change; the `ETag` contains it."),
    ("Info.version", "The version of Loadmaster."),
    ("volume", "Percentage of the volume that was carried."),
    ("volume_m3", "Volume in m³."),
    ("?volume_m3", "Volume of the freight in m³. Default: by the weight, at 166.667 kg per m³."),
    ("volume_percent", "Percentage of the volume that is sold above capacity."),
    ("WaitlistEntryId", "Id of an entry of the waitlist."),
    ("WebhookId", "Id of a webhook."),
    (
        "WebhookStatus",
        "`ACTIVE`; `FAILING`: the receiver fails, and messages are sent one at a time; `DISABLED`: nothing is sent.",
    ),
    ("weekdays", "Days of the week of the local departure, 1 (Monday) to 7; null or empty: all."),
    ("weight", "Percentage of the weight that was carried."),
    ("weight_kg", "Weight in kg."),
    ("?weight_kg", "Weight of the freight in kg: options say whether it fits."),
    ("weight_percent", "Percentage of the weight that is sold above capacity."),
    ("x", "The public key."),
];

/// Describes the members and parameters that have no description of their own.
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

/// Returns whether a schema, or the schema that it refers to, has a description.
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

/// The schema's own description.
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
