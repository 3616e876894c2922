//! Jobs that were made by hand, with arguments in JSON: they are answered in JSON. Functions read and write
//! `MessagePack`, which has the names of all fields, so each can be made from the other.

use serde_json::Value;

/// JSON as `MessagePack`.
pub(crate) fn to_message_pack(json: &[u8]) -> Result<Vec<u8>, String> {
    let value: Value = serde_json::from_slice(json).map_err(|error| error.to_string())?;
    rmp_serde::to_vec_named(&value).map_err(|error| error.to_string())
}

/// `MessagePack` as JSON. There is none for bytes, and for a map whose keys are no text.
pub(crate) fn of_message_pack(bytes: &[u8]) -> Result<Vec<u8>, String> {
    let value: Value = rmp_serde::from_slice(bytes).map_err(|error| format!("as JSON: {error}"))?;
    serde_json::to_vec(&value).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde::{Deserialize, Serialize};

    use super::{of_message_pack, to_message_pack};

    #[derive(Serialize, Deserialize, PartialEq, Debug)]
    enum Shape {
        Nothing,
        Circle { radius: f64, name: Option<String> },
        Pair(i64, u64),
    }

    #[test]
    fn what_serde_writes_as_json_is_read_as_message_pack_and_back() {
        let shapes = (
            Shape::Nothing,
            vec![Shape::Circle { radius: 2.0, name: None }, Shape::Pair(i64::MIN, u64::MAX)],
            BTreeMap::from([("a".to_owned(), None::<u8>)]),
        );
        let json = serde_json::to_vec(&shapes).unwrap();
        let packed = to_message_pack(&json).unwrap();
        let read: (Shape, Vec<Shape>, BTreeMap<String, Option<u8>>) = rmp_serde::from_slice(&packed).unwrap();
        assert_eq!(read, shapes);
        let written = rmp_serde::to_vec_named(&shapes).unwrap();
        let value = |json: &[u8]| serde_json::from_slice::<serde_json::Value>(json).unwrap();
        assert_eq!(value(&of_message_pack(&written).unwrap()), value(&json));
    }

    #[test]
    fn what_is_no_json_is_an_error() {
        assert!(to_message_pack(b"[1, 2").is_err());
        let map = rmp_serde::to_vec_named(&BTreeMap::from([(1, 2)])).unwrap();
        assert!(of_message_pack(&map).is_err());
    }
}
