//! Reads an HTTP/1.1 answer from bytes as they come, and never more of it than is allowed.
//! Must not do I/O; httparse reads the head, what is here is where the body ends.

use std::{fmt, io};

use rekindle_core::contract::answer::MAX_ANSWER;

/// The most bytes of a head, and the most headers in it.
const MAX_HEAD: usize = 16 << 10;
const MAX_HEADERS: usize = 64;
/// The most bytes of an answer with everything around its body: interim heads, sizes of chunks, trailers.
const MAX_RAW: usize = MAX_HEAD + 2 * MAX_ANSWER;

/// What a target answered.
#[derive(PartialEq, Eq)]
pub(super) struct Reply {
    pub(super) status: u16,
    pub(super) body: Vec<u8>,
    /// Whether the connection can carry another request.
    pub(super) reusable: bool,
}

/// The size of the body only: what a target says may hold what it was sent.
impl fmt::Debug for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { status, body, reusable } = self;
        write!(f, "Reply({status}, {} bytes, reusable: {reusable})", body.len())
    }
}

/// Why what came is no answer.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum BadAnswer {
    #[error("its answer is not HTTP: {0}")]
    NotHttp(httparse::Error),
    #[error("its answer's {0} cannot be understood")]
    Framing(&'static str),
    #[error("its answer is longer than {MAX_ANSWER} bytes")]
    TooLong,
    #[error("its answer broke off")]
    BrokeOff,
}

impl From<BadAnswer> for io::Error {
    fn from(error: BadAnswer) -> Self {
        Self::new(io::ErrorKind::InvalidData, error.to_string())
    }
}

/// An answer of which a part may have come.
#[derive(Default)]
pub(super) struct Reading {
    /// Of the head, what has come.
    head: Vec<u8>,
    raw: usize,
    begun: Option<Begun>,
}

/// An answer whose head is there.
struct Begun {
    reply: Reply,
    rest: Rest,
}

/// What is still to come of a body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Rest {
    Bytes(usize),
    UntilClosed,
    Chunks(Chunk),
    Nothing,
}

/// Where in a chunked body the next byte stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Chunk {
    /// In the size, of which so much is known.
    Size { size: usize, digits: u8 },
    /// Behind the size, up to the end of the line; extensions mean nothing to us.
    Extension { size: usize },
    /// In the data, of which so much is missing.
    Data { missing: usize },
    /// Behind the data, up to the end of the line.
    DataEnd,
    /// In a line of the trailer, of which so many bytes have come.
    Trailer { length: usize },
}

impl Reading {
    /// Whether nothing has come at all.
    pub(super) fn is_empty(&self) -> bool {
        self.raw == 0
    }

    /// Takes the next bytes; gives the answer once it is complete.
    pub(super) fn feed(&mut self, bytes: &[u8]) -> Result<Option<Reply>, BadAnswer> {
        self.raw = self.raw.saturating_add(bytes.len());
        if self.raw > MAX_RAW {
            return Err(BadAnswer::TooLong);
        }
        if let Some(begun) = &mut self.begun {
            begun.feed(bytes)?;
        } else if self.head.is_empty() {
            // Nearly always the whole answer comes at once, and nothing needs to be kept.
            self.begin(bytes)?;
        } else {
            let mut head = std::mem::take(&mut self.head);
            head.extend_from_slice(bytes);
            self.begin(&head)?;
        }
        self.finished()
    }

    /// The other side has closed: completes an answer that has no other end.
    pub(super) fn close(&mut self) -> Result<Reply, BadAnswer> {
        if let Some(begun) = &mut self.begun
            && begun.rest == Rest::UntilClosed
        {
            begun.rest = Rest::Nothing;
        }
        self.finished()?.ok_or(BadAnswer::BrokeOff)
    }

    fn finished(&mut self) -> Result<Option<Reply>, BadAnswer> {
        if self.begun.as_ref().is_some_and(|begun| begun.reply.body.len() > MAX_ANSWER) {
            return Err(BadAnswer::TooLong);
        }
        Ok(self.begun.take_if(|begun| begun.rest == Rest::Nothing).map(|begun| begun.reply))
    }

    /// Reads heads, interim ones too, and what follows the last.
    fn begin(&mut self, mut bytes: &[u8]) -> Result<(), BadAnswer> {
        while let Some((begun, rest)) = parse_head(bytes)? {
            if (100..200).contains(&begun.reply.status) && begun.reply.status != 101 {
                bytes = rest;
                continue;
            }
            return self.begun.insert(begun).feed(rest);
        }
        if bytes.len() > MAX_HEAD {
            return Err(BadAnswer::TooLong);
        }
        self.head = bytes.to_vec();
        Ok(())
    }
}

fn parse_head(bytes: &[u8]) -> Result<Option<(Begun, &[u8])>, BadAnswer> {
    let mut headers = [httparse::EMPTY_HEADER; MAX_HEADERS];
    let mut response = httparse::Response::new(&mut headers);
    let httparse::Status::Complete(length) = response.parse(bytes).map_err(BadAnswer::NotHttp)? else {
        return Ok(None);
    };
    let status = response.code.unwrap_or_default();
    let mut reusable = response.version == Some(1);
    let (mut bytes_said, mut chunked) = (None, false);
    for header in response.headers.iter() {
        let name = header.name;
        if name.eq_ignore_ascii_case("content-length") {
            let said = parse_length(header.value).ok_or(BadAnswer::Framing("content-length"))?;
            if bytes_said.replace(said).is_some_and(|before| before != said) {
                return Err(BadAnswer::Framing("content-length"));
            }
        } else if name.eq_ignore_ascii_case("transfer-encoding") {
            if chunked || !header.value.trim_ascii().eq_ignore_ascii_case(b"chunked") {
                return Err(BadAnswer::Framing("transfer-encoding"));
            }
            chunked = true;
        } else if name.eq_ignore_ascii_case("connection") {
            let mut words = header.value.split(|byte| *byte == b',');
            reusable &= !words.any(|word| word.trim_ascii().eq_ignore_ascii_case(b"close"));
        }
    }
    let rest = match (status, chunked, bytes_said) {
        (100..200 | 204 | 304, ..) => Rest::Nothing,
        // Two ends for one body are how answers are smuggled.
        (_, true, Some(_)) => return Err(BadAnswer::Framing("length")),
        (_, true, None) => Rest::Chunks(Chunk::Size { size: 0, digits: 0 }),
        (_, false, Some(length)) if length > MAX_ANSWER => return Err(BadAnswer::TooLong),
        (_, false, Some(length)) => Rest::Bytes(length),
        (_, false, None) => Rest::UntilClosed,
    };
    reusable &= rest != Rest::UntilClosed && status != 101;
    let begun = Begun { reply: Reply { status, body: Vec::new(), reusable }, rest };
    Ok(Some((begun, bytes.get(length..).unwrap_or_default())))
}

fn parse_length(value: &[u8]) -> Option<usize> {
    let digits = value.trim_ascii();
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    // What is beyond the numbers of this machine is too long as well.
    Some(std::str::from_utf8(digits).ok()?.parse().unwrap_or(usize::MAX))
}

impl Begun {
    fn feed(&mut self, bytes: &[u8]) -> Result<(), BadAnswer> {
        match self.rest {
            Rest::Bytes(missing) => {
                let (ours, beyond) = bytes.split_at(missing.min(bytes.len()));
                self.reply.body.extend_from_slice(ours);
                self.rest = Rest::Bytes(missing - ours.len());
                self.end_with(beyond);
            }
            Rest::UntilClosed => self.reply.body.extend_from_slice(bytes),
            Rest::Chunks(chunk) => self.feed_chunks(chunk, bytes)?,
            Rest::Nothing => self.end_with(bytes),
        }
        Ok(())
    }

    /// Nobody asked for what stands behind the end: what it belongs to cannot be known, so the connection ends.
    fn end_with(&mut self, beyond: &[u8]) {
        self.reply.reusable &= beyond.is_empty();
        if self.rest == Rest::Bytes(0) {
            self.rest = Rest::Nothing;
        }
    }

    fn feed_chunks(&mut self, mut chunk: Chunk, mut bytes: &[u8]) -> Result<(), BadAnswer> {
        while let Some((byte, rest)) = bytes.split_first() {
            if let Chunk::Data { missing } = chunk {
                let (ours, beyond) = bytes.split_at(missing.min(bytes.len()));
                self.reply.body.extend_from_slice(ours);
                bytes = beyond;
                chunk = match missing - ours.len() {
                    0 => Chunk::DataEnd,
                    missing => Chunk::Data { missing },
                };
                continue;
            }
            bytes = rest;
            match chunk.step(*byte)? {
                Some(next) => chunk = next,
                None => {
                    self.rest = Rest::Nothing;
                    self.end_with(bytes);
                    return Ok(());
                }
            }
        }
        self.rest = Rest::Chunks(chunk);
        Ok(())
    }
}

impl Chunk {
    /// What follows this byte outside of data; none at the end of the body.
    fn step(self, byte: u8) -> Result<Option<Self>, BadAnswer> {
        const BROKEN: BadAnswer = BadAnswer::Framing("chunk");
        let next = match (self, byte) {
            (Self::Size { digits: 0, .. }, b'\r' | b'\n' | b';') => return Err(BROKEN),
            (Self::Size { size, .. } | Self::Extension { size }, b'\n') => match size {
                0 => Self::Trailer { length: 0 },
                size => Self::Data { missing: size },
            },
            (Self::Size { size, .. }, b';' | b' ' | b'\t' | b'\r') => Self::Extension { size },
            (Self::Size { size, digits }, byte) => {
                let digit = char::from(byte).to_digit(16).ok_or(BROKEN)?;
                let size = (size << 4) | usize::try_from(digit).unwrap_or_default();
                if size > MAX_ANSWER || digits > 16 {
                    return Err(BadAnswer::TooLong);
                }
                Self::Size { size, digits: digits + 1 }
            }
            (Self::Extension { size }, _) => Self::Extension { size },
            (Self::DataEnd, b'\r') => Self::DataEnd,
            (Self::DataEnd, b'\n') => Self::Size { size: 0, digits: 0 },
            (Self::DataEnd, _) => return Err(BROKEN),
            (Self::Trailer { length: 0 }, b'\n') => return Ok(None),
            (Self::Trailer { .. }, b'\n') => Self::Trailer { length: 0 },
            (Self::Trailer { length }, b'\r') => Self::Trailer { length },
            (Self::Trailer { length }, _) => Self::Trailer { length: length.saturating_add(1) },
            // Data is taken in pieces by the caller.
            (Self::Data { missing }, _) => Self::Data { missing },
        };
        Ok(Some(next))
    }
}

#[cfg(test)]
mod tests;
