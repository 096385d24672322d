//! Who exists in the sandbox. Both sides draw from here, so that they agree on people, on which of them are already
//! customers, and on contact ids. Everything follows from the seed and a person's number.

mod names;

use rand::{Rng, RngCore, SeedableRng};
use rand_chacha::ChaCha8Rng;
use time::{Duration, OffsetDateTime, macros::datetime};

use names::{CULTURES, Culture};

/// The day the seeded history ends; nobody was added after it.
pub const EPOCH: OffsetDateTime = datetime!(2026-06-01 12:00 UTC);

const COMPANIES: &[&str] = &[
    "Harbour & Sons",
    "Blue Fern Studio",
    "Łódź Logistics",
    "O'Malley Roofing",
    "Nordlicht GmbH",
    "Café Amélie",
    "Sunrise Dental",
    "Kita Foods",
    "Atlas Freight",
    "Green Acre Co-op",
    "Pixel Foundry",
    "Casa Rodríguez",
];
const TAGS: &[&str] =
    &["newsletter", "vip", "trial", "webinar 2026", "referral", "do not call", "enterprise", "churn risk", "año nuevo"];

/// How a customer's reference relates to the contact.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reference {
    /// The merchant never set one.
    Missing,
    /// It is the contact's id already.
    ContactId,
    /// It is a number from a system of the merchant's own and must stay.
    Merchant(String),
}

/// In what the customer disagrees with the contact.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Agreement {
    /// In nothing.
    Equal,
    /// The phone is as somebody typed it, and may be another one.
    Phone,
    /// The address is an older one.
    Address,
    /// The company is spelt differently.
    Company,
    /// The first name is shortened or spelt differently.
    FirstName,
    /// The e-mail differs in case only.
    EmailCase,
}

/// How a person exists in Chargify.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Customer {
    /// The customer's reference.
    pub reference: Reference,
    /// In what the customer differs from the contact.
    pub agreement: Agreement,
}

/// One person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// The person's number, from 0.
    pub index: usize,
    /// Twenty letters and digits; the id in GoHighLevel, if the person exists there.
    pub contact_id: String,
    /// Given name; almost always there.
    pub first_name: Option<String>,
    /// Family name; sometimes missing.
    pub last_name: Option<String>,
    /// Sometimes missing, sometimes shared with another person, always below `.example`.
    pub email: Option<String>,
    /// E.164.
    pub phone: Option<String>,
    /// The same number as a person would type it.
    pub phone_typed: Option<String>,
    /// Company name.
    pub company: Option<String>,
    /// Street and number.
    pub address: Option<String>,
    /// City.
    pub city: Option<String>,
    /// Region code, as in ISO 3166-2 without the country.
    pub state: Option<String>,
    /// Postal code.
    pub postal_code: Option<String>,
    /// ISO 3166-1 alpha-2.
    pub country: Option<String>,
    /// Lower-case tags.
    pub tags: Vec<String>,
    /// When the person was added.
    pub added_at: OffsetDateTime,
    /// Whether the person is a contact in GoHighLevel.
    pub in_highlevel: bool,
    /// How the person exists in Chargify; `None`: not at all.
    pub customer: Option<Customer>,
}

impl Person {
    /// Chargify refuses customers without first name, last name and e-mail.
    pub fn can_be_customer(&self) -> bool {
        self.first_name.is_some() && self.last_name.is_some() && self.email.is_some()
    }
}

/// Everybody: `contacts` people known to GoHighLevel, and enough of them, with a few strangers, to make `customers`
/// customers in Chargify.
pub fn people(seed: u64, contacts: usize, customers: usize) -> Vec<Person> {
    let mut people: Vec<Person> = (0..contacts).map(|index| person(seed, index)).collect();
    let able = people.iter().filter(|person| person.can_be_customer()).count();
    let known = (customers - customers / 25).min(able);
    for (rank, person) in people.iter_mut().filter(|person| person.can_be_customer()).enumerate() {
        if (rank + 1) * known / able > rank * known / able {
            person.customer = Some(customer(seed, person));
        }
    }
    let mut index = contacts;
    let mut missing = customers - known;
    while missing > 0 {
        let mut person = person(seed, index);
        if person.can_be_customer() {
            person.in_highlevel = false;
            person.customer = Some(Customer {
                reference: if index.is_multiple_of(2) { Reference::Missing } else { merchant_reference(index) },
                agreement: Agreement::Equal,
            });
            people.push(person);
            missing -= 1;
        }
        index += 1;
    }
    people
}

/// Gives everybody what a customer needs, and an e-mail address that nobody else has.
pub fn clean(people: &mut [Person]) {
    for person in people {
        person.first_name.get_or_insert_with(|| "Robin".to_owned());
        person.last_name.get_or_insert_with(|| "Example".to_owned());
        person.email = Some(format!("person-{}@clean.example", person.index));
    }
}

/// One person, as a contact; whether it is a customer too is settled by [`people`].
pub fn person(seed: u64, index: usize) -> Person {
    let mut rng = quick(seed, index, 1);
    let culture = pick(&mut rng, CULTURES);
    let (first, first_latin) = *pick(&mut rng, culture.first);
    let (last, last_latin) = *pick(&mut rng, culture.last);
    let (city, state, postal) = *pick(&mut rng, culture.cities);
    let digits = format!("{}{:07}", culture.area, rng.random_range(1_000_000..9_999_999));
    let located = rng.random_bool(0.8);
    let has_phone = rng.random_bool(0.85);
    Person {
        index,
        contact_id: id(&mut rng),
        first_name: (!rng.random_bool(0.01)).then(|| first.to_owned()),
        last_name: (!rng.random_bool(0.03)).then(|| last.to_owned()),
        email: email(&mut rng, index, first_latin, last_latin),
        phone: has_phone.then(|| format!("{}{digits}", culture.dial)),
        phone_typed: has_phone.then(|| typed(&mut rng, culture, &digits)),
        company: rng.random_bool(0.4).then(|| (*pick(&mut rng, COMPANIES)).to_owned()),
        address: located.then(|| format!("{} {}", rng.random_range(1..400), pick(&mut rng, culture.streets))),
        city: located.then(|| city.to_owned()),
        state: (located && !state.is_empty()).then(|| state.to_owned()),
        postal_code: located.then(|| postal.to_owned()),
        country: Some(culture.country.to_owned()),
        tags: tags(&mut rng),
        added_at: EPOCH - Duration::seconds(rng.random_range(3_600..94_608_000)),
        in_highlevel: true,
        customer: None,
    }
}

/// A random generator that depends on nothing but its arguments; `stream` keeps purposes apart.
pub fn rng(seed: u64, index: usize, stream: u64) -> ChaCha8Rng {
    let mut rng = ChaCha8Rng::seed_from_u64(seed ^ (index as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15));
    rng.set_stream(stream);
    rng
}

/// A generator for one record: made and drawn from in no time, where [`rng`] takes its blocks of numbers.
#[derive(Debug, Clone)]
pub struct Quick(u64);

/// A [`Quick`] that depends on nothing but its arguments.
pub fn quick(seed: u64, index: usize, stream: u64) -> Quick {
    let mut mixed = Quick(seed.wrapping_mul(0xd134_2543_de82_ef95) ^ stream.rotate_left(56));
    Quick(mixed.next_u64() ^ (index as u64).wrapping_mul(0xbf58_476d_1ce4_e5b9))
}

/// SplitMix64 (Steele, Lea, Flood, 2014).
impl RngCore for Quick {
    fn next_u64(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn next_u32(&mut self) -> u32 {
        u32::try_from(self.next_u64() >> 32).unwrap_or(0)
    }

    fn fill_bytes(&mut self, bytes: &mut [u8]) {
        for chunk in bytes.chunks_mut(8) {
            for (byte, random) in chunk.iter_mut().zip(self.next_u64().to_le_bytes()) {
                *byte = random;
            }
        }
    }
}

/// A random id in GoHighLevel's form: twenty letters and digits.
pub fn id(rng: &mut impl Rng) -> String {
    (0..20).map(|_| char::from(rng.sample(rand::distr::Alphanumeric))).collect()
}

/// One element of a list that is never empty.
///
/// # Panics
/// When the list is empty, which no table of this crate is.
pub fn pick<'a, T>(rng: &mut impl Rng, list: &'a [T]) -> &'a T {
    #[expect(clippy::indexing_slicing, reason = "the index is drawn from the list's own range")]
    &list[rng.random_range(0..list.len())]
}

fn email(rng: &mut Quick, index: usize, first: &str, last: &str) -> Option<String> {
    if rng.random_bool(0.04) {
        return None;
    }
    let (first, last) = (first.to_lowercase(), last.to_lowercase());
    // Two neighbours in the list now and then share the mailbox of their household.
    if rng.random_bool(0.02) {
        return Some(format!("household.{}@family.example", index / 2));
    }
    Some(match rng.random_range(0..4) {
        0 => format!("{first}.{last}{index}@mail.example"),
        1 => format!("{first}{index}@post.example"),
        2 => format!("{}.{last}+{index}@work.example", first.get(..1).unwrap_or("x")),
        _ => format!("{last}_{index}@studio.example"),
    })
}

fn typed(rng: &mut Quick, culture: &Culture, digits: &str) -> String {
    let (head, tail) = digits.split_at(digits.len().min(3));
    match rng.random_range(0..5) {
        0 => format!("{}{digits}", culture.dial),
        1 => format!("({head}) {tail}"),
        2 => format!("{} {head} {tail}", culture.dial),
        3 => format!("{head}.{tail} ext. 4"),
        _ => format!("{}-{head}-{tail}", culture.dial.replace('+', "00")),
    }
}

fn tags(rng: &mut Quick) -> Vec<String> {
    let mut tags: Vec<String> = (0..rng.random_range(0..4)).map(|_| (*pick(rng, TAGS)).to_owned()).collect();
    tags.sort_unstable();
    tags.dedup();
    tags
}

fn customer(seed: u64, person: &Person) -> Customer {
    let mut rng = quick(seed, person.index, 2);
    let reference = match rng.random_range(0..10) {
        0..=2 => Reference::ContactId,
        3 => merchant_reference(person.index),
        _ => Reference::Missing,
    };
    let agreement = match rng.random_range(0..10) {
        0 => Agreement::Phone,
        1 => Agreement::Address,
        2 => Agreement::Company,
        3 => Agreement::FirstName,
        4 => Agreement::EmailCase,
        _ => Agreement::Equal,
    };
    Customer { reference, agreement }
}

fn merchant_reference(index: usize) -> Reference {
    Reference::Merchant(format!("ERP-{:06}", 100_000 + index))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_makes_the_same_people() {
        assert_eq!(people(7, 300, 150), people(7, 300, 150));
        assert_ne!(people(7, 300, 150), people(8, 300, 150));
    }

    #[test]
    fn there_are_as_many_contacts_and_customers_as_asked_for() {
        for (contacts, customers) in [(0, 0), (10, 0), (100, 50), (400, 400), (3, 50)] {
            let people = people(1, contacts, customers);
            assert_eq!(people.iter().filter(|person| person.in_highlevel).count(), contacts);
            assert_eq!(people.iter().filter(|person| person.customer.is_some()).count(), customers);
        }
    }

    #[test]
    fn clean_people_can_all_be_customers_and_share_no_address() {
        let mut people = people(5, 500, 0);
        clean(&mut people);
        let emails: std::collections::BTreeSet<_> = people.iter().filter_map(|person| person.email.as_ref()).collect();
        assert_eq!(emails.len(), 500);
        assert!(people.iter().all(Person::can_be_customer));
    }

    #[test]
    fn customers_have_what_chargify_requires() {
        assert!(people(3, 2_000, 1_000).iter().all(|person| person.customer.is_none() || person.can_be_customer()));
    }
}
