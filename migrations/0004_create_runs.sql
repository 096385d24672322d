-- A run: its plan and, item by item, what became of it. The plan is the run's own rows: what is approved is what executes.

create table run (
    workspace_id uuid not null,
    run_id uuid not null,
    number bigint not null,
    sync_id uuid not null,
    mode text not null constraint run_mode_known check (mode in ('full', 'changes', 'reconcile', 'dry-run', 'resync', 'undo')),
    status text not null constraint run_status_known check (status in (
        'queued', 'reading', 'planning', 'awaiting_approval', 'writing',
        'complete', 'complete_with_failures', 'failed', 'cancelled')),
    mapping_version integer not null,
    started_by text not null,
    -- Chosen records (GoHighLevel contact ids), or null for all.
    chosen text[],
    -- `always`: a person must approve the plan; `fuse`: only when the fuse blows; `granted`: approved beforehand.
    approval text not null constraint run_approval_known check (approval in ('always', 'fuse', 'granted')),
    approved_by text,
    approved_at timestamptz,
    -- Why it waits for a person, or why it failed.
    detail text,
    cancel_requested_at timestamptz,
    planned_at timestamptz,
    -- What the plan would write: records to create and to update, and writes per side.
    to_create bigint not null default 0,
    to_update bigint not null default 0,
    planned_highlevel bigint not null default 0,
    planned_chargify bigint not null default 0,
    -- Fields the plan changes anywhere, to filter its items by.
    fields_planned text[] not null default '{}',
    -- Customers without a contact, left alone because creating contacts is off.
    left_alone bigint not null default 0,
    predicted_highlevel bigint not null default 0,
    predicted_chargify bigint not null default 0,
    predicted_ms bigint not null default 0,
    calls_highlevel bigint not null default 0,
    calls_chargify bigint not null default 0,
    count_read bigint not null default 0,
    count_created bigint not null default 0,
    count_updated bigint not null default 0,
    count_unchanged bigint not null default 0,
    count_echo bigint not null default 0,
    count_excluded bigint not null default 0,
    count_ambiguous bigint not null default 0,
    count_parked bigint not null default 0,
    count_failed bigint not null default 0,
    phases jsonb not null default '[]',
    -- How far reading got, so that a restart goes on from there.
    progress jsonb not null default '{}',
    queued_at timestamptz not null,
    finished_at timestamptz,
    primary key (workspace_id, run_id),
    constraint run_number_unique unique (workspace_id, number),
    foreign key (workspace_id, sync_id) references sync
);

create index run_latest on run (workspace_id, sync_id, number desc);
create unique index run_one_at_a_time on run (workspace_id, sync_id)
    where status in ('queued', 'reading', 'planning', 'writing') and mode in ('full', 'changes', 'reconcile', 'dry-run', 'undo');

create table run_item (
    workspace_id uuid not null,
    run_id uuid not null,
    item_no bigint not null,
    action text not null,
    contact_id text,
    customer_id text,
    link_id uuid,
    display_name text not null default '',
    email text,
    reason_code text not null,
    reason text not null,
    changes jsonb not null default '[]',
    -- The whole domain plan item: what execution sends, and the base that follows.
    plan jsonb not null,
    -- Null until settled.
    outcome text constraint run_item_outcome_known check (outcome in (
        'created', 'updated', 'unchanged', 'echo', 'excluded', 'ambiguous', 'parked', 'failed')),
    outcome_detail text,
    settled_at timestamptz,
    took_ms integer,
    primary key (workspace_id, run_id, item_no),
    foreign key (workspace_id, run_id) references run
);

create index run_item_open on run_item (workspace_id, run_id, item_no) where outcome is null;
create index run_item_by_action on run_item (workspace_id, run_id, action, item_no);
create index run_item_by_outcome on run_item (workspace_id, run_id, outcome, item_no);
create index run_item_by_contact on run_item (workspace_id, contact_id, run_id);
create index run_item_by_customer on run_item (workspace_id, run_id, customer_id) where customer_id is not null;
create index run_item_settled on run_item (workspace_id, run_id, settled_at desc) where settled_at is not null;

-- One remote write: planned -> sent -> known, or ambiguous -> settled. `sent` is journalled before the bytes leave.
create table intent (
    workspace_id uuid not null,
    intent_id uuid not null,
    sync_id uuid not null,
    run_id uuid,
    item_no bigint,
    link_id uuid,
    side text not null constraint intent_side_known check (side in ('highlevel', 'chargify')),
    operation text not null constraint intent_operation_known check (operation in ('create', 'update')),
    -- The natural key a look-up goes by: the reference for a create in Chargify, the id for an update.
    remote_key text not null,
    body jsonb not null,
    before jsonb not null default '{}',
    phase text not null constraint intent_phase_known check (phase in ('sent', 'ambiguous', 'done', 'not_done', 'refused')),
    attempt integer not null default 1,
    remote_id text,
    status smallint,
    detail text,
    sent_at timestamptz not null,
    -- Who sends it: while that node lives, nobody else settles it.
    node_id uuid not null,
    -- When whoever sent it stopped waiting for the answer; the service may be at it for a while from then on.
    unknown_since timestamptz,
    settled_at timestamptz,
    primary key (workspace_id, intent_id),
    foreign key (workspace_id, sync_id) references sync
);

create index intent_open on intent (workspace_id, sync_id, sent_at) where phase in ('sent', 'ambiguous');
-- One write in flight per record: a second one waits until the first is settled.
create unique index intent_one_open on intent (workspace_id, sync_id, side, remote_key) where phase in ('sent', 'ambiguous');
create index intent_by_remote on intent (workspace_id, side, remote_key, sent_at desc);
-- What was written lately.
create index intent_done on intent (workspace_id, sync_id, settled_at) where phase = 'done';
create index intent_by_item on intent (workspace_id, run_id, item_no);

-- Every call to either service, redacted: no query values, no bodies, no credentials.
create table api_call (
    workspace_id uuid not null,
    call_id bigint generated always as identity,
    connection_id uuid not null,
    side text not null,
    endpoint text not null,
    status smallint,
    error_class text,
    took_ms integer not null,
    cause text not null,
    run_id uuid,
    remote_request_id text,
    called_at timestamptz not null,
    primary key (workspace_id, call_id)
);

create index api_call_latest on api_call (workspace_id, connection_id, called_at desc);
create index api_call_by_run on api_call (workspace_id, run_id, call_id desc) where run_id is not null;
