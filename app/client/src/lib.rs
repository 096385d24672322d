//! The browser end: wakes the islands. Naming `app` is what keeps their exports in the wasm.

#[expect(unused_imports, reason = "the reference links the islands' exports into the wasm")]
use app::*;
use wasm_bindgen::prelude::wasm_bindgen;

/// Called once by the page's loader script.
#[wasm_bindgen]
pub fn hydrate() {
    leptos::mount::hydrate_islands();
}
