//! What the browser and the outside meet: health, logins and the rules every request and answer keeps.

pub mod health;
pub mod logins;
pub mod security;
