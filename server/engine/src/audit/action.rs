//! What can stand in the audit trail: every action by name.

/// Declares the actions once, so that the enum, the stored names and the list offered as a filter cannot drift apart.
macro_rules! actions {
    ($($(#[$doc:meta])* $variant:ident = $name:literal;)+) => {
        /// One kind of audited act. Its name is stored; names are never changed once released.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(crate) enum AuditAction {
            $($(#[$doc])* $variant,)+
        }

        impl AuditAction {
            pub(crate) const ALL: &[Self] = &[$(Self::$variant,)+];

            /// As stored and as filtered by.
            pub(crate) const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)+
                }
            }
        }
    };
}

actions! {
    SignedIn = "person.signed_in";
    SignInRefused = "person.sign_in_refused";
    PersonAdded = "person.added";
    RoleChanged = "person.role_changed";
    PersonRemoved = "person.removed";
    SetupClaimed = "setup.claimed";
    WorkspaceCreated = "workspace.created";
    WorkspaceRenamed = "workspace.renamed";
    ConnectionAdded = "connection.added";
    ConnectionChanged = "connection.changed";
    CredentialRotated = "connection.credential_rotated";
    ConnectionTested = "connection.tested";
    CredentialRemoved = "connection.credential_removed";
    /// Which app of the Marketplace a connection calls with.
    AppSet = "connection.app_set";
    AppInstalled = "connection.app_installed";
    AppUninstalled = "connection.app_uninstalled";
    TokenRenewed = "connection.token_renewed";
    /// The fields an account made itself are others than before.
    FieldsRead = "connection.fields_read";
    /// A custom field made in GoHighLevel on request.
    FieldMade = "connection.field_made";
    SyncCreated = "sync.created";
    SyncChanged = "sync.changed";
    SyncEnabled = "sync.enabled";
    SyncDisabled = "sync.disabled";
    MappingSaved = "mapping.saved";
    RunQueued = "run.queued";
    RunApproved = "run.approved";
    RunCancelled = "run.cancelled";
    RunFinished = "run.finished";
    RecordCreated = "record.created";
    RecordUpdated = "record.updated";
    RecordLinked = "record.linked";
    RecordUnlinked = "record.unlinked";
    /// A record was deleted after a person had approved that.
    RecordDeleted = "record.deleted";
    RemovalApproved = "removal.approved";
    RemovalRefused = "removal.refused";
    /// A record that was gone is there again.
    RecordRestored = "record.restored";
    /// What was kept of records that went long ago was taken away.
    TombstonesPurged = "record.tombstones_purged";
    /// A person answered what the rules could not.
    RecordDecided = "record.decided";
    /// A person took their answer back.
    DecisionTakenBack = "record.decision_taken_back";
    /// A note, task or appointment became a note of a subscription.
    NoteWritten = "note.written";
    /// It changed, and its note with it.
    NoteRewritten = "note.rewritten";
    /// It was deleted, and its note says so now.
    NoteMarkedDeleted = "note.marked_deleted";
    /// A person asked for another try.
    NoteRetried = "note.retried";
    /// A remote service refused a write.
    WriteRefused = "record.write_refused";
    DeliveryRefused = "delivery.refused";
    /// A signed webhook was sent to our own address.
    WebhooksTested = "webhooks.tested";
    WebhooksRegistered = "webhooks.registered";
    /// What was missed was fetched.
    WebhooksFetched = "webhooks.fetched";
    /// The service stopped sending to our endpoint.
    WebhooksStopped = "webhooks.stopped";
    WebhooksSilent = "webhooks.silent";
    /// They come again after a silence.
    WebhooksHeard = "webhooks.heard";
    ConfigurationApplied = "configuration.applied";
    AuditExported = "audit.exported";
    /// Every data key was sealed anew with another installation key.
    KeyRotated = "key.rotated";
}

impl AuditAction {
    /// The action of a stored name; `None` for one that a newer version wrote.
    pub(crate) fn named(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|action| action.as_str() == name)
    }
}

/// How an audited act ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AuditOutcome {
    Done,
    /// Not permitted, or a rule said no: nothing changed.
    Refused,
    Failed,
}

impl AuditOutcome {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Refused => "refused",
            Self::Failed => "failed",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_stored_name_is_one_action() {
        for action in AuditAction::ALL {
            assert_eq!(AuditAction::named(action.as_str()), Some(*action));
        }
        assert_eq!(AuditAction::named("person.teleported"), None);
    }
}
