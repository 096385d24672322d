//! What a page or a caller of a server function is told when something was not done: a closed set, decided by variant.
//!
//! Without a script an error travels in the address, so it holds no personal data and no text of a remote service.

use leptos::server_fn::{
    codec::JsonEncoding,
    error::{FromServerFnError, ServerFnErrorErr},
};
use serde::{Deserialize, Serialize};

/// Why something was not done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "error", rename_all = "snake_case")]
pub enum AppError {
    /// Nobody is signed in, or e-mail and password do not belong together.
    Unauthenticated,
    /// The role lacks the right to do this; `right` completes "the right to …".
    Forbidden { right: String },
    /// `what` completes "no such …".
    NotFound { what: String },
    /// Rules the input breaks, each as `field: what to do`. Empty when they are kept in the session for the form.
    Invalid { problems: Vec<String> },
    /// Somebody was faster, or it was done before.
    AlreadyDone,
    /// Too many attempts; again after this many seconds.
    Busy { retry_s: u64 },
    /// A remote service refused or did not answer; `class` as in the engine, `passes` when it is expected to end by itself.
    Upstream { service: String, class: String, passes: bool },
    /// A fault of ours, found in the log by the number of the request.
    Internal { request_id: String },
}

impl AppError {
    /// The status a program sees.
    #[must_use]
    pub fn status(&self) -> u16 {
        match self {
            Self::Unauthenticated => 401,
            Self::Forbidden { .. } => 403,
            Self::NotFound { .. } => 404,
            Self::Invalid { .. } => 422,
            Self::AlreadyDone => 409,
            Self::Busy { .. } => 429,
            Self::Upstream { .. } => 502,
            Self::Internal { .. } => 500,
        }
    }

    /// What happened, as a sentence.
    #[must_use]
    pub fn what(&self) -> String {
        match self {
            Self::Unauthenticated => "You are not signed in.".to_owned(),
            Self::Forbidden { right } => format!("Your role does not include the right to {right}."),
            Self::NotFound { what } => format!("There is no such {what} in this workspace."),
            Self::Invalid { problems } => match problems.as_slice() {
                [] => "Something in the form is not right yet.".to_owned(),
                [only] => in_words(only),
                [first, rest @ ..] => format!("{} And {} more.", in_words(first), rest.len()),
            },
            Self::AlreadyDone => "This was done already, by you or somebody faster.".to_owned(),
            Self::Busy { retry_s } => format!("Too many attempts. Try again in {retry_s} seconds."),
            Self::Upstream { service, passes: true, class } => {
                format!("{service} takes no requests at the moment: {class}.")
            }
            Self::Upstream { service, class, .. } => format!("{service} answered: {class}."),
            Self::Internal { .. } => "Something went wrong on our side.".to_owned(),
        }
    }

    /// Whether the data is safe, and what to do.
    #[must_use]
    pub fn safety(&self) -> String {
        match self {
            Self::Unauthenticated => "Nothing was changed. Sign in and do it again.".to_owned(),
            Self::Forbidden { .. } => "Nothing was changed. An owner can give you another role.".to_owned(),
            Self::NotFound { .. } => "Nothing was changed. It may have been renamed.".to_owned(),
            Self::Invalid { .. } => "Nothing was saved.".to_owned(),
            Self::AlreadyDone => "Nothing was done twice.".to_owned(),
            Self::Busy { .. } => "Nothing was changed.".to_owned(),
            Self::Upstream { passes: true, .. } => {
                "Nothing was changed. This ends by itself, and work under way waits for it: try again in a minute."
                    .to_owned()
            }
            Self::Upstream { .. } => "Nothing was changed on our side. Test the connection, then try again.".to_owned(),
            Self::Internal { request_id } => {
                format!("Nothing was changed. Try again; if it stays, the log knows it as request {request_id}.")
            }
        }
    }
}

/// A problem `field: what to do` as a sentence: `Field: what to do.`
#[must_use]
pub fn in_words(problem: &str) -> String {
    let mut letters = problem.chars();
    let first: String = letters.next().into_iter().flat_map(char::to_uppercase).collect();
    let stop = if problem.ends_with(['.', '?', '!']) { "" } else { "." };
    format!("{first}{}{stop}", letters.as_str())
}

impl FromServerFnError for AppError {
    type Encoder = JsonEncoding;

    fn from_server_fn_error(error: ServerFnErrorErr) -> Self {
        match error {
            ServerFnErrorErr::Args(_) | ServerFnErrorErr::MissingArg(_) | ServerFnErrorErr::Deserialization(_) => {
                Self::Invalid { problems: vec!["the form did not arrive complete: send it again".to_owned()] }
            }
            _ => Self::Internal { request_id: String::new() },
        }
    }
}

#[cfg(feature = "ssr")]
pub(crate) use server::by_form;

#[cfg(feature = "ssr")]
mod server {
    use super::AppError;
    use engine::{EngineError, UpstreamClass};
    use http::{Method, StatusCode, header::ACCEPT, request::Parts};
    use leptos::prelude::use_context;
    use leptos_axum::ResponseOptions;

    /// Longest message that may travel in an address, and how many.
    const PROBLEM_CHARS: usize = 200;
    const PROBLEMS: usize = 12;

    impl From<EngineError> for AppError {
        fn from(error: EngineError) -> Self {
            let told = told(error);
            // A form without a script is answered by a redirect back to its page, which a status would undo.
            if !by_form()
                && let Some(answer) = use_context::<ResponseOptions>()
                && let Ok(status) = StatusCode::from_u16(told.status())
            {
                answer.set_status(status);
            }
            told
        }
    }

    fn told(error: EngineError) -> AppError {
        match error {
            EngineError::NotFound(what) => AppError::NotFound { what: what.to_owned() },
            EngineError::AlreadyDone => AppError::AlreadyDone,
            EngineError::Invalid(problems) => AppError::Invalid {
                problems: problems
                    .into_iter()
                    .take(PROBLEMS)
                    .map(|problem| problem.chars().take(PROBLEM_CHARS).collect())
                    .collect(),
            },
            EngineError::NotAllowed(right) => AppError::Forbidden { right: right.to_owned() },
            EngineError::NotSignedIn => AppError::Unauthenticated,
            EngineError::Throttled { retry_after } => AppError::Busy { retry_s: retry_after.as_secs().max(1) },
            EngineError::Upstream { side, class, .. } => upstream(side, class),
            fault @ (EngineError::Database(_) | EngineError::Sealed(_) | EngineError::Bug(_)) => internal(&fault),
        }
    }

    fn upstream(side: domain::Side, class: UpstreamClass) -> AppError {
        tracing::warn!(upstream.side = side.as_str(), upstream.class = %class, "a remote service did not do what was asked");
        let passes = matches!(class, UpstreamClass::Rate { .. } | UpstreamClass::Unavailable);
        AppError::Upstream { service: crate::page::service(side).to_owned(), class: class.to_string(), passes }
    }

    fn internal(fault: &EngineError) -> AppError {
        tracing::error!(error = fault as &dyn std::error::Error, "a request failed");
        let parts = use_context::<Parts>();
        let request_id = parts.as_ref().and_then(|parts| parts.headers.get("x-request-id")?.to_str().ok());
        AppError::Internal { request_id: request_id.unwrap_or_default().to_owned() }
    }

    /// Whether the request is a plain form, sent without a script.
    pub(crate) fn by_form() -> bool {
        use_context::<Parts>().is_some_and(|parts| {
            let accept = parts.headers.get(ACCEPT).and_then(|accept| accept.to_str().ok());
            parts.method != Method::GET && accept.is_some_and(|accept| accept.contains("text/html"))
        })
    }
}
