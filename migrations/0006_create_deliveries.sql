-- Received webhooks: recorded before they are answered, acted on by the worker only.

create table delivery (
    workspace_id uuid not null,
    delivery_id uuid not null,
    connection_id uuid not null,
    side text not null,
    -- The sender's own id: a second arrival of the same id is the same delivery.
    webhook_id text not null,
    event text not null,
    subject_id text,
    body bytea not null,
    arrivals integer not null default 1,
    state text not null constraint delivery_state_known check (state in ('recorded', 'done', 'ignored')),
    outcome text,
    detail text,
    received_at timestamptz not null,
    settled_at timestamptz,
    primary key (workspace_id, delivery_id),
    constraint delivery_once unique (workspace_id, connection_id, webhook_id),
    foreign key (workspace_id, connection_id) references connection on delete cascade
);

create index delivery_latest on delivery (workspace_id, received_at desc);
create index delivery_open on delivery (workspace_id, subject_id) where state = 'recorded';
