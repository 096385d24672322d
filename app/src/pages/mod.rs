//! The pages, each with the server functions it needs: those only authorise, make one engine call and return its view.

pub mod missing;
pub mod setup;
pub mod sign_in;
