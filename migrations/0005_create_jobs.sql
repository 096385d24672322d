-- Lanes and jobs. A lane is the queue of one external account; a slot is the right to have one request in flight there.

create table lane (
    workspace_id uuid not null,
    connection_id uuid not null,
    -- How many jobs of this lane may run at once, over all nodes.
    job_slots smallint not null,
    -- How many requests may be in flight at the account, over all nodes.
    call_slots smallint not null,
    paused_until timestamptz,
    pause_reason text,
    pause_ms bigint,
    -- How many slots are given out after a pause, one more with every call that goes well; null: all of them.
    open_slots smallint,
    primary key (workspace_id, connection_id),
    foreign key (workspace_id, connection_id) references connection on delete cascade
);

create table job (
    workspace_id uuid not null,
    job_id uuid not null,
    lane_id uuid not null,
    kind text not null,
    payload jsonb not null,
    -- Smaller goes first: 0 live, 1 provisioning, 2 bulk, 3 background.
    priority smallint not null,
    coalesce_key text,
    state text not null default 'ready'
        constraint job_state_known check (state in ('ready', 'running', 'done', 'gave_up', 'superseded')),
    attempt integer not null default 0,
    fence bigint not null default 0,
    run_at timestamptz not null default now(),
    lease_until timestamptz,
    node_id uuid,
    last_error text,
    queued_at timestamptz not null default now(),
    finished_at timestamptz,
    primary key (workspace_id, job_id),
    foreign key (workspace_id, lane_id) references lane on delete cascade
);

create index job_ready on job (workspace_id, lane_id, priority, run_at) where state = 'ready';
create index job_running on job (workspace_id, lane_id) where state = 'running';
create index job_finished on job (finished_at) where state in ('done', 'gave_up', 'superseded');
-- A burst of webhooks about one record is one job; a job already running does not block a new ready one.
create unique index job_coalesced on job (workspace_id, coalesce_key) where state = 'ready';

-- The right to one request in flight. Held by a node, by the database's clock, fenced.
create table slot (
    workspace_id uuid not null,
    lane_id uuid not null,
    slot_no smallint not null,
    node_id uuid,
    fence bigint not null default 0,
    lease_until timestamptz,
    -- Since when its request is in flight, told of those that take long: it may run on when its node is gone.
    busy_since timestamptz,
    -- A slot of a node that died may still have a request running at the remote: not given out before this.
    usable_from timestamptz,
    primary key (workspace_id, lane_id, slot_no),
    foreign key (workspace_id, lane_id) references lane on delete cascade
);

-- Nodes that want a slot and have none; holders with more than one give one back when they see it.
create table slot_wish (
    workspace_id uuid not null,
    lane_id uuid not null,
    node_id uuid not null,
    until timestamptz not null,
    primary key (workspace_id, lane_id, node_id)
);

create table node (
    node_id uuid primary key,
    -- Key of the session-level advisory lock the node holds: when the lock is free, the node is dead.
    lock_key bigint not null,
    started_at timestamptz not null default now(),
    seen_at timestamptz not null default now()
);
