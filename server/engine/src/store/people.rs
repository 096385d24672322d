//! People, what they may do where, and their failed sign-ins.

use domain::{PersonId, Role, WorkspaceId, limits};
use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

/// A person who may sign in.
#[derive(Clone, Debug)]
pub(crate) struct Person {
    pub(crate) name: String,
    pub(crate) email: String,
}

/// What a sign-in is checked against.
pub(crate) struct Secret {
    pub(crate) person_id: PersonId,
    pub(crate) name: String,
    pub(crate) password_hash: String,
}

/// What a person may do in one workspace.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Membership {
    pub(crate) workspace_id: WorkspaceId,
    pub(crate) role: Role,
}

/// A member with what a page shows of them.
#[derive(Clone, Debug)]
pub(crate) struct MemberRow {
    pub(crate) person_id: Uuid,
    pub(crate) name: String,
    pub(crate) email: String,
    pub(crate) role: String,
    pub(crate) since: OffsetDateTime,
    pub(crate) last_seen: Option<OffsetDateTime>,
}

/// A person about to be stored.
pub(crate) struct NewPersonRow<'a> {
    pub(crate) person_id: PersonId,
    pub(crate) email: &'a str,
    pub(crate) name: &'a str,
    pub(crate) password_hash: &'a str,
}

/// `None` for somebody unknown or disabled.
pub(crate) async fn find(conn: &mut PgConnection, person_id: PersonId) -> sqlx::Result<Option<Person>> {
    sqlx::query_as!(Person, "select name, email from person where person_id = $1 and disabled_at is null", person_id.0)
        .fetch_optional(conn)
        .await
}

/// `None` for an address nobody has, or somebody disabled.
pub(crate) async fn secret(conn: &mut PgConnection, email: &str) -> sqlx::Result<Option<Secret>> {
    let row = sqlx::query!(
        "select person_id, name, password_hash from person where email = $1 and disabled_at is null",
        email
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(|row| Secret { person_id: PersonId(row.person_id), name: row.name, password_hash: row.password_hash }))
}

/// The role in that workspace, or in the one joined first.
pub(crate) async fn membership(
    conn: &mut PgConnection,
    person_id: PersonId,
    workspace_id: Option<WorkspaceId>,
) -> sqlx::Result<Option<Membership>> {
    let row = sqlx::query!(
        r#"
        select workspace_id, role
        from member
        where person_id = $1 and ($2::uuid is null or workspace_id = $2)
        order by created_at, workspace_id
        limit 1
        "#,
        person_id.0,
        workspace_id.map(|id| id.0),
    )
    .fetch_optional(conn)
    .await?;
    row.map(|row| Ok(Membership { workspace_id: WorkspaceId(row.workspace_id), role: role(&row.role)? })).transpose()
}

/// Every workspace of a person, in an order all callers share: whoever locks them one by one never deadlocks.
pub(crate) async fn workspaces(conn: &mut PgConnection, person_id: PersonId) -> sqlx::Result<Vec<WorkspaceId>> {
    let ids = sqlx::query_scalar!(
        "select workspace_id from member where person_id = $1 order by workspace_id limit 1000",
        person_id.0
    )
    .fetch_all(conn)
    .await?;
    Ok(ids.into_iter().map(WorkspaceId).collect())
}

/// Members of a workspace by name.
pub(crate) async fn members(conn: &mut PgConnection, workspace_id: WorkspaceId) -> sqlx::Result<Vec<MemberRow>> {
    sqlx::query_as!(
        MemberRow,
        r#"
        select p.person_id, p.name, p.email, m.role, m.created_at as since,
            (select max(l.last_seen_at) from login l where l.person_id = p.person_id) as last_seen
        from member m
        join person p on p.person_id = m.person_id
        where m.workspace_id = $1 and p.disabled_at is null
        order by lower(p.name), p.email
        limit $2
        "#,
        workspace_id.0,
        limits::MEMBERS,
    )
    .fetch_all(conn)
    .await
}

/// Whether anybody has an account at all.
pub(crate) async fn any(conn: &mut PgConnection) -> sqlx::Result<bool> {
    sqlx::query_scalar!(r#"select exists (select 1 from person) as "any!""#).fetch_one(conn).await
}

/// Makes whoever changes who belongs to the installation wait for each other, until the transaction ends.
pub(crate) async fn lock(conn: &mut PgConnection) -> sqlx::Result<()> {
    sqlx::query!("select pg_advisory_xact_lock(hashtextextended('concord.people', 0))").execute(conn).await?;
    Ok(())
}

/// `false` when the address is taken.
pub(crate) async fn insert(conn: &mut PgConnection, person: &NewPersonRow<'_>) -> sqlx::Result<bool> {
    let done = sqlx::query!(
        r#"
        insert into person (person_id, email, name, password_hash)
        values ($1, $2, $3, $4)
        on conflict (email) do nothing
        "#,
        person.person_id.0,
        person.email,
        person.name,
        person.password_hash,
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// The account of that address; `None` when nobody has it, or somebody disabled.
pub(crate) async fn by_email(conn: &mut PgConnection, email: &str) -> sqlx::Result<Option<(PersonId, String)>> {
    let row = sqlx::query!("select person_id, name from person where email = $1 and disabled_at is null", email)
        .fetch_optional(conn)
        .await?;
    Ok(row.map(|row| (PersonId(row.person_id), row.name)))
}

/// How many may manage the team of a workspace.
pub(crate) async fn owners(conn: &mut PgConnection, workspace_id: WorkspaceId) -> sqlx::Result<i64> {
    sqlx::query_scalar!(
        r#"
        select count(*) as "count!"
        from member m
        join person p on p.person_id = m.person_id
        where m.workspace_id = $1 and m.role = 'owner' and p.disabled_at is null
        "#,
        workspace_id.0,
    )
    .fetch_one(conn)
    .await
}

/// Gives a member another role.
pub(crate) async fn set_role(
    conn: &mut PgConnection,
    workspace_id: WorkspaceId,
    person_id: PersonId,
    role: Role,
) -> sqlx::Result<()> {
    sqlx::query!(
        "update member set role = $3 where workspace_id = $1 and person_id = $2",
        workspace_id.0,
        person_id.0,
        role.as_str(),
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Ends a membership.
pub(crate) async fn leave(conn: &mut PgConnection, workspace_id: WorkspaceId, person_id: PersonId) -> sqlx::Result<()> {
    sqlx::query!("delete from member where workspace_id = $1 and person_id = $2", workspace_id.0, person_id.0)
        .execute(conn)
        .await?;
    Ok(())
}

/// Makes a person a member.
pub(crate) async fn join(
    conn: &mut PgConnection,
    workspace_id: WorkspaceId,
    person_id: PersonId,
    role: Role,
) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into member (workspace_id, person_id, role) values ($1, $2, $3)",
        workspace_id.0,
        person_id.0,
        role.as_str(),
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Notes an attempt to sign in as failed, before its password is looked at. Returns the entry's number.
pub(crate) async fn note_failure(conn: &mut PgConnection, subject: &str, at: OffsetDateTime) -> sqlx::Result<i64> {
    sqlx::query_scalar!(
        "insert into sign_in_failure (subject, failed_at) values ($1, $2) returning failure_id",
        subject,
        at,
    )
    .fetch_one(conn)
    .await
}

/// Takes one entry back.
pub(crate) async fn take_back_failure(conn: &mut PgConnection, subject: &str, failure_id: i64) -> sqlx::Result<()> {
    sqlx::query!("delete from sign_in_failure where subject = $1 and failure_id = $2", subject, failure_id)
        .execute(conn)
        .await?;
    Ok(())
}

/// Forgets every failure of a subject.
pub(crate) async fn forget_failures(conn: &mut PgConnection, subject: &str) -> sqlx::Result<()> {
    sqlx::query!("delete from sign_in_failure where subject = $1", subject).execute(conn).await?;
    Ok(())
}

/// Of a subject's failures since then: how many, and when the `nth` newest was.
pub(crate) async fn failures(
    conn: &mut PgConnection,
    subject: &str,
    since: OffsetDateTime,
    nth: i64,
) -> sqlx::Result<(i64, Option<OffsetDateTime>)> {
    let row = sqlx::query!(
        r#"
        select count(*) as "count!",
            (select failed_at from sign_in_failure
             where subject = $1 and failed_at > $2
             order by failed_at desc
             offset $3 limit 1) as nth
        from sign_in_failure
        where subject = $1 and failed_at > $2
        "#,
        subject,
        since,
        nth - 1,
    )
    .fetch_one(conn)
    .await?;
    Ok((row.count, row.nth))
}

/// Forgets failures from before that instant.
pub(crate) async fn sweep_failures(conn: &mut PgConnection, before: OffsetDateTime) -> sqlx::Result<()> {
    sqlx::query!("delete from sign_in_failure where failed_at < $1", before).execute(conn).await?;
    Ok(())
}

/// A stored role. The database's check constraint allows no other word.
pub(crate) fn role(word: &str) -> sqlx::Result<Role> {
    word.parse().map_err(|error: domain::role::UnknownRole| sqlx::Error::Decode(Box::new(error)))
}
