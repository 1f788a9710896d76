//! Enums.

use serde::Deserializer;
use serde::de::value::BorrowedStrDeserializer;
use serde::de::{DeserializeSeed, EnumAccess, Error as _, VariantAccess, Visitor};

use super::{EdnDeserializer, FromEdnError};
use crate::edn::{Edn, Form};

/// The variant of an enum, and what it holds.
pub(super) struct Variant<'de> {
    pub(super) name: &'de str,
    pub(super) content: Option<&'de Form>,
}

impl<'de> Variant<'de> {
    fn content(&self) -> Result<EdnDeserializer<'de>, FromEdnError> {
        match self.content {
            Some(content) => Ok(EdnDeserializer::from(&content.edn)),
            None => {
                Err(FromEdnError::custom(format!("the variant {} must hold something", self.name)))
            }
        }
    }
}

impl<'de> EnumAccess<'de> for Variant<'de> {
    type Error = FromEdnError;
    type Variant = Self;

    fn variant_seed<T: DeserializeSeed<'de>>(
        self,
        seed: T,
    ) -> Result<(T::Value, Self), FromEdnError> {
        seed.deserialize(BorrowedStrDeserializer::new(self.name)).map(|variant| (variant, self))
    }
}

impl<'de> VariantAccess<'de> for Variant<'de> {
    type Error = FromEdnError;

    fn unit_variant(self) -> Result<(), FromEdnError> {
        match self.content {
            None | Some(Form { edn: Edn::Nil, .. }) => Ok(()),
            Some(_) => {
                Err(FromEdnError::custom(format!("the variant {} holds nothing", self.name)))
            }
        }
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(
        self,
        seed: T,
    ) -> Result<T::Value, FromEdnError> {
        seed.deserialize(self.content()?).map_err(|error| error.within(self.name))
    }

    fn tuple_variant<V: Visitor<'de>>(
        self,
        _length: usize,
        visitor: V,
    ) -> Result<V::Value, FromEdnError> {
        self.content()?.deserialize_seq(visitor).map_err(|error| error.within(self.name))
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, FromEdnError> {
        self.content()?
            .deserialize_struct("", fields, visitor)
            .map_err(|error| error.within(self.name))
    }
}
