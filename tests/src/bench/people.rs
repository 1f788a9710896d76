//! Synthetic people and the companies that they work for: the data that storage is measured with.
//!
//! Everything about a person follows from a seed and the person's number, so any part can be made
//! at any time, by any program, in any order. Companies and people are numbered together: a
//! company comes first, then the [`PEOPLE_OF_A_COMPANY`] people after it.

use std::fmt::Write as _;
use std::sync::Arc;

use bigdecimal::BigDecimal;
use duramen_model::{EntityId, Instant, Keyword, Value};
use uuid::Uuid;

use super::random::{Random, mix};
use super::schema::Attribute;
use super::words;

/// People whose numbers follow that of a company.
pub const PEOPLE_OF_A_COMPANY: u64 = 100;
/// Entities from one company to the next.
const BLOCK: u64 = PEOPLE_OF_A_COMPANY + 1;
/// How far back in numbers the near friends of a person are, at most.
const NEIGHBOURHOOD: u64 = 1_000;
const MILLIS_OF_A_DAY: i64 = 86_400_000;
/// 1 January 2015, when the first person joined.
const FIRST_JOINED: i64 = 1_420_070_400_000;

/// Makes people. Keeps the words that they are made of, and a buffer.
#[derive(Debug, Clone)]
pub struct People {
    seed: u64,
    first_entity: u64,
    first_names: Words,
    last_names: Words,
    cities: Words,
    streets: Vec<&'static str>,
    street_kinds: Vec<&'static str>,
    domains: Vec<&'static str>,
    titles: Vec<Value>,
    text: String,
}

/// A fact about an entity.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fact {
    /// The entity.
    pub e: EntityId,
    /// The attribute.
    pub a: Attribute,
    /// The value.
    pub v: Value,
}

/// Words, and the same as values: a clone of one allocates nothing.
#[derive(Debug, Clone)]
struct Words {
    plain: Vec<&'static str>,
    values: Vec<Value>,
}

impl Words {
    fn of(text: &'static str) -> Self {
        let plain: Vec<_> = text.split_whitespace().collect();
        Self { values: plain.iter().map(Value::string).collect(), plain }
    }

    /// The place of a word, the first ones likelier.
    fn draw(&self, random: &mut Random) -> usize {
        random.low_below(self.plain.len() as u64) as usize
    }
}

impl People {
    /// People of a seed. The entities are numbered from `first_entity` on.
    #[must_use]
    pub fn new(seed: u64, first_entity: u64) -> Self {
        let title = |name| Value::from(Keyword::new(name));
        Self {
            seed,
            first_entity,
            first_names: Words::of(words::FIRST_NAMES),
            last_names: Words::of(words::LAST_NAMES),
            cities: Words::of(words::CITIES),
            streets: words::STREETS.split_whitespace().collect(),
            street_kinds: words::STREET_KINDS.split_whitespace().collect(),
            domains: words::DOMAINS.split_whitespace().collect(),
            titles: words::TITLES.split_whitespace().map(title).collect(),
            text: String::new(),
        }
    }

    /// The entity of a number, companies included.
    ///
    /// # Panics
    /// When there are more than 2^48 of them.
    #[must_use]
    pub fn entity(&self, number: u64) -> EntityId {
        EntityId::user(self.first_entity + number).expect("there are fewer people")
    }

    /// The number of an entity, companies included.
    #[must_use]
    pub const fn number_of(&self, entity: EntityId) -> u64 {
        entity.offset() - self.first_entity
    }

    /// The number that a person has among all entities.
    #[must_use]
    pub const fn number_of_person(person: u64) -> u64 {
        person / PEOPLE_OF_A_COMPANY * BLOCK + 1 + person % PEOPLE_OF_A_COMPANY
    }

    /// The email address of a person, which no other has.
    #[must_use]
    pub fn email(&mut self, person: u64) -> Value {
        let mut random = self.random(Self::number_of_person(person));
        let (first, last) = (self.first_names.draw(&mut random), self.last_names.draw(&mut random));
        self.email_of(person, first, last)
    }

    /// All facts about the entity of a number, in the order of the attributes.
    pub fn describe(&mut self, number: u64, mut each: impl FnMut(Attribute, Value)) {
        match number % BLOCK {
            0 => each(Attribute::CompanyName, self.company_name(number)),
            place => {
                self.describe_person(number / BLOCK * PEOPLE_OF_A_COMPANY + place - 1, &mut each);
            }
        }
    }

    /// Facts about people, entity by entity, from a number on.
    pub fn facts(&mut self, numbers: impl IntoIterator<Item = u64>) -> impl Iterator<Item = Fact> {
        let mut facts = Vec::new();
        numbers.into_iter().flat_map(move |number| {
            let e = self.entity(number);
            self.describe(number, |a, v| facts.push(Fact { e, a, v }));
            std::mem::take(&mut facts)
        })
    }

    /// What changes about a person at some later time: a few of the facts, with new values.
    pub fn change(&mut self, person: u64, time: u64, mut each: impl FnMut(Attribute, Value)) {
        let mut random = Random::new(mix(self.seed ^ 0x5eed), mix(person) ^ time);
        match random.below(5) {
            0 => each(Attribute::Salary, salary(&mut random)),
            1 => each(Attribute::Balance, balance(&mut random)),
            2 => each(Attribute::Rating, rating(&mut random)),
            3 => {
                each(Attribute::City, self.city(&mut random));
                each(Attribute::Street, self.street(&mut random));
                each(Attribute::Phone, self.phone(&mut random));
            }
            _ => {
                each(Attribute::Title, self.title(&mut random));
                each(Attribute::Salary, salary(&mut random));
            }
        }
    }

    fn random(&self, number: u64) -> Random {
        Random::new(self.seed, number)
    }

    fn describe_person(&mut self, person: u64, each: &mut impl FnMut(Attribute, Value)) {
        let number = Self::number_of_person(person);
        let mut random = self.random(number);
        let (first, last) = (self.first_names.draw(&mut random), self.last_names.draw(&mut random));
        let random = &mut random;
        each(Attribute::Email, self.email_of(person, first, last));
        each(Attribute::FirstName, self.first_names.values[first].clone());
        each(Attribute::LastName, self.last_names.values[last].clone());
        let age = 18 + random.low_below(70) as i64;
        let days = (2024 - age - 1970) * 365 + random.below(365) as i64;
        each(Attribute::Age, Value::Long(age));
        each(Attribute::Born, Instant::from_millis(days * MILLIS_OF_A_DAY).into());
        each(Attribute::Key, key(random).into());
        each(Attribute::Active, Value::Boolean(random.percent(80)));
        let centimetres = 150 + (random.below(25) + random.below(25)) as u16;
        each(Attribute::Height, Value::Float(f32::from(centimetres) / 100.0));
        each(Attribute::Rating, rating(random));
        each(Attribute::Salary, salary(random));
        if random.percent(60) {
            each(Attribute::Balance, balance(random));
        }
        each(Attribute::Title, self.title(random));
        each(Attribute::City, self.city(random));
        each(Attribute::Street, self.street(random));
        each(Attribute::Phone, self.phone(random));
        if random.percent(20) {
            each(Attribute::Homepage, self.homepage(person, last));
        }
        let joined = FIRST_JOINED + person as i64 * 250 + random.below(60_000) as i64;
        each(Attribute::Joined, Instant::from_millis(joined).into());
        each(Attribute::Company, self.entity(number / BLOCK * BLOCK).into());
        self.befriend(person, random, each);
    }

    /// Friends are older in numbers; half of them are near.
    fn befriend(&self, person: u64, random: &mut Random, each: &mut impl FnMut(Attribute, Value)) {
        let mut friends = [u64::MAX; 4];
        let count = (random.below(5) as usize).min(person as usize);
        for slot in 0..count {
            let near = NEIGHBOURHOOD.min(person);
            let friend = match random.percent(50) {
                true => person - 1 - random.below(near),
                false => random.below(person),
            };
            if !friends[..slot].contains(&friend) {
                friends[slot] = friend;
                each(Attribute::Friend, self.entity(Self::number_of_person(friend)).into());
            }
        }
    }

    fn company_name(&mut self, number: u64) -> Value {
        let mut random = self.random(number);
        let words: Vec<_> = words::COMPANY_WORDS.split_whitespace().collect();
        let kinds: Vec<_> = words::COMPANY_KINDS.split_whitespace().collect();
        let (first, second) = (pick(&words, &mut random), pick(&words, &mut random));
        let (kind, number) = (pick(&kinds, &mut random), number / BLOCK);
        self.write(format_args!("{first} {second} {kind} {number}"))
    }

    fn email_of(&mut self, person: u64, first: usize, last: usize) -> Value {
        // Unique by the number, in which no order is seen: a permutation of 32 bits.
        let token = scramble(person as u32, self.seed as u32);
        let domain = self.domains[(token % self.domains.len() as u32) as usize];
        let (first, last) = (self.first_names.plain[first], self.last_names.plain[last]);
        self.write(format_args!("{first}.{last}.{}@{domain}", Base36(token)))
    }

    fn city(&self, random: &mut Random) -> Value {
        self.cities.values[self.cities.draw(random)].clone()
    }

    fn street(&mut self, random: &mut Random) -> Value {
        let (street, kind) = (pick(&self.streets, random), pick(&self.street_kinds, random));
        let house = 1 + random.low_below(400);
        self.write(format_args!("{house} {street} {kind}"))
    }

    fn phone(&mut self, random: &mut Random) -> Value {
        let (country, number) = (1 + random.low_below(90), random.below(10_000_000));
        self.write(format_args!("+{country} 555 {number:07}"))
    }

    fn title(&self, random: &mut Random) -> Value {
        self.titles[random.low_below(self.titles.len() as u64) as usize].clone()
    }

    fn homepage(&mut self, person: u64, last: usize) -> Value {
        let last = self.last_names.plain[last];
        self.write(format_args!("https://{last}.example/~{person}"));
        Value::Uri(Arc::from(self.text.as_str()))
    }

    /// Text as a value: one allocation.
    fn write(&mut self, text: std::fmt::Arguments<'_>) -> Value {
        self.text.clear();
        // Writing to a string cannot fail.
        let _ = self.text.write_fmt(text);
        Value::String(Arc::from(self.text.as_str()))
    }
}

fn pick(words: &[&'static str], random: &mut Random) -> &'static str {
    words[random.below(words.len() as u64) as usize]
}

fn salary(random: &mut Random) -> Value {
    Value::Long(20_000 + 100 * random.low_below(1_500) as i64)
}

fn rating(random: &mut Random) -> Value {
    Value::Double(random.below(1_001) as f64 / 100.0)
}

fn balance(random: &mut Random) -> Value {
    let cents = random.low_below(5_000_000) as i64 - 500_000;
    Value::BigDec(Arc::new(BigDecimal::new(cents.into(), 2)))
}

/// A permutation of the 32-bit numbers.
const fn scramble(number: u32, seed: u32) -> u32 {
    let mut z = number ^ seed;
    z = (z ^ (z >> 16)).wrapping_mul(0x7feb_352d);
    z = (z ^ (z >> 15)).wrapping_mul(0x846c_a68b);
    z ^ (z >> 16)
}

/// A number in letters and digits.
struct Base36(u32);

impl std::fmt::Display for Base36 {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        const DIGITS: &[u8; 36] = b"0123456789abcdefghijklmnopqrstuvwxyz";
        let mut rest = self.0;
        let mut digits = [b'0'; 7];
        for digit in digits.iter_mut().rev() {
            *digit = DIGITS[(rest % 36) as usize];
            rest /= 36;
        }
        digits.iter().try_for_each(|digit| f.write_char(char::from(*digit)))
    }
}

fn key(random: &mut Random) -> Uuid {
    let bits = u128::from(random.next()) << 64 | u128::from(random.next());
    uuid::Builder::from_random_bytes(bits.to_be_bytes()).into_uuid()
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn people_follow_from_the_seed() {
        let facts = |seed| People::new(seed, 0).facts(0..500).collect::<Vec<_>>();
        assert_eq!(facts(1), facts(1));
        assert_ne!(facts(1), facts(2));
    }

    #[test]
    fn emails_are_unique_and_can_be_told_from_the_number() {
        let mut people = People::new(7, 0);
        let facts: Vec<Fact> = people.facts(0..2_020).collect();
        let emails: Vec<_> = facts.iter().filter(|f| f.a == Attribute::Email).collect();
        assert_eq!(emails.len(), 2_000);
        assert_eq!(emails.iter().map(|f| &f.v).collect::<HashSet<_>>().len(), 2_000);
        for (person, fact) in emails.iter().enumerate() {
            assert_eq!(fact.v, people.email(person as u64));
            assert_eq!(fact.e, people.entity(People::number_of_person(person as u64)));
        }
    }

    #[test]
    fn references_lead_to_entities_before() {
        for fact in People::new(3, 10).facts(0..3_000) {
            if let Value::Ref(to) = fact.v {
                assert!(to < fact.e && to.offset() >= 10);
            }
        }
    }
}
