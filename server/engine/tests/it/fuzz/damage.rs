//! Damage done to a message: to its bytes, and to the nodes of its JSON.

use proptest::{prelude::*, sample::Index};
use serde_json::Value as Json;

/// One damage.
#[derive(Clone, Debug)]
pub(super) enum Damage {
    /// A bit turns.
    Flip(Index, u8),
    /// Bytes are lost.
    Cut(Index, usize),
    /// The rest is lost.
    BreakOff(Index),
    /// Bytes come twice.
    Stutter(Index, usize),
    /// Foreign bytes are put in.
    Insert(Index, Vec<u8>),
    /// A node of the JSON is another; nothing happens to what is no JSON.
    Node(Index, Json),
    /// A node of the JSON is a copy of another one.
    Graft(Index, Index),
    /// A member or an item of the JSON is not there.
    Drop(Index),
}

/// What stands where something else is expected.
fn anything() -> impl Strategy<Value = Json> {
    prop_oneof![
        Just(Json::Null),
        any::<bool>().prop_map(Json::from),
        any::<i64>().prop_map(Json::from),
        any::<f64>().prop_map(Json::from),
        any::<String>().prop_map(Json::from),
        "\\PC{200,400}".prop_map(Json::from),
        Just(Json::from("")),
        Just(Json::from("\0")),
        Just(Json::from("2026-02-30T25:61:61Z")),
        Just(serde_json::json!([])),
        Just(serde_json::json!({})),
        Just(serde_json::json!([[[[[[[[null]]]]]]]])),
    ]
}

fn damage() -> impl Strategy<Value = Damage> {
    let bytes = prop_oneof![
        prop::collection::vec(any::<u8>(), 1..6),
        prop::sample::select(vec![&b"&"[..], b"%", b"=", b"%5B", b"[]", b"\xff\xfe", b"\"", b"{", b"\\u0000", b"\0"])
            .prop_map(<[u8]>::to_vec),
    ];
    prop_oneof![
        1 => (any::<Index>(), 0..8_u8).prop_map(|(at, bit)| Damage::Flip(at, bit)),
        1 => (any::<Index>(), 1..20_usize).prop_map(|(at, many)| Damage::Cut(at, many)),
        1 => any::<Index>().prop_map(Damage::BreakOff),
        1 => (any::<Index>(), 1..40_usize).prop_map(|(at, many)| Damage::Stutter(at, many)),
        1 => (any::<Index>(), bytes).prop_map(|(at, bytes)| Damage::Insert(at, bytes)),
        4 => (any::<Index>(), anything()).prop_map(|(at, with)| Damage::Node(at, with)),
        2 => (any::<Index>(), any::<Index>()).prop_map(|(at, of)| Damage::Graft(at, of)),
        2 => any::<Index>().prop_map(Damage::Drop),
    ]
}

/// One of the messages, with its number, after up to six damages.
pub(super) fn damaged(messages: Vec<Vec<u8>>) -> impl Strategy<Value = (usize, Vec<u8>)> {
    let which = 0..messages.len();
    (which, prop::collection::vec(damage(), 0..6)).prop_map(move |(which, damages)| {
        let whole = messages.get(which).cloned().unwrap_or_default();
        (which, damages.into_iter().fold(whole, |message, damage| damage.done_to(message)))
    })
}

impl Damage {
    fn done_to(self, mut message: Vec<u8>) -> Vec<u8> {
        if message.is_empty() {
            return message;
        }
        let part = |at: Index, many: usize, length: usize| {
            let from = at.index(length);
            from..(from + many).min(length)
        };
        match self {
            Self::Flip(at, bit) => {
                let at = at.index(message.len());
                if let Some(byte) = message.get_mut(at) {
                    *byte ^= 1 << bit;
                }
            }
            Self::Cut(at, many) => drop(message.drain(part(at, many, message.len()))),
            Self::BreakOff(at) => message.truncate(at.index(message.len())),
            Self::Stutter(at, many) => message.extend_from_within(part(at, many, message.len())),
            Self::Insert(at, bytes) => {
                let at = at.index(message.len());
                message.splice(at..at, bytes);
            }
            Self::Node(at, with) => return on_json(message, |json| *chosen(json, at) = with),
            Self::Graft(at, of) => {
                return on_json(message, |json| {
                    let copy = chosen(json, of).clone();
                    *chosen(json, at) = copy;
                });
            }
            Self::Drop(at) => {
                return on_json(message, |json| match chosen(json, at) {
                    Json::Object(members) => {
                        let keys: Vec<String> = members.keys().cloned().collect();
                        if let Some(key) = keys.get(at.index(keys.len().max(1))) {
                            members.remove(key);
                        }
                    }
                    Json::Array(items) if !items.is_empty() => drop(items.remove(at.index(items.len()))),
                    leaf => *leaf = Json::Null,
                });
            }
        }
        message
    }
}

fn on_json(message: Vec<u8>, damage: impl FnOnce(&mut Json)) -> Vec<u8> {
    let Ok(mut json) = serde_json::from_slice::<Json>(&message) else { return message };
    damage(&mut json);
    serde_json::to_vec(&json).unwrap()
}

/// A node, each as likely as any other.
fn chosen(json: &mut Json, at: Index) -> &mut Json {
    let mut left = at.index(nodes(json));
    nth(json, &mut left).unwrap()
}

fn nodes(json: &Json) -> usize {
    1 + match json {
        Json::Array(items) => items.iter().map(nodes).sum(),
        Json::Object(members) => members.values().map(nodes).sum(),
        _ => 0,
    }
}

fn nth<'a>(json: &'a mut Json, left: &mut usize) -> Option<&'a mut Json> {
    if *left == 0 {
        return Some(json);
    }
    *left -= 1;
    match json {
        Json::Array(items) => items.iter_mut().find_map(|item| nth(item, left)),
        Json::Object(members) => members.values_mut().find_map(|member| nth(member, left)),
        _ => None,
    }
}
