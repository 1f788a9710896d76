//! HEAD: the hint of where the newest root is. It may be missing, old, or about a database that
//! was dropped since: nothing is believed that the root in it does not prove.

use bytes::Bytes;
use duramen_proto::stored;
use duramen_store::envelope::{self, Kind};
use duramen_store::layout::{BranchName, DatabaseId};
use duramen_store::{Key, StoreError};
use prost::Message;

use crate::malformed::{Malformed, fixed};
use crate::root::{OpenedRoot, Root, RootPlace};

/// Makes the object of a hint: a copy of a root.
#[must_use]
pub fn seal(root: &OpenedRoot) -> Bytes {
    let message = stored::Head {
        database_id: root.root.place.id.0.to_vec().into(),
        n: root.root.place.n,
        root: root.object.clone(),
    };
    envelope::seal(Kind::Head, &message.encode_to_vec())
}

/// Takes the root out of a hint.
///
/// # Errors
/// `Corrupt` when it is damaged, `TooNew` when newer software wrote it.
pub fn open(branch: &BranchName, key: &Key, object: Bytes) -> Result<OpenedRoot, StoreError> {
    let payload = envelope::open(Kind::Head, key, object)?;
    let corrupt = |malformed: Malformed| malformed.within(key);
    let message =
        stored::Head::decode(payload.bytes).map_err(|error| corrupt(Malformed::from(error)))?;
    let id = fixed(&message.database_id, "a database id").map_err(corrupt)?;
    let place = RootPlace { id: DatabaseId(id), branch: branch.clone(), n: message.n };
    Root::open(&place, key, message.root)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::tests::fixtures::{self, flips, mutate};

    fn opened_root() -> OpenedRoot {
        let root = fixtures::root();
        Root::open(&root.place, "x", root.seal().unwrap()).unwrap()
    }

    #[test]
    fn a_hint_is_a_copy_of_a_root() {
        let (root, key) = (opened_root(), Key::new("cat/HEAD/main"));
        assert_eq!(open(&root.root.place.branch, &key, seal(&root)).unwrap(), root);
        let error = open(&BranchName::new("dev").unwrap(), &key, seal(&root)).unwrap_err();
        assert!(error.to_string().starts_with("cat/HEAD/main: corrupt"), "{error}");
    }

    proptest! {
        #[test]
        fn a_mutated_hint_is_refused_or_holds_the_root(flips in flips()) {
            let (root, key) = (opened_root(), Key::new("cat/HEAD/main"));
            let payload = envelope::open(Kind::Head, &key, seal(&root)).unwrap().bytes;
            let object = envelope::seal(Kind::Head, &mutate(payload.to_vec(), flips));
            if let Ok(opened) = open(&root.root.place.branch, &key, object) {
                prop_assert_eq!(opened.root, root.root);
            }
        }
    }
}
