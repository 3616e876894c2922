//! What the tests of greenpool share.
