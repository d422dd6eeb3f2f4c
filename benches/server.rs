//! A server that gives answers that are ready to whoever asks, as quickly as it can.

use std::{
    io::{self, BufRead, BufReader, Write},
    net::{TcpListener, TcpStream},
    sync::Arc,
    thread,
};

/// Returns a whole answer with a body of a content type.
pub(crate) fn answer(content_type: &str, body: &str) -> Arc<[u8]> {
    let length = body.len();
    let head = format!(
        "HTTP/1.1 200 OK\r\nContent-Type: {content_type}\r\nContent-Length: {length}\r\n\r\n"
    );
    [head.as_bytes(), body.as_bytes()].concat().into()
}

/// Starts the server on threads of its own, and returns its address. Each request gets the answer for its first line.
pub(crate) fn serve(answer: impl Fn(&str) -> Arc<[u8]> + Send + Sync + 'static) -> String {
    let answer = Arc::new(answer);
    let listener = TcpListener::bind("127.0.0.1:0").expect("loopback has a free port");
    let address = listener.local_addr().expect("the listener is bound");
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let answer = Arc::clone(&answer);
            thread::spawn(move || answer_all(stream, &*answer));
        }
    });
    format!("http://{address}")
}

/// Answers the requests of one connection until it is closed.
fn answer_all(stream: TcpStream, answer: &dyn Fn(&str) -> Arc<[u8]>) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut requests = BufReader::new(stream.try_clone()?);
    let mut writer = stream;
    let (mut first, mut line) = (String::new(), String::new());
    while requests.read_line(&mut line)? > 0 {
        if first.is_empty() {
            first.clone_from(&line);
        }
        if line == "\r\n" {
            writer.write_all(&answer(&first))?;
            first.clear();
        }
        line.clear();
    }
    Ok(())
}
