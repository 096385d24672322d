//! The fields the world looks at: six pairs, each able to hold a value that occurs nowhere else, so that every value tells
//! where it came from.

use domain::Side;

/// A contact's field and the customer's field it travels to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pair {
    pub contact: &'static str,
    pub customer: &'static str,
    /// Chargify takes no customer without it, so nobody empties it.
    pub required: bool,
}

const fn pair(contact: &'static str, customer: &'static str, required: bool) -> Pair {
    Pair { contact, customer, required }
}

pub const PAIRS: [Pair; 6] = [
    pair("firstName", "first_name", true),
    pair("lastName", "last_name", true),
    pair("email", "email", true),
    pair("phone", "phone", false),
    pair("companyName", "organization", false),
    pair("city", "city", false),
];

/// The place of the e-mail address among the pairs.
pub const EMAIL: usize = 2;

impl Pair {
    /// The field's name on one side.
    #[must_use]
    pub const fn on(self, side: Side) -> &'static str {
        match side {
            Side::Highlevel => self.contact,
            Side::Chargify => self.customer,
        }
    }

    /// The rule's name within a mapping.
    #[must_use]
    pub fn rule(self) -> String {
        format!("{}→{}", self.contact, self.customer)
    }
}

/// The value that event `no` gives the field at `place`: in normal form already, so that both sides show it alike.
#[must_use]
pub fn value(place: usize, no: u32) -> String {
    match PAIRS.get(place).map(|pair| pair.contact) {
        Some("firstName") => format!("First{no:04}"),
        Some("lastName") => format!("Last{no:04}"),
        Some("email") => format!("e{no:04}@sim.example"),
        Some("phone") => format!("+1415555{no:04}"),
        Some("companyName") => format!("Company{no:04}"),
        _ => format!("City{no:04}"),
    }
}
