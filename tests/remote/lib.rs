//! The tests of the feature `remote` that need no server.
