//! A client as the API server is one: TLS that trusts one CA, HTTP/1.1 or HTTP/2.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures::future::join_all;
use http::{HeaderMap, Method, Request};
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt as _, Full, StreamBody};
use hyper::body::Frame;
use hyper::client::conn::{http1, http2};
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustls::crypto::ring::default_provider;
use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, ServerName};
use serde_json::Value;
use tokio::net::TcpStream;
use tokio::runtime::{Builder, Runtime};
use tokio_rustls::TlsConnector;

/// No call takes longer, unless the server hangs.
const LIMIT: Duration = Duration::from_secs(20);

type Body = BoxBody<Bytes, Infallible>;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Protocol {
    Http1,
    Http2,
}

impl Protocol {
    pub(crate) const BOTH: [Self; 2] = [Self::Http1, Self::Http2];
}

/// One request.
#[derive(Debug)]
pub(crate) struct Call {
    method: Method,
    path: String,
    content_type: Option<&'static str>,
    body: Body,
}

impl Call {
    /// A POST as the API server makes it.
    pub(crate) fn post(path: &str, body: impl Into<Bytes>) -> Self {
        Self {
            method: Method::POST,
            path: path.to_owned(),
            content_type: Some("application/json"),
            body: Full::new(body.into()).boxed(),
        }
    }

    pub(crate) fn method(mut self, method: Method) -> Self {
        self.method = method;
        self
    }

    pub(crate) fn content_type(mut self, content_type: Option<&'static str>) -> Self {
        self.content_type = content_type;
        self
    }

    /// The body in pieces, its length untold: chunked, over HTTP/1.1.
    pub(crate) fn in_pieces(mut self, pieces: Vec<Bytes>) -> Self {
        let frames = pieces.into_iter().map(|piece| Ok(Frame::data(piece)));
        self.body = StreamBody::new(futures::stream::iter(frames)).boxed();
        self
    }

    /// The body in two pieces, the second once the receiver has got it.
    pub(crate) fn held_back(
        mut self,
        first: Bytes,
        second: tokio::sync::oneshot::Receiver<Bytes>,
    ) -> Self {
        use futures::StreamExt as _;
        let first = futures::stream::iter([Ok(Frame::data(first))]);
        let second = futures::stream::once(async { Ok(Frame::data(second.await.unwrap())) });
        self.body = BoxBody::new(StreamBody::new(first.chain(second)));
        self
    }
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Reply {
    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        assert_eq!(self.headers["content-type"], "application/json");
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|error| panic!("{error}: {:?}", self.body))
    }
}

/// Knows where the server is and whom to trust. Everything about it blocks.
#[derive(Clone)]
pub(crate) struct Client {
    address: SocketAddr,
    tls: Arc<ClientConfig>,
    runtime: Rc<Runtime>,
}

impl Client {
    pub(crate) fn new(address: SocketAddr, ca_pem: &str) -> Self {
        let mut roots = RootCertStore::empty();
        for certificate in CertificateDer::pem_slice_iter(ca_pem.as_bytes()) {
            roots.add(certificate.unwrap()).unwrap();
        }
        let tls = ClientConfig::builder_with_provider(Arc::new(default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        // A thread of its own, so that a connection answers the server's pings and farewells while
        // the test does something else.
        let runtime = Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        Self {
            address,
            tls: Arc::new(tls),
            runtime: Rc::new(runtime),
        }
    }

    pub(crate) fn connect(&self, protocol: Protocol) -> io::Result<Connection> {
        let sender = self
            .runtime
            .block_on(open(self.address, Arc::clone(&self.tls), protocol))?;
        Ok(Connection {
            sender,
            runtime: Rc::clone(&self.runtime),
        })
    }

    /// Makes all these calls at the same time, over one connection of HTTP/2, or each over one of
    /// its own.
    pub(crate) fn all(&self, protocol: Protocol, calls: Vec<Call>) -> Vec<Reply> {
        self.runtime.block_on(async {
            let open = || open(self.address, Arc::clone(&self.tls), protocol);
            let shared = match open().await.expect("the server takes connections") {
                Sender::Http2(sender) => Some(sender),
                Sender::Http1(_) => None,
            };
            let replies = calls.into_iter().map(|call| {
                let shared = shared.clone();
                async move {
                    let mut sender = match shared {
                        Some(sender) => Sender::Http2(sender),
                        None => open().await.expect("the server takes connections"),
                    };
                    sender.send(call).await.expect("the server answers")
                }
            });
            join_all(replies).await
        })
    }
}

/// An open connection.
pub(crate) struct Connection {
    sender: Sender,
    runtime: Rc<Runtime>,
}

impl Connection {
    /// The answer to a call, or why there was none.
    pub(crate) fn send(&mut self, call: Call) -> hyper::Result<Reply> {
        self.runtime.block_on(self.sender.send(call))
    }

    /// Sends a call whose body is held back, does something meanwhile, and waits for the answer.
    pub(crate) fn send_slowly(
        &mut self,
        path: &str,
        body: &[u8],
        meanwhile: impl FnOnce(),
    ) -> hyper::Result<Reply> {
        let (first, second) = body.split_at(body.len() / 2);
        let (release, held) = tokio::sync::oneshot::channel();
        let call = Call::post(path, Bytes::new()).held_back(Bytes::copy_from_slice(first), held);
        let second = Bytes::copy_from_slice(second);
        self.runtime.block_on(async {
            let mut answer = Box::pin(self.sender.send(call));
            // Until the first half is out.
            let sent = tokio::time::timeout(Duration::from_millis(300), &mut answer).await;
            assert!(sent.is_err(), "answered before the body was complete");
            meanwhile();
            release.send(second).expect("the call still waits");
            answer.await
        })
    }
}

enum Sender {
    Http1(http1::SendRequest<Body>),
    Http2(http2::SendRequest<Body>),
}

async fn open(
    address: SocketAddr,
    tls: Arc<ClientConfig>,
    protocol: Protocol,
) -> io::Result<Sender> {
    let mut tls = (*tls).clone();
    tls.alpn_protocols = match protocol {
        Protocol::Http1 => vec![b"http/1.1".to_vec()],
        Protocol::Http2 => vec![b"h2".to_vec()],
    };
    let stream = TcpStream::connect(address).await?;
    let name = ServerName::try_from("localhost").unwrap();
    let stream = TlsConnector::from(Arc::new(tls))
        .connect(name, stream)
        .await?;
    let io = TokioIo::new(stream);
    Ok(match protocol {
        Protocol::Http1 => {
            let (sender, connection) = http1::handshake(io).await.map_err(io::Error::other)?;
            tokio::spawn(connection);
            Sender::Http1(sender)
        }
        Protocol::Http2 => {
            let (sender, connection) = http2::handshake(TokioExecutor::new(), io)
                .await
                .map_err(io::Error::other)?;
            tokio::spawn(connection);
            Sender::Http2(sender)
        }
    })
}

impl Sender {
    async fn send(&mut self, call: Call) -> hyper::Result<Reply> {
        let mut request = Request::new(call.body);
        *request.method_mut() = call.method;
        if let Some(content_type) = call.content_type {
            let value = content_type.parse().unwrap();
            request.headers_mut().insert("content-type", value);
        }
        let answer = async {
            let response = match self {
                Self::Http1(sender) => {
                    sender.ready().await?;
                    *request.uri_mut() = call.path.parse().unwrap();
                    request
                        .headers_mut()
                        .insert("host", "localhost".parse().unwrap());
                    sender.send_request(request).await?
                }
                Self::Http2(sender) => {
                    sender.ready().await?;
                    let uri = format!("https://localhost{}", call.path);
                    *request.uri_mut() = uri.parse().unwrap();
                    sender.send_request(request).await?
                }
            };
            let (head, body) = response.into_parts();
            Ok(Reply {
                status: head.status.as_u16(),
                headers: head.headers,
                body: body.collect().await?.to_bytes(),
            })
        };
        tokio::time::timeout(LIMIT, answer)
            .await
            .expect("the server answers in time")
    }
}
