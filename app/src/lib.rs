//! Skeleton.

pub mod parts;
