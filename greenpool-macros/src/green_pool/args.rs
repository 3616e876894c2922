//! The attribute's arguments: `size = 100, pool = POOL, key = host(&url), per_key = 4, name = "..", type = Fetch,
//! crate = path, remote`

use proc_macro2::{Ident, TokenStream};
use quote::ToTokens;
use syn::ext::IdentExt;
use syn::parse::{Parse, ParseStream, Parser};
use syn::{Expr, Lit, LitStr, Path, Token};

use crate::errors::{Errors, did_you_mean, end_of_element, needs_value, skip_to_comma};
use crate::expr::{check_per_key, check_size, literal, peel};

const KEYS: [&str; 8] = ["size", "pool", "key", "per_key", "name", "type", "crate", "remote"];

/// The arguments that are right. Those with an error are `None`.
#[derive(Default)]
pub(crate) struct Args {
    pub(crate) size: Option<Expr>,
    pub(crate) pool: Option<Path>,
    /// The key of a call, an expression over the arguments.
    pub(crate) key: Option<Expr>,
    pub(crate) per_key: Option<Expr>,
    pub(crate) name: Option<LitStr>,
    pub(crate) type_name: Option<Ident>,
    pub(crate) krate: Option<Path>,
    /// The word `remote`, which is a flag.
    pub(crate) remote: Option<Ident>,
    /// The words of all arguments, right or wrong.
    mentioned: Vec<Ident>,
}

impl Args {
    /// Reads all arguments, including those after an error.
    pub(crate) fn parse(tokens: TokenStream, errors: &mut Errors) -> Self {
        let mut args = Self::default();
        let mut seen: Vec<Ident> = Vec::new();
        let parser = |input: ParseStream<'_>| {
            while !input.is_empty() {
                if let Err(error) = args.parse_argument(input, &mut seen, errors) {
                    errors.push(error);
                    skip_to_comma(input);
                }
                end_of_element(input, errors);
            }
            Ok(())
        };
        if let Err(error) = parser.parse2(tokens) {
            errors.push(error);
        }
        check_keys(&args.mentioned, errors);
        args
    }

    fn parse_argument(
        &mut self,
        input: ParseStream<'_>,
        seen: &mut Vec<Ident>,
        errors: &mut Errors,
    ) -> syn::Result<()> {
        if !input.peek(Ident::peek_any) {
            return Err(missing_key(input));
        }
        let key = Ident::parse_any(input)?;
        let text = key.to_string();
        if !KEYS.contains(&text.as_str()) {
            return Err(unknown_key(&key, &text));
        }
        self.mentioned.push(key.clone());
        if text == "remote" {
            return self.parse_remote(key, input, errors);
        }
        if !input.peek(Token![=]) || input.peek(Token![==]) {
            return Err(needs_value(&key, &text));
        }
        input.parse::<Token![=]>()?;
        if input.is_empty() || input.peek(Token![,]) {
            return Err(needs_value(&key, &text));
        }
        let duplicate = seen.iter().any(|known| *known == text);
        if duplicate {
            errors.at(key.span(), format!("`{text}` is given twice"));
            skip_to_comma(input);
            return Ok(());
        }
        let other = match text.as_str() {
            "size" => "pool",
            "pool" => "size",
            _ => "",
        };
        if seen.iter().any(|known| *known == other) {
            errors.at(key.span(), "`pool` shares the size of the pool it names; remove `size`");
        }
        seen.push(key);
        self.parse_value(&text, input)
    }

    fn parse_remote(&mut self, key: Ident, input: ParseStream<'_>, errors: &mut Errors) -> syn::Result<()> {
        if !input.is_empty() && !input.peek(Token![,]) {
            let message = "`remote` takes no value; what it is called on the wire is `name = \"..\"`";
            return Err(syn::Error::new(key.span(), message));
        }
        if self.remote.is_some() {
            errors.at(key.span(), "`remote` is given twice");
        }
        self.remote = Some(key);
        Ok(())
    }

    fn parse_value(&mut self, key: &str, input: ParseStream<'_>) -> syn::Result<()> {
        match key {
            "size" => {
                let value: Expr = input.parse()?;
                check_size(&value)?;
                self.size = Some(peel(&value).clone());
            }
            "pool" => {
                let hint = "write `pool = POOL`, where `POOL` is a `static` of type `GreenPool`";
                self.pool = Some(parse_path(input, "pool", hint)?);
            }
            "key" => self.key = Some(input.parse()?),
            "per_key" => {
                let value: Expr = input.parse()?;
                check_per_key(&value)?;
                self.per_key = Some(peel(&value).clone());
            }
            "name" => {
                let value: Expr = input.parse()?;
                let Some(Lit::Str(name)) = literal(&value) else {
                    let message = "`name` is a string; write `name = \"..\"`";
                    return Err(syn::Error::new_spanned(value, message));
                };
                self.name = Some(name.clone());
            }
            "type" => {
                let message = "`type` is an identifier; write `type = Fetch`";
                self.type_name = Some(parse_whole(input, message, Ident::parse)?);
            }
            _ => {
                let hint = "write `crate = greenpool`";
                self.krate = Some(parse_path(input, "crate", hint)?);
            }
        }
        Ok(())
    }
}

/// Reports a key without a limit, and a limit without a key or that of another pool.
fn check_keys(mentioned: &[Ident], errors: &mut Errors) {
    let find = |name: &str| mentioned.iter().find(|known| *known == name);
    match (find("key"), find("per_key"), find("pool")) {
        (Some(key), None, None) => {
            errors.at(key.span(), "`key` needs a limit; write how many jobs of each key may run as `per_key = 4`");
        }
        (_, Some(per_key), Some(_)) => {
            errors.at(per_key.span(), "`pool` shares the limit by key of the pool it names; remove `per_key`");
        }
        (None, Some(per_key), None) => {
            let message = "`per_key` needs a key; write what the jobs have in common as `key = host(&url)`";
            errors.at(per_key.span(), message);
        }
        _ => {}
    }
}

/// Reads a path, or reports what is there instead.
fn parse_path(input: ParseStream<'_>, key: &str, hint: &str) -> syn::Result<Path> {
    if input.peek(LitStr) {
        let value: LitStr = input.parse()?;
        let text = value.value();
        let hint = match syn::parse_str::<Path>(&text) {
            Ok(_) => format!("write `{key} = {text}`"),
            Err(_) => hint.to_owned(),
        };
        let message = format!("`{key}` is a path, not a string; {hint}");
        return Err(syn::Error::new(value.span(), message));
    }
    parse_whole(input, &format!("`{key}` is a path; {hint}"), Path::parse_mod_style)
}

/// Reads a whole value with `parse`, or reports `message` on it.
fn parse_whole<T>(
    input: ParseStream<'_>,
    message: &str,
    parse: fn(ParseStream<'_>) -> syn::Result<T>,
) -> syn::Result<T> {
    let start = input.fork();
    let value = parse(input);
    let complete = input.is_empty() || input.peek(Token![,]) || input.peek(Ident::peek_any) || input.peek(Lit);
    if let (Ok(value), true) = (value, complete) {
        return Ok(value);
    }
    let first = start.span();
    Err(match start.parse::<Expr>() {
        Ok(value) => syn::Error::new_spanned(value, message),
        Err(_) => syn::Error::new(first, message),
    })
}

/// The error for an argument that does not start with a key.
fn missing_key(input: ParseStream<'_>) -> syn::Error {
    let at = input.span();
    match input.parse::<Expr>() {
        Ok(value) => {
            let text = value.to_token_stream().to_string();
            let message = format!("the size of a pool is written `size = {text}`");
            syn::Error::new_spanned(value, message)
        }
        Err(_) => syn::Error::new(at, format!("expected one of {}", key_list())),
    }
}

fn unknown_key(key: &Ident, text: &str) -> syn::Error {
    let remedy = match did_you_mean(text, &KEYS) {
        Some(known) => format!("did you mean `{known}`?"),
        None => format!("expected one of {}", key_list()),
    };
    syn::Error::new(key.span(), format!("unknown argument `{text}`; {remedy}"))
}

fn key_list() -> String {
    KEYS.map(|key| format!("`{key}`")).join(", ")
}
