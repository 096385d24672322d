-- Connections to both services and their sealed credentials.

create table connection (
    workspace_id uuid not null references workspace,
    connection_id uuid not null,
    -- Stands in webhook addresses; says nothing about the tenant.
    public_id text not null constraint connection_public_id_unique unique,
    name text not null constraint connection_name_shape check (name ~ '^[a-z0-9][a-z0-9_-]{0,62}$'),
    side text not null constraint connection_side_known check (side in ('highlevel', 'chargify')),
    -- GoHighLevel: the location id. Chargify: the subdomain.
    account text not null,
    -- Null: the official host.
    base_url text,
    webhook_public_key text,
    -- A data key per connection, itself sealed with the installation's key.
    data_key bytea not null,
    data_key_nonce bytea not null,
    key_version integer not null,
    state text not null default 'untested'
        constraint connection_state_known check (state in ('untested', 'healthy', 'refused', 'blocked')),
    state_detail text,
    state_at timestamptz not null default now(),
    -- The fields the account made itself, as last read, and which of those seen before are gone. Null: never read.
    fields jsonb,
    created_at timestamptz not null default now(),
    primary key (workspace_id, connection_id),
    constraint connection_name_unique unique (workspace_id, name)
);

-- The four requests a Chargify site lets run at once are the site's: a second connection to it, in whatever workspace,
-- would have slots of its own and take eight.
create unique index connection_site_once on connection (account, coalesce(base_url, '')) where side = 'chargify';
-- Webhooks are addressed by public id or by name, over all workspaces.
create index connection_by_name on connection (name);

create table credential (
    workspace_id uuid not null,
    connection_id uuid not null,
    field text not null constraint credential_field_known check (field in ('token', 'api_key', 'shared_key')),
    sealed bytea not null,
    nonce bytea not null,
    -- The last four characters, so that a person can tell one key from another. Nothing else of it is ever shown.
    hint text not null,
    set_at timestamptz not null default now(),
    primary key (workspace_id, connection_id, field),
    foreign key (workspace_id, connection_id) references connection on delete cascade
);

-- The result of the last tests, step by step.
create table connection_check (
    workspace_id uuid not null,
    connection_id uuid not null,
    check_id uuid not null,
    passed boolean not null,
    steps jsonb not null,
    checked_at timestamptz not null,
    primary key (workspace_id, connection_id, check_id),
    foreign key (workspace_id, connection_id) references connection on delete cascade
);

create index connection_check_latest on connection_check (workspace_id, connection_id, checked_at desc);
