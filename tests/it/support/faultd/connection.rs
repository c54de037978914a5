//! One connection: requests are read and answered as scripted, and every byte is counted.

use std::io;
use std::ops::ControlFlow::{self, Break, Continue};
use std::sync::Arc;

use bytes::BytesMut;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::State;
use super::counts::Counts;
use super::reply::{Event, Framing, Pace, Reply};
use super::request::Request;

/// A connection, which counts as open until it is dropped.
pub(super) struct Connection {
    stream: TcpStream,
    state: Arc<State>,
    number: usize,
    pace: Option<Pace>,
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.counts().closed();
    }
}

impl Connection {
    pub(super) fn open(stream: TcpStream, state: Arc<State>) -> Self {
        let number = state.counts.opened();
        Self {
            stream,
            state,
            number,
            pace: None,
        }
    }

    /// Answers one request after the other. That the client goes away is no failure of the upstream.
    pub(super) async fn serve(mut self) -> io::Result<()> {
        let mut buffer = BytesMut::new();
        loop {
            let end = loop {
                if let Some(end) = buffer.windows(4).position(|window| window == b"\r\n\r\n") {
                    break end + 4;
                }
                let read = self.stream.read_buf(&mut buffer).await?;
                if read == 0 {
                    return Ok(());
                }
                self.counts().received(read);
            };
            let head = buffer.split_to(end);
            let request = Request::parse(&String::from_utf8_lossy(&head), self.number);
            let reply = self.state.reply(request);
            self.counts().began();
            let outcome = self.answer(&reply).await;
            self.counts().ended();
            if outcome?.is_break() {
                return Ok(());
            }
        }
    }

    fn counts(&self) -> &Counts {
        &self.state.counts
    }

    /// Answers, and tells whether the connection ends.
    async fn answer(&mut self, reply: &Reply) -> io::Result<ControlFlow<()>> {
        self.pace = reply.head_pace;
        if let Some(event) = &reply.before_head
            && self.happen(event).await?.is_break()
        {
            return Ok(Break(()));
        }
        if let Some(raw) = &reply.raw {
            self.write(raw).await?;
            return Ok(Break(()));
        }
        let framing = match reply.framing {
            Framing::Length(length) => format!("Content-Length: {length}\r\n"),
            Framing::Chunked => "Transfer-Encoding: chunked\r\n".to_owned(),
            Framing::UntilClose => "Connection: close\r\n".to_owned(),
        };
        self.write(format!("{}{framing}\r\n", reply.head).as_bytes()).await?;
        self.pace = None;
        let mut sent = 0;
        for (at, event) in &reply.events {
            self.send(reply, sent, *at).await?;
            sent = (*at).min(reply.body.len());
            if self.happen(event).await?.is_break() {
                return Ok(Break(()));
            }
        }
        self.send(reply, sent, reply.body.len()).await?;
        self.pace = None;
        match reply.framing {
            Framing::Chunked => self.write(b"0\r\n\r\n").await?,
            Framing::Length(length) if length != reply.body.len() => return Ok(Break(())),
            Framing::Length(_) => {}
            Framing::UntilClose => return Ok(Break(())),
        }
        Ok(Continue(()))
    }

    async fn send(&mut self, reply: &Reply, from: usize, to: usize) -> io::Result<()> {
        let piece = reply.body.get(from..to.min(reply.body.len())).unwrap_or_default();
        if piece.is_empty() {
            return Ok(());
        }
        if reply.framing == Framing::Chunked {
            self.write(format!("{:x}\r\n", piece.len()).as_bytes()).await?;
            self.write(piece).await?;
            self.write(b"\r\n").await
        } else {
            self.write(piece).await
        }
    }

    async fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        let Some(Pace {
            bytes: at_a_time,
            every,
        }) = self.pace
        else {
            return self.write_now(bytes).await;
        };
        for piece in bytes.chunks(at_a_time) {
            tokio::time::sleep(every).await;
            self.write_now(piece).await?;
        }
        Ok(())
    }

    async fn write_now(&mut self, mut bytes: &[u8]) -> io::Result<()> {
        while !bytes.is_empty() {
            let written = self.stream.write(bytes).await?;
            self.counts().sent(written);
            bytes = bytes.get(written..).unwrap_or_default();
        }
        Ok(())
    }

    async fn happen(&mut self, event: &Event) -> io::Result<ControlFlow<()>> {
        self.stream.flush().await?;
        match event {
            Event::Wait(gate) => {
                gate.pass().await;
                return Ok(Continue(()));
            }
            Event::Slow(pace) => {
                self.pace = Some(*pace);
                return Ok(Continue(()));
            }
            Event::Stall => {
                // Until the client has had enough.
                let mut ignored = [0; 256];
                while self.stream.read(&mut ignored).await? > 0 {}
            }
            Event::Reset => self.stream.set_zero_linger()?,
            Event::Close => {}
        }
        Ok(Break(()))
    }
}
