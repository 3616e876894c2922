use serde::{Deserialize, Serialize};

use super::{ARRAY_16, Codecs, codec, fingerprint};

#[derive(Serialize, Deserialize, Debug, PartialEq)]
struct Before {
    url: String,
    depth: u32,
}

#[derive(Serialize, Deserialize, Debug, PartialEq)]
struct After {
    url: String,
    #[serde(default)]
    tags: Vec<String>,
}

#[test]
fn arguments_come_back_as_they_went() {
    let codecs = (codec::<String>(), codec::<Option<u64>>(), codec::<Vec<(i8, char)>>());
    let args = ("/faq".to_owned(), Some(u64::MAX), vec![(-1, 'ä'), (1, 'b')]);
    let message = codecs.write(&args).unwrap();
    assert_eq!(codecs.read(&message).unwrap(), args);
}

#[test]
fn no_arguments_are_an_empty_array() {
    let message = Codecs::write((), &()).unwrap();
    assert_eq!(message, [0x90]);
    assert!(Codecs::read((), &message).is_ok());
}

#[test]
fn an_array_with_a_long_header_is_read() {
    let mut message = vec![ARRAY_16, 0, 1];
    message.extend(codec::<u8>().write(&7).unwrap());
    assert_eq!((codec::<u8>(),).read(&message), Ok((7,)));
}

#[test]
fn another_number_of_arguments_is_an_error() {
    let message = (codec::<u8>(),).write(&(7,)).unwrap();
    let error = (codec::<u8>(), codec::<u8>()).read(&message).unwrap_err();
    assert_eq!(error, "expected 2 arguments, found 1");
}

#[test]
fn bytes_after_the_arguments_are_an_error() {
    let mut message = (codec::<u8>(),).write(&(7,)).unwrap();
    message.push(1);
    assert_eq!((codec::<u8>(),).read(&message), Err("1 bytes are left after the value".to_owned()));
    assert!((codec::<u8>(),).read(&[]).is_err());
    assert!((codec::<u8>(),).read(&message[..1]).is_err());
}

#[test]
fn a_struct_is_read_by_the_names_of_its_fields() {
    let old = codec::<Before>().write(&Before { url: "/".into(), depth: 3 }).unwrap();
    let new = codec::<After>().read(&old).unwrap();
    assert_eq!(new, After { url: "/".into(), tags: Vec::new() });
}

#[test]
fn a_wrong_type_is_an_error_and_no_panic() {
    let text = codec::<String>().write(&"seven".to_owned()).unwrap();
    assert!(codec::<u32>().read(&text).is_err());
}

#[test]
fn the_fingerprint_is_fnv_1a() {
    assert_eq!(fingerprint(b""), "cbf29ce484222325");
    assert_eq!(fingerprint(b"foobar"), "85944171f73967e8");
}
