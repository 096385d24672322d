-- What customers pay for, as Chargify last told it: pages and mappings read this copy, never the service.
-- It is the site's, not a sync's: every sync of the site sees the same one.

create table subscription (
    workspace_id uuid not null,
    connection_id uuid not null,
    subscription_id text not null,
    customer_id text not null,
    -- In Chargify's own word; it may add some.
    state text not null,
    product text not null,
    product_handle text,
    price_in_cents bigint,
    balance_in_cents bigint,
    currency text,
    next_billing_at timestamptz,
    trial_ends_at timestamptz,
    created_at timestamptz not null,
    updated_at timestamptz not null,
    -- Orders what happened within one second of updated_at; lists do not tell it.
    event_id bigint,
    read_at timestamptz not null,
    -- Proved deleted. Ids are not used again, so it stays so whatever still arrives about it.
    gone_at timestamptz,
    primary key (workspace_id, connection_id, subscription_id),
    foreign key (workspace_id, connection_id) references connection on delete cascade
);

create index subscription_by_customer on subscription (workspace_id, connection_id, customer_id) where gone_at is null;

-- The last attempt to be paid that was heard of: only webhooks tell it, in an order of their own.
create table subscription_payment (
    workspace_id uuid not null,
    connection_id uuid not null,
    subscription_id text not null,
    failed boolean not null,
    amount_in_cents bigint,
    at timestamptz not null,
    event_id bigint,
    primary key (workspace_id, connection_id, subscription_id),
    foreign key (workspace_id, connection_id) references connection on delete cascade
);

-- How far the copy can be trusted.
create table subscription_cache (
    workspace_id uuid not null,
    connection_id uuid not null,
    -- When the last list that was read to its end was begun. Null: never; then nothing is told of any customer.
    listed_at timestamptz,
    -- Until when nothing that happened at the site can be missing, and the last event taken in.
    current_at timestamptz,
    event_id bigint,
    -- When a webhook last changed it.
    heard_at timestamptz,
    primary key (workspace_id, connection_id),
    foreign key (workspace_id, connection_id) references connection on delete cascade
);
