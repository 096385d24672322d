-- When a sync runs by itself. What was written stands as it was written; when it is next due stands beside it, so that
-- after downtime a start is due once, however many were missed.

create table schedule (
    workspace_id uuid not null,
    sync_id uuid not null,
    -- `off`, a preset's name, or a cron line.
    changes_timing text not null,
    full_timing text not null,
    zone text not null,
    quiet text not null,
    -- Null: never.
    changes_due_at timestamptz,
    full_due_at timestamptz,
    started_at timestamptz,
    primary key (workspace_id, sync_id),
    foreign key (workspace_id, sync_id) references sync
);

-- What is due is found by one look at the first entry, whatever the number of syncs.
create index schedule_due on schedule (least(changes_due_at, full_due_at));

-- The due time a run was started for; null: by a person. Each due time starts one run, over all nodes.
alter table run add column scheduled_for timestamptz;
create unique index run_scheduled_once on run (workspace_id, sync_id, mode, scheduled_for) where scheduled_for is not null;
