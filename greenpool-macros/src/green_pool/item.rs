//! The function under the attribute. Only its signature is parsed; the body stays raw tokens.

use proc_macro2::{Span, TokenStream, TokenTree};
use syn::parse::{Parse, ParseStream, Parser};
use syn::{Abi, AttrStyle, Attribute, FnArg, Signature, Token, Visibility};

/// An item that starts like a function.
pub(crate) struct Item {
    pub(crate) attrs: Vec<Attribute>,
    pub(crate) vis: Visibility,
    pub(crate) sig: Signature,
    pub(crate) body: TokenTree,
    /// The `;` that replaces the body of some functions.
    pub(crate) semicolon: Option<Span>,
}

impl Item {
    /// The attributes at the head of the body, as if they were in front of the function.
    pub(crate) fn inner_attrs(&self) -> Vec<Attribute> {
        let TokenTree::Group(body) = &self.body else { return Vec::new() };
        let mut head = body.stream().into_iter().take(2);
        let is_punct = |token, is| matches!(token, Some(TokenTree::Punct(punct)) if punct.as_char() == is);
        // The rest of the body is not looked at unless it has some.
        if !(is_punct(head.next(), '#') && is_punct(head.next(), '!')) {
            return Vec::new();
        }
        let parse = |input: ParseStream<'_>| {
            let attrs = input.call(Attribute::parse_inner)?;
            input.parse::<TokenStream>().map(|_| attrs)
        };
        let attrs = parse.parse2(body.stream()).unwrap_or_default();
        attrs.into_iter().map(|attr| Attribute { style: AttrStyle::Outer, ..attr }).collect()
    }
}

/// Why the attribute cannot use an item.
pub(crate) enum ItemError {
    /// Another kind of item, with its first keyword.
    NotAFunction(Span),
    /// A function whose signature does not parse.
    Syntax(syn::Error),
}

/// Whether an attribute of a parameter is `#[shared]`, with or without arguments.
pub(crate) fn is_shared(attr: &Attribute) -> bool {
    attr.path().is_ident("shared")
}

/// The attributes of a parameter, which may be `self`.
pub(crate) fn param_attrs(input: &FnArg) -> &[Attribute] {
    match input {
        FnArg::Receiver(receiver) => &receiver.attrs,
        FnArg::Typed(param) => &param.attrs,
    }
}

impl Item {
    pub(crate) fn parse(tokens: TokenStream) -> Result<Self, ItemError> {
        match syn::parse2::<Parsed>(tokens) {
            Ok(Parsed::Function(item)) => Ok(*item),
            Ok(Parsed::Other(span)) => Err(ItemError::NotAFunction(span)),
            Err(error) => Err(ItemError::Syntax(error)),
        }
    }
}

enum Parsed {
    Function(Box<Item>),
    Other(Span),
}

impl Parse for Parsed {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let attrs = input.call(Attribute::parse_outer)?;
        let vis: Visibility = input.parse()?;
        let first = input.span();
        if !starts_function(input) {
            let _ = input.parse::<TokenStream>();
            return Ok(Self::Other(first));
        }
        let sig: Signature = input.parse()?;
        let semicolon = input.peek(Token![;]).then(|| input.span());
        let body: TokenTree = input.parse()?;
        if semicolon.is_none() && !matches!(body, TokenTree::Group(_)) {
            return Err(syn::Error::new(body.span(), "expected a function body"));
        }
        let item = Item { attrs, vis, sig, body, semicolon };
        Ok(Self::Function(Box::new(item)))
    }
}

/// Whether only qualifiers of a function precede `fn`.
fn starts_function(input: ParseStream<'_>) -> bool {
    let ahead = input.fork();
    loop {
        if ahead.peek(Token![fn]) {
            return true;
        }
        let word = ahead.peek(Token![const])
            || ahead.peek(Token![async])
            || ahead.peek(Token![unsafe])
            || ahead.peek(Token![safe])
            || ahead.peek(Token![default]);
        if word {
            let _ = ahead.parse::<TokenTree>();
        } else if !ahead.peek(Token![extern]) || ahead.parse::<Abi>().is_err() {
            return false;
        }
    }
}
