//! The wire as a value: one request out, one answer in. The clients stand above it, a simulation may stand below.

use futures::future::BoxFuture;
use std::time::Duration;

/// A request as it will leave.
#[derive(Clone, Debug)]
pub struct Outgoing {
    pub method: http::Method,
    /// Whole address, with an encoded query.
    pub url: String,
    /// Header names in lower case. May hold credentials: never logged.
    pub headers: Vec<(&'static str, String)>,
    pub body: Option<Vec<u8>>,
    pub timeout: Duration,
}

/// An answer, whatever its status.
#[derive(Clone, Debug)]
pub struct Incoming {
    pub status: u16,
    /// Header names in lower case.
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Incoming {
    /// The first header of that (lower-case) name.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }
}

/// No whole answer came.
#[derive(Clone, Debug, thiserror::Error)]
pub enum TransportError {
    /// No connection was made: the request never left.
    #[error("cannot connect: {0}")]
    Connect(String),
    /// The request may have been carried out.
    #[error("no whole answer: {0}")]
    Broken(String),
    /// The answer began and broke off: the service has ended the request.
    #[error("the answer broke off: {0}")]
    CutShort(String),
    #[error("no answer within {0:?}")]
    TimedOut(Duration),
}

/// Carries requests. Implementations do not retry, redirect or cache.
pub trait Transport: Send + Sync {
    fn send(&self, request: Outgoing) -> BoxFuture<'_, Result<Incoming, TransportError>>;
}

/// The real wire.
#[derive(Clone, Debug)]
pub struct HttpTransport {
    client: reqwest::Client,
}

/// An answer longer than this is refused: the largest page of either service is far below it.
const ANSWER_BYTES_MAX: usize = 32 * 1024 * 1024;

impl HttpTransport {
    /// Builds the client. The process must have installed its TLS provider before.
    ///
    /// # Errors
    /// When the TLS roots cannot be loaded.
    pub fn new() -> Result<Self, reqwest::Error> {
        let client = reqwest::Client::builder()
            .user_agent(concat!("Concord/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(Duration::from_secs(10))
            .redirect(reqwest::redirect::Policy::none())
            .retry(reqwest::retry::never())
            .pool_idle_timeout(Duration::from_secs(60))
            .no_proxy()
            .build()?;
        Ok(Self { client })
    }
}

impl Transport for HttpTransport {
    fn send(&self, request: Outgoing) -> BoxFuture<'_, Result<Incoming, TransportError>> {
        Box::pin(async move {
            let timeout = request.timeout;
            let mut builder = self.client.request(request.method, &request.url).timeout(timeout);
            for (name, value) in request.headers {
                builder = builder.header(name, value);
            }
            if let Some(body) = request.body {
                builder = builder.body(body);
            }
            let mut response = builder.send().await.map_err(|error| classify(&error, timeout))?;
            let status = response.status().as_u16();
            let headers = response
                .headers()
                .iter()
                .map(|(name, value)| (name.as_str().to_owned(), String::from_utf8_lossy(value.as_bytes()).into_owned()))
                .collect();
            let mut body = Vec::new();
            while let Some(chunk) = response.chunk().await.map_err(|error| cut_short(&error, timeout))? {
                if body.len() + chunk.len() > ANSWER_BYTES_MAX {
                    return Err(TransportError::CutShort("the answer is too long".to_owned()));
                }
                body.extend_from_slice(&chunk);
            }
            Ok(Incoming { status, headers, body })
        })
    }
}

fn classify(error: &reqwest::Error, timeout: Duration) -> TransportError {
    // The address may hold personal data in its query: it is left out of every message.
    if error.is_timeout() && !error.is_connect() {
        TransportError::TimedOut(timeout)
    } else if error.is_connect() {
        TransportError::Connect(chain(error))
    } else {
        TransportError::Broken(chain(error))
    }
}

fn cut_short(error: &reqwest::Error, timeout: Duration) -> TransportError {
    match classify(error, timeout) {
        TransportError::Broken(words) | TransportError::Connect(words) => TransportError::CutShort(words),
        other => other,
    }
}

fn chain(error: &reqwest::Error) -> String {
    let mut text = String::new();
    let mut cause = std::error::Error::source(error);
    while let Some(inner) = cause {
        if !text.is_empty() {
            text.push_str(": ");
        }
        text.push_str(&inner.to_string());
        cause = inner.source();
    }
    if text.is_empty() { "the connection failed".to_owned() } else { text }
}
