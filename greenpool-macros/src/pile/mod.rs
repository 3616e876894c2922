//! `pile!`: a list of calls, with or without names, each in its function's pool or all in a given one.

use std::collections::HashSet;

use proc_macro2::{Ident, Span, TokenStream, TokenTree};
use quote::{format_ident, quote};
use syn::Token;
use syn::parse::{ParseStream, Parser};

use self::entry::{Entry, is_named};
mod entry;
mod place;

use self::place::Place;
use crate::errors::{Errors, end_of_element, skip_to_comma};
use crate::span::{generated_ident, last_span};

/// `Handles` is implemented for tuples up to this length.
const MAX_ENTRIES: usize = 32;

// pile![f(a), g(b)]               pile((<f>::__green_pool(a), <g>::__green_pool(b),))
// pile![on POOL; f(a)]            match engine(&POOL) { __pool => pile((<f>::__green_pool_on().on(__pool)..,)) }
// pile![in POOL; x, y]            match &POOL { __pool => pile((submit_in(__pool, x), submit_in(__pool, y),)) }
// pile! { a: f(a), b: g(b) }      match (.., ..,) { __handles => pile_named::<_, Names>(__handles) }
pub(crate) fn expand(input: TokenStream) -> TokenStream {
    let mut input = input.into_iter();
    let root = input.next().map_or_else(TokenStream::new, |root| match root {
        TokenTree::Group(root) => root.stream(),
        root => root.into(),
    });
    let tokens = without_brackets(input.collect());
    let end = last_span(&tokens);
    let mut errors = Errors::default();
    let parser = |input: ParseStream<'_>| Ok(Pile::parse(input, end, &mut errors));
    let pile = parser.parse2(tokens);
    match pile {
        Ok(pile) if errors.is_empty() => pile.expand(&root),
        Ok(pile) => pile.expand_errors(errors),
        Err(error) => {
            errors.push(error);
            let errors = errors.into_tokens();
            quote!({ #errors })
        }
    }
}

/// `f(a), g(b)` of `< f(a), g(b) >`
fn without_brackets(tokens: TokenStream) -> TokenStream {
    let mut tokens: Vec<_> = tokens.into_iter().collect();
    if tokens.len() > 1 && is_punct(tokens.first(), '<') && is_punct(tokens.last(), '>') {
        tokens.pop();
        tokens.remove(0);
    }
    tokens.into_iter().collect()
}

fn is_punct(token: Option<&TokenTree>, char: char) -> bool {
    matches!(token, Some(TokenTree::Punct(punct)) if punct.as_char() == char)
}

struct Pile {
    /// `None` after an error.
    place: Option<Place>,
    entries: Vec<Entry>,
}

impl Pile {
    /// Reads all entries, including those after an error.
    fn parse(input: ParseStream<'_>, end: Option<Span>, errors: &mut Errors) -> Self {
        let place = Place::parse(input).map_err(|error| {
            errors.push(at_last_token(error, end));
            skip_to_semicolon(input);
            let _ = input.parse::<Token![;]>();
        });
        let place = place.ok();
        let calls = matches!(place, Some(Place::Own | Place::On(_)));
        let mut entries = Vec::new();
        let mut seen = HashSet::new();
        let named = is_named(input);
        while !input.is_empty() {
            match Entry::parse(input, calls, named, errors) {
                Ok(entry) => {
                    if let Some(duplicate) = entry.name.iter().find(|name| !seen.insert((*name).clone())) {
                        errors.at(duplicate.span(), format!("`{duplicate}` is named twice"));
                    }
                    entries.push(entry);
                }
                Err(error) => {
                    errors.push(at_last_token(error, end));
                    skip_to_comma(input);
                }
            }
            end_of_element(input, errors);
        }
        if let Some(entry) = entries.get(MAX_ENTRIES) {
            let message =
                format!("`pile!` takes at most {MAX_ENTRIES} entries; spawn more into a `GreenPile` in a loop");
            errors.on(&entry.value, message);
        }
        Self { place, entries }
    }

    fn expand(&self, root: &TokenStream) -> TokenStream {
        let pool = place::pool();
        let on = matches!(self.place, Some(Place::On(_)));
        let handles = self.entries.iter().map(|entry| entry.value.expand(root, &pool, on));
        let handles = quote!((#(#handles,)*));
        let names: Option<Vec<_>> = self.entries.iter().map(|entry| entry.name.as_ref()).collect();
        let pile = match names {
            Some(names) if !names.is_empty() => named(root, &names, &handles),
            _ => quote!(#root::__private::pile(#handles)),
        };
        self.place.as_ref().map_or(TokenStream::new(), |place| place.wrap(&pool, pile, root))
    }

    /// The errors as one expression that fits any type, and the entries that are right, so that they are still checked.
    fn expand_errors(&self, errors: Errors) -> TokenStream {
        let kept = self.entries.iter().map(|entry| entry.value.recover());
        let errors = errors.into_tokens();
        quote!({ #(let _ = #kept;)* #errors })
    }
}

/// An error at the end of the input has no token to point at, so it moves to the last one.
fn at_last_token(error: syn::Error, end: Option<Span>) -> syn::Error {
    let text = error.to_string();
    match (text.strip_prefix("unexpected end of input, "), end) {
        (Some(expected), Some(end)) => syn::Error::new(end, format!("{expected} after this")),
        _ => error,
    }
}

// {
//     match (<get_user>::__green_pool(id), <get_posts>::__green_pool(id),) {
//         __handles => {
//             struct Values<T0, T1> { user: T0, posts: T1 }
//             struct Names;
//             impl<T0, T1> Record<(T0, T1,)> for Names { .. }
//             pile_named::<_, Names>(__handles)
//         }
//     }
// }
fn named(root: &TokenStream, names: &[&Ident], entries: &TokenStream) -> TokenStream {
    let handles = Ident::new("__handles", Span::mixed_site());
    let types: Vec<_> = (0..names.len()).map(|index| format_ident!("T{index}")).collect();
    let values: Vec<_> =
        (0..names.len()).map(|index| format_ident!("__value{index}", span = Span::mixed_site())).collect();
    let names: Vec<_> = names.iter().map(|name| generated_ident(name)).collect();
    quote! {
        match #entries {
            #handles => {
                #[derive(::core::clone::Clone, ::core::fmt::Debug)]
                struct Values<#(#types),*> { #(#names: #types),* }
                struct Names;
                impl<#(#types),*> #root::__private::Record<(#(#types,)*)> for Names {
                    type Out = Values<#(#types),*>;
                    fn gather(__values: (#(#types,)*)) -> Values<#(#types),*> {
                        let (#(#values,)*) = __values;
                        Values { #(#names: #values),* }
                    }
                }
                #root::__private::pile_named::<_, Names>(#handles)
            }
        }
    }
}

fn skip_to_semicolon(input: ParseStream<'_>) {
    while !input.is_empty() && !input.peek(Token![;]) {
        let _ = input.parse::<TokenTree>();
    }
}
