//! The private Postgres, on real clusters: first start, sharing, crashes of either side, awkward folders.

use std::io::{BufRead as _, BufReader};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use server::postgres::PrivatePostgres;
use sqlx::Connection as _;

/// A data folder of its own for each test, removed at the end.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let name = format!("concord-pg-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        Self(std::env::temp_dir().join(name))
    }

    fn pid(&self) -> Option<u32> {
        let text = std::fs::read_to_string(self.0.join("postgres/data/postmaster.pid")).ok()?;
        text.lines().next()?.parse().ok()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        drop(std::fs::remove_dir_all(&self.0));
    }
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}

fn ask(url: &str, sql: &'static str) -> String {
    block_on(async {
        let mut connection = sqlx::PgConnection::connect(url).await.unwrap();
        sqlx::query_scalar(sql).fetch_one(&mut connection).await.unwrap()
    })
}

/// Writes something that must survive whatever the test does next.
fn leave_a_mark(url: &str) {
    block_on(async {
        let mut connection = sqlx::PgConnection::connect(url).await.unwrap();
        sqlx::query("create table mark as select 'kept' as word").execute(&mut connection).await.unwrap();
    });
}

fn mark(url: &str) -> String {
    ask(url, "select word from mark")
}

fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    let until = Instant::now() + Duration::from_secs(10);
    while !holds() {
        assert!(Instant::now() < until, "not within 10 s: {what}");
        std::thread::yield_now();
    }
}

fn owner(path: &Path) -> u32 {
    std::fs::metadata(path).unwrap().uid()
}

fn is_alive(pid: u32) -> bool {
    std::fs::read_link(format!("/proc/{pid}/cwd")).is_ok()
}

fn kill_9(pid: u32) {
    assert!(Command::new("kill").args(["-9", &pid.to_string()]).status().unwrap().success());
}

/// Another process that starts a cluster and holds it: this test binary again, in the role of the test below.
struct Holder(Child);

const HOLD: &str = "CONCORD_TEST_HOLD";

impl Holder {
    fn start(data_dir: &Path) -> Self {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "postgres::holds_a_cluster_for_other_tests_until_killed", "--nocapture"])
            .env(HOLD, data_dir)
            .stdout(Stdio::piped())
            .stdin(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        assert!(lines.any(|line| line.unwrap().contains("holding")), "the holder starts its cluster");
        Self(child)
    }

    fn kill_9(mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

#[test]
fn holds_a_cluster_for_other_tests_until_killed() {
    let Some(data_dir) = std::env::var_os(HOLD) else { return };
    let postgres = PrivatePostgres::start(Path::new(&data_dir)).unwrap();
    println!("holding {}", postgres.url());
    let mut line = String::new();
    std::io::stdin().read_line(&mut line).unwrap();
}

#[test]
fn what_is_written_is_there_after_stop_and_start() {
    let folder = Folder::new();
    let postgres = PrivatePostgres::start(&folder.0).unwrap();
    leave_a_mark(&postgres.url());
    assert_eq!(ask(&postgres.url(), "select current_setting('listen_addresses')"), "");
    assert_eq!(ask(&postgres.url(), "select current_setting('fsync')"), "on");
    assert_eq!(ask(&postgres.url(), "select lower('ÉMILE')"), "émile");
    let pid = folder.pid().unwrap();
    postgres.stop().unwrap();
    assert!(!is_alive(pid));

    let postgres = PrivatePostgres::start(&folder.0).unwrap();
    assert_eq!(mark(&postgres.url()), "kept");
    postgres.stop().unwrap();
}

#[test]
fn only_the_account_itself_may_enter_the_home() {
    let folder = Folder::new();
    let postgres = PrivatePostgres::start(&folder.0).unwrap();
    for name in ["postgres", "postgres/s", "postgres/data"] {
        let mode = std::fs::metadata(folder.0.join(name)).unwrap().permissions().mode();
        assert_eq!(mode & 0o077, 0, "{name} is open to others");
    }
    postgres.stop().unwrap();
}

#[test]
fn a_second_user_joins_and_the_last_one_ends_the_server() {
    let folder = Folder::new();
    let first = PrivatePostgres::start(&folder.0).unwrap();
    let pid = folder.pid().unwrap();
    let second = PrivatePostgres::start(&folder.0).unwrap();
    assert_eq!(folder.pid(), Some(pid));
    first.stop().unwrap();
    assert_eq!(ask(&second.url(), "select 'still here'"), "still here");
    second.stop().unwrap();
    assert!(!is_alive(pid));
}

#[test]
fn after_kill_9_of_its_owner_the_server_ends_by_itself() {
    let folder = Folder::new();
    let holder = Holder::start(&folder.0);
    let pid = folder.pid().unwrap();
    holder.kill_9();
    eventually("the server ends", || !is_alive(pid));
}

#[test]
fn after_kill_9_of_its_owner_the_next_start_takes_under_two_seconds_and_loses_nothing() {
    let folder = Folder::new();
    let holder = Holder::start(&folder.0);
    let postgres = PrivatePostgres::start(&folder.0).unwrap();
    leave_a_mark(&postgres.url());
    drop(postgres);
    holder.kill_9();

    let began = Instant::now();
    let postgres = PrivatePostgres::start(&folder.0).unwrap();
    let took = began.elapsed();
    assert!(took < Duration::from_secs(2), "took {took:?}");
    assert_eq!(mark(&postgres.url()), "kept");
    let pid = folder.pid().unwrap();
    postgres.stop().unwrap();
    assert!(!is_alive(pid));
}

#[test]
fn a_killed_server_is_recovered_at_the_next_start() {
    let folder = Folder::new();
    let postgres = PrivatePostgres::start(&folder.0).unwrap();
    leave_a_mark(&postgres.url());
    kill_9(folder.pid().unwrap());
    drop(postgres);

    let postgres = PrivatePostgres::start(&folder.0).unwrap();
    assert_eq!(mark(&postgres.url()), "kept");
    postgres.stop().unwrap();
}

#[test]
fn a_stale_pid_file_that_names_a_stranger_does_not_block_the_start() {
    let folder = Folder::new();
    PrivatePostgres::start(&folder.0).unwrap().stop().unwrap();
    // Our own pid, and that of a process under the server's account: the two kinds Postgres itself would fear.
    let account = owner(&folder.0.join("postgres/data"));
    let mut stranger = Command::new("sleep");
    if account != owner(Path::new("/proc/self")) {
        stranger.uid(account);
    }
    let mut stranger = stranger.arg("60").current_dir("/").spawn().unwrap();
    for pid in [std::process::id(), stranger.id()] {
        let text = format!("{pid}\n/somewhere\n1700000000\n5432\n/nowhere\n\n  5432001 0\nready   \n");
        std::fs::write(folder.0.join("postgres/data/postmaster.pid"), text).unwrap();
        let postgres = PrivatePostgres::start(&folder.0).unwrap();
        assert_ne!(folder.pid(), Some(pid));
        postgres.stop().unwrap();
    }
    stranger.kill().unwrap();
    stranger.wait().unwrap();
}

#[test]
fn a_half_made_database_is_made_again() {
    let folder = Folder::new();
    PrivatePostgres::start(&folder.0).unwrap().stop().unwrap();
    let (data, unfinished) = (folder.0.join("postgres/data"), folder.0.join("postgres/data.new"));
    std::fs::rename(data, &unfinished).unwrap();
    std::fs::remove_dir_all(unfinished.join("base")).unwrap();
    let postgres = PrivatePostgres::start(&folder.0).unwrap();
    assert_eq!(ask(&postgres.url(), "select current_database()::text"), "concord");
    assert!(!unfinished.exists());
    postgres.stop().unwrap();
}

#[test]
fn a_long_path_still_gets_a_socket() {
    let folder = Folder::new();
    let deep = folder.0.join("a-rather-long-name-for-a-folder-of-data-with-a-space or two").join("x".repeat(60));
    let postgres = PrivatePostgres::start(&deep).unwrap();
    let socket = ask(&postgres.url(), "select current_setting('unix_socket_directories')");
    assert!(socket.len() + "/.s.PGSQL.5432".len() < 100, "{socket}");
    assert_eq!(std::fs::metadata(&socket).unwrap().permissions().mode() & 0o077, 0);
    postgres.stop().unwrap();
    std::fs::remove_dir_all(socket).unwrap();
}

#[test]
fn a_folder_out_of_the_accounts_reach_moves_the_cluster_and_is_remembered() {
    let folder = Folder::new();
    std::fs::create_dir_all(&folder.0).unwrap();
    if owner(&folder.0) != 0 {
        println!("skipped: only root steps down to another account");
        return;
    }
    std::fs::set_permissions(&folder.0, std::fs::Permissions::from_mode(0o700)).unwrap();
    let data_dir = folder.0.join("data");
    let postgres = PrivatePostgres::start(&data_dir).unwrap();
    leave_a_mark(&postgres.url());
    postgres.stop().unwrap();
    assert!(!data_dir.join("postgres").exists());
    let home = std::fs::read_to_string(data_dir.join("postgres.location")).unwrap();

    let postgres = PrivatePostgres::start(&data_dir).unwrap();
    assert_eq!(mark(&postgres.url()), "kept");
    postgres.stop().unwrap();

    std::fs::remove_dir_all(home.trim()).unwrap();
    let error = PrivatePostgres::start(&data_dir).unwrap_err().to_string();
    assert!(error.contains("which is gone") && error.contains("postgres.location"), "{error}");
}
