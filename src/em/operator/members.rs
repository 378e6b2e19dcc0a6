//! Reads JSON objects so that whoever sent one is told in which member it goes wrong, which the library leaves out.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error as _, IntoDeserializer as _, MapAccess, Visitor};
use serde::{Deserialize, forward_to_deserialize_any};

/// A value that comes as a JSON object; an error in one of its members begins with the member's name.
#[derive(Debug)]
pub(in crate::em) struct Members<T>(pub(in crate::em) T);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Members<T> {
    fn deserialize<D: Deserializer<'de>>(object: D) -> Result<Self, D::Error> {
        T::deserialize(Object(object)).map(Self)
    }
}

struct Object<D>(D);

impl<'de, D: Deserializer<'de>> Deserializer<'de> for Object<D> {
    type Error = D::Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
        self.0.deserialize_map(Reading(visitor))
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit unit_struct newtype_struct seq
        tuple tuple_struct map struct enum identifier ignored_any
    }
}

struct Reading<V>(V);

impl<'de, V: Visitor<'de>> Visitor<'de> for Reading<V> {
    type Value = V::Value;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a JSON object")
    }

    fn visit_map<A: MapAccess<'de>>(self, members: A) -> Result<V::Value, A::Error> {
        self.0.visit_map(Named { members, name: String::new() })
    }
}

struct Named<A> {
    members: A,
    name: String,
}

impl<'de, A: MapAccess<'de>> MapAccess<'de> for Named<A> {
    type Error = A::Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, A::Error> {
        let Some(name) = self.members.next_key()? else { return Ok(None) };
        self.name = name;
        seed.deserialize(self.name.as_str().into_deserializer()).map(Some)
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, A::Error> {
        let name = &self.name;
        self.members.next_value_seed(seed).map_err(|error| A::Error::custom(format_args!("{name}: {error}")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Shelf {
        #[expect(dead_code, reason = "only whether it can be read counts")]
        books: Vec<Members<Book>>,
    }

    #[derive(Debug, Deserialize)]
    struct Book {
        #[expect(dead_code, reason = "only whether it can be read counts")]
        pages: u8,
    }

    #[test]
    fn an_error_names_the_member_it_is_in() {
        for (text, why) in [
            (r#"{"books": [{"pages": 5}]}"#, None),
            (
                r#"{"books": [{"pages": "x"}]}"#,
                Some("books: pages: invalid type: string \"x\", expected u8 at line 1 column 24"),
            ),
            (
                r#"{"books": 5}"#,
                Some("books: invalid type: integer `5`, expected a sequence at line 1 column 11"),
            ),
            (r#"{"books": [], "books": []}"#, Some("duplicate field `books` at line 1 column 21")),
            (r#"{"desks": []}"#, Some("unknown field `desks`, expected `books` at line 1 column 8")),
            ("{}", Some("missing field `books` at line 1 column 2")),
            ("[[]]", Some("invalid type: sequence, expected a JSON object at line 1 column 0")),
        ] {
            let read = serde_json::from_str::<Members<Shelf>>(text);
            assert_eq!(read.err().map(|error| error.to_string()).as_deref(), why, "{text}");
        }
    }
}
