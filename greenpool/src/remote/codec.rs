//! How arguments and outputs become messages: `MessagePack`, with the names of fields. The arguments of a function are
//! an array.

use std::io::Read;

use serde::Serialize;
use serde::de::DeserializeOwned;

/// The types that can go to another machine.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot go to another machine",
    label = "this type cannot be written to a message and read from one",
    note = "an argument and the output of a `remote` function need `serde::Serialize` and `serde::de::DeserializeOwned`"
)]
pub trait Travels: Serialize + DeserializeOwned {}

#[diagnostic::do_not_recommend]
impl<T: Serialize + DeserializeOwned> Travels for T {}

/// Writes and reads one type. What has one needs no bounds of its own, so a type that cannot travel is one error.
pub struct Codec<T> {
    encode: fn(&T, &mut Vec<u8>) -> Result<(), String>,
    decode: fn(&mut &[u8]) -> Result<T, String>,
}

impl<T> Clone for Codec<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Codec<T> {}

/// Returns the codec of a type.
#[must_use]
pub fn codec<T: Travels>() -> Codec<T> {
    Codec { encode: encode::<T>, decode: decode::<T> }
}

fn encode<T: Serialize>(value: &T, out: &mut Vec<u8>) -> Result<(), String> {
    rmp_serde::encode::write_named(out, value).map_err(|error| error.to_string())
}

fn decode<T: DeserializeOwned>(bytes: &mut &[u8]) -> Result<T, String> {
    rmp_serde::decode::from_read(bytes).map_err(|error| error.to_string())
}

impl<T> Codec<T> {
    /// Writes a value as a message of its own.
    pub fn write(self, value: &T) -> Result<Vec<u8>, String> {
        let mut out = Vec::new();
        (self.encode)(value, &mut out)?;
        Ok(out)
    }

    /// Reads a message that is one value.
    pub fn read(self, mut bytes: &[u8]) -> Result<T, String> {
        let value = (self.decode)(&mut bytes)?;
        at_end(bytes)?;
        Ok(value)
    }
}

fn at_end(bytes: &[u8]) -> Result<(), String> {
    if bytes.is_empty() { Ok(()) } else { Err(format!("{} bytes are left after the value", bytes.len())) }
}

/// A codec for each argument of a function.
pub trait Codecs<Args>: Copy + Send + Sync + 'static {
    /// Writes the arguments as a message.
    fn write(self, args: &Args) -> Result<Vec<u8>, String>;
    /// Reads them.
    fn read(self, bytes: &[u8]) -> Result<Args, String>;
}

macro_rules! codecs {
    ($($name:ident),*) => {
        #[allow(non_snake_case, unused_mut, unused_variables, clippy::unused_unit)]
        impl<$($name: 'static),*> Codecs<($($name,)*)> for ($(Codec<$name>,)*) {
            fn write(self, args: &($($name,)*)) -> Result<Vec<u8>, String> {
                const COUNT: u8 = 0 $(+ { let _ = stringify!($name); 1 })*;
                let mut out = array_header(COUNT);
                let args = {
                    let ($($name,)*) = args;
                    ($($name,)*)
                };
                codecs!(@write self, args, out, ($($name),*), (0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15));
                Ok(out)
            }

            fn read(self, mut bytes: &[u8]) -> Result<($($name,)*), String> {
                const COUNT: u8 = 0 $(+ { let _ = stringify!($name); 1 })*;
                read_header(&mut bytes, COUNT)?;
                let ($($name,)*) = self;
                let args = ($(($name.decode)(&mut bytes)?,)*);
                at_end(bytes)?;
                Ok(args)
            }
        }
    };
    (@write $self:ident, $args:ident, $out:ident, (), ($($rest:tt)*)) => {};
    (@write $self:ident, $args:ident, $out:ident, ($first:ident $(, $name:ident)*), ($index:tt $($rest:tt)*)) => {
        ($self.$index.encode)($args.$index, &mut $out)?;
        codecs!(@write $self, $args, $out, ($($name),*), ($($rest)*));
    };
}

codecs!();
codecs!(A);
codecs!(A, B);
codecs!(A, B, C);
codecs!(A, B, C, D);
codecs!(A, B, C, D, E);
codecs!(A, B, C, D, E, F);
codecs!(A, B, C, D, E, F, G);
codecs!(A, B, C, D, E, F, G, H);
codecs!(A, B, C, D, E, F, G, H, I);
codecs!(A, B, C, D, E, F, G, H, I, J);
codecs!(A, B, C, D, E, F, G, H, I, J, K);
codecs!(A, B, C, D, E, F, G, H, I, J, K, L);

/// The marker of an array of up to 15 elements. A function has at most 12 arguments.
const FIXED_ARRAY: u8 = 0x90;
/// The marker of an array whose length follows in 2 bytes, as another writer may put it.
const ARRAY_16: u8 = 0xdc;

fn array_header(count: u8) -> Vec<u8> {
    vec![FIXED_ARRAY | count]
}

fn read_header(bytes: &mut &[u8], expected: u8) -> Result<(), String> {
    let mut marker = [0];
    bytes.read_exact(&mut marker).map_err(|_| "the message is empty".to_owned())?;
    let count = match marker[0] {
        ARRAY_16 => {
            let mut length = [0; 2];
            bytes.read_exact(&mut length).map_err(|_| "the message ends too early".to_owned())?;
            u16::from_be_bytes(length)
        }
        marker if marker & 0xf0 == FIXED_ARRAY => u16::from(marker & 0x0f),
        marker => return Err(format!("expected an array of arguments, found the marker {marker:#04x}")),
    };
    if count == u16::from(expected) { Ok(()) } else { Err(format!("expected {expected} arguments, found {count}")) }
}

/// FNV-1a 64, as 16 hexadecimal digits: says which arguments a result belongs to.
#[must_use]
pub fn fingerprint(bytes: &[u8]) -> String {
    let hash = bytes
        .iter()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3));
    format!("{hash:016x}")
}

#[cfg(test)]
mod tests;
