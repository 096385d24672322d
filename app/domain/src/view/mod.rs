//! What crosses the wire to a page: small, serialisable, fixed-size integers, no secrets, no remote payloads.
//!
//! The engine returns these, pages and islands decode them. A view says what a person needs to see, not how it is stored.

mod at;
mod audit;
mod billing;
mod connection;
mod decision;
mod delivery;
mod engagement;
mod overview;
mod person;
mod record;
mod removal;
mod run;
mod schedule;
mod sync;
mod webhooks;

pub use at::At;
pub use audit::{AuditFilter, AuditLineView, AuditPageView};
pub use billing::{BillingView, FactView, SubscriptionCopyView, SubscriptionView};
pub use connection::{AppView, CheckStepView, CheckView, ConnectionView, CredentialView, StepState};
pub use decision::{
    AnswerDraft, CandidateView, ConflictView, FieldAnswerDraft, FormerContactView, HeirView, QuestionKind, QuestionView,
};
pub use delivery::{DeliveryPageView, DeliveryView};
pub use engagement::EngagementView;
pub use overview::{NeedView, OverviewView, QueueView, Tally24};
pub use person::{MemberView, SessionView, WorkspaceView};
pub use record::{
    FieldView, FormerPartnerView, HistoryView, PairState, RecordFilter, RecordPageView, RecordRowView, RecordView,
    ResyncView, TombstoneView, TraceStepView,
};
pub use removal::{RemovalDraft, RemovalPageView, RemovalView};
pub use run::{
    CallView, ChangeView, ItemFilter, ItemPageView, ItemView, PhaseView, ReasonCountView, RunLiveView, RunPageView,
    RunView,
};
pub use schedule::{ScheduleBriefView, ScheduleDraft, ScheduleView, StartView, TimingView};
pub use sync::{FieldChoiceView, MappingVersionView, RuleView, SettingsDraft, SyncDraft, SyncView};
pub use webhooks::{EndpointState, HearingView, SelfTestView, WebhooksView};
