//! The style sheet, the script and the icon: part of the program, so that nothing is loaded from anywhere else.

use axum::{
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use ring::digest;

/// A file that is part of the program.
pub(super) struct Asset {
    /// Where it is served.
    pub(super) path: &'static str,
    kind: &'static str,
    content: &'static [u8],
}

/// All of them.
pub(super) const ASSETS: &[Asset] = &[
    Asset {
        path: "/static/xunjian.css",
        kind: "text/css; charset=utf-8",
        content: include_bytes!("../../static/xunjian.css"),
    },
    Asset {
        path: "/static/xunjian.js",
        kind: "text/javascript; charset=utf-8",
        content: include_bytes!("../../static/xunjian.js"),
    },
    Asset {
        path: "/static/icon.svg",
        kind: "image/svg+xml",
        content: include_bytes!("../../static/icon.svg"),
    },
];

/// Serves one; a browser that has it already is told so.
pub(super) async fn serve(asset: &'static Asset, head: HeaderMap) -> Response {
    let hash = digest::digest(&digest::SHA256, asset.content);
    let tag: String = hash.as_ref()[..8].iter().map(|byte| format!("{byte:02x}")).collect();
    let tag = format!("\"{tag}\"");
    let known =
        head.get(header::IF_NONE_MATCH).is_some_and(|value| value.as_bytes() == tag.as_bytes());
    let headers = [
        (header::CONTENT_TYPE, asset.kind.to_owned()),
        (header::ETAG, tag),
        // Asked again each time, so that an upgrade shows at once; the answer is then a bare 304.
        (header::CACHE_CONTROL, "no-cache".to_owned()),
    ];
    if known {
        return (StatusCode::NOT_MODIFIED, headers).into_response();
    }
    (headers, asset.content).into_response()
}
