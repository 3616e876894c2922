//! A link checker, in the making.
#![allow(dead_code)]

mod html;
mod site;

fn main() {}
