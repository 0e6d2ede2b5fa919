//! What the lists are asked for. A list of the API's description that has no row here fails the test, as does a filter.

use loadmaster_accounts::Role;

/// How a list is asked: by these roles, with these values in its path and for each of its filters. Values are selected from the
/// filled database, the commonest first and the rarest last.
pub struct List {
    pub operation: &'static str,
    pub roles: &'static [Role],
    /// For several holes the values are apart by spaces.
    pub path: Option<&'static str>,
    pub filters: &'static [(&'static str, &'static str)],
    /// Filters that the console does not combine with others: they are asked for alone.
    pub apart: &'static [&'static str],
}

const ANYBODY: &[Role] = &[Role::Customer];
const ADMIN: &[Role] = &[Role::Admin];
const BOTH: &[Role] = &[Role::Customer, Role::Admin];

/// Filters that only the carrier's staff may name.
pub const OF_STAFF: [&str; 2] = ["organization_id", "user_id"];

const fn list(operation: &'static str, roles: &'static [Role]) -> List {
    List { operation, roles, path: None, filters: &[], apart: &[] }
}

const ORIGINS: &str = "(select origin from bookings group by 1 order by count(*) desc limit 1) union all
                       (select origin from bookings group by 1 order by count(*) limit 1)";
const DESTINATIONS: &str = "(select destination from bookings group by 1 order by count(*) desc limit 1) union all
                            (select destination from bookings group by 1 order by count(*) limit 1)";
const ORGANIZATIONS: &str =
    "(select organization_id::text from bookings group by 1 order by count(*) desc limit 1) union all
                             (select organization_id::text from bookings group by 1 order by count(*) limit 1)";
const FLIGHTS: &str =
    "(select flight_id::text from booking_legs where status <> 'RELEASED' group by 1 order by count(*) desc limit 1)
                       union all (select flight_id::text from booking_legs group by 1 order by count(*) limit 1)";
const TIMES: &str = "values ('2026-01-01T00:00:00Z'), ('2026-10-01T00:00:00Z')";
const UNTIL: &str = "values ('2026-11-19T00:00:00Z'), ('2025-12-05T00:00:00Z')";
const COUNTED: &str = "values ('true')";
const BY_EXPIRY: &str = "values ('expires_at'), ('-expires_at'), ('created_at'), ('-created_at')";
const BOOLEANS: &str = "values ('false'), ('true')";

/// Every list of the API.
pub const LISTS: &[List] = &[
    List {
        filters: &[
            ("status", "values ('DELIVERED'), ('CANCELLED'), ('BOOKED'), ('DEPARTED'), ('ARRIVED')"),
            ("origin", ORIGINS),
            ("destination", DESTINATIONS),
            ("flight_id", FLIGHTS),
            ("created_from", TIMES),
            ("created_to", UNTIL),
            ("needs_rerouting", BOOLEANS),
            (
                "q",
                "values ('parts'), ('no such text'), ('PO-4711'), ('020-0004711'),
                 ((select ref_id from bookings order by id limit 1))",
            ),
            ("organization_id", ORGANIZATIONS),
            ("sort", "values ('departure_datetime'), ('-departure_datetime'), ('created_at'), ('-created_at')"),
            ("count", COUNTED),
        ],
        ..list("listBookings", BOTH)
    },
    List {
        filters: &[
            (
                "origin",
                "(select origin from flights group by 1 order by count(*) desc limit 1) union all values ('AAL')",
            ),
            ("destination", "select destination from flights group by 1 order by count(*) desc limit 1"),
            ("departure_date", "values ('2026-11-20'), ('2030-01-01')"),
            ("departure_from", TIMES),
            ("departure_to", UNTIL),
            ("arrival_from", TIMES),
            ("arrival_to", UNTIL),
            ("airline", "values ('AI'), ('BA'), ('LH')"),
            ("flight_number", "values ('AI1'), ('AI999'), ('LH1')"),
            ("status", "values ('ARRIVED'), ('SCHEDULED'), ('CANCELLED'), ('DEPARTED')"),
            (
                "sort",
                "values ('-departure_datetime'), ('arrival_datetime'), ('flight_number'), ('-flight_number'),
                 ('-arrival_datetime'), ('departure_datetime')",
            ),
            ("count", COUNTED),
        ],
        // By departure, from the oldest: flights of one airline that leave are behind those that have left.
        apart: &["airline", "status", "arrival_from", "arrival_to"],
        ..list("listFlights", ANYBODY)
    },
    List {
        filters: &[
            ("station", "select origin from flights group by 1 order by count(*) desc limit 1"),
            ("from", "values ('2026-11-18T00:00:00Z'), ('2026-11-21T00:00:00Z')"),
            ("to", "values ('2026-11-23T00:00:00Z')"),
        ],
        // Without `from`, `to` is within four days of now, and a day after `from` is its default.
        apart: &["to"],
        ..list("listFlightConnections", ADMIN)
    },
    List {
        path: Some(
            "select flight_id::text from booking_legs where status <> 'RELEASED' group by 1 order by count(*) desc limit 1",
        ),
        filters: &[("concern", "values ('AT_RISK'), ('TO_REROUTE')")],
        ..list("listConcernedBookings", ADMIN)
    },
    List {
        filters: &[
            ("status", "values ('EXPIRED'), ('RELEASED'), ('COMMITTED'), ('ACTIVE'), ('COMMITTING')"),
            ("kind", "values ('ITINERARY'), ('RESERVATION'), ('OFFER'), ('ALLOTMENT')"),
            ("flight_id", "select flight_id::text from hold_legs group by 1 order by count(*) desc limit 1"),
            ("organization_id", ORGANIZATIONS),
            ("sort", BY_EXPIRY),
            ("count", COUNTED),
        ],
        ..list("listHolds", BOTH)
    },
    List {
        path: Some("select flight_id::text from hold_legs group by 1 order by count(*) desc limit 1"),
        ..list("listReservations", BOTH)
    },
    List {
        filters: &[
            ("status", "values ('EXPIRED'), ('BOOKED'), ('CANCELLED'), ('WAITING'), ('DECLINED'), ('OFFERED')"),
            ("flight_id", "select flight_ids[1]::text from waitlist_entries group by 1 order by count(*) desc limit 1"),
            ("organization_id", ORGANIZATIONS),
        ],
        ..list("listWaitlist", BOTH)
    },
    List { filters: &[("organization_id", ORGANIZATIONS)], ..list("listAllotments", BOTH) },
    List {
        path: Some("select allotment_id::text from allotment_flights group by 1 order by count(*) desc limit 1"),
        ..list("listAllotmentFlights", ADMIN)
    },
    list("listNotifications", ANYBODY),
    List {
        filters: &[
            ("ref_id", "select ref_id from notifications where status = 'SENT' order by id limit 1"),
            ("status", "values ('SENT'), ('SUPPRESSED'), ('FAILED'), ('WAITING')"),
        ],
        ..list("listAllNotifications", ADMIN)
    },
    List {
        filters: &[
            ("status", "values ('ACTIVE'), ('DISABLED'), ('FAILING')"),
            ("organization_id", "select organization_id::text from webhooks order by id limit 1"),
        ],
        ..list("listWebhooks", BOTH)
    },
    List {
        path: Some("select webhook_id::text from webhook_deliveries group by 1 order by count(*) desc limit 1"),
        filters: &[
            ("status", "values ('DELIVERED'), ('WAITING'), ('FAILED')"),
            (
                "type",
                "values ('loadmaster.booking.*'), ('loadmaster.booking.booked.v1'), ('loadmaster.booking.cancelled.v1')",
            ),
            ("subject", "(select subject from webhook_deliveries order by id limit 1) union all values ('nothing')"),
        ],
        apart: &["type", "subject"],
        ..list("listWebhookDeliveries", ADMIN)
    },
    List {
        filters: &[
            ("q", "values ('user'), ('no such person'), ('user4711@')"),
            ("role", "values ('customer'), ('operator'), ('admin')"),
            ("organization_id", ORGANIZATIONS),
            ("disabled", BOOLEANS),
            ("sort", "values ('email'), ('-email'), ('created_at'), ('-created_at')"),
            ("count", COUNTED),
        ],
        ..list("listUsers", ADMIN)
    },
    List {
        filters: &[
            ("q", "values ('forwarder'), ('no such one'), ('4711')"),
            ("sort", "values ('name'), ('-name'), ('created_at'), ('-created_at')"),
            ("count", COUNTED),
        ],
        ..list("listOrganizations", ADMIN)
    },
    List {
        filters: &[
            ("status", "values ('ACTIVE'), ('EXPIRED'), ('PAUSED')"),
            ("kind", "values ('SPACE'), ('PRICE')"),
            (
                "organization_id",
                "select organization_id::text from alerts group by 1 order by count(*) desc, 1 limit 1",
            ),
            ("sort", "values ('created_at'), ('-created_at')"),
            ("count", COUNTED),
        ],
        ..list("listAlerts", BOTH)
    },
    List {
        filters: &[
            ("status", "values ('ACTIVE'), ('PAUSED'), ('FAILING')"),
            ("kind", "values ('FLIGHTS'), ('TARIFFS')"),
            ("sort", "values ('created_at'), ('-created_at')"),
            ("count", COUNTED),
        ],
        ..list("listFeeds", ADMIN)
    },
    List {
        path: Some("select feed_id::text from feed_runs group by 1 order by count(*) desc, 1 limit 1"),
        filters: &[
            ("status", "values ('UNCHANGED'), ('APPLIED'), ('FAILED')"),
            ("sort", "values ('created_at'), ('-created_at')"),
            ("count", COUNTED),
        ],
        ..list("listFeedRuns", ADMIN)
    },
    List {
        path: Some("select feed_id || ' ' || id from feed_runs order by id limit 1"),
        filters: &[("effect", "values ('NEW'), ('REFUSED')"), ("q", "values ('AI1'), ('LHR')")],
        ..list("listFeedRunDifferences", ADMIN)
    },
    List {
        filters: &[
            ("status", "values ('PLANNING'), ('CANCELLED'), ('BOOKED')"),
            (
                "organization_id",
                "select organization_id::text from consolidation_members group by 1 order by count(*) desc, 1 limit 1",
            ),
        ],
        ..list("listConsolidations", BOTH)
    },
    List {
        path: Some(
            "select consolidation_id::text from consolidation_events group by 1 order by count(*) desc, 1 limit 1",
        ),
        ..list("listConsolidationEvents", ADMIN)
    },
    List { filters: &[("q", "values ('forwarder'), ('no such one')")], ..list("listParties", ANYBODY) },
    List { filters: &[("q", "values ('roses'), ('no such one')")], ..list("listBookingTemplates", ANYBODY) },
    List {
        filters: &[("user_id", "select user_id::text from api_keys group by 1 order by count(*) desc limit 1")],
        ..list("listApiKeys", BOTH)
    },
    List {
        filters: &[
            (
                "actor_id",
                "(select actor_id::text from admin_acts order by id limit 1) union all select gen_random_uuid()::text",
            ),
            ("subject_id", "select subject_id from admin_acts order by id limit 1"),
            ("act", "values ('bookings.exported'), ('user.changed'), ('organization.renamed'), ('embargo.ended')"),
        ],
        ..list("listAdminActs", ADMIN)
    },
    List {
        filters: &[
            ("state", "values ('DEAD'), ('QUEUED'), ('RUNNING')"),
            ("kind", "values ('expire_hold'), ('old_quotes'), ('nothing')"),
        ],
        ..list("listJobs", ADMIN)
    },
    List {
        path: Some("select organization_id::text from credit_accounts order by entries desc limit 1"),
        ..list("listCreditEntries", ADMIN)
    },
    List {
        filters: &[
            ("status", "values ('CAPTURED'), ('VOIDED'), ('FAILED'), ('AUTHORIZED'), ('FAILED,VOIDED')"),
            ("due", "values ('FAILED'), ('OPEN'), ('REFUND')"),
            ("ref_id", "select booking_ref from payments order by id limit 1"),
            ("organization_id", ORGANIZATIONS),
            ("sort", "values ('created_at'), ('-created_at')"),
            ("count", COUNTED),
        ],
        ..list("listPayments", BOTH)
    },
    list("listTestPayments", ADMIN),
    List {
        filters: &[
            ("from", "values ('2026-11-01'), ('2026-11-19')"),
            ("to", "values ('2026-11-20'), ('2026-11-19')"),
            ("origin", ORIGINS),
            ("destination", DESTINATIONS),
            ("outcome", "values ('BOOKABLE'), ('NO_ROOM'), ('NO_RATE')"),
        ],
        ..list("listSearches", ADMIN)
    },
    List {
        filters: &[("organization_id", ORGANIZATIONS), ("sort", BY_EXPIRY), ("count", COUNTED)],
        ..list("listQuotes", BOTH)
    },
    list("listTariffs", ADMIN),
    list("listSurcharges", ADMIN),
    list("listSales", ADMIN),
    list("listEmbargoes", ANYBODY),
    List {
        filters: &[
            ("q", "values ('a'), ('london')"),
            ("country", "values ('US'), ('LU')"),
            ("tag", "values ('hub'), ('nothing')"),
            ("capability", "values ('COOL_ROOM'), ('VALUABLES')"),
            ("collection", "values ('asia'), ('nothing')"),
            ("featured", BOOLEANS),
        ],
        ..list("listStations", ANYBODY)
    },
    list("listStationTags", ANYBODY),
    list("listStationCollections", ANYBODY),
    List { path: Some("values ('DEL')"), ..list("listTipsOfStation", ANYBODY) },
    List {
        filters: &[
            ("status", "values ('APPROVED'), ('REJECTED'), ('PENDING')"),
            ("station", "select airport_code from station_tips group by 1 order by count(*) desc, 1 limit 1"),
        ],
        ..list("listTips", ADMIN)
    },
    List {
        path: Some(
            "select flight_id::text from booking_legs where status <> 'RELEASED' group by 1 order by count(*) desc limit 1",
        ),
        ..list("getFlightManifest", ADMIN)
    },
    List { path: Some("select ref_id from bookings order by id desc limit 1"), ..list("getBookingHistory", ADMIN) },
    List { path: Some("select ref_id from bookings order by id desc limit 1"), ..list("trackShipment", ANYBODY) },
    list("listMailbox", ADMIN),
    // From memory: what the server read at its start.
    List { filters: &[("active", BOOLEANS)], ..list("listAircraft", ANYBODY) },
    List { filters: &[("active", BOOLEANS)], ..list("listAirlines", ANYBODY) },
    list("listAirlineLogos", ANYBODY),
    List {
        filters: &[
            ("q", "values ('a'), ('london')"),
            ("country", "values ('US'), ('LU')"),
            ("major", BOOLEANS),
            ("active", BOOLEANS),
        ],
        ..list("listAirports", ANYBODY)
    },
    List { filters: &[("q", "values ('a'), ('london')")], ..list("listCities", ANYBODY) },
    list("listHandlingCodes", ANYBODY),
    List { path: Some("values ('AI')"), ..list("listAirlineRoutes", ANYBODY) },
    // Both are required.
    List { filters: &[("origin", ORIGINS), ("destination", DESTINATIONS)], ..list("searchAirlineRoutes", ANYBODY) },
];
