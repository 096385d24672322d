-- Workspaces, people, their roles and their logins.

create table workspace (
    workspace_id uuid primary key,
    name text not null constraint workspace_name_not_blank check (btrim(name) <> ''),
    next_run_number bigint not null default 1,
    created_at timestamptz not null default now(),
    constraint workspace_name_unique unique (name)
);

-- People belong to the installation; what they may do is said per workspace in `member`.
create table person (
    person_id uuid primary key,
    email text not null constraint person_email_lower check (email = lower(btrim(email)) and email <> ''),
    name text not null,
    password_hash text not null,
    created_at timestamptz not null default now(),
    disabled_at timestamptz,
    constraint person_email_unique unique (email)
);

create table member (
    workspace_id uuid not null references workspace,
    person_id uuid not null references person,
    role text not null constraint member_role_known check (role in ('owner', 'admin', 'operator', 'auditor', 'viewer')),
    created_at timestamptz not null default now(),
    primary key (workspace_id, person_id)
);

create index member_by_person on member (person_id);

-- One row per browser login. The cookie's id is stored only as a hash: a leaked backup holds no usable cookie.
create table login (
    id_hash bytea primary key,
    person_id uuid references person,
    data jsonb not null,
    user_agent text,
    created_at timestamptz not null default now(),
    last_seen_at timestamptz not null default now(),
    expires_at timestamptz not null
);

create index login_by_person on login (person_id);
create index login_by_expiry on login (expires_at);

-- Failed sign-ins per account and per address; the throttle reads the last minutes only.
create table sign_in_failure (
    subject text not null,
    failed_at timestamptz not null default now(),
    -- Tells attempts of one instant apart: a success takes back exactly its own entry.
    failure_id bigint generated always as identity
);

create index sign_in_failure_recent on sign_in_failure (subject, failed_at);

-- The one-time link of the first start. Only its hash is kept; used once, then no more.
create table setup_link (
    token_hash bytea primary key,
    created_at timestamptz not null default now(),
    expires_at timestamptz not null,
    used_at timestamptz
);

-- Which secret key this database was sealed with: a wrong key is noticed at start, not at the first decryption.
create table key_check (
    key_version integer primary key,
    fingerprint text not null,
    created_at timestamptz not null default now()
);
