//! `pile!`: a list of calls, named or not, in their own pools or in one that is given.

use std::collections::HashSet;

use proc_macro2::{Group, Ident, Span, TokenStream, TokenTree};
use quote::{ToTokens, format_ident, quote, quote_spanned};
use syn::ext::IdentExt;
use syn::parse::{ParseStream, Parser};
use syn::{Expr, ExprCall, ExprPath, Path, PathArguments, PathSegment, Token};

use crate::args;
use crate::valid::Errors;

/// So many futures can be joined as one tuple.
const MOST: usize = 32;

// pile![f(a), g(b)]               pile((<f>::__submit(a), <g>::__submit(b),))
// pile![in POOL; x, y]            match &POOL { pool => pile((submit_in(pool, x), submit_in(pool, y),)) }
// pile! { a: f(a), b: g(b) }      match (.., ..,) { handles => pile_named::<_, Names>(handles) }
pub(crate) fn expand(input: TokenStream) -> TokenStream {
    let mut input = input.into_iter();
    let root = input.next().map_or_else(TokenStream::new, |root| match root {
        TokenTree::Group(root) => root.stream(),
        root => root.into(),
    });
    let mut errors = Errors::default();
    let parser = |input: ParseStream<'_>| Ok(Pile::parse(input, &mut errors));
    let pile = parser.parse2(without_brackets(input.collect()));
    match pile {
        Ok(pile) if errors.is_empty() => pile.expand(&root),
        Ok(_) => refuse(errors),
        Err(error) => {
            errors.push(error);
            refuse(errors)
        }
    }
}

/// The errors as one expression, whose type fits everywhere.
fn refuse(errors: Errors) -> TokenStream {
    let errors = errors.into_tokens();
    quote!({ #errors })
}

/// `f(a), g(b)` of `< f(a), g(b) >`
fn without_brackets(tokens: TokenStream) -> TokenStream {
    let is = |token: Option<&TokenTree>, bracket| matches!(token, Some(TokenTree::Punct(punct)) if punct.as_char() == bracket);
    let mut tokens: Vec<_> = tokens.into_iter().collect();
    if tokens.len() > 1 && is(tokens.first(), '<') && is(tokens.last(), '>') {
        tokens.pop();
        tokens.remove(0);
    }
    tokens.into_iter().collect()
}

struct Pile {
    place: Place,
    entries: Vec<Entry>,
}

/// Where the entries run.
enum Place {
    Own,
    In(Expr),
    Sized(Expr),
}

struct Entry {
    name: Option<Ident>,
    value: Value,
}

enum Value {
    Call(Call),
    Future(Expr),
}

/// A call of a pooled function.
struct Call {
    function: ExprPath,
    call: ExprCall,
}

impl Pile {
    /// Reads all entries, also those after a mistake.
    fn parse(input: ParseStream<'_>, errors: &mut Errors) -> Self {
        let place = Place::parse(input).unwrap_or_else(|error| {
            errors.push(error);
            skip_past(input, |input| input.peek(Token![;]));
            let _ = input.parse::<Token![;]>();
            Place::Own
        });
        let mut entries = Vec::new();
        let mut seen = HashSet::new();
        let named = is_named(input);
        while !input.is_empty() {
            match Entry::parse(input, &place, named) {
                Ok(entry) => {
                    if let Some(again) = entry.name.iter().find(|name| !seen.insert((*name).clone())) {
                        errors.at(again.span(), format!("`{again}` is named twice"));
                    }
                    entries.push(entry);
                }
                Err(error) => {
                    errors.push(error);
                    skip_past(input, |input| input.peek(Token![,]));
                }
            }
            if !input.is_empty() && input.parse::<Token![,]>().is_err() {
                errors.at(input.span(), "expected `,`");
                skip_past(input, |input| input.peek(Token![,]));
                let _ = input.parse::<Token![,]>();
            }
        }
        if let Some(entry) = entries.get(MOST) {
            let message = format!("`pile!` takes at most {MOST} entries; spawn more into a `GreenPile` in a loop");
            errors.on(&entry.value, message);
        }
        Self { place, entries }
    }

    fn expand(&self, root: &TokenStream) -> TokenStream {
        let pool = Ident::new("pool", Span::mixed_site());
        let handles = self.entries.iter().map(|entry| match &entry.value {
            Value::Call(call) => call.expand(),
            Value::Future(future) => {
                let at = first_span(future);
                quote_spanned!(at=> #root::__private::submit_in(#pool, #future))
            }
        });
        let handles = quote!((#(#handles,)*));
        let names: Option<Vec<_>> = self.entries.iter().map(|entry| entry.name.as_ref()).collect();
        let pile = match names {
            Some(names) if !names.is_empty() => named(root, &names, &handles),
            _ => quote!(#root::__private::pile(#handles)),
        };
        match &self.place {
            Place::Own => pile,
            Place::In(place) => {
                let at = first_span(place);
                let place = quote_spanned!(at=> #root::__private::given(&#place));
                quote!(match #place { #pool => #pile })
            }
            Place::Sized(size) => quote!(match &#root::GreenPool::new(#size) { #pool => #pile }),
        }
    }
}

// {
//     match (<get_user>::__submit(id), <get_posts>::__submit(id),) {
//         handles => {
//             struct Values<T0, T1> { user: T0, posts: T1 }
//             struct Names;
//             impl<T0, T1> Record<(T0, T1,)> for Names { .. }
//             pile_named::<_, Names>(handles)
//         }
//     }
// }
fn named(root: &TokenStream, names: &[&Ident], entries: &TokenStream) -> TokenStream {
    let handles = Ident::new("handles", Span::mixed_site());
    let types: Vec<_> = (0..names.len()).map(|index| format_ident!("T{index}")).collect();
    let values: Vec<_> =
        (0..names.len()).map(|index| format_ident!("value{index}", span = Span::mixed_site())).collect();
    let names: Vec<_> = names
        .iter()
        .map(|name| {
            let mut name = (*name).clone();
            name.set_span(name.span().resolved_at(Span::call_site()));
            name
        })
        .collect();
    quote! {
        match #entries {
            #handles => {
                #[derive(::core::clone::Clone, ::core::fmt::Debug)]
                struct Values<#(#types),*> { #(#names: #types),* }
                struct Names;
                impl<#(#types),*> #root::__private::Record<(#(#types,)*)> for Names {
                    type Out = Values<#(#types),*>;
                    fn gather(values: (#(#types,)*)) -> Values<#(#types),*> {
                        let (#(#values,)*) = values;
                        Values { #(#names: #values),* }
                    }
                }
                #root::__private::pile_named::<_, Names>(#handles)
            }
        }
    }
}

impl Place {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let place = if input.peek(Token![in]) {
            input.parse::<Token![in]>()?;
            Self::In(input.parse()?)
        } else if is_size(input) {
            input.call(Ident::parse_any)?;
            input.parse::<Token![=]>()?;
            let size = input.parse()?;
            args::check_size(&size)?;
            Self::Sized(size)
        } else {
            return Ok(Self::Own);
        };
        if !input.peek(Token![;]) {
            return Err(syn::Error::new(input.span(), "expected `;`"));
        }
        input.parse::<Token![;]>()?;
        Ok(place)
    }
}

fn is_size(input: ParseStream<'_>) -> bool {
    let ahead = input.fork();
    ahead.parse::<Ident>().is_ok_and(|key| key == "size") && ahead.peek(Token![=]) && !ahead.peek(Token![==])
}

fn is_named(input: ParseStream<'_>) -> bool {
    input.peek(syn::Ident) && input.peek2(Token![:]) && !input.peek2(Token![::])
}

impl Entry {
    fn parse(input: ParseStream<'_>, place: &Place, named: bool) -> syn::Result<Self> {
        let name = if is_named(input) {
            let name: Ident = input.parse()?;
            let colon: Token![:] = input.parse()?;
            if !named {
                let message = "the entries before this one have no names; name all or none";
                return Err(syn::Error::new(colon.span, message));
            }
            Some(name)
        } else {
            None
        };
        let at = input.span();
        let value: Expr = input.parse()?;
        if named && name.is_none() {
            let message = "this entry needs a name, as the others have; write `name: ..`";
            return Err(syn::Error::new(at, message));
        }
        let value = match place {
            Place::Own => Value::Call(Call::new(value)?),
            Place::In(_) | Place::Sized(_) => Value::Future(value),
        };
        Ok(Self { name, value })
    }
}

impl ToTokens for Value {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        match self {
            Self::Call(call) => call.call.to_tokens(tokens),
            Self::Future(future) => future.to_tokens(tokens),
        }
    }
}

impl Call {
    fn new(value: Expr) -> syn::Result<Self> {
        match peel(value) {
            Expr::Path(name) if name.qself.is_none() => {
                let text = without_spaces(&name);
                let message = format!("`pile!` takes calls, and this is only a name; write `{text}(..)`");
                Err(syn::Error::new_spanned(name, message))
            }
            Expr::Await(value) => {
                let message = "`pile!` runs the calls itself; remove `.await`";
                Err(syn::Error::new(value.await_token.span, message))
            }
            Expr::Call(call) => match peel((*call.func).clone()) {
                Expr::Path(function) if function.qself.is_none() && call.attrs.is_empty() => {
                    refuse_spawn(&function.path)?;
                    Ok(Self { function, call })
                }
                _ => Err(not_a_call(&call)),
            },
            value => Err(not_a_call(&value)),
        }
    }

    // fetch::<T>(a)               <fetch>::__submit::<T>(a)
    fn expand(&self) -> TokenStream {
        let mut path = self.function.path.clone();
        let Some(last) = path.segments.last_mut() else {
            return TokenStream::new();
        };
        let at = last.ident.span();
        let arguments = match std::mem::replace(&mut last.arguments, PathArguments::None) {
            PathArguments::AngleBracketed(mut arguments) => {
                arguments.colon2_token.get_or_insert(Token![::](at));
                arguments.into_token_stream()
            }
            _ => TokenStream::new(),
        };
        let mut inputs = Group::new(proc_macro2::Delimiter::Parenthesis, self.call.args.to_token_stream());
        inputs.set_span(self.call.paren_token.span.join());
        quote_spanned!(at=> <#path>::__submit #arguments #inputs)
    }
}

/// Refuses `fetch::spawn(a)`.
fn refuse_spawn(path: &Path) -> syn::Result<()> {
    let mut segments = path.segments.iter().rev();
    let (Some(last), Some(before)) = (segments.next(), segments.next()) else {
        return Ok(());
    };
    let is = |segment: &PathSegment, names: &[&str]| names.iter().any(|name| segment.ident == name);
    let verb = is(last, &["spawn", "spawn_n", "try_spawn"]);
    if verb && !is(before, &["self", "super", "crate"]) {
        let message = format!("`pile!` spawns the calls itself; write `{}(..)`", before.ident);
        return Err(syn::Error::new(last.ident.span(), message));
    }
    Ok(())
}

fn not_a_call(value: &impl ToTokens) -> syn::Error {
    let message = "`pile!` takes calls to `#[green_pool]` functions, such as \
        `pile![fetch(a), fetch(b)]`; to run other futures name a pool: `pile![in pool; ..]`";
    syn::Error::new_spanned(value, message)
}

/// An expression without its parentheses and the invisible groups of `macro_rules!`.
fn peel(mut value: Expr) -> Expr {
    loop {
        value = match value {
            Expr::Group(group) => *group.expr,
            Expr::Paren(paren) => *paren.expr,
            _ => return value,
        }
    }
}

fn without_spaces(tokens: &impl ToTokens) -> String {
    tokens.to_token_stream().to_string().replace(' ', "")
}

fn first_span(tokens: &impl ToTokens) -> Span {
    let first = tokens.to_token_stream().into_iter().next();
    first.map_or_else(Span::call_site, |token| token.span())
}

fn skip_past(input: ParseStream<'_>, end: fn(ParseStream<'_>) -> bool) {
    while !input.is_empty() && !end(input) {
        let _ = input.parse::<TokenTree>();
    }
}
