//! One of them: planned from what is kept, written if it must be.

use super::{BUSY, Came, Carrier, ROUNDS, kind_of, told_of};
use crate::{Result, UpstreamClass, store::engagements::EngagementRow};
use domain::{
    RemoteId,
    engagement::{Candidate, Held, Known, NoteAt, Step, plan, primary},
    subscription::Subscription,
};

/// How to find the subscription that carries a customer's notes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Seek {
    /// In our copy, if it was ever read whole.
    Known,
    /// At the service, where our copy has none: a sign-up was just heard of.
    Ask,
}

const NO_CUSTOMER: &str = "Its contact has no customer in this sync. It is carried over once both are linked.";
const NO_SUBSCRIPTION: &str = "Its customer has no subscription yet, and Chargify keeps notes with subscriptions only. It is written once there is one.";
const OURS: &str = "It begins with a marker of Concord, so it came from Chargify. It is not sent back.";

impl Carrier<'_> {
    /// Brings the note about one of them to what is known of it.
    pub(super) async fn carry(&self, row: &EngagementRow, customer_id: Option<&str>, seek: Seek) -> Result<Came> {
        if let Some(rest) = self.settle_unknown(row).await? {
            return Ok(Came::Later(rest));
        }
        let kind = kind_of(row)?;
        for _ in 0..ROUNDS {
            let Some(row) = self.row(kind, &row.remote_id).await? else { return Ok(Came::Unchanged) };
            if row.state == "lost" {
                // A person has the say.
                return Ok(Came::Failed(row.detail));
            }
            let step = self.planned(&row, customer_id)?;
            if step == Step::Hold(Held::NoSubscription) {
                match self.choose(&row, customer_id, seek).await {
                    Ok(true) => continue,
                    Ok(false) => {}
                    Err(Chosen::Refused(error)) => return Ok(Came::Halt(error)),
                    Err(Chosen::Failed(error)) => return Err(error),
                }
            }
            match &step {
                Step::Nothing | Step::Hold(_) => return self.rest(&row, &step).await,
                Step::Create { .. } | Step::Update { .. } => {
                    if let Some(came) = self.write(&row, &step, customer_id).await? {
                        return Ok(came);
                    }
                }
            }
        }
        Ok(Came::Later(BUSY))
    }

    /// What would be done about it now.
    pub(super) fn planned(&self, row: &EngagementRow, customer_id: Option<&str>) -> Result<Step> {
        let (kind, told) = (kind_of(row)?, told_of(row)?);
        let note = match (&row.subscription_id, &row.note_id) {
            (Some(subscription_id), Some(note_id)) => Some(NoteAt { subscription_id, note_id }),
            _ => None,
        };
        Ok(plan(&Known {
            kind,
            id: &row.remote_id,
            told: &told,
            deleted_on: row.deleted_at.map(time::OffsetDateTime::date),
            is_on: self.switches()?.is_on(kind),
            is_linked: customer_id.is_some(),
            chosen: row.subscription_id.as_deref(),
            note,
            written: row.written.as_deref(),
        }))
    }

    /// Nothing is to be written: says how it stands.
    async fn rest(&self, row: &EngagementRow, step: &Step) -> Result<Came> {
        let (state, words) = match step {
            Step::Hold(Held::NoCustomer) => ("held", NO_CUSTOMER),
            Step::Hold(Held::NoSubscription) => ("held", NO_SUBSCRIPTION),
            _ if row.deleted_at.is_some() => ("deleted", ""),
            _ if row.note_id.is_some() => ("in_step", ""),
            _ if told_of(row)?.is_ours() => ("left_out", OURS),
            // Its kind is switched off: it stays as it is.
            _ => return Ok(Came::Unchanged),
        };
        self.stand(row, state, words).await?;
        Ok(if state == "held" { Came::Held(words) } else { Came::Unchanged })
    }

    /// Chooses the subscription once and for all. False: the customer has none.
    async fn choose(
        &self,
        row: &EngagementRow,
        customer_id: Option<&str>,
        seek: Seek,
    ) -> std::result::Result<bool, Chosen> {
        let Some(customer_id) = customer_id else { return Ok(false) };
        let Some(subscription_id) = self.primary_of(customer_id, seek).await? else { return Ok(false) };
        let mut conn = self.engine.store().session().await?;
        let which = (row.kind.as_str(), row.remote_id.as_str());
        let (workspace_id, sync_id) = (self.context.workspace_id, self.context.sync_id);
        let chosen = conn.choose_subscription(workspace_id, sync_id, which, &subscription_id).await?;
        Ok(chosen.is_some())
    }

    async fn primary_of(&self, customer_id: &str, seek: Seek) -> std::result::Result<Option<String>, Chosen> {
        let (workspace_id, site) = (self.context.workspace_id, self.context.chargify_id());
        let ids = [customer_id.to_owned()];
        let mut conn = self.engine.store().session().await?;
        let copies = conn.subscriptions_of_customers(workspace_id, site, &ids).await?;
        let freshness = conn.subscription_freshness(workspace_id, site).await?;
        drop(conn);
        if let Some(found) = primary(copies.iter().map(candidate)) {
            return Ok(Some(found.id.to_owned()));
        }
        if seek == Seek::Known && freshness.listed_at.is_some() {
            return Ok(None);
        }
        let asked = self.clients.chargify.subscriptions_of(&self.cause.call, &RemoteId::from(customer_id)).await;
        let found = match asked {
            Ok(found) => found,
            Err(error) if error.class == UpstreamClass::NotFound => return Ok(None),
            Err(error) => return Err(Chosen::Refused(error)),
        };
        Ok(primary(found.iter().map(candidate)).map(|one| one.id.to_owned()))
    }
}

fn candidate(subscription: &Subscription) -> Candidate<'_> {
    Candidate {
        id: subscription.id.as_str(),
        state: subscription.state.as_str(),
        created_at: Some(subscription.created_at),
    }
}

/// Why no subscription could be chosen.
enum Chosen {
    Refused(crate::clients::CallError),
    Failed(crate::EngineError),
}

impl From<crate::EngineError> for Chosen {
    fn from(error: crate::EngineError) -> Self {
        Self::Failed(error)
    }
}
