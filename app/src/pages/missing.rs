//! The address nobody has given out.

use leptos::prelude::*;

use crate::{AppError, page};

/// Answers an unknown address, to members inside the frame.
#[component]
pub fn Missing() -> impl IntoView {
    page::loaded::<()>("Nothing here", async { Err(nothing()) }, |_, ()| ().into_any())
}

fn nothing() -> AppError {
    #[cfg(feature = "ssr")]
    return engine::EngineError::NotFound("page").into();
    #[cfg(not(feature = "ssr"))]
    AppError::NotFound { what: "page".to_owned() }
}
