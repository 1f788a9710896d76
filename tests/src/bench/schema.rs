//! The attributes of the synthetic people.

use std::fmt::Write as _;

use anyhow::{Context, Result};
use duramen_db::Db;
use duramen_model::{AttributeId, Keyword};

/// An attribute of the synthetic people: its place among [`Attribute::ALL`] is that of its value
/// among the facts of a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "the table below says what each of them is")]
pub enum Attribute {
    CompanyName,
    Email,
    FirstName,
    LastName,
    Age,
    Born,
    Key,
    Active,
    Height,
    Rating,
    Salary,
    Balance,
    Title,
    City,
    Street,
    Phone,
    Homepage,
    Joined,
    Company,
    Friend,
}

impl Attribute {
    /// All of them, in the order in which they are defined.
    pub const ALL: [Self; 20] = [
        Self::CompanyName,
        Self::Email,
        Self::FirstName,
        Self::LastName,
        Self::Age,
        Self::Born,
        Self::Key,
        Self::Active,
        Self::Height,
        Self::Rating,
        Self::Salary,
        Self::Balance,
        Self::Title,
        Self::City,
        Self::Street,
        Self::Phone,
        Self::Homepage,
        Self::Joined,
        Self::Company,
        Self::Friend,
    ];

    /// Its name, its type, and what else its definition says.
    #[must_use]
    pub const fn definition(self) -> (&'static str, &'static str, &'static str) {
        const IDENTITY: &str = " :db/unique :db.unique/identity";
        const INDEX: &str = " :db/index true";
        match self {
            Self::CompanyName => ("company/name", "string", IDENTITY),
            Self::Email => ("person/email", "string", IDENTITY),
            Self::FirstName => ("person/first-name", "string", ""),
            Self::LastName => ("person/last-name", "string", INDEX),
            Self::Age => ("person/age", "long", INDEX),
            Self::Born => ("person/born", "instant", ""),
            Self::Key => ("person/key", "uuid", ""),
            Self::Active => ("person/active", "boolean", ""),
            Self::Height => ("person/height", "float", ""),
            Self::Rating => ("person/rating", "double", ""),
            Self::Salary => ("person/salary", "long", ""),
            Self::Balance => ("person/balance", "bigdec", ""),
            Self::Title => ("person/title", "keyword", ""),
            Self::City => ("person/city", "string", ""),
            Self::Street => ("person/street", "string", ""),
            Self::Phone => ("person/phone", "string", ""),
            Self::Homepage => ("person/homepage", "uri", ""),
            Self::Joined => ("person/joined", "instant", ""),
            Self::Company => ("person/company", "ref", ""),
            Self::Friend => ("person/friend", "ref", ""),
        }
    }

    /// Whether an entity can have several values.
    #[must_use]
    pub const fn is_many(self) -> bool {
        matches!(self, Self::Friend)
    }

    /// Its name.
    #[must_use]
    pub fn keyword(self) -> Keyword {
        Keyword::new(self.definition().0)
    }
}

/// The transaction that defines the attributes.
#[must_use]
pub fn schema() -> String {
    let mut text = String::from("[");
    for attribute in Attribute::ALL {
        let (name, value_type, more) = attribute.definition();
        let cardinality = if attribute.is_many() { "many" } else { "one" };
        // Writing to a string cannot fail.
        let _ = writeln!(
            text,
            "{{:db/ident :{name} :db/valueType :db.type/{value_type} \
             :db/cardinality :db.cardinality/{cardinality}{more}}}"
        );
    }
    text.push(']');
    text
}

/// The ids that a database gave to the attributes.
#[derive(Debug, Clone, Copy)]
pub struct AttributeIds([AttributeId; 20]);

impl AttributeIds {
    /// Takes them from the schema of a database.
    ///
    /// # Errors
    /// When it has not got them.
    pub fn of(db: &Db) -> Result<Self> {
        let mut ids = [AttributeId::FIRST_USER; 20];
        for attribute in Attribute::ALL {
            let found = db.schema().attribute_named(&attribute.keyword());
            ids[attribute as usize] = found.context(attribute.definition().0)?.id;
        }
        Ok(Self(ids))
    }

    /// The id of one.
    #[must_use]
    pub const fn id(&self, attribute: Attribute) -> AttributeId {
        self.0[attribute as usize]
    }
}
