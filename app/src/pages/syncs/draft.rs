//! A mapping while somebody works on it: kept in their session, because adding and removing rows must work without a
//! script. Runs keep using the saved version; another person's draft is another draft.

use domain::view::RuleView;
use serde::{Deserialize, Serialize};

use crate::error::in_words;

/// A row as the form sends it, every word as in the configuration file.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RowForm {
    pub highlevel: String,
    pub chargify: String,
    #[serde(default)]
    pub direction: String,
    #[serde(default)]
    pub conflict: String,
    #[serde(default)]
    pub empty: String,
    #[serde(default)]
    pub transform: String,
}

impl RowForm {
    /// A new row. A billing fact goes one way only, and nobody else has a say in it.
    pub fn of(highlevel: String, chargify: String) -> Self {
        let is_fact = domain::subscription::is_fact(&chargify.as_str().into());
        let (direction, conflict) = if is_fact { ("to_highlevel", "chargify") } else { ("", "") };
        let (direction, conflict) = (direction.to_owned(), conflict.to_owned());
        Self { highlevel, chargify, direction, conflict, ..Self::default() }
    }
}

impl From<&RuleView> for RowForm {
    fn from(rule: &RuleView) -> Self {
        Self {
            highlevel: rule.highlevel.clone(),
            chargify: rule.chargify.clone(),
            direction: rule.direction.clone(),
            conflict: rule.conflict.clone(),
            empty: rule.empty.clone(),
            transform: rule.transform.clone(),
        }
    }
}

/// The rows as they stand, and what was wrong with them when they were last sent.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Draft {
    /// The saved version it began from.
    pub version: u32,
    pub rows: Vec<RowForm>,
    pub reason: String,
    /// As the engine worded them.
    pub problems: Vec<String>,
}

impl Draft {
    /// What is wrong with the row at this place, counted from 0.
    #[must_use]
    pub fn of_row(&self, place: usize) -> Vec<String> {
        let problems = self.problems.iter().filter(|problem| self.place_of(problem) == Some(place));
        problems.map(|problem| in_words(unnamed(problem))).collect()
    }

    /// What is wrong with the reason.
    #[must_use]
    pub fn of_reason(&self) -> Option<String> {
        self.problems.iter().find_map(|problem| problem.strip_prefix("reason: ")).map(in_words)
    }

    /// What is wrong with the mapping as a whole.
    #[must_use]
    pub fn of_all(&self) -> Vec<String> {
        let whole = |problem: &&String| self.place_of(problem).is_none() && !problem.starts_with("reason: ");
        self.problems.iter().filter(whole).map(|problem| in_words(problem)).collect()
    }

    /// The row a problem is about: `row 3 (…): …`, or the first row that names the field in `field: …`.
    fn place_of(&self, problem: &str) -> Option<usize> {
        if let Some(rest) = problem.strip_prefix("row ") {
            let number: usize = rest.split(' ').next()?.parse().ok()?;
            return number.checked_sub(1).filter(|place| *place < self.rows.len());
        }
        let (field, _) = problem.split_once(": ")?;
        self.rows.iter().position(|row| row.highlevel == field || row.chargify == field)
    }
}

/// A row's problem without the name of the row or field before it: it stands at that row.
fn unnamed(problem: &str) -> &str {
    let named = match problem.strip_prefix("row ") {
        Some(rest) => rest.split_once("): "),
        None => problem.split_once(": "),
    };
    named.map_or(problem, |(_, what)| what)
}

/// The draft of the person who asks, if they have one.
pub async fn find(sync: &str) -> Option<Draft> {
    #[cfg(feature = "ssr")]
    return server::find(sync).await;
    #[cfg(not(feature = "ssr"))]
    {
        let _ = sync;
        None
    }
}

#[cfg(feature = "ssr")]
pub(super) mod server {
    use super::Draft;
    use crate::{AppError, auth};
    use engine::EngineError;

    fn place(sync: &str) -> String {
        format!("mapping:{sync}")
    }

    pub(super) async fn find(sync: &str) -> Option<Draft> {
        auth::session().await.ok()?.get(&place(sync)).await.ok().flatten()
    }

    pub(in crate::pages::syncs) async fn keep(sync: &str, draft: Draft) -> Result<(), AppError> {
        auth::session().await?.insert(&place(sync), draft).await.map_err(unkept)?;
        Ok(())
    }

    pub(in crate::pages::syncs) async fn forget(sync: &str) -> Result<(), AppError> {
        auth::session().await?.remove_value(&place(sync)).await.map_err(unkept)?;
        Ok(())
    }

    fn unkept(error: tower_sessions::session::Error) -> EngineError {
        tracing::error!(error = %error, "the draft of a mapping cannot be kept");
        EngineError::Bug("the draft of a mapping cannot be kept")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn draft(problems: &[&str]) -> Draft {
        let row = |highlevel: &str, chargify: &str| RowForm {
            highlevel: highlevel.to_owned(),
            chargify: chargify.to_owned(),
            ..RowForm::default()
        };
        Draft {
            rows: vec![row("firstName", "first_name"), row("phone", "phone")],
            problems: problems.iter().map(|problem| (*problem).to_owned()).collect(),
            ..Draft::default()
        }
    }

    #[test]
    fn a_problem_stands_at_its_row_with_its_position() {
        let draft =
            draft(&["row 2 (phone – phone): transform, character 7: there is no step named \u{201c}lowr\u{201d}"]);
        assert!(draft.of_row(0).is_empty());
        assert_eq!(draft.of_row(1), ["Transform, character 7: there is no step named \u{201c}lowr\u{201d}."]);
    }

    #[test]
    fn a_problem_that_names_a_field_stands_at_the_row_of_that_field() {
        let draft = draft(&["first_name: is written twice", "the mapping is empty", "reason: say why"]);
        assert_eq!(draft.of_row(0), ["Is written twice."]);
        assert_eq!(draft.of_all(), ["The mapping is empty."]);
        assert_eq!(draft.of_reason().as_deref(), Some("Say why."));
    }

    #[test]
    fn a_row_that_is_not_there_has_no_problems() {
        let draft = draft(&["row 9 (a – b): direction: choose one"]);
        assert_eq!(draft.of_all().len(), 1);
    }
}
