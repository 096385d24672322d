//! Concord's pages. Feature `ssr` renders them on the server; feature `hydrate` wakes the islands among them.
//!
//! Every page is complete without a script: it is loaded before it is sent, and every change is a plain form.

pub mod auth;
pub mod error;
pub mod islands;
pub mod kept;
pub mod page;
pub mod pages;
pub mod parts;
pub mod routes;

pub use error::AppError;
pub use routes::App;

use leptos::prelude::*;
use leptos_meta::MetaTags;

/// The document around every page.
pub fn shell(options: LeptosOptions) -> impl IntoView {
    view! {
        <!DOCTYPE html>
        <html lang="en">
            <head>
                <meta charset="utf-8" />
                <meta name="viewport" content="width=device-width, initial-scale=1" />
                <meta name="color-scheme" content="light dark" />
                <meta name="robots" content="noindex" />
                <link rel="icon" href="/favicon.svg" type="image/svg+xml" />
                <link rel="stylesheet" href=format!("/{}/{}.css", options.site_pkg_dir, options.output_name) />
                <HydrationScripts options=options.clone() islands=true />
                <MetaTags />
            </head>
            <body>
                <App />
            </body>
        </html>
    }
}
