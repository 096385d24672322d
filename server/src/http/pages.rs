//! The pages, the server functions behind their forms, and the files they load.

use super::{Site, security};
use app::App;
use axum::{Router, body::Body, extract::Request};
use leptos::prelude::{LeptosOptions, provide_context};
use leptos_axum::{LeptosRoutes as _, generate_route_list, render_app_async_with_context};
use tower::service_fn;
use tower_http::services::ServeDir;

/// The name the build gives to the browser's half.
const OUTPUT_NAME: &str = "concord";
/// Where it stands below the site's root, in the folder and in addresses.
const PACKAGE_DIR: &str = "pkg";

/// All pages and server functions; whatever is neither is looked for among the files, and is else a page that says so.
pub(super) fn routes(site: &Site) -> Router {
    let options = LeptosOptions::builder()
        .output_name(OUTPUT_NAME)
        .site_root(site.site_root.to_string_lossy().into_owned())
        .site_pkg_dir(PACKAGE_DIR)
        .site_addr(site.address)
        .build();
    let engine = site.engine.clone();
    let context = move || {
        provide_context(engine.clone());
        security::provide_page_nonce();
    };
    let document = {
        let options = options.clone();
        move || app::shell(options.clone())
    };
    let missing = {
        let render = render_app_async_with_context(context.clone(), document.clone());
        service_fn(move |request: Request<Body>| {
            let answer = render(request);
            async move { Ok::<_, std::convert::Infallible>(answer.await) }
        })
    };
    let files = ServeDir::new(&site.site_root)
        .append_index_html_on_directories(false)
        .precompressed_br()
        .precompressed_gzip()
        .fallback(missing);
    Router::new()
        .leptos_routes_with_context(&options, generate_route_list(App), context, document)
        .fallback_service(files)
        .with_state(options)
}
