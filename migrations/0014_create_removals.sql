-- Records that were deleted at one of the services, and what becomes of their partners.

-- A copy whose record is gone is its tombstone: its last values, when it went, and how that is known. It is kept for sixty
-- days, as long as GoHighLevel lets a deleted contact be restored (HighLevel support, "How to delete contacts and their
-- data", seen 2026-08); then the worker takes it away.
alter table record add column gone_by text
    constraint record_gone_by_known check (gone_by in ('webhook', 'event', 'listing', 'asked', 'write', 'removal'));
create index record_tombstones on record (gone_at) where gone_at is not null;

-- Whose end the link met, kept when the tombstone is taken away: a partner that waits for a person waits on.
alter table link add column gone_side text constraint link_gone_side_known check (gone_side in ('highlevel', 'chargify'));
alter table link add column gone_at timestamptz;

-- `domain::deletes::DeletePolicy`: what happens to the partner of a deleted record, per side; empty: nothing.
alter table sync add column deletes jsonb not null default '{}';

-- What is to be done to a record whose partner was deleted. Tags are put on by themselves, a deletion waits for a person.
create table removal (
    workspace_id uuid not null,
    removal_id uuid not null,
    sync_id uuid not null,
    -- The record that is still there, and the one that is not.
    side text not null constraint removal_side_known check (side in ('highlevel', 'chargify')),
    remote_id text not null,
    gone_id text not null,
    effect text not null constraint removal_effect_known check (effect in ('tag', 'untag', 'delete')),
    display_name text not null,
    email text,
    reason text not null,
    state text not null constraint removal_state_known
        check (state in ('waiting', 'approved', 'done', 'refused', 'withdrawn', 'failed')),
    state_detail text,
    -- The record's values when it was asked about: one that changed since is asked about again.
    seen jsonb not null,
    asked_at timestamptz not null,
    decided_by text,
    decided_at timestamptz,
    settled_at timestamptz,
    primary key (workspace_id, removal_id),
    foreign key (workspace_id, sync_id) references sync
);

-- One open question per record.
create unique index removal_open on removal (workspace_id, sync_id, side, remote_id) where state in ('waiting', 'approved');
create index removal_listed on removal (workspace_id, state, asked_at desc, removal_id);
create index removal_of_gone on removal (workspace_id, sync_id, gone_id) where state in ('waiting', 'approved');

alter table intent drop constraint intent_operation_known;
alter table intent add constraint intent_operation_known
    check (operation in ('create', 'update', 'create_note', 'update_note', 'delete'));
