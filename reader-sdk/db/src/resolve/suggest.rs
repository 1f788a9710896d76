//! What a misspelt attribute may have been meant to be.

use duramen_model::{Keyword, Schema};

/// Longer names are not compared: nobody is helped by a guess at one.
const NAME_CHARS_MAX: usize = 64;

/// The attribute whose name is nearest to one that there is not, if it is near enough.
pub(crate) fn nearest<'s>(name: &Keyword, schema: &'s Schema) -> Option<&'s Keyword> {
    let wanted: Vec<char> = name.text().chars().collect();
    if wanted.len() > NAME_CHARS_MAX {
        return None;
    }
    let edits_max = 1 + wanted.len() / 6;
    let idents = schema.attributes().map(|attribute| &attribute.ident);
    let near = idents.filter_map(|ident| {
        let differ = ident.text().chars().count().abs_diff(wanted.len());
        let edits = if differ > edits_max { differ } else { edits(&wanted, ident.text()) };
        (edits <= edits_max).then_some((edits, ident))
    });
    near.min().map(|(_, ident)| ident)
}

/// How many characters have to be put in, left out or changed to come from one text to the other.
fn edits(from: &[char], to: &str) -> usize {
    // Of the beginnings of `from`, how far each is from the beginning of `to` read so far.
    let mut row: Vec<usize> = (0..=from.len()).collect();
    for (read, c) in to.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = read + 1;
        for (at, own) in from.iter().enumerate() {
            let changed = diagonal + usize::from(*own != c);
            diagonal = row[at + 1];
            row[at + 1] = changed.min(diagonal + 1).min(row[at] + 1);
        }
    }
    row[from.len()]
}

#[cfg(test)]
mod tests {
    use duramen_model::builtin;

    use super::*;

    #[test]
    fn a_slip_is_put_right_and_another_name_is_not() {
        let schema = Schema::fold(&builtin::datoms());
        let nearest = |name: &str| nearest(&Keyword::new(name), &schema).map(Keyword::text);
        assert_eq!(nearest("db/valueTpye"), Some("db/valueType"));
        assert_eq!(nearest("db/idnet"), Some("db/ident"));
        assert_eq!(nearest("person/name"), None);
        assert_eq!(nearest(&"x".repeat(1000)), None);
    }

    #[test]
    fn edits_are_counted() {
        let count = |from: &str, to| edits(&from.chars().collect::<Vec<_>>(), to);
        assert_eq!((count("kitten", "sitting"), count("", "ab"), count("ab", "")), (3, 2, 2));
    }
}
