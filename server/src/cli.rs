//! The command line: what can be said, not what is done.

use crate::audit_file::Format;
use clap::{Args, Parser, Subcommand, ValueEnum};
use std::{net::SocketAddr, path::PathBuf, time::Duration};

/// Keeps GoHighLevel contacts and Chargify customers in agreement.
///
/// Settings come from the environment: CONCORD_DATABASE_URL (absent: a private Postgres in the data folder),
/// CONCORD_DATA_DIR, CONCORD_LISTEN, CONCORD_PUBLIC_URL, CONCORD_SECRET_KEY or CONCORD_SECRET_KEY_FILE,
/// CONCORD_SITE_ROOT, CONCORD_ALLOW_BASE_URLS, RUST_LOG. `concord doctor` says what is wrong with them.
#[derive(Debug, Parser)]
#[command(name = "concord", version, max_term_width = 100)]
pub struct Arguments {
    #[command(subcommand)]
    pub command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Serve the pages, take webhooks in and work the queue, until SIGTERM or Ctrl-C
    ///
    /// Brings the database's schema up to date first. As long as nobody has an account, each start prints a new
    /// one-time set-up link. Work in flight gets a few seconds to end; what is cut off is taken up at the next start.
    Serve(ServeArguments),
    /// Serve with both services simulated on this machine, for a first look
    ///
    /// Uses a private Postgres of its own below the data folder and begins empty at each start. Prints the set-up link,
    /// and what to type in to connect to the simulated services.
    Demo(DemoArguments),
    /// Bring connections, syncs and mappings to what a TOML file says
    ///
    /// Prints what changed; a second time, nothing does. The file is the whole truth about the connections and syncs it
    /// names: what it leaves out of one returns to its default, whatever was set in the browser. What it does not name
    /// stays as it is. When anything is wrong with the file, all of it is told and nothing is changed. Credentials are
    /// read from the environment variables that the file names. For `billing_facts` of a sync, custom fields named after them
    /// are made in GoHighLevel where there are none.
    Apply(ApplyArguments),
    /// Print connections, syncs and mappings as a TOML file for `apply`, without credentials
    Export(WorkspaceArguments),
    /// Start a run of a sync and follow it to its end
    ///
    /// Works the queue itself when no server does. Exits with 0 when the run is complete, 3 when it waits for a person's
    /// approval, and 1 when it ended in any other way.
    Run(RunArguments),
    /// Print how connections, syncs, the copies of subscriptions and the queue are
    Status(StatusArguments),
    /// Records that wait to be deleted because their partners were: show, approve, keep
    #[command(subcommand)]
    Deletions(DeletionsCommand),
    /// The webhooks of a connection: how they are doing, register, test, fetch what was missed
    #[command(subcommand)]
    Webhooks(WebhooksCommand),
    /// Prove or export the audit trail
    #[command(subcommand)]
    Audit(AuditCommand),
    /// People and their accounts
    #[command(subcommand)]
    User(UserCommand),
    /// The secret key that seals credentials
    #[command(subcommand)]
    Keys(KeysCommand),
    /// Serve only the simulated GoHighLevel and Chargify, until Ctrl-C
    ///
    /// Prints one JSON line with addresses and credentials when ready.
    Sandbox(SandboxArguments),
    /// Check configuration, database, secret key, pages and every connection; exits with 1 when something is wrong
    Doctor,
    /// Bring the database's schema up to date
    Migrate,
}

/// What to do about deletions that wait.
#[derive(Debug, Subcommand)]
pub enum DeletionsCommand {
    /// Print those that wait, with their ids
    Show(WorkspaceArguments),
    /// Approve one, or all
    ///
    /// Each record is read once more before it is deleted: one whose partner came back, or that changed since it was asked
    /// about, stays.
    Approve(MeantArguments),
    /// Keep one, or all, as they are
    Keep(MeantArguments),
}

#[derive(Debug, Args)]
pub struct MeantArguments {
    /// One of them, by the id that `show` prints
    #[arg(value_name = "ID", required_unless_present = "all", conflicts_with = "all")]
    pub id: Option<String>,
    /// All of them, with how many there are: others than were shown are never meant
    #[arg(long, value_name = "COUNT")]
    pub all: Option<u64>,
    #[command(flatten)]
    pub workspace: WorkspaceArguments,
}

#[derive(Debug, Args)]
pub struct WorkspaceArguments {
    /// The workspace, by name [default: the first]
    #[arg(long)]
    pub workspace: Option<String>,
}

#[derive(Debug, Args)]
pub struct ServeArguments {
    /// Address and port to listen on, in place of CONCORD_LISTEN
    #[arg(long, value_name = "ADDR")]
    pub listen: Option<SocketAddr>,
}

#[derive(Debug, Args)]
pub struct DemoArguments {
    /// Address and port to listen on, in place of CONCORD_LISTEN; port 0 takes a free one
    #[arg(long, value_name = "ADDR")]
    pub listen: Option<SocketAddr>,
    /// The data folder, in place of CONCORD_DATA_DIR
    #[arg(long, value_name = "DIR")]
    pub data_dir: Option<PathBuf>,
    /// Contacts the simulated GoHighLevel begins with
    #[arg(long, default_value_t = 600)]
    pub contacts: usize,
    /// Customers the simulated Chargify begins with [default: half as many]
    #[arg(long)]
    pub customers: Option<usize>,
    /// The same seed makes the same people
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// How long the simulated services take to answer
    #[arg(long, default_value = "40ms", value_parser = humantime::parse_duration)]
    pub latency: Duration,
    /// Print one JSON object instead of text
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
pub struct ApplyArguments {
    /// The file; `-` reads standard input
    pub file: PathBuf,
    #[command(flatten)]
    pub workspace: WorkspaceArguments,
}

/// What a run looks at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Mode {
    /// Everything on both sides
    Full,
    /// What changed since the last run
    Changes,
    /// Everything, to find drift
    Reconcile,
    /// Everything, and nothing is written
    DryRun,
}

impl Mode {
    /// As stored.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Full => "full",
            Self::Changes => "changes",
            Self::Reconcile => "reconcile",
            Self::DryRun => "dry-run",
        }
    }
}

#[derive(Debug, Args)]
pub struct RunArguments {
    /// The sync, by name
    pub sync: String,
    #[arg(long, value_enum, default_value_t = Mode::Changes)]
    pub mode: Mode,
    /// Only this contact, by its GoHighLevel id; may be given several times
    #[arg(long = "record", value_name = "ID")]
    pub records: Vec<String>,
    /// Approve the plan beforehand, however much it changes
    #[arg(long)]
    pub approve: bool,
    /// Wait for the end. A run is always followed to its end; the flag says so in scripts
    #[arg(long)]
    pub wait: bool,
    /// Print one JSON object at the end
    #[arg(long)]
    pub json: bool,
    #[command(flatten)]
    pub workspace: WorkspaceArguments,
}

#[derive(Debug, Args)]
pub struct StatusArguments {
    /// Print one JSON object
    #[arg(long)]
    pub json: bool,
    #[command(flatten)]
    pub workspace: WorkspaceArguments,
}

#[derive(Debug, Subcommand)]
pub enum WebhooksCommand {
    /// Print how they are doing: endpoint, self-test, what was missed, whether they are silent
    Show(ConnectionArguments),
    /// Register the endpoint at Chargify, or put the one there is right
    ///
    /// First a signed test is sent through the public address, where a server must run; if it does not arrive, or the
    /// shared key is not the site's, nothing is changed. Then webhooks are switched on for the whole site and our endpoint
    /// is made, or told of the events it lacks, or woken. Endpoints of others stay as they are.
    Register(ConnectionArguments),
    /// Send a signed test through the public address; exits with 1 when it does not arrive
    Test(ConnectionArguments),
    /// Fetch what was missed
    ///
    /// Chargify is asked to send undelivered webhooks again; for GoHighLevel a run of the changes is started, which a
    /// server, or `concord run`, carries out.
    Fetch(FetchArguments),
}

#[derive(Debug, Args)]
pub struct ConnectionArguments {
    /// The connection, by name or public id
    pub connection: String,
    #[command(flatten)]
    pub workspace: WorkspaceArguments,
}

#[derive(Debug, Args)]
pub struct FetchArguments {
    #[command(flatten)]
    pub of: ConnectionArguments,
    /// Only count what was missed
    #[arg(long)]
    pub count: bool,
}

#[derive(Debug, Subcommand)]
pub enum AuditCommand {
    /// Read the whole trail and prove that no line was changed, moved or removed; exits with 1 at the first bad line
    Verify(WorkspaceArguments),
    /// Print the trail, oldest line first
    Export(AuditExportArguments),
}

#[derive(Debug, Args)]
pub struct AuditExportArguments {
    #[arg(long, value_enum, default_value_t = Format::JsonLines)]
    pub format: Format,
    #[command(flatten)]
    pub workspace: WorkspaceArguments,
}

#[derive(Debug, Subcommand)]
pub enum UserCommand {
    /// Add a person to a workspace
    Add(UserAddArguments),
}

#[derive(Debug, Args)]
pub struct UserAddArguments {
    #[arg(long)]
    pub email: String,
    /// owner, admin, operator, auditor or viewer
    #[arg(long, value_parser = role)]
    pub role: domain::Role,
    /// What to call the person [default: what stands before the @]
    #[arg(long, default_value = "", hide_default_value = true)]
    pub name: String,
    /// Read the password from standard input; there is no other way to give it
    #[arg(long, required = true)]
    pub password_stdin: bool,
    #[command(flatten)]
    pub workspace: WorkspaceArguments,
}

fn role(text: &str) -> Result<domain::Role, String> {
    let found = domain::Role::ALL.into_iter().find(|role| role.as_str() == text);
    found.ok_or_else(|| "write owner, admin, operator, auditor or viewer".to_owned())
}

#[derive(Debug, Subcommand)]
pub enum KeysCommand {
    /// Seal everything with the key in CONCORD_SECRET_KEY_NEXT
    ///
    /// Afterwards give that key as CONCORD_SECRET_KEY (or write it into the key file) and restart every server: until
    /// then they cannot open credentials.
    Rotate,
}

#[derive(Debug, Args)]
pub struct SandboxArguments {
    /// Address of the simulated GoHighLevel
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:4101")]
    pub highlevel: SocketAddr,
    /// Address of the simulated Chargify
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:4102")]
    pub chargify: SocketAddr,
    /// Contacts to begin with
    #[arg(long, value_name = "N", default_value_t = 200)]
    pub contacts: usize,
    /// Customers to begin with [default: half as many]
    #[arg(long, value_name = "M")]
    pub customers: Option<usize>,
    /// The same seed makes the same people
    #[arg(long, value_name = "S", default_value_t = 1)]
    pub seed: u64,
    /// How long an answer takes, such as 50ms
    #[arg(long, default_value = "0ms", value_parser = humantime::parse_duration)]
    pub latency: Duration,
    /// GoHighLevel's limit, calls per time
    #[arg(long, default_value = "100/10s", value_parser = rate)]
    pub rate: (u32, Duration),
}

fn rate(text: &str) -> Result<(u32, Duration), String> {
    let wish = || format!("`{text}` is no rate; write calls per time, such as 100/10s");
    let (calls, time) = text.split_once('/').ok_or_else(wish)?;
    let calls = calls.trim().parse().map_err(|_number| wish())?;
    let time = humantime::parse_duration(time.trim()).map_err(|_time| wish())?;
    if calls == 0 || time.is_zero() { Err(wish()) } else { Ok((calls, time)) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory as _;

    #[test]
    fn the_command_line_is_consistent() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn a_rate_is_calls_per_time() {
        assert_eq!(rate("100/10s"), Ok((100, Duration::from_secs(10))));
        for wrong in ["100", "0/10s", "100/0s", "x/10s", "100/ten"] {
            assert!(rate(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn the_forms_of_the_contract_are_understood() {
        for line in [
            "concord serve",
            "concord demo --json --listen 127.0.0.1:0 --contacts 200",
            "concord apply file.toml --workspace main",
            "concord run contacts --mode dry-run --record abc --wait --json --approve",
            "concord status --json",
            "concord webhooks show billing",
            "concord webhooks register billing --workspace main",
            "concord webhooks test billing",
            "concord webhooks fetch billing --count",
            "concord audit verify",
            "concord audit export",
            "concord user add --email a@b.example --role owner --password-stdin",
            "concord keys rotate",
            "concord sandbox --highlevel 127.0.0.1:0 --chargify 127.0.0.1:0 --contacts 5 --customers 2 --seed 7 --latency 50ms --rate 100/10s",
            "concord doctor",
            "concord migrate",
        ] {
            let parsed = Arguments::try_parse_from(line.split(' '));
            assert!(parsed.is_ok(), "{line}: {}", parsed.unwrap_err());
        }
        assert!(Arguments::try_parse_from(["concord", "user", "add", "--email", "a@b", "--role", "owner"]).is_err());
    }
}
