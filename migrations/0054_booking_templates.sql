-- Booking templates of each organization: what its bookings have in common again and again.
create table booking_templates (
    id                     uuid        primary key,
    organization_id        uuid        not null references organizations (id),
    -- Null once the template is deleted or erased, as is all that follows, up to the person.
    name                   text,
    origin                 text,
    destination            text        check (destination <> origin),
    pieces                 integer     check (pieces > 0),
    weight_hg              bigint      check (weight_hg > 0),
    volume_l               bigint      check (volume_l > 0),
    product                text,
    special_handling_codes text[]      not null,
    description            text,
    -- Personal data, with the members of `booking_texts.shipper`.
    shipper                jsonb,
    consignee              jsonb,
    -- Null also once the person is erased.
    created_by             uuid        references users (id),
    version                integer     not null default 1,
    created_at             timestamptz not null,
    updated_at             timestamptz not null,
    -- Nobody sees it any more. Its id is deleted once no answer under an `Idempotency-Key` can be about it.
    deleted_at             timestamptz,
    constraint booking_templates_blank_when_deleted check ((name is null) = (deleted_at is not null))
);

create unique index booking_templates_one_name on booking_templates (organization_id, lower(name)) where deleted_at is null;
create index booking_templates_by_organization on booking_templates (organization_id, id);
create index booking_templates_deleted on booking_templates (deleted_at) where deleted_at is not null;
create index booking_templates_by_creator on booking_templates (created_by) where created_by is not null;
