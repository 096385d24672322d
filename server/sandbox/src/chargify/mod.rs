//! The rules of Chargify.
