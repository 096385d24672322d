//! The rules of GoHighLevel.
