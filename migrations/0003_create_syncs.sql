-- A sync pairs two connections; its mapping is versioned; what both sides hold and how it is paired stands below.

create table sync (
    workspace_id uuid not null references workspace,
    sync_id uuid not null,
    name text not null constraint sync_name_shape check (name ~ '^[a-z0-9][a-z0-9_-]{0,62}$'),
    highlevel_connection_id uuid not null,
    chargify_connection_id uuid not null,
    enabled boolean not null default false,
    slots smallint not null default 3 constraint sync_slots_range check (slots between 1 and 4),
    scope jsonb not null,
    match_policy jsonb not null,
    create_contacts boolean not null default false,
    write_reference boolean not null default true,
    mapping_version integer not null,
    -- Watermarks: how far each side's change feed has been read. Null: never read whole.
    highlevel_seen_until timestamptz,
    chargify_event_id bigint,
    created_at timestamptz not null default now(),
    primary key (workspace_id, sync_id),
    constraint sync_name_unique unique (workspace_id, name),
    foreign key (workspace_id, highlevel_connection_id) references connection,
    foreign key (workspace_id, chargify_connection_id) references connection
);

create index sync_by_highlevel on sync (workspace_id, highlevel_connection_id);
create index sync_by_chargify on sync (workspace_id, chargify_connection_id);

create table mapping (
    workspace_id uuid not null,
    sync_id uuid not null,
    version integer not null,
    rules jsonb not null,
    author text not null,
    reason text not null,
    created_at timestamptz not null default now(),
    primary key (workspace_id, sync_id, version),
    foreign key (workspace_id, sync_id) references sync deferrable initially deferred
);

-- The copy of each side as last read: search, matching and planning happen here, not over the wire.
create table record (
    workspace_id uuid not null,
    sync_id uuid not null,
    side text not null constraint record_side_known check (side in ('highlevel', 'chargify')),
    remote_id text not null,
    field_values jsonb not null,
    -- The part of field_values that only a reading of a customer's metafields tells: every other reading keeps it.
    metafields jsonb,
    metafields_read_at timestamptz,
    updated_at timestamptz,
    event_id bigint,
    -- The keys matching looks for, in normal form.
    email text,
    phone text,
    reference text,
    display_name text not null default '',
    -- The run that last saw it in a full listing. A row that a complete listing did not see is not deleted, only unseen.
    seen_run uuid,
    -- How the last plan or write left it, for lists: a sentence and a word, on the contact's row (or a lone customer's).
    verdict text not null default 'unpaired' constraint record_verdict_known
        check (verdict in ('in_step', 'drifted', 'waiting', 'failed', 'left_out', 'unpaired')),
    verdict_detail text not null default '',
    read_at timestamptz not null,
    gone_at timestamptz,
    primary key (workspace_id, sync_id, side, remote_id),
    foreign key (workspace_id, sync_id) references sync
);

create index record_by_email on record (workspace_id, sync_id, side, email) where email is not null;
create index record_by_phone on record (workspace_id, sync_id, side, phone) where phone is not null;
create index record_by_reference on record (workspace_id, sync_id, lower(reference)) where reference is not null;
create index record_by_name on record (workspace_id, sync_id, lower(display_name) text_pattern_ops);

-- The few that somebody looks for, and how many stand how.
create index record_by_verdict on record (workspace_id, verdict, sync_id, side, remote_id)
    where gone_at is null and verdict in ('waiting', 'failed', 'drifted', 'left_out');
create index record_standing on record (workspace_id, side, sync_id, verdict) where gone_at is null;

create table link (
    workspace_id uuid not null,
    sync_id uuid not null,
    link_id uuid not null,
    contact_id text not null,
    customer_id text not null,
    matched_by text not null,
    -- Per rule the pair of values both sides agreed on after the last write: the middle of the three-way merge.
    base jsonb not null,
    state text not null default 'active' constraint link_state_known check (state in ('active', 'unlinked', 'parked')),
    state_reason text,
    linked_at timestamptz not null,
    settled_at timestamptz not null,
    primary key (workspace_id, link_id),
    foreign key (workspace_id, sync_id) references sync
);

-- How many pairs were parted lately, and which wait for a person before they are.
create index link_parted on link (workspace_id, sync_id, settled_at) where state = 'unlinked';
create index link_parked on link (workspace_id, sync_id) where state = 'parked';
-- At most one active link per id on each side.
create unique index link_contact_once on link (workspace_id, sync_id, contact_id) where state <> 'unlinked';
create unique index link_customer_once on link (workspace_id, sync_id, customer_id) where state <> 'unlinked';
