//! The pages, each with the server functions it needs: those only authorise, make one engine call and return its view.

pub mod audit;
pub mod connections;
pub mod missing;
pub mod overview;
pub mod records;
pub mod removals;
pub mod runs;
pub mod setup;
pub mod sign_in;
pub mod standing;
pub mod syncs;
pub mod team;
pub mod workspaces;
