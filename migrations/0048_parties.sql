-- The address book of each organization: parties that its bookings name again and again.
create table parties (
    id              uuid        primary key,
    organization_id uuid        not null references organizations (id),
    -- Personal data, with the members of `booking_texts.shipper`. Null once the entry is deleted or erased.
    party           jsonb,
    -- Null once the entry is deleted, or the person erased.
    created_by      uuid        references users (id),
    version         integer     not null default 1,
    created_at      timestamptz not null,
    updated_at      timestamptz not null,
    -- Nobody sees it any more. Its id is deleted once no answer under an `Idempotency-Key` can be about it.
    deleted_at      timestamptz,
    constraint parties_blank_when_deleted check ((party is null) = (deleted_at is not null))
);

create index parties_by_organization on parties (organization_id, id);
create index parties_deleted on parties (deleted_at) where deleted_at is not null;
create index parties_by_creator on parties (created_by) where created_by is not null;
