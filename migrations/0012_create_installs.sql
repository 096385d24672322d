-- GoHighLevel through an app of its Marketplace in place of a private token, and the secret that workflows send along.

alter table credential drop constraint credential_field_known;
alter table credential add constraint credential_field_known check (field in (
    'token', 'api_key', 'shared_key', 'client_secret', 'access_token', 'refresh_token', 'workflow_secret'));

-- A connection has a row here when its calls are made with an app's tokens.
create table install (
    workspace_id uuid not null,
    connection_id uuid not null,
    client_id text not null,
    -- Private apps are found by their version, too.
    version_id text,
    -- Where a person chooses the location. Null: the Marketplace's own page.
    chooser_url text,
    standing text not null default 'waiting'
        constraint install_standing_known check (standing in ('waiting', 'installed', 'ended', 'uninstalled')),
    -- Set where the tokens are an agency's: the location's own is made from them.
    company_id text,
    -- One more with every change of the tokens. Whoever holds those of an older one reads them anew.
    generation bigint not null default 0,
    -- When the token that calls are made with dies.
    expires_at timestamptz,
    installed_at timestamptz,
    -- Who renews the tokens, and until when nobody else may: a refresh token works once.
    lease_by uuid,
    lease_until timestamptz,
    -- A renewal that nobody answered is not tried again before.
    retry_at timestamptz,
    primary key (workspace_id, connection_id),
    foreign key (workspace_id, connection_id) references connection on delete cascade
);
