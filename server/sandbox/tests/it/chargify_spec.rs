//! Chargify's rules against the vendor's OpenAPI document.
