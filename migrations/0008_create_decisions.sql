-- What people settled about single records, where the rules stop and ask. The audit trail tells the history; here
-- stands only what is in force.

create table decision (
    workspace_id uuid not null,
    sync_id uuid not null,
    -- The record it is about: the contact, or a customer that has none.
    side text not null constraint decision_side_known check (side in ('highlevel', 'chargify')),
    remote_id text not null,
    -- `domain::decision::Decision`: the answers, with the values they were given about.
    answers jsonb not null,
    decided_by text not null,
    decided_at timestamptz not null,
    primary key (workspace_id, sync_id, side, remote_id),
    foreign key (workspace_id, sync_id) references sync
);

-- How a record lost its partner is asked for every record that has none.
create index link_ended_of_contact on link (workspace_id, sync_id, contact_id) where state = 'unlinked';
create index link_ended_of_customer on link (workspace_id, sync_id, customer_id) where state = 'unlinked';

-- What waits for a person is counted on every page.
create index record_waiting on record (workspace_id, sync_id, side, remote_id) where verdict = 'waiting';
