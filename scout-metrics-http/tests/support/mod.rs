//! A server on loopback that plays a script, byte by byte: what HTTP libraries would tidy up stays as it is.

#![expect(
    clippy::unwrap_used,
    reason = "a helper that fails is a test that fails"
)]

use std::{
    io,
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
    time::sleep,
};
use tokio_rustls::TlsAcceptor;

/// Answers each request with the next reply of its script, and the last one again when the script is over.
pub(crate) struct Server {
    address: SocketAddr,
    shared: Arc<Shared>,
    task: JoinHandle<()>,
}

/// Returns the reply to a request, of which there were some before.
type Script = Arc<dyn Fn(usize, &Request) -> Reply + Send + Sync>;

#[derive(Default)]
struct Shared {
    log: Mutex<Log>,
}

/// The requests that the server saw.
#[derive(Clone, Debug, Default)]
pub(crate) struct Log {
    pub(crate) connections: usize,
    pub(crate) requests: Vec<Request>,
    /// Bytes of answers that the network took.
    pub(crate) written: u64,
    /// When connections were found closed by the client before the reply was over.
    pub(crate) closed: Vec<Instant>,
}

#[derive(Clone, Debug)]
pub(crate) struct Request {
    /// Request line and headers.
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
    pub(crate) at: Instant,
}

impl Request {
    /// Returns the value of a header.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().skip(1).find_map(|line| {
            let (key, value) = line.split_once(':')?;
            key.eq_ignore_ascii_case(name).then(|| value.trim())
        })
    }
}

/// The action of the server after a request.
#[derive(Clone)]
pub(crate) struct Reply {
    actions: Vec<Action>,
    keeps_alive: bool,
}

#[derive(Clone)]
enum Action {
    /// Holds the connection open until the client closes it.
    Hold,
    /// Writes this again and again until the client closes the connection.
    Repeat(Vec<u8>, Duration),
    Reset,
    Wait(Duration),
    Write(Vec<u8>),
}

impl Reply {
    /// Writes bytes as they are, and closes the connection.
    pub(crate) fn raw(bytes: impl Into<Vec<u8>>) -> Self {
        Self::nothing().then(bytes)
    }

    /// Closes the connection without a byte.
    pub(crate) fn nothing() -> Self {
        Self {
            actions: Vec::new(),
            keeps_alive: false,
        }
    }

    /// A whole answer with a content length.
    pub(crate) fn status(status: &str, headers: &str, body: impl AsRef<[u8]>) -> Self {
        let body = body.as_ref();
        let head = format!(
            "HTTP/1.1 {status}\r\n{headers}Content-Length: {}\r\n\r\n",
            body.len()
        );
        Self::raw(head).then(body).keep_alive()
    }

    /// A good answer in the Prometheus text format.
    pub(crate) fn metrics(body: impl AsRef<[u8]>) -> Self {
        Self::status("200 OK", TEXT, body)
    }

    pub(crate) fn then(mut self, bytes: impl Into<Vec<u8>>) -> Self {
        self.actions.push(Action::Write(bytes.into()));
        self
    }

    pub(crate) fn then_wait(mut self, time: Duration) -> Self {
        self.actions.push(Action::Wait(time));
        self
    }

    pub(crate) fn then_hold(mut self) -> Self {
        self.actions.push(Action::Hold);
        self
    }

    pub(crate) fn then_reset(mut self) -> Self {
        self.actions.push(Action::Reset);
        self
    }

    pub(crate) fn then_repeat(mut self, bytes: impl Into<Vec<u8>>, pause: Duration) -> Self {
        self.actions.push(Action::Repeat(bytes.into(), pause));
        self
    }

    /// Waits for another request on the connection afterwards.
    pub(crate) fn keep_alive(mut self) -> Self {
        self.keeps_alive = true;
        self
    }
}

/// The header of the Prometheus text format.
pub(crate) const TEXT: &str = "Content-Type: text/plain; version=0.0.4; charset=utf-8\r\n";

impl Server {
    pub(crate) async fn start(script: impl IntoIterator<Item = Reply>) -> Self {
        Self::start_with(None, script).await
    }

    pub(crate) async fn start_with(
        tls: Option<TlsAcceptor>,
        script: impl IntoIterator<Item = Reply>,
    ) -> Self {
        let script: Vec<Reply> = script.into_iter().collect();
        let reply = move |number: usize, _: &Request| script[number.min(script.len() - 1)].clone();
        Self::run(tls, Arc::new(reply)).await
    }

    /// Answers each request with what a function makes of it.
    #[cfg(feature = "prometheus-api")]
    pub(crate) async fn answering(
        reply: impl Fn(&Request) -> Reply + Send + Sync + 'static,
    ) -> Self {
        Self::run(None, Arc::new(move |_, request: &Request| reply(request))).await
    }

    async fn run(tls: Option<TlsAcceptor>, script: Script) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::new(Shared::default());
        let task = tokio::spawn(accept(listener, tls, Arc::clone(&shared), script));
        Self {
            address,
            shared,
            task,
        }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub(crate) fn log(&self) -> Log {
        self.shared.log.lock().unwrap().clone()
    }

    pub(crate) fn requests(&self) -> usize {
        self.log().requests.len()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn accept(
    listener: TcpListener,
    tls: Option<TlsAcceptor>,
    shared: Arc<Shared>,
    script: Script,
) {
    loop {
        let (stream, _) = listener.accept().await.unwrap();
        stream.set_nodelay(true).unwrap();
        shared.log.lock().unwrap().connections += 1;
        let (tls, shared, script) = (tls.clone(), Arc::clone(&shared), Arc::clone(&script));
        tokio::spawn(async move {
            // The client may go away at any time, that is what is tested.
            let _ = match tls {
                Some(tls) => match tls.accept(stream).await {
                    Ok(stream) => serve(Box::new(stream), &shared, &script).await,
                    Err(error) => Err(error),
                },
                None => serve(Box::new(stream), &shared, &script).await,
            };
        });
    }
}

trait Stream: AsyncRead + AsyncWrite + Send + Unpin {
    /// Makes the connection end with a reset.
    fn reset_on_close(&self) {}
}

impl Stream for TcpStream {
    fn reset_on_close(&self) {
        self.set_zero_linger().unwrap();
    }
}

impl Stream for tokio_rustls::server::TlsStream<TcpStream> {}

async fn serve(mut stream: Box<dyn Stream>, shared: &Shared, script: &Script) -> io::Result<()> {
    loop {
        let Some(request) = read_request(&mut stream).await? else {
            return Ok(());
        };
        let reply = {
            let mut log = shared.log.lock().unwrap();
            let reply = script(log.requests.len(), &request);
            log.requests.push(request);
            reply
        };
        for action in reply.actions {
            if let Err(error) = play(&mut stream, action, shared).await {
                shared.log.lock().unwrap().closed.push(Instant::now());
                return Err(error);
            }
        }
        if !reply.keeps_alive {
            return stream.shutdown().await;
        }
    }
}

async fn play(stream: &mut Box<dyn Stream>, action: Action, shared: &Shared) -> io::Result<()> {
    match action {
        Action::Hold => until_closed(stream).await,
        Action::Repeat(bytes, pause) => loop {
            stream.write_all(&bytes).await?;
            shared.log.lock().unwrap().written += bytes.len() as u64;
            if !pause.is_zero() {
                sleep(pause).await;
            }
        },
        Action::Reset => {
            stream.reset_on_close();
            Err(io::ErrorKind::ConnectionReset.into())
        }
        Action::Wait(time) => {
            tokio::select! {
                () = sleep(time) => Ok(()),
                closed = until_closed(stream) => closed,
            }
        }
        Action::Write(bytes) => {
            stream.write_all(&bytes).await?;
            shared.log.lock().unwrap().written += bytes.len() as u64;
            stream.flush().await
        }
    }
}

async fn until_closed(stream: &mut Box<dyn Stream>) -> io::Result<()> {
    let mut buffer = [0; 1024];
    while stream.read(&mut buffer).await? > 0 {}
    Err(io::ErrorKind::ConnectionAborted.into())
}

/// Reads a request with a body of the length that it states. Returns nothing if the client closes before.
async fn read_request(stream: &mut Box<dyn Stream>) -> io::Result<Option<Request>> {
    let Some(head) = read_head(stream).await? else {
        return Ok(None);
    };
    let mut request = Request {
        head,
        body: Vec::new(),
        at: Instant::now(),
    };
    if let Some(length) = request.header("content-length") {
        request.body = vec![0; length.parse().unwrap()];
        stream.read_exact(&mut request.body).await?;
    }
    Ok(Some(request))
}

/// Reads up to the empty line that ends the headers. Returns nothing if the client closes before.
async fn read_head(stream: &mut Box<dyn Stream>) -> io::Result<Option<String>> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        match stream.read_u8().await {
            Ok(byte) => head.push(byte),
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
            Err(error) => return Err(error),
        }
    }
    Ok(Some(String::from_utf8_lossy(&head).into_owned()))
}
