//! One entry of `pile!`: a call of a pooled function, or any future if a pool is given.

use proc_macro2::{Delimiter, Group, Ident, TokenStream, TokenTree};
use quote::{ToTokens, quote, quote_spanned};
use syn::parse::ParseStream;
use syn::parse::discouraged::Speculative;
use syn::{Expr, ExprAssign, ExprPath, ExprTry, Path, PathArguments, PathSegment, Token};

use crate::errors::{Errors, POOL_IN_PILE};
use crate::expr::peel;
use crate::span::first_span;

pub(crate) struct Entry {
    pub(crate) name: Option<Ident>,
    pub(crate) value: Value,
}

pub(crate) enum Value {
    Call(Call),
    Future(Expr),
    /// Only a name, which is an error. It is kept so that editors can complete it.
    Name(ExprPath),
}

/// A call of a pooled function. Its arguments stay raw tokens, so that half-typed ones are left to rustc.
pub(crate) struct Call {
    function: ExprPath,
    arguments: Group,
}

/// Whether an entry starts with a name: `user: ..`
pub(crate) fn is_named(input: ParseStream<'_>) -> bool {
    input.peek(syn::Ident) && input.peek2(Token![:]) && !input.peek2(Token![::])
}

impl Entry {
    /// Reads an entry. With `calls`, it must be a call of a pooled function; with `named`, the first entry has a name.
    pub(crate) fn parse(input: ParseStream<'_>, calls: bool, named: bool, errors: &mut Errors) -> syn::Result<Self> {
        let name = if is_named(input) {
            let name: Ident = input.parse()?;
            let colon: Token![:] = input.parse()?;
            if !named {
                errors.at(colon.span, "the entries before this one have no names; name all or none");
            }
            Some(name)
        } else {
            if named {
                errors.at(input.span(), "this entry needs a name, like the others; write `name: ..`");
            }
            None
        };
        let value = if calls { Value::call(input, errors)? } else { Value::Future(input.parse()?) };
        Ok(Self { name, value })
    }
}

impl Value {
    fn call(input: ParseStream<'_>, errors: &mut Errors) -> syn::Result<Self> {
        let call = match Call::parse(input) {
            Some(call) => call,
            None => match peel(&input.parse()?).clone() {
                Expr::Path(name) if name.qself.is_none() => {
                    let text = name.to_token_stream().to_string().replace(' ', "");
                    let message = format!("`pile!` takes calls, and this is only a name; write `{text}(..)`");
                    let error = syn::Error::new_spanned(&name, message);
                    if !input.is_empty() && !input.peek(Token![,]) {
                        return Err(error);
                    }
                    errors.push(error);
                    return Ok(Self::Name(name));
                }
                value => Call::new(value)?,
            },
        };
        check_not_spawn(&call.function.path)?;
        Ok(Self::Call(call))
    }

    /// The expression of the entry's handle. A future runs in `pool`, and so does a call if it is `on` it.
    pub(crate) fn expand(&self, root: &TokenStream, pool: &Ident, on: bool) -> TokenStream {
        match self {
            Self::Call(call) => call.expand(on.then_some(pool)),
            Self::Future(future) => {
                let at = first_span(future);
                quote_spanned!(at=> #root::__private::submit_in(#pool, #future))
            }
            Self::Name(_) => self.recover(),
        }
    }

    /// What remains of the entry next to an error, so that rustc and editors still see it.
    pub(crate) fn recover(&self) -> TokenStream {
        match self {
            Self::Call(call) => call.expand(None),
            Self::Future(future) => future.to_token_stream(),
            Self::Name(name) => name.to_token_stream(),
        }
    }
}

impl ToTokens for Value {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        match self {
            Self::Call(Call { function, arguments }) => {
                function.to_tokens(tokens);
                arguments.to_tokens(tokens);
            }
            Self::Future(future) => future.to_tokens(tokens),
            Self::Name(name) => name.to_tokens(tokens),
        }
    }
}

impl Call {
    /// `fetch(..)` with nothing after it.
    fn parse(input: ParseStream<'_>) -> Option<Self> {
        let ahead = input.fork();
        let function: ExprPath = ahead.parse().ok()?;
        let Ok(TokenTree::Group(arguments)) = ahead.parse() else { return None };
        let ended = ahead.is_empty() || ahead.peek(Token![,]);
        let is_call = function.qself.is_none()
            && function.attrs.is_empty()
            && arguments.delimiter() == Delimiter::Parenthesis
            && ended;
        is_call.then(|| {
            input.advance_to(&ahead);
            Self { function, arguments }
        })
    }

    /// A call from a whole expression, which `macro_rules!` passes, or the error for any other expression.
    fn new(value: Expr) -> syn::Result<Self> {
        match value {
            Expr::Await(value) => {
                Err(syn::Error::new(value.await_token.span, "`pile!` runs the calls itself; remove `.await`"))
            }
            Expr::Try(value) => Err(question_mark(&value)),
            Expr::Assign(value) => Err(assignment(&value)),
            Expr::Call(call) => match peel(&call.func) {
                Expr::Path(function) if function.qself.is_none() && call.attrs.is_empty() => {
                    let mut arguments = Group::new(Delimiter::Parenthesis, call.args.to_token_stream());
                    arguments.set_span(call.paren_token.span.join());
                    Ok(Self { function: function.clone(), arguments })
                }
                _ => Err(not_a_call(&call)),
            },
            value => Err(not_a_call(&value)),
        }
    }

    // fetch::<T>(a)               <fetch>::__green_pool::<T>(a)
    // fetch::<T>(a) on a pool     <fetch>::__green_pool_on::<T>().on(__pool).__submit(a)
    fn expand(&self, on: Option<&Ident>) -> TokenStream {
        let mut path = self.function.path.clone();
        let Some(last) = path.segments.last_mut() else {
            return TokenStream::new();
        };
        let at = last.ident.span();
        let generics = match std::mem::replace(&mut last.arguments, PathArguments::None) {
            PathArguments::AngleBracketed(mut generics) => {
                generics.colon2_token.get_or_insert(Token![::](at));
                generics.into_token_stream()
            }
            _ => TokenStream::new(),
        };
        let arguments = &self.arguments;
        match on {
            None => quote_spanned!(at=> <#path>::__green_pool #generics #arguments),
            Some(pool) => {
                quote_spanned!(at=> <#path>::__green_pool_on #generics ().on(#pool).__submit #arguments)
            }
        }
    }
}

/// Refuses `fetch::spawn(a)`.
fn check_not_spawn(path: &Path) -> syn::Result<()> {
    let mut segments = path.segments.iter().rev();
    let (Some(last), Some(before)) = (segments.next(), segments.next()) else {
        return Ok(());
    };
    let is = |segment: &PathSegment, names: &[&str]| names.iter().any(|name| segment.ident == name);
    let is_verb = is(last, &["spawn", "spawn_n", "try_spawn", "queue"]);
    if is_verb && !is(before, &["self", "super", "crate"]) {
        let message = format!("`pile!` spawns the calls itself; write `{}(..)`", before.ident);
        return Err(syn::Error::new(last.ident.span(), message));
    }
    Ok(())
}

/// `fetch(a)?` and `fetch(a).await?`
fn question_mark(value: &ExprTry) -> syn::Error {
    let mark = &value.question_token;
    match peel(&value.expr) {
        Expr::Await(inner) => {
            let word = inner.await_token;
            syn::Error::new_spanned(quote!(#word #mark), "`pile!` runs the calls itself; remove `.await?`")
        }
        _ => syn::Error::new_spanned(
            mark,
            "`pile!` runs the calls itself; remove `?`, and look at the results after `.join().await`",
        ),
    }
}

/// `user = fetch(a)` and `pool = POOL`
fn assignment(value: &ExprAssign) -> syn::Error {
    match &*value.left {
        Expr::Path(name) if name.path.is_ident("pool") => syn::Error::new_spanned(name, POOL_IN_PILE),
        Expr::Path(name) if name.path.get_ident().is_some() => {
            let text = name.to_token_stream();
            let message = format!("a name is followed by `:`; write `{text}: ..`");
            syn::Error::new_spanned(value.eq_token, message)
        }
        _ => not_a_call(value),
    }
}

fn not_a_call(value: &impl ToTokens) -> syn::Error {
    let message = "`pile!` takes calls to `#[green_pool]` functions, such as \
        `pile![fetch(a), fetch(b)]`; to run other futures name a pool: `pile![in pool; ..]`";
    syn::Error::new_spanned(value, message)
}
