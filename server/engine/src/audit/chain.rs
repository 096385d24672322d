//! The hash chain: how a line is brought into one unambiguous sequence of bytes, and hashed together with the line before.
//!
//! Every text is preceded by its length, every optional field by whether it is there, every JSON value by its kind, so
//! that no two different lines share an encoding. What the database changes about a value without changing its meaning
//! (the order of JSON keys, the way a number is written, nanoseconds) does not enter.

use serde_json::Value;
use sha2::{Digest as _, Sha256};
use time::OffsetDateTime;
use uuid::Uuid;

/// Stands before the first line of a workspace.
pub const GENESIS: [u8; 32] = [0; 32];

/// Bound into every hash: a later encoding gets another name.
const SCHEME: &[u8] = b"concord/audit/1";

/// A line without its hashes.
#[derive(Clone, Copy)]
pub(crate) struct Chained<'a> {
    pub(crate) workspace_id: Uuid,
    pub(crate) line_no: i64,
    pub(crate) at: OffsetDateTime,
    /// Actor, actor's name, action, subject, subject's name, outcome.
    pub(crate) texts: [&'a str; 6],
    pub(crate) detail: &'a Value,
    pub(crate) run_id: Option<Uuid>,
    pub(crate) contact_id: Option<&'a str>,
    pub(crate) customer_id: Option<&'a str>,
}

/// The hash of a line that follows one with the hash `previous`.
pub(crate) fn hash(previous: &[u8], line: &Chained<'_>) -> [u8; 32] {
    let mut sink = Sink(Sha256::new());
    sink.bytes(SCHEME);
    sink.bytes(previous);
    sink.bytes(line.workspace_id.as_bytes());
    sink.number(line.line_no);
    sink.number(micros(line.at));
    for text in line.texts {
        sink.bytes(text.as_bytes());
    }
    sink.json(line.detail);
    sink.optional(line.run_id.as_ref().map(|id| id.as_bytes().as_slice()));
    sink.optional(line.contact_id.map(str::as_bytes));
    sink.optional(line.customer_id.map(str::as_bytes));
    sink.0.finalize().into()
}

/// Microseconds since 1970: the precision the database keeps.
fn micros(at: OffsetDateTime) -> i64 {
    i64::try_from(at.unix_timestamp_nanos().div_euclid(1000)).unwrap_or(i64::MAX)
}

struct Sink(Sha256);

impl Sink {
    fn number(&mut self, number: i64) {
        self.0.update(number.to_be_bytes());
    }

    fn count(&mut self, count: usize) {
        self.0.update(u64::try_from(count).unwrap_or(u64::MAX).to_be_bytes());
    }

    fn bytes(&mut self, bytes: &[u8]) {
        self.count(bytes.len());
        self.0.update(bytes);
    }

    fn optional(&mut self, bytes: Option<&[u8]>) {
        match bytes {
            None => self.0.update([0]),
            Some(bytes) => {
                self.0.update([1]);
                self.bytes(bytes);
            }
        }
    }

    fn json(&mut self, value: &Value) {
        match value {
            Value::Null => self.0.update(b"z"),
            Value::Bool(yes) => self.0.update([b'b', u8::from(*yes)]),
            Value::Number(number) => {
                self.0.update(b"n");
                self.bytes(canonical_number(number).as_bytes());
            }
            Value::String(text) => {
                self.0.update(b"s");
                self.bytes(text.as_bytes());
            }
            Value::Array(items) => {
                self.0.update(b"a");
                self.count(items.len());
                items.iter().for_each(|item| self.json(item));
            }
            Value::Object(entries) => {
                self.0.update(b"o");
                self.count(entries.len());
                let mut sorted: Vec<_> = entries.iter().collect();
                sorted.sort_by_key(|(key, _)| *key);
                for (key, item) in sorted {
                    self.bytes(key.as_bytes());
                    self.json(item);
                }
            }
        }
    }
}

/// One way of writing for numbers of one value: Postgres turns `1e16` into `10000000000000000`.
fn canonical_number(number: &serde_json::Number) -> String {
    if number.is_i64() || number.is_u64() {
        return number.to_string();
    }
    match number.as_f64() {
        // Every finite whole float is written out in full, as the database gives it back.
        Some(float) if float.fract() == 0.0 => format!("{:.0}", if float == 0.0 { 0.0 } else { float }),
        Some(float) => format!("{:016x}", float.to_bits()),
        None => number.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn line<'a>(texts: [&'a str; 6], detail: &'a Value) -> Chained<'a> {
        Chained {
            workspace_id: Uuid::from_u128(1),
            line_no: 1,
            at: OffsetDateTime::UNIX_EPOCH,
            texts,
            detail,
            run_id: None,
            contact_id: None,
            customer_id: None,
        }
    }

    #[test]
    fn moving_a_letter_from_one_field_to_the_next_changes_the_hash() {
        let detail = json!({});
        let one = hash(&GENESIS, &line(["ab", "c", "", "", "", ""], &detail));
        let two = hash(&GENESIS, &line(["a", "bc", "", "", "", ""], &detail));
        assert_ne!(one, two);
    }

    #[test]
    fn an_absent_id_differs_from_an_empty_one() {
        let detail = json!({});
        let absent = line([""; 6], &detail);
        assert_ne!(hash(&GENESIS, &absent), hash(&GENESIS, &Chained { contact_id: Some(""), ..absent }));
        assert_ne!(
            hash(&GENESIS, &Chained { contact_id: Some("x"), ..absent }),
            hash(&GENESIS, &Chained { customer_id: Some("x"), ..absent })
        );
    }

    #[test]
    fn the_line_before_enters_the_hash() {
        let detail = json!({});
        assert_ne!(hash(&GENESIS, &line([""; 6], &detail)), hash(&[1; 32], &line([""; 6], &detail)));
    }

    #[test]
    fn json_of_one_meaning_has_one_hash() {
        let check = |one: &str, two: &str, same: bool| {
            let (one, two) = (serde_json::from_str(one).unwrap(), serde_json::from_str(two).unwrap());
            let equal = hash(&GENESIS, &line([""; 6], &one)) == hash(&GENESIS, &line([""; 6], &two));
            assert_eq!(equal, same, "{one} {two}");
        };
        check(r#"{"a":1,"b":2}"#, r#"{"b":2,"a":1}"#, true);
        check("1e16", "10000000000000000", true);
        check("1e21", "1000000000000000000000", true);
        check("1.0", "1", true);
        check("-0.0", "0", true);
        check("0.1", "0.10", true);
        check("0.1", "0.2", false);
        check(r#""1""#, "1", false);
        check("[]", "{}", false);
        check("[[1],2]", "[[1,2]]", false);
        check("null", r#""""#, false);
    }
}
