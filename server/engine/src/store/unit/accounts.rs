//! Workspaces and connections, as the core and the configuration file see them.

use crate::{
    Result,
    store::{
        connections::{self, ConnectionRow, CredentialRow, NewConnectionRow},
        people, workspaces,
    },
};
use domain::{ConnectionId, WorkspaceId};
use sqlx::PgConnection;
use time::OffsetDateTime;

tables! {
    /// Tenants.
    trait Workspaces {
        /// The oldest workspace.
        fn first_workspace() -> Option<WorkspaceId> = workspaces::first;

        fn workspace_by_name(name: &str) -> Option<WorkspaceId> = workspaces::named;

        fn insert_workspace(workspace_id: WorkspaceId, name: &str) -> () = workspaces::insert;

        /// Keeps others from making the first workspace or person until the unit of work ends.
        fn lock_people() -> () = people::lock;
    }
}

tables! {
    /// Connections and their sealed credentials.
    trait Connections {
        /// The workspace's connections by name.
        fn connections(workspace_id: WorkspaceId) -> Vec<ConnectionRow> = connections::list;

        fn connection(
            workspace_id: WorkspaceId,
            connection_id: ConnectionId,
        ) -> Option<ConnectionRow> = connections::find;

        /// By public id or by name, within the workspace.
        fn connection_by_key(workspace_id: WorkspaceId, key: &str) -> Option<ConnectionRow> = connections::find_by_key;

        /// [`crate::EngineError::Invalid`] when another connection of the workspace has the name, or is to the same site.
        fn insert_connection(row: NewConnectionRow<'_>) -> () = insert;

        /// Changes where the account is and how its webhooks are verified; it is untested from then on.
        /// [`crate::EngineError::Invalid`] when another connection is to the same site.
        fn update_connection(row: &ConnectionRow, at: OffsetDateTime) -> u64 = update;

        /// Sets state and detail. False: it was that already.
        fn set_connection_state(
            workspace_id: WorkspaceId,
            connection_id: ConnectionId,
            state: (&str, Option<&str>),
            at: OffsetDateTime,
        ) -> bool = connections::set_state;

        /// The connection's credentials, sealed.
        fn credentials(
            workspace_id: WorkspaceId,
            connection_id: ConnectionId,
        ) -> Vec<CredentialRow> = connections::credentials;

        /// Stores a credential in place of the one there was.
        fn put_credential(
            workspace_id: WorkspaceId,
            connection_id: ConnectionId,
            row: &CredentialRow,
        ) -> () = connections::put_credential;
    }
}

async fn insert(conn: &mut PgConnection, row: NewConnectionRow<'_>) -> Result<()> {
    connections::insert(conn, row).await.map_err(crate::connections::taken)
}

async fn update(conn: &mut PgConnection, row: &ConnectionRow, at: OffsetDateTime) -> Result<u64> {
    connections::update(conn, row, at).await.map_err(crate::connections::taken)
}
