//! What people do at the services themselves.

use super::{Rules, Services};
use crate::{
    fields::{EMAIL, PAIRS, value},
    ledger::{By, Shot},
};
use domain::Side;
use sandbox::chargify::customers::Change;
use serde_json::{Map, Value, json};

/// The service, or the state of things, does not allow it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refused;

type Done = Result<String, Refused>;

impl Services {
    /// Lets a person act, and writes down what came of it. Says on whom.
    fn by_hand(&self, side: Side, act: impl FnOnce(&mut Rules, &Self) -> Done) -> Done {
        let at_ms = self.timeline.elapsed_ms();
        let mut rules = self.rules();
        let done = act(&mut rules, self);
        rules.look(side, By::Person, Shot { at_ms, sent_ms: at_ms });
        drop(rules);
        self.mail.notify_one();
        done
    }

    /// # Errors
    /// When there is nobody, or the service refuses.
    pub fn edit(&self, side: Side, who: u32, place: usize, to: &str) -> Done {
        self.by_hand(side, |rules, world| {
            let id = rules.somebody(side, who)?;
            rules.set(side, &id, &[(place, to)], world)?;
            Ok(id)
        })
    }

    /// Edits somebody by id.
    ///
    /// # Errors
    /// When the service refuses.
    pub fn edit_one(&self, side: Side, id: &str, place: usize, to: &str) -> Done {
        self.by_hand(side, |rules, world| {
            rules.set(side, id, &[(place, to)], world)?;
            Ok(id.to_owned())
        })
    }

    /// # Errors
    /// When the service refuses.
    pub fn create(&self, side: Side, no: u32, email: Option<&str>, complete: bool) -> Done {
        self.by_hand(side, |rules, world| {
            let own = |place: usize| match (place, email) {
                (EMAIL, Some(email)) => email.to_owned(),
                _ => value(place, no),
            };
            // A contact needs no last name; a customer is not taken without, so it lacks something else.
            let left_out = match (complete, side) {
                (true, _) => usize::MAX,
                (false, Side::Highlevel) => 1,
                (false, Side::Chargify) => 3,
            };
            let fields: Vec<(usize, String)> =
                (0..PAIRS.len()).filter(|place| *place != left_out).map(|place| (place, own(place))).collect();
            let now = world.timeline.now();
            match side {
                Side::Highlevel => {
                    let properties: Map<String, Value> = fields
                        .iter()
                        .filter_map(|(place, text)| Some((PAIRS.get(*place)?.contact.to_owned(), json!(text))))
                        .collect();
                    let made = rules.highlevel.add_contact(&Value::Object(properties), now);
                    made.map(|contact| contact.id).map_err(|_refusal| Refused)
                }
                Side::Chargify => {
                    let change = change(fields.iter().map(|(place, text)| (*place, text.as_str())));
                    rules.chargify.add_customer(change, now).map(|id| id.to_string()).map_err(|_refusal| Refused)
                }
            }
        })
    }

    /// # Errors
    /// When there is nobody, or the service refuses.
    pub fn delete(&self, side: Side, who: u32) -> Done {
        self.by_hand(side, |rules, world| {
            let id = rules.somebody(side, who)?;
            let now = world.timeline.now();
            match side {
                Side::Highlevel => {
                    rules.highlevel.delete_contact(&id, now).map_err(|_refusal| Refused)?;
                    rules.deleted.push(id.clone());
                }
                Side::Chargify => {
                    let number = id.parse().map_err(|_shape| Refused)?;
                    rules.chargify.remove_customer(number, now).map_err(|_refusal| Refused)?;
                }
            }
            Ok(id)
        })
    }

    /// Deletes the first of the crowd.
    ///
    /// # Errors
    /// When there is none.
    pub fn shift(&self) -> Done {
        self.by_hand(Side::Chargify, |rules, world| {
            let id = rules.crowd.front().copied().ok_or(Refused)?;
            rules.chargify.remove_customer(id, world.timeline.now()).map_err(|_refusal| Refused)?;
            rules.crowd.pop_front();
            Ok(id.to_string())
        })
    }

    /// # Errors
    /// When nothing lies in the bin.
    pub fn restore(&self) -> Done {
        self.by_hand(Side::Highlevel, |rules, world| {
            let id = rules.deleted.pop().ok_or(Refused)?;
            let restored = rules.highlevel.restore_contact(&id, world.timeline.now());
            if restored { Ok(id) } else { Err(Refused) }
        })
    }

    /// # Errors
    /// When there are not two.
    pub fn merge(&self, from: u32, into: u32) -> Done {
        self.by_hand(Side::Highlevel, |rules, world| {
            let (from, into) = (rules.somebody(Side::Highlevel, from)?, rules.somebody(Side::Highlevel, into)?);
            if from == into || !rules.highlevel.merge_contact(&from, &into, world.timeline.now()) {
                return Err(Refused);
            }
            Ok(format!("{from} into {into}"))
        })
    }

    /// # Errors
    /// When there are not two with an address.
    pub fn swap_emails(&self, one: u32, other: u32, meanwhile: &str) -> Done {
        self.by_hand(Side::Highlevel, |rules, world| {
            let (one, other) = (rules.somebody(Side::Highlevel, one)?, rules.somebody(Side::Highlevel, other)?);
            let email = |id: &str| rules.highlevel.contact(id).and_then(|contact| contact.email.clone());
            let (first, second) = (email(&one).ok_or(Refused)?, email(&other).ok_or(Refused)?);
            if one == other || first == second {
                return Err(Refused);
            }
            for (id, email) in [(&one, meanwhile), (&other, first.as_str()), (&one, second.as_str())] {
                rules.set(Side::Highlevel, id, &[(EMAIL, email)], world)?;
            }
            Ok(format!("{one} and {other}"))
        })
    }

    /// The e-mail address of somebody on that side.
    #[must_use]
    pub fn email_of(&self, side: Side, who: u32) -> Option<String> {
        let rules = self.rules();
        let id = rules.somebody(side, who).ok()?;
        rules.ledger.live(side, &id)?.values.get(EMAIL).filter(|email| !email.is_empty()).cloned()
    }

    /// The id of somebody on that side.
    #[must_use]
    pub fn id_of(&self, side: Side, who: u32) -> Option<String> {
        self.rules().somebody(side, who).ok()
    }
}

impl Rules {
    /// One of those who are there.
    fn somebody(&self, side: Side, who: u32) -> Done {
        let count = self.ledger.ids(side).count();
        let place = usize::try_from(who).unwrap_or(0).checked_rem(count).ok_or(Refused)?;
        self.ledger.ids(side).nth(place).map(str::to_owned).ok_or(Refused)
    }

    fn set(&mut self, side: Side, id: &str, fields: &[(usize, &str)], world: &Services) -> Result<(), Refused> {
        let now = world.timeline.now();
        match side {
            Side::Highlevel => {
                let named = fields.iter().filter_map(|(place, text)| Some((PAIRS.get(*place)?.contact, *text)));
                let properties: Map<String, Value> = named.map(|(name, text)| (name.to_owned(), json!(text))).collect();
                self.highlevel.edit_contact(id, &Value::Object(properties), now).map_err(|_refusal| Refused)?;
            }
            Side::Chargify => {
                let number = id.parse().map_err(|_shape| Refused)?;
                let change = change(fields.iter().copied());
                self.chargify.edit_customer(number, change, now).map_err(|_refusal| Refused)?;
            }
        }
        Ok(())
    }
}

fn change<'a>(fields: impl Iterator<Item = (usize, &'a str)>) -> Change {
    fields.fold(Change::default(), |change, (place, text)| match PAIRS.get(place) {
        Some(pair) => change.with(pair.customer, text),
        None => change,
    })
}
