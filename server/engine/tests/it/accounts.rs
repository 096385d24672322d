//! The first start, signing in, and who belongs to a workspace.

use crate::setting::{PASSWORD, engine, person};
use domain::{PersonId, Role, view::AuditFilter};
use engine::{Engine, EngineError, LOGIN_PERSON, LoginHash, NewOwner, NewPerson, Result};
use sqlx::PgPool;
use time::Duration;

const ADDRESS: &str = "198.51.100.7";

fn owner(workspace: &str) -> NewOwner {
    NewOwner {
        email: " Ada@Example.com ".to_owned(),
        name: "Ada Lovelace".to_owned(),
        password: PASSWORD.into(),
        workspace: workspace.to_owned(),
    }
}

async fn guess(engine: &Engine, email: &str, password: &str) -> Result<PersonId> {
    engine.sign_in(email, password.into(), ADDRESS).await
}

fn is_no_link<T>(result: &Result<T>) -> bool {
    matches!(result, Err(EngineError::NotFound("set-up link")))
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn a_setup_link_makes_the_first_owner_and_works_once(pool: PgPool) {
    let (engine, _) = engine(&pool);
    assert!(engine.setup_pending().await.unwrap());
    let token = engine.new_setup_link().await.unwrap().unwrap();

    let id = engine.claim_setup(&token, owner("Acme")).await.unwrap();

    assert!(!engine.setup_pending().await.unwrap());
    assert!(is_no_link(&engine.claim_setup(&token, owner("Acme")).await));
    assert!(engine.new_setup_link().await.unwrap().is_none());
    let session = engine.session(&engine.viewer(id, None).await.unwrap()).await.unwrap();
    assert_eq!((session.email.as_str(), session.role), ("ada@example.com", Role::Owner));
    assert_eq!((session.workspace.as_str(), session.person.as_str()), ("Acme", "Ada Lovelace"));
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn only_the_newest_setup_link_works(pool: PgPool) {
    let (engine, _) = engine(&pool);
    let first = engine.new_setup_link().await.unwrap().unwrap();
    let second = engine.new_setup_link().await.unwrap().unwrap();
    assert_ne!(first, second);
    assert!(is_no_link(&engine.claim_setup(&first, owner("")).await));
    assert!(is_no_link(&engine.claim_setup("guessed", owner("")).await));
    engine.claim_setup(&second, owner("")).await.unwrap();
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn a_setup_link_ends_after_a_day(pool: PgPool) {
    let (engine, clock) = engine(&pool);
    let token = engine.new_setup_link().await.unwrap().unwrap();
    clock.pass(Duration::hours(24));
    assert!(is_no_link(&engine.claim_setup(&token, owner("")).await));
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn the_database_keeps_no_token(pool: PgPool) {
    let (engine, _) = engine(&pool);
    let token = engine.new_setup_link().await.unwrap().unwrap();
    let stored: Vec<u8> = sqlx::query_scalar("select token_hash from setup_link").fetch_one(&pool).await.unwrap();
    assert_ne!(stored, token.as_bytes());
    assert_eq!(stored.len(), 32);
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn a_claim_that_breaks_a_rule_leaves_the_link_usable(pool: PgPool) {
    let (engine, _) = engine(&pool);
    let token = engine.new_setup_link().await.unwrap().unwrap();
    let weak = NewOwner { password: "short".into(), ..owner("") };
    assert!(matches!(engine.claim_setup(&token, weak).await, Err(EngineError::Invalid(_))));
    engine.claim_setup(&token, owner("")).await.unwrap();
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn two_claims_at_once_make_one_owner(pool: PgPool) {
    let (engine, _) = engine(&pool);
    let token = engine.new_setup_link().await.unwrap().unwrap();
    let other = NewOwner { email: "eve@example.com".to_owned(), ..owner("") };
    let (one, two) = tokio::join!(engine.claim_setup(&token, owner("")), engine.claim_setup(&token, other));
    assert_eq!(usize::from(one.is_ok()) + usize::from(two.is_ok()), 1);
    assert!(is_no_link(&one) || is_no_link(&two));
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn the_first_owner_takes_over_and_names_the_workspace_of_the_command_line(pool: PgPool) {
    let (engine, _) = engine(&pool);
    let made = engine.command_line(None).await.unwrap().workspace_id();
    assert_eq!(engine.command_line(Some("main")).await.unwrap().workspace_id(), made);
    let token = engine.new_setup_link().await.unwrap().unwrap();

    let id = engine.claim_setup(&token, owner("Acme")).await.unwrap();

    assert_eq!(engine.viewer(id, None).await.unwrap().workspace_id(), made);
    assert_eq!(engine.command_line(Some("Acme")).await.unwrap().workspace_id(), made);
    assert!(matches!(engine.command_line(Some("main")).await, Err(EngineError::NotFound("workspace"))));
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn adding_somebody_from_the_command_line_ends_the_setup_link(pool: PgPool) {
    let (engine, _) = engine(&pool);
    let token = engine.new_setup_link().await.unwrap().unwrap();
    person(&engine, "ops@example.com", Role::Owner).await;
    assert!(!engine.setup_pending().await.unwrap());
    assert!(is_no_link(&engine.claim_setup(&token, owner("")).await));
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn an_address_has_one_account(pool: PgPool) {
    let (engine, _) = engine(&pool);
    person(&engine, "ops@example.com", Role::Admin).await;
    let manager = engine.command_line(None).await.unwrap().manager().unwrap();
    let again = NewPerson {
        email: "OPS@example.com".to_owned(),
        name: String::new(),
        role: Role::Owner,
        password: PASSWORD.into(),
    };
    assert!(matches!(engine.add_person(&manager, again).await, Err(EngineError::Invalid(_))));
    let members = engine.members(&engine.command_line(None).await.unwrap()).await.unwrap();
    assert_eq!(members.len(), 1);
    assert_eq!((members[0].name.as_str(), members[0].role), ("ops", Role::Admin));
}

async fn manager(engine: &Engine) -> engine::Manager {
    engine.command_line(None).await.unwrap().manager().unwrap()
}

/// What the trail of the first workspace says about that action, newest first.
async fn told(engine: &Engine, action: &str) -> Vec<String> {
    let viewer = engine.command_line(None).await.unwrap();
    let filter = AuditFilter { action: action.to_owned(), ..AuditFilter::default() };
    engine.audit_page(&viewer, filter).await.unwrap().lines.into_iter().map(|line| line.words).collect()
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn a_role_changes_at_once_and_the_last_owner_keeps_theirs(pool: PgPool) {
    let (engine, _) = engine(&pool);
    let ada = person(&engine, "ada@example.com", Role::Owner).await;
    let eve = person(&engine, "eve@example.com", Role::Viewer).await;
    let by = manager(&engine).await;
    let refused = engine.change_role(&by, ada, Role::Viewer).await;
    assert!(
        matches!(&refused, Err(EngineError::Invalid(faults)) if faults[0].contains("the only owner")),
        "{refused:?}"
    );

    engine.change_role(&by, eve, Role::Owner).await.unwrap();
    assert!(engine.viewer(eve, None).await.unwrap().manager().is_ok());
    assert!(matches!(engine.change_role(&by, eve, Role::Owner).await, Err(EngineError::AlreadyDone)));
    engine.change_role(&by, ada, Role::Admin).await.unwrap();
    assert!(engine.viewer(ada, None).await.unwrap().manager().is_err());
    let nobody = PersonId(uuid::Uuid::from_u128(9));
    assert!(matches!(engine.change_role(&by, nobody, Role::Owner).await, Err(EngineError::NotFound("person"))));
    assert_eq!(
        told(&engine, "person.role_changed").await,
        ["command line made ada an admin", "command line made eve an owner"]
    );
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn a_removed_member_is_signed_out_and_cannot_sign_in(pool: PgPool) {
    let (engine, _) = engine(&pool);
    let ada = person(&engine, "ada@example.com", Role::Owner).await;
    let eve = person(&engine, "eve@example.com", Role::Operator).await;
    let login = LoginHash::of(b"eve's cookie");
    engine.create_login(login, &serde_json::json!({ LOGIN_PERSON: eve.to_string() })).await.unwrap();
    let by = manager(&engine).await;
    let refused = engine.remove_member(&by, ada).await;
    assert!(
        matches!(&refused, Err(EngineError::Invalid(faults)) if faults[0].contains("the only owner")),
        "{refused:?}"
    );

    engine.remove_member(&by, eve).await.unwrap();

    assert!(engine.load_login(login).await.unwrap().is_none());
    assert!(matches!(engine.viewer_of_login(eve, None).await, Err(EngineError::NotSignedIn)));
    assert!(matches!(guess(&engine, "eve@example.com", PASSWORD).await, Err(EngineError::NotSignedIn)));
    assert!(matches!(engine.remove_member(&by, eve).await, Err(EngineError::NotFound("person"))));
    assert_eq!(told(&engine, "person.removed").await, ["command line removed eve from the team"]);

    let again =
        NewPerson { email: "eve@example.com".to_owned(), name: String::new(), role: Role::Viewer, password: "".into() };
    let added = engine.add_person(&by, again).await.unwrap();
    assert_eq!((added.person_id, added.is_new), (eve, false));
    assert_eq!(guess(&engine, "eve@example.com", PASSWORD).await.unwrap(), eve, "with the password they had");
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn whoever_has_an_account_joins_another_workspace_and_keeps_it_apart(pool: PgPool) {
    let (engine, _) = engine(&pool);
    let ada = person(&engine, "ada@example.com", Role::Owner).await;
    let eve = person(&engine, "eve@example.com", Role::Owner).await;
    let first = engine.viewer(ada, None).await.unwrap().workspace_id();
    let by = engine.viewer(ada, None).await.unwrap().manager().unwrap();
    let second = engine.create_workspace(&by, " Client two ").await.unwrap();
    let taken = engine.create_workspace(&by, "Client two").await;
    assert!(matches!(taken, Err(EngineError::Invalid(_))));
    assert!(engine.viewer(eve, Some(second)).await.is_err(), "nobody but its maker belongs to it");

    let by = engine.viewer(ada, Some(second)).await.unwrap().manager().unwrap();
    let new = NewPerson {
        email: "EVE@example.com".to_owned(),
        name: "Somebody else".to_owned(),
        role: Role::Viewer,
        password: "".into(),
    };
    engine.add_person(&by, new).await.unwrap();

    let there = engine.viewer(eve, Some(second)).await.unwrap();
    assert_eq!(there.actor().role(), Role::Viewer);
    assert_eq!(there.actor().name(), "eve", "the account is untouched");
    assert!(engine.viewer(eve, Some(first)).await.unwrap().manager().is_ok(), "and so is the other role");
    let workspaces = engine.workspaces(&there).await.unwrap();
    let names: Vec<_> = workspaces.iter().map(|one| (one.name.as_str(), one.role, one.is_open)).collect();
    assert_eq!(names, [("Client two", Role::Viewer, true), ("main", Role::Owner, false)]);

    engine.remove_member(&by, eve).await.unwrap();
    let fallen_back = engine.viewer_of_login(eve, Some(second)).await.unwrap();
    assert_eq!(fallen_back.workspace_id(), first);
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn only_an_owner_can_add_people(pool: PgPool) {
    let (engine, _) = engine(&pool);
    for (role, may) in [(Role::Owner, true), (Role::Admin, false), (Role::Viewer, false)] {
        let id = person(&engine, &format!("{role}@example.com"), role).await;
        assert_eq!(engine.viewer(id, None).await.unwrap().manager().is_ok(), may, "{role}");
    }
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn e_mail_and_password_must_belong_together(pool: PgPool) {
    let (engine, _) = engine(&pool);
    let id = person(&engine, "ops@example.com", Role::Operator).await;
    assert_eq!(guess(&engine, " OPS@Example.com", PASSWORD).await.unwrap(), id);
    for (email, password) in [("ops@example.com", "wrong password"), ("nobody@example.com", PASSWORD), ("", "")] {
        assert!(matches!(guess(&engine, email, password).await, Err(EngineError::NotSignedIn)), "{email}");
    }
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn a_disabled_person_neither_signs_in_nor_goes_on(pool: PgPool) {
    let (engine, _) = engine(&pool);
    let id = person(&engine, "ops@example.com", Role::Owner).await;
    sqlx::query("update person set disabled_at = now()").execute(&pool).await.unwrap();
    assert!(matches!(guess(&engine, "ops@example.com", PASSWORD).await, Err(EngineError::NotSignedIn)));
    assert!(matches!(engine.viewer(id, None).await, Err(EngineError::NotSignedIn)));
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn ten_failures_close_an_account_for_a_while(pool: PgPool) {
    let (engine, clock) = engine(&pool);
    let id = person(&engine, "ops@example.com", Role::Owner).await;
    for _ in 0..10 {
        assert!(matches!(guess(&engine, "ops@example.com", "wrong").await, Err(EngineError::NotSignedIn)));
        clock.pass(Duration::SECOND);
    }

    // Even the right password: otherwise guessing could go on.
    let Err(EngineError::Throttled { retry_after }) = guess(&engine, "ops@example.com", PASSWORD).await else {
        panic!("not throttled");
    };
    assert_eq!(retry_after.as_secs(), 15 * 60 - 10);
    assert!(matches!(guess(&engine, "else@example.com", "wrong").await, Err(EngineError::NotSignedIn)));

    clock.pass(Duration::try_from(retry_after).unwrap());
    assert_eq!(guess(&engine, "ops@example.com", PASSWORD).await.unwrap(), id);
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn guesses_at_one_moment_are_all_counted(pool: PgPool) {
    let (engine, _) = engine(&pool);
    person(&engine, "ops@example.com", Role::Owner).await;
    let guesses = (0..24).map(|_| guess(&engine, "ops@example.com", "wrong"));
    let results = futures::future::join_all(guesses).await;
    let looked_at = results.iter().filter(|result| matches!(result, Err(EngineError::NotSignedIn))).count();
    assert!(looked_at <= 10, "{looked_at}");
    assert!(results.iter().all(Result::is_err));
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn signing_in_makes_the_account_start_afresh(pool: PgPool) {
    let (engine, _) = engine(&pool);
    person(&engine, "ops@example.com", Role::Owner).await;
    for _ in 0..2 {
        for _ in 0..6 {
            guess(&engine, "ops@example.com", "wrong").await.unwrap_err();
        }
        guess(&engine, "ops@example.com", PASSWORD).await.unwrap();
    }
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn an_address_that_tries_many_accounts_is_closed(pool: PgPool) {
    let (engine, _) = engine(&pool);
    let mut attempts = 0;
    while matches!(guess(&engine, &format!("p{attempts}@example.com"), "wrong").await, Err(EngineError::NotSignedIn)) {
        attempts += 1;
    }
    assert_eq!(attempts, 30);
    assert!(matches!(guess(&engine, "p99@example.com", "wrong").await, Err(EngineError::Throttled { .. })));
    let elsewhere = engine.sign_in("p99@example.com", "wrong".into(), "203.0.113.5").await;
    assert!(matches!(elsewhere, Err(EngineError::NotSignedIn)));
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn signing_in_and_failing_to_stand_in_the_trail(pool: PgPool) {
    let (engine, _) = engine(&pool);
    person(&engine, "ops@example.com", Role::Owner).await;
    guess(&engine, "ops@example.com", "wrong password").await.unwrap_err();
    guess(&engine, "ops@example.com", PASSWORD).await.unwrap();

    let viewer = engine.command_line(None).await.unwrap();
    let page = engine.audit_page(&viewer, AuditFilter::default()).await.unwrap();

    let words: Vec<_> = page.lines.iter().map(|line| line.words.as_str()).collect();
    assert_eq!(
        words,
        [
            "ops signed in",
            "A sign-in as ops was turned away: wrong password",
            "command line added ops as owner",
            "command line made the workspace main",
        ]
    );
    assert!(page.lines.iter().all(|line| !line.detail.contains(PASSWORD) && !line.detail.contains("argon2")));
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn a_login_ends_by_idling_by_age_and_by_signing_out(pool: PgPool) {
    let (engine, clock) = engine(&pool);
    let id = person(&engine, "ops@example.com", Role::Owner).await;
    let login = LoginHash::of(b"cookie id");
    let data = serde_json::json!({ LOGIN_PERSON: id.to_string() });
    assert!(engine.create_login(login, &data).await.unwrap());
    assert!(!engine.create_login(login, &data).await.unwrap(), "an id is given once");

    // Used every 29 minutes it goes on, but not beyond twelve hours.
    let mut passed = Duration::ZERO;
    while engine.load_login(login).await.unwrap().is_some() {
        clock.pass(Duration::minutes(29));
        passed += Duration::minutes(29);
        assert!(passed < Duration::hours(13));
    }
    assert!(passed >= Duration::hours(12));

    assert!(engine.create_login(LoginHash::of(b"second"), &data).await.unwrap());
    clock.pass(Duration::minutes(31));
    assert!(engine.load_login(LoginHash::of(b"second")).await.unwrap().is_none());

    let third = LoginHash::of(b"third");
    assert!(engine.create_login(third, &data).await.unwrap());
    assert_eq!(engine.load_login(third).await.unwrap().unwrap().data, data);
    engine.delete_login(third).await.unwrap();
    engine.save_login(third, &data).await.unwrap();
    assert!(engine.load_login(third).await.unwrap().is_none(), "an ended login stays ended");
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn the_team_shows_who_was_there_when(pool: PgPool) {
    let (engine, _) = engine(&pool);
    let id = person(&engine, "ops@example.com", Role::Owner).await;
    let data = serde_json::json!({ LOGIN_PERSON: id.to_string() });
    engine.create_login(LoginHash::of(b"cookie id"), &data).await.unwrap();
    let members = engine.members(&engine.viewer(id, None).await.unwrap()).await.unwrap();
    assert_eq!(members[0].last_seen.unwrap().rfc3339(), "2026-03-01T09:00:00Z");
}
