//! Apps that connections call with, as the core sees them.

use crate::store::installs::{self, AppRow, Granted, InstallRow, Lease};
use domain::{ConnectionId, WorkspaceId};
use time::OffsetDateTime;
use uuid::Uuid;

tables! {
    /// Apps and their tokens.
    trait Installs {
        /// The app of a connection with its tokens, all of one moment.
        fn install(workspace_id: WorkspaceId, connection_id: ConnectionId) -> Option<InstallRow> = installs::find;

        /// Sets which app it is. Another client id is another app, which is not installed yet.
        fn put_app(workspace_id: WorkspaceId, connection_id: ConnectionId, app: &AppRow) -> () = installs::put;

        /// Forgets the app. False: there was none.
        fn remove_install(workspace_id: WorkspaceId, connection_id: ConnectionId) -> bool = installs::remove;

        /// Forgets a credential. False: there was none.
        fn remove_credential(
            workspace_id: WorkspaceId,
            connection_id: ConnectionId,
            field: &str,
        ) -> bool = installs::remove_credential;

        /// Takes the turn at renewing the tokens of that generation, or keeps it. False: it is another's, or they are
        /// renewed.
        fn lease_install(
            workspace_id: WorkspaceId,
            connection_id: ConnectionId,
            generation: i64,
            lease: Lease,
        ) -> bool = installs::lease;

        /// Gives the turn back without new tokens. False: it is another's.
        fn release_install(
            workspace_id: WorkspaceId,
            connection_id: ConnectionId,
            by: Uuid,
            retry_at: Option<OffsetDateTime>,
        ) -> bool = installs::release;

        /// Notes that new tokens were given and ends the turn. False: it is another's, and nothing is changed.
        fn grant_install(
            workspace_id: WorkspaceId,
            connection_id: ConnectionId,
            granted: &Granted,
        ) -> bool = installs::grant;

        /// Notes that the tokens are worth nothing any more: `ended` or `uninstalled`. False: it is not installed, or
        /// the turn is another's.
        fn end_install(
            workspace_id: WorkspaceId,
            connection_id: ConnectionId,
            standing: &str,
            by: Option<Uuid>,
        ) -> bool = installs::end;
    }
}
