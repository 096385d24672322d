-- Notes, tasks and appointments of linked contacts, and the subscription note that each of them is in Chargify.

create table engagement (
    workspace_id uuid not null,
    sync_id uuid not null,
    kind text not null constraint engagement_kind_known check (kind in ('note', 'task', 'appointment')),
    remote_id text not null,
    contact_id text not null,
    -- What GoHighLevel said of it last, and when that was read or heard.
    told jsonb not null,
    told_at timestamptz not null,
    -- The service's own stamp, where it gives one: only appointments have it.
    changed_at timestamptz,
    deleted_at timestamptz,
    -- Chosen once: a note cannot move to another subscription.
    subscription_id text,
    note_id text,
    -- The text of the note as we wrote it: what it is compared with.
    written text,
    written_at timestamptz,
    -- `lost`: its note, or the subscription, is gone from Chargify, and a person says whether it is written anew.
    state text not null constraint engagement_state_known
        check (state in ('open', 'in_step', 'held', 'failed', 'lost', 'deleted', 'left_out')),
    detail text not null default '',
    primary key (workspace_id, sync_id, kind, remote_id),
    foreign key (workspace_id, sync_id) references sync,
    constraint engagement_note_whole check (note_id is null or subscription_id is not null)
);

create index engagement_by_contact on engagement (workspace_id, sync_id, contact_id);
-- What is not in step: few at any time, and asked for by runs.
create index engagement_unsettled on engagement (workspace_id, sync_id, state) where state in ('open', 'held', 'failed', 'lost');

-- Which kinds a sync carries over; none unless switched on.
alter table sync add column engagements jsonb not null default '{"notes": false, "tasks": false, "appointments": false}';

-- Writes of notes are journalled like those of records, and looked up in another way.
alter table intent drop constraint intent_operation_known;
alter table intent add constraint intent_operation_known
    check (operation in ('create', 'update', 'create_note', 'update_note'));
