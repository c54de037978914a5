//! What one answer is made of: a head, a body and its framing, none of which need agree, and what happens on the way.

use std::fmt::Write as _;
use std::time::Duration;

use bytes::Bytes;

use super::gate::Gate;
use super::request::Request;

/// What happens when an answer has come to a place.
#[derive(Clone)]
pub(super) enum Event {
    Wait(Gate),
    Stall,
    /// The connection is reset.
    Reset,
    /// The connection is closed in good order.
    Close,
    /// From here on the bytes come so slowly.
    Slow(Pace),
}

/// How fast bytes come: so many at a time, and that often.
#[derive(Clone, Copy)]
pub(crate) struct Pace {
    pub(crate) bytes: usize,
    pub(crate) every: Duration,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Framing {
    Length(usize),
    Chunked,
    /// The end of the connection is the end of the body, as in HTTP/1.0.
    UntilClose,
}

/// One scripted answer.
#[derive(Clone)]
pub(crate) struct Reply {
    pub(super) head: String,
    pub(super) framing: Framing,
    pub(super) body: Bytes,
    pub(super) before_head: Option<Event>,
    pub(super) head_pace: Option<Pace>,
    /// What happens after so many bytes of the body, in rising order.
    pub(super) events: Vec<(usize, Event)>,
    /// Bytes sent in place of all else.
    pub(super) raw: Option<Bytes>,
    /// The validator by which a request for the rest of the body is met.
    resumable: Option<String>,
}

impl Reply {
    pub(crate) fn status(status: u16) -> Self {
        Self {
            head: format!("HTTP/1.1 {status} Scripted\r\n"),
            framing: Framing::Length(0),
            body: Bytes::new(),
            before_head: None,
            head_pace: None,
            events: Vec::new(),
            raw: None,
            resumable: None,
        }
    }

    pub(crate) fn ok(body: impl Into<Bytes>) -> Self {
        Self::status(200).body(body)
    }

    /// A feed with the headers that galleries send.
    pub(crate) fn feed(body: impl Into<Bytes>) -> Self {
        Self::ok(body).header("Content-Type", "application/atom+xml;type=feed;charset=utf-8")
    }

    pub(crate) fn redirect(to: &str) -> Self {
        Self::status(302).header("Location", to)
    }

    /// The bytes of `whole` from one on, as a 206 that says so.
    pub(crate) fn partial(whole: &Bytes, from: usize) -> Self {
        let length = whole.len();
        Self::status(206)
            .body(whole.slice(from..))
            .header("Content-Range", &format!("bytes {from}-{}/{length}", length - 1))
    }

    /// Sends these bytes, whatever they are, and closes.
    pub(crate) fn raw(bytes: impl Into<Bytes>) -> Self {
        let mut reply = Self::status(200);
        reply.raw = Some(bytes.into());
        reply
    }

    /// Closes the connection without a word.
    pub(crate) fn hang_up() -> Self {
        Self::raw(Bytes::new())
    }

    pub(crate) fn header(mut self, name: &str, value: &str) -> Self {
        write!(self.head, "{name}: {value}\r\n").expect("a string takes all");
        self
    }

    pub(crate) fn body(mut self, body: impl Into<Bytes>) -> Self {
        self.body = body.into();
        self.framing = Framing::Length(self.body.len());
        self
    }

    /// Claims a length that need not be true.
    pub(crate) fn length(mut self, length: usize) -> Self {
        self.framing = Framing::Length(length);
        self
    }

    pub(crate) fn chunked(mut self) -> Self {
        self.framing = Framing::Chunked;
        self
    }

    pub(crate) fn until_close(mut self) -> Self {
        self.framing = Framing::UntilClose;
        self
    }

    /// Has this entity tag, and gives the rest of the body to whoever asks for it with `Range` and the tag in `If-Range`.
    pub(crate) fn resumable(mut self, etag: &str) -> Self {
        self = self.header("ETag", etag).header("Accept-Ranges", "bytes");
        self.resumable = Some(etag.to_owned());
        self
    }

    /// Never sends as much as a status line.
    pub(crate) fn silent(mut self) -> Self {
        self.before_head = Some(Event::Stall);
        self
    }

    /// Waits at the gate before the status line.
    pub(crate) fn head_gate(mut self, gate: &Gate) -> Self {
        self.before_head = Some(Event::Wait(gate.clone()));
        self
    }

    /// Sends status line and headers so slowly.
    pub(crate) fn slow_head(mut self, pace: Pace) -> Self {
        self.head_pace = Some(pace);
        self
    }

    /// Waits at the gate after `at` bytes of the body.
    pub(crate) fn gate(self, at: usize, gate: &Gate) -> Self {
        self.event(at, Event::Wait(gate.clone()))
    }

    /// Sends what follows the first `at` bytes of the body so slowly.
    pub(crate) fn slow(self, at: usize, pace: Pace) -> Self {
        self.event(at, Event::Slow(pace))
    }

    /// Sends no more after `at` bytes of the body, and keeps the connection.
    pub(crate) fn stall(self, at: usize) -> Self {
        self.event(at, Event::Stall)
    }

    /// Resets the connection after `at` bytes of the body.
    pub(crate) fn reset(self, at: usize) -> Self {
        self.event(at, Event::Reset)
    }

    /// Closes the connection in good order after `at` bytes of the body; before the last chunk of a chunked one.
    pub(crate) fn close(self, at: usize) -> Self {
        self.event(at, Event::Close)
    }

    fn event(mut self, at: usize, event: Event) -> Self {
        self.events.push((at, event));
        self
    }

    /// Returns the answer to a request for the rest of the body, where this is one that can be resumed. What happens on
    /// the way happens after as many bytes of the rest.
    pub(super) fn for_request(self, request: &Request) -> Self {
        let Some(from) = request.range_start().filter(|from| *from < self.body.len()) else {
            return self;
        };
        if self.resumable.is_none() || request.header("If-Range") != self.resumable.as_deref() {
            return self;
        }
        let etag = self.resumable.clone().unwrap_or_default();
        Self {
            events: self.events,
            ..Self::partial(&self.body, from).header("ETag", &etag)
        }
    }
}
