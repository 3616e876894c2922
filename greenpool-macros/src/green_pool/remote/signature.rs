//! The signature of a remote function: only workers with the same one get its jobs.

use proc_macro2::{Delimiter, TokenStream, TokenTree};
use quote::{ToTokens, quote};
use syn::{ReturnType, Signature};

use super::valid::travelling;

/// FNV-1a 64 over the texts of the tokens of the types that travel, those of the parameters and of the output, as 16
/// hexadecimal digits. It is of the text: a struct that changes keeps it.
pub(super) fn signature(sig: &Signature) -> String {
    let mut hash = Fnv::new();
    for param in travelling(sig) {
        hash.tokens(param.ty.to_token_stream());
        hash.text(",");
    }
    hash.text("-");
    hash.text(">");
    match &sig.output {
        ReturnType::Default => hash.tokens(quote!(())),
        ReturnType::Type(_, ty) => hash.tokens(ty.to_token_stream()),
    }
    format!("{:016x}", hash.0)
}

struct Fnv(u64);

impl Fnv {
    const fn new() -> Self {
        Fnv(0xcbf2_9ce4_8422_2325)
    }

    fn byte(&mut self, byte: u8) {
        self.0 = (self.0 ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
    }

    /// A token's text, and a 0 byte.
    fn text(&mut self, text: &str) {
        text.bytes().for_each(|byte| self.byte(byte));
        self.byte(0);
    }

    fn tokens(&mut self, tokens: TokenStream) {
        for token in tokens {
            let TokenTree::Group(group) = token else {
                self.text(&token.to_string());
                continue;
            };
            let (open, close) = match group.delimiter() {
                Delimiter::Parenthesis => ("(", ")"),
                Delimiter::Brace => ("{", "}"),
                Delimiter::Bracket => ("[", "]"),
                // What `macro_rules!` puts around a type is not part of its text.
                Delimiter::None => {
                    self.tokens(group.stream());
                    continue;
                }
            };
            self.text(open);
            self.tokens(group.stream());
            self.text(close);
        }
    }
}
