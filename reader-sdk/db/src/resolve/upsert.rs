//! Third stage: temporary ids are resolved by the identities asserted of them.
//!
//! A temporary id that is given an identity which an entity of the database has *is* that entity.
//! Temporary ids that are given the same identity are one entity. As an identity may itself be a
//! reference to a temporary id, this goes on until nothing more is found; order plays no part.

use std::collections::HashMap;

use duramen_model::{AttributeId, EntityId, Schema, Unique, Value};

use super::error::{TxError, TxErrorKind};
use super::find::FoundTerms;
use super::known::{Known, Question};
use super::show::{show_entity, show_value};
use super::temps::Temps;
use super::term::{Found, Op, Operand, TempId, Term};

/// Which temporary ids are one entity, and which entity of the database that is.
#[derive(Debug)]
pub(crate) struct Identities {
    parents: Vec<usize>,
    entities: Vec<Option<EntityId>>,
}

/// An identity that is asserted of a temporary id.
struct Claim<'t> {
    statement: usize,
    temp: TempId,
    a: AttributeId,
    v: &'t Operand<Found>,
}

/// Resolves temporary ids as far as the identities asserted of them allow.
pub(crate) async fn upsert(
    found: &FoundTerms,
    known: &mut Known<'_>,
) -> Result<Identities, TxError> {
    let mut identities = Identities::new(found.temps.len());
    let claims = claims(&found.terms, known.schema());
    let mut open: Vec<&Claim<'_>> = claims.iter().collect();
    while !open.is_empty() {
        let before = open.len();
        open = identities.look_up(open, &found.temps, known).await?;
        let merged = identities.merge(&claims, &found.temps, known.schema())?;
        if open.len() == before && !merged {
            break;
        }
    }
    Ok(identities)
}

fn claims<'t>(terms: &'t [Term<Found>], schema: &Schema) -> Vec<Claim<'t>> {
    let is_identity = |a: AttributeId| {
        schema.attribute(a).is_some_and(|attribute| attribute.unique == Some(Unique::Identity))
    };
    let claim = |term: &'t Term<Found>| match &term.op {
        Op::Add { e: Found::Temp(temp), a, v } if is_identity(*a) => {
            Some(Claim { statement: term.statement, temp: *temp, a: *a, v })
        }
        _ => None,
    };
    terms.iter().filter_map(claim).collect()
}

impl Identities {
    fn new(temps: usize) -> Self {
        Self { parents: (0..temps).collect(), entities: vec![None; temps] }
    }

    /// The temporary id that stands for all that are the same entity.
    pub(crate) fn representative(&self, temp: TempId) -> TempId {
        let mut index = temp.0;
        while self.parents[index] != index {
            index = self.parents[index];
        }
        TempId(index)
    }

    /// The same, halving the path for those who come after.
    fn find(&mut self, temp: TempId) -> usize {
        let mut index = temp.0;
        while self.parents[index] != index {
            self.parents[index] = self.parents[self.parents[index]];
            index = self.parents[index];
        }
        index
    }

    /// The entity of the database that a temporary id is, if it is one.
    pub(crate) fn entity(&self, temp: TempId) -> Option<EntityId> {
        self.entities[self.representative(temp).0]
    }

    /// Looks up the claims whose value is known by now, and returns those that still wait.
    async fn look_up<'c, 't>(
        &mut self,
        open: Vec<&'c Claim<'t>>,
        temps: &Temps,
        known: &mut Known<'_>,
    ) -> Result<Vec<&'c Claim<'t>>, TxError> {
        let mut ready = Vec::with_capacity(open.len());
        let mut waiting = Vec::new();
        for claim in open {
            match self.value_of(claim.v) {
                Some(value) => ready.push((claim, Question::Owners(claim.a, value))),
                None => waiting.push(claim),
            }
        }
        for (_, question) in &ready {
            known.ask(question.clone());
        }
        known.fetch().await?;
        for (claim, question) in ready {
            if let Some(fact) = known.answer(&question).first() {
                self.bind(claim, fact.e, temps, known.schema())?;
            }
        }
        Ok(waiting)
    }

    fn bind(
        &mut self,
        claim: &Claim<'_>,
        e: EntityId,
        temps: &Temps,
        schema: &Schema,
    ) -> Result<(), TxError> {
        let index = self.representative(claim.temp).0;
        match self.entities[index].replace(e) {
            Some(other) if other != e => Err(claim.conflict(other, e, temps, schema)),
            _ => Ok(()),
        }
    }

    /// Makes one entity of the temporary ids that claim the same identity; whether any were two.
    fn merge(
        &mut self,
        claims: &[Claim<'_>],
        temps: &Temps,
        schema: &Schema,
    ) -> Result<bool, TxError> {
        let mut merged = false;
        let mut holders: HashMap<(AttributeId, Operand<Found>), TempId> = HashMap::new();
        for claim in claims {
            let holder = *holders.entry((claim.a, self.canonical(claim.v))).or_insert(claim.temp);
            let (into, from) = (self.find(holder), self.find(claim.temp));
            if into == from {
                continue;
            }
            // The smaller number stands for both, so that ids are given in the order of the text.
            let (into, from) = (into.min(from), into.max(from));
            if let (Some(a), Some(b)) = (self.entities[into], self.entities[from])
                && a != b
            {
                return Err(claim.conflict(a, b, temps, schema));
            }
            self.entities[into] = self.entities[into].or(self.entities[from]);
            self.parents[from] = into;
            merged = true;
        }
        Ok(merged)
    }

    /// The operand with each temporary id replaced by what stands for it, so that equal operands
    /// mean the same.
    fn canonical(&self, operand: &Operand<Found>) -> Operand<Found> {
        if let Some(value) = self.value_of(operand) {
            return Operand::Value(value);
        }
        let mapped = operand.clone().map(&mut |found| {
            Ok::<_, std::convert::Infallible>(match found {
                Found::Entity(e) => Found::Entity(e),
                Found::Temp(temp) => match self.entity(temp) {
                    Some(e) => Found::Entity(e),
                    None => Found::Temp(self.representative(temp)),
                },
            })
        });
        match mapped {
            Ok(operand) => operand,
            Err(never) => match never {},
        }
    }

    /// The value, once all entities in it are known to be ones of the database.
    fn value_of(&self, operand: &Operand<Found>) -> Option<Value> {
        if let Operand::Value(value) = operand {
            return Some(value.clone());
        }
        let named = operand.clone().map(&mut |found| match found {
            Found::Entity(e) => Ok(e),
            Found::Temp(temp) => self.entity(temp).ok_or(()),
        });
        named.ok().map(Operand::into_value)
    }
}

impl Claim<'_> {
    fn conflict(&self, one: EntityId, other: EntityId, temps: &Temps, schema: &Schema) -> TxError {
        let ident = schema.attribute(self.a).map(|a| a.ident.to_string()).unwrap_or_default();
        let value = match self.v {
            Operand::Value(value) => format!(" {}", show_value(value)),
            Operand::Entity(_) | Operand::Tuple(_) => String::new(),
        };
        let message = format!(
            "{} is two entities at once: {} and {}; one of its identities is {ident}{value}",
            temps.describe(self.temp),
            show_entity(one, schema),
            show_entity(other, schema),
        );
        TxError::new(TxErrorKind::UpsertConflict, message).in_statement(self.statement)
    }
}
