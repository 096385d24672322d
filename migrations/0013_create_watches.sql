-- How the webhooks of a connection are doing: the endpoint at Chargify, the last self-test, what was missed, silence.

create table watch (
    workspace_id uuid not null,
    connection_id uuid not null,
    -- Whether Concord registers the endpoint by itself and puts it right.
    registers boolean not null default false,
    -- Our endpoint at Chargify as last read there.
    endpoint_id text,
    endpoint_state text not null default 'unknown'
        constraint watch_endpoint_state_known check (endpoint_state in ('unknown', 'missing', 'enabled', 'paused', 'disabled')),
    endpoint_at timestamptz,
    test_passed boolean,
    test_detail text,
    tested_at timestamptz,
    -- What the last look found undelivered, and what the last fetch asked for.
    missed bigint not null default 0,
    missed_at timestamptz,
    fetched bigint not null default 0,
    fetched_at timestamptz,
    silent_since timestamptz,
    -- Nothing was received since then because Concord did not run, and it is not fetched yet.
    outage_from timestamptz,
    -- Why the last look failed.
    trouble text,
    -- Null: at once.
    due_at timestamptz,
    primary key (workspace_id, connection_id),
    foreign key (workspace_id, connection_id) references connection on delete cascade
);

-- When any node of the installation was alive last: what is younger than that was not received by anybody.
create table heartbeat (
    only_one boolean primary key default true constraint heartbeat_only_one check (only_one),
    alive_at timestamptz not null
);

-- The last webhook of a connection, and how many came in a while.
create index delivery_of_connection on delivery (workspace_id, connection_id, received_at desc);
