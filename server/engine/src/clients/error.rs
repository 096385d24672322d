//! Why a call did not do what was asked, in one shape for both services.

use crate::{EngineError, TransportError, UpstreamClass};
use domain::{RemoteId, Side, denial::Denial};
use std::time::Duration;

/// A vendor's message is cut here: long enough to recognise, short enough for a table.
const MESSAGE_CHARS: usize = 300;

/// A call that failed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{side}: {class}: {message}")]
pub struct CallError {
    pub side: Side,
    /// What it means for the work at hand.
    pub class: UpstreamClass,
    /// What exactly was refused, where a caller acts on it.
    pub refusal: Refusal,
    /// `None`: no answer came, or nothing was sent.
    pub status: Option<u16>,
    /// The service's own words, cut; no request content.
    pub message: String,
    /// How long the service asks to be left alone, when it says so.
    pub retry_after: Option<Duration>,
    /// For how many milliseconds more the service may be at the request.
    pub goes_on_ms: u32,
}

/// The refusals that callers tell apart.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Refusal {
    /// Nothing beyond the class.
    #[default]
    Plain,
    /// GoHighLevel: the credential is not known (any more).
    CredentialInvalid,
    /// GoHighLevel: there is no token to call with. Nothing was sent.
    NoToken(Denial),
    /// GoHighLevel: the credential lacks the scope of this operation.
    ScopeMissing,
    /// GoHighLevel: an agency's credential where a location's is needed, or the other way round.
    WrongTokenClass,
    /// GoHighLevel: the credential is of another location.
    OtherLocation,
    /// GoHighLevel: the day's calls are used up.
    DayUsedUp,
    /// GoHighLevel: an existing contact has this e-mail or phone; adopt it.
    DuplicateContact { contact_id: Option<RemoteId>, matching_field: Option<String> },
    /// GoHighLevel: these properties are not accepted here.
    PropertiesRefused(Vec<String>),
    /// Chargify: another customer has this reference; look it up.
    ReferenceTaken,
    /// Chargify: the same uniqueness token was used within the hour; look the record up.
    DuplicateSubmission,
    /// Chargify: all calls are refused until the site's data is cleared; ends by itself.
    ClearingInProgress,
    /// We refused to send it.
    NeverSent,
    /// It waited for its turn for longer than it was fresh; nothing was sent.
    WaitedLong,
}

impl CallError {
    /// An error of that class, with the vendor's words.
    pub fn new(side: Side, class: UpstreamClass, message: impl AsRef<str>) -> Self {
        Self {
            side,
            class,
            refusal: Refusal::Plain,
            status: None,
            message: cut(message.as_ref()),
            retry_after: None,
            goes_on_ms: 0,
        }
    }

    /// A request that we do not send, because the service would not do what it says.
    pub(crate) fn never_sent(side: Side, message: impl AsRef<str>) -> Self {
        Self::new(side, UpstreamClass::Rejected, message).with_refusal(Refusal::NeverSent)
    }

    /// There is no token to call with, and why.
    pub(crate) fn without_token(denial: Denial) -> Self {
        Self::new(Side::Highlevel, UpstreamClass::Auth, "").with_refusal(Refusal::NoToken(denial))
    }

    /// What it says about the connection as a whole, for a person: what happened, and the service's own words.
    pub(crate) fn told(&self) -> String {
        let denial = match self.refusal {
            Refusal::NoToken(denial) => denial,
            Refusal::CredentialInvalid if self.side == Side::Highlevel => Denial::TokenUnknown,
            Refusal::ScopeMissing => Denial::ScopeMissing,
            Refusal::WrongTokenClass => Denial::TokenClass,
            Refusal::OtherLocation => Denial::OtherLocation,
            _ => return self.message.clone(),
        };
        if self.message.is_empty() {
            return denial.sentence().to_owned();
        }
        format!("{} It said: \u{201c}{}\u{201d}.", denial.sentence(), self.message.trim_end_matches('.'))
    }

    #[must_use]
    pub(crate) fn with_status(mut self, status: u16) -> Self {
        self.status = Some(status);
        self
    }

    #[must_use]
    pub(crate) fn with_refusal(mut self, refusal: Refusal) -> Self {
        self.refusal = refusal;
        self
    }

    #[must_use]
    pub(crate) fn with_retry_after(mut self, retry_after: Option<Duration>) -> Self {
        self.retry_after = retry_after;
        self
    }

    #[must_use]
    pub(crate) fn with_goes_on(mut self, goes_on: Duration) -> Self {
        self.goes_on_ms = u32::try_from(goes_on.as_millis()).unwrap_or(u32::MAX);
        self
    }

    /// No whole answer came. A write that left may have been carried out.
    pub(crate) fn from_transport(side: Side, error: &TransportError, writes: bool) -> Self {
        let class = match error {
            TransportError::Broken(_) | TransportError::CutShort(_) | TransportError::TimedOut(_) if writes => {
                UpstreamClass::Ambiguous
            }
            _ => UpstreamClass::Unavailable,
        };
        Self::new(side, class, error.to_string())
    }

    /// A success whose body cannot be understood. The write behind it was carried out, but we do not know as what.
    pub(crate) fn unreadable(side: Side, status: u16, writes: bool, what: impl AsRef<str>) -> Self {
        let class = if writes { UpstreamClass::Ambiguous } else { UpstreamClass::Malformed };
        Self::new(side, class, what).with_status(status)
    }
}

impl From<CallError> for EngineError {
    fn from(error: CallError) -> Self {
        Self::Upstream { side: error.side, class: error.class, detail: error.told() }
    }
}

/// One line, cut to a length that fits a table.
fn cut(message: &str) -> String {
    let line = message.split_whitespace().collect::<Vec<_>>().join(" ");
    if line.chars().count() <= MESSAGE_CHARS {
        return line;
    }
    let mut short: String = line.chars().take(MESSAGE_CHARS - 1).collect();
    short.push('…');
    short
}
