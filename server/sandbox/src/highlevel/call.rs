//! One authorised call: the request with its body read, the time, and what the token may reach.

use serde_json::{Map, Value};
use time::OffsetDateTime;

use super::refusal::Refusal;
use crate::request::Request;

/// What an operation gets.
#[derive(Debug)]
pub(super) struct Call<'a> {
    pub(super) request: &'a Request,
    /// The JSON body; `Null` when there is none.
    pub(super) body: Value,
    pub(super) now: OffsetDateTime,
    /// The location the token is bound to.
    pub(super) location_id: String,
    pub(super) scopes: Vec<String>,
}

impl Call<'_> {
    /// Refuses a token without the scope.
    pub(super) fn need(&self, scope: &str) -> Result<(), Refusal> {
        if self.scopes.iter().any(|held| held == scope) {
            Ok(())
        } else {
            Err(Refusal::unauthorized("The token is not authorized for this scope."))
        }
    }

    /// Refuses a location other than the token's.
    pub(super) fn same_location(&self, named: Option<&Value>) -> Result<(), Refusal> {
        match named.and_then(Value::as_str) {
            Some(id) if id == self.location_id => Ok(()),
            _ => Err(Refusal::wrong_location()),
        }
    }

    /// Refuses a query without `locationId`, or with another one than the token's.
    pub(super) fn location_param(&self) -> Result<(), Refusal> {
        match self.request.param("locationId") {
            Some(id) if id == self.location_id => Ok(()),
            Some(_) => Err(Refusal::wrong_location()),
            None => Err(Refusal::unprocessable(vec!["locationId should not be empty".to_owned()])),
        }
    }

    /// A whole number from the query.
    pub(super) fn number(&self, name: &str, default: usize) -> Result<usize, Refusal> {
        match self.request.param(name) {
            None => Ok(default),
            Some(text) => text.parse().map_err(|_error: std::num::ParseIntError| {
                Refusal::unprocessable(vec![format!("{name} must be a number string")])
            }),
        }
    }

    /// The body as an object.
    pub(super) fn object(&self) -> Result<&Map<String, Value>, Refusal> {
        self.body.as_object().ok_or_else(|| Refusal::unprocessable(vec!["body must be an object".to_owned()]))
    }
}
