-- The audit trail: append-only, hash-chained per workspace.

create table audit_line (
    workspace_id uuid not null references workspace,
    line_no bigint not null,
    at timestamptz not null,
    -- `person:<id>`, `run:<id>`, `webhook:<id>`, `command-line`, `system`.
    actor text not null,
    actor_name text not null,
    action text not null,
    -- What it was done to: `link:<id>`, `connection:<id>`, ...
    subject text not null,
    subject_name text not null default '',
    outcome text not null constraint audit_outcome_known check (outcome in ('done', 'refused', 'failed')),
    detail jsonb not null,
    run_id uuid,
    contact_id text,
    customer_id text,
    previous_hash bytea not null,
    hash bytea not null,
    primary key (workspace_id, line_no)
);

create index audit_by_time on audit_line (workspace_id, at desc, line_no desc);
create index audit_by_actor on audit_line (workspace_id, actor, line_no desc);
create index audit_by_action on audit_line (workspace_id, action, line_no desc);
create index audit_by_outcome on audit_line (workspace_id, outcome, line_no desc);
create index audit_by_contact on audit_line (workspace_id, contact_id, line_no desc) where contact_id is not null;
create index audit_by_customer on audit_line (workspace_id, customer_id, line_no desc) where customer_id is not null;
create index audit_by_run on audit_line (workspace_id, run_id, line_no desc) where run_id is not null;

create table audit_head (
    workspace_id uuid primary key references workspace,
    line_no bigint not null,
    hash bytea not null
);

create function audit_line_is_append_only() returns trigger language plpgsql as $$
begin
    raise exception 'audit lines are append-only';
end
$$;

create trigger audit_line_append_only
    before update or delete or truncate on audit_line
    for each statement execute function audit_line_is_append_only();
