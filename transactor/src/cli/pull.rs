//! `pull`: what is known of an entity.

use std::time::Instant;

use duramen::{DbExt, Edn, EntityId, EntityRef, Error, Form, Keyword, Value};

use super::arguments::Pull;
use super::configuration::Configuration;
use super::exit::Failure;
use super::text::Text;
use super::{output, sources};

/// Prints what a pattern asks for of an entity.
pub(crate) async fn run(configuration: &Configuration, flags: &Pull) -> Result<(), Failure> {
    let text = Text::typed("pattern", &flags.pattern)?;
    let pattern = text.form()?;
    let entity = Text::typed("entity", &flags.entity)?;
    let entity = reference_of(&entity, &entity.form()?)?;
    let begun = Instant::now();
    let source = sources::open_single(configuration, &flags.sources).await?;
    let pulled = source.db.pull(&pattern, entity).await.map_err(|error| refused(&text, error))?;
    if flags.json { output::json(&pulled) } else { output::edn(&pulled) }?;
    if flags.sources.stats {
        let cost = sources::cost(std::slice::from_ref(&source));
        output::note(format_args!("cost: {cost}; {}", output::milliseconds(begun.elapsed())));
    }
    sources::close(std::slice::from_ref(&source)).await;
    Ok(())
}

fn refused(text: &Text, error: Error) -> Failure {
    let span = match &error {
        Error::Pull(error) => error.span,
        _ => duramen::Span::default(),
    };
    text.wrong_at(error.into(), span)
}

/// An entity by id, ident or lookup ref.
pub(crate) fn reference_of(text: &Text, form: &Form) -> Result<EntityRef, Failure> {
    let found = match &form.edn {
        Edn::Value(Value::Long(id)) => {
            u64::try_from(*id).ok().and_then(EntityId::new).map(EntityRef::Id)
        }
        Edn::Value(Value::Keyword(ident)) => Some(EntityRef::Ident(ident.clone())),
        edn => edn.as_sequence().and_then(lookup),
    };
    found.ok_or_else(|| {
        let message = "expected an id, an ident such as :color/red, or a lookup ref such as \
                       [:item/sku \"oak-12\"]";
        text.wrong_at(Failure::invalid(message), form.span)
    })
}

fn lookup(members: &[Form]) -> Option<EntityRef> {
    let [attribute, value] = members else { return None };
    let attribute: Keyword = attribute.as_keyword()?.clone();
    Some(EntityRef::lookup(attribute, value.edn.to_value()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<EntityRef, Failure> {
        let text = Text::typed("entity", text).unwrap();
        reference_of(&text, &text.form()?)
    }

    #[test]
    fn entities_are_named_three_ways() {
        assert_eq!(read("17").unwrap(), EntityRef::Id(EntityId::new(17).unwrap()));
        assert_eq!(read(":a/b").unwrap(), EntityRef::Ident(Keyword::new("a/b")));
        let lookup = EntityRef::lookup(Keyword::new("a/b"), Value::Long(1));
        assert_eq!(read("[:a/b 1]").unwrap(), lookup);
        for wrong in ["-1", "\"a\"", "[:a]", "[1 2]", "{}", "9007199254740992", "17 18"] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }
}
