//! A link checker, in the making.
#![allow(dead_code)]

mod args;
mod html;
mod reason;
mod serve;
mod site;

fn main() {}
