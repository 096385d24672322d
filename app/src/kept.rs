//! What a form held when it was refused. Without a script the page is loaded anew, so the values and what was wrong
//! with them wait in the person's session, never in an address, until the page takes them back. Never a credential.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

use crate::error::in_words;

/// A refused form.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Kept {
    values: BTreeMap<String, String>,
    /// Each as `field: what to do`.
    problems: Vec<String>,
}

impl Kept {
    /// What stood in a field.
    #[must_use]
    pub fn value(&self, field: &str) -> Option<String> {
        self.values.get(field).cloned()
    }

    /// What is wrong with a field.
    #[must_use]
    pub fn problem(&self, field: &str) -> Option<String> {
        let problem = self.problems.iter().find_map(|problem| problem.strip_prefix(field)?.strip_prefix(": "))?;
        Some(in_words(problem))
    }

    /// What is wrong with none of these fields.
    #[must_use]
    pub fn rest(&self, fields: &[&str]) -> Vec<String> {
        let known = |problem: &&String| problem.split_once(": ").is_some_and(|(field, _)| fields.contains(&field));
        self.problems.iter().filter(|problem| !known(problem)).map(|problem| in_words(problem)).collect()
    }

    /// All that is wrong, as it came.
    #[must_use]
    pub fn problems(&self) -> &[String] {
        &self.problems
    }

    /// Whether nothing was kept.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.values.is_empty() && self.problems.is_empty()
    }
}

/// Takes back what `form` held; empty when it was not refused.
pub async fn take(form: &str) -> Kept {
    #[cfg(feature = "ssr")]
    return server::take(form).await;
    #[cfg(not(feature = "ssr"))]
    {
        let _ = form;
        Kept::default()
    }
}

#[cfg(feature = "ssr")]
pub(crate) use server::{keep, refused};

#[cfg(feature = "ssr")]
mod server {
    use super::Kept;
    use crate::{AppError, auth, error::by_form};
    use std::collections::BTreeMap;

    fn place(form: &str) -> String {
        format!("kept:{form}")
    }

    pub(super) async fn take(form: &str) -> Kept {
        let Ok(session) = auth::session().await else { return Kept::default() };
        let place = place(form);
        match session.get(&place).await {
            Ok(Some(kept)) => {
                forgotten(session.remove_value(&place).await.map(drop));
                kept
            }
            Ok(None) => Kept::default(),
            Err(error) => {
                forgotten(Err(error));
                Kept::default()
            }
        }
    }

    /// Keeps a form that is not wrong, for a page that goes on with it.
    pub(crate) async fn keep(form: &str, values: &[(&str, &str)]) -> Result<(), AppError> {
        let kept = Kept { values: owned(values), problems: Vec::new() };
        forgotten(auth::session().await?.insert(&place(form), kept).await);
        Ok(())
    }

    fn owned(values: &[(&str, &str)]) -> BTreeMap<String, String> {
        values.iter().map(|(field, value)| ((*field).to_owned(), (*value).to_owned())).collect()
    }

    /// Passes an answer on; input that breaks rules is kept for its page first when it came from a plain form.
    pub(crate) async fn refused<T>(
        form: &str,
        values: &[(&str, &str)],
        answer: Result<T, AppError>,
    ) -> Result<T, AppError> {
        match answer {
            Err(AppError::Invalid { problems }) if by_form() => {
                let kept = Kept { values: owned(values), problems };
                forgotten(auth::session().await?.insert(&place(form), kept).await);
                Err(AppError::Invalid { problems: Vec::new() })
            }
            answer => answer,
        }
    }

    /// Losing what was typed is a nuisance, not a reason to fail.
    fn forgotten(done: Result<(), tower_sessions::session::Error>) {
        if let Err(error) = done {
            tracing::warn!(error = %error, "a refused form could not be kept");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_problem_finds_its_field_and_the_others_remain() {
        let problems = vec!["name: use one line".to_owned(), "the two sides are the same".to_owned()];
        let kept = Kept { values: BTreeMap::new(), problems };
        assert_eq!(kept.problem("name").as_deref(), Some("Use one line."));
        assert_eq!(kept.problem("nam"), None);
        assert_eq!(kept.rest(&["name"]), ["The two sides are the same."]);
    }
}
