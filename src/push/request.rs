//! The request of the reload contract as bytes on the wire, and what its answer means.
//! Must not know connections.

use std::fmt::Write as _;
use std::net::SocketAddr;

use bytes::Bytes;
use rekindle_core::contract;
use rekindle_core::contract::answer::{interpret, interpret_notice};
use rekindle_core::digest::Digest;
use rekindle_core::target::{Answer, Endpoint, Payload};

use super::Shipment;
use super::answer::Reply;

/// Everything in a request that is the same for all targets.
pub(super) struct Letter {
    body: Bytes,
    digest: Digest,
    content: String,
    notice: String,
}

/// Why a request cannot be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum Unwritable {
    #[error("its path cannot stand in a request")]
    Path,
    #[error("the signature cannot stand in a header")]
    Signature,
}

impl Letter {
    pub(super) fn of(shipment: &Shipment) -> Result<Self, Unwritable> {
        let agent = concat!("user-agent: rekindle/", env!("CARGO_PKG_VERSION"));
        let Shipment { body, signature, digest } = shipment;
        if !signature.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(Unwritable::Signature);
        }
        let content = format!(
            "{agent}\r\ncontent-type: {}\r\n{}: {signature}\r\ncontent-length: {}\r\n\r\n",
            contract::CONTENT_TYPE,
            contract::SIGNATURE_HEADER,
            body.len(),
        );
        let notice = format!("{agent}\r\ncontent-length: 0\r\n\r\n");
        Ok(Self { body: body.clone(), digest: *digest, content, notice })
    }

    /// The first part of the request to this endpoint; what follows it is [`Letter::rest`].
    pub(super) fn head(endpoint: &Endpoint) -> Result<String, Unwritable> {
        let path = &endpoint.path;
        // Where a path comes from it has been checked; here a line break would be another request.
        if !path.starts_with('/') || !path.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(Unwritable::Path);
        }
        let mut head = String::with_capacity(path.len() + 80);
        // Writing to a text never fails.
        let _ = write!(head, "POST {path} HTTP/1.1\r\nhost: {}\r\n", address(endpoint));
        Ok(head)
    }

    /// The other headers and the body, which all targets share.
    pub(super) fn rest(&self, payload: Payload) -> [&[u8]; 2] {
        match payload {
            Payload::Content => [self.content.as_bytes(), &self.body],
            Payload::Notice => [self.notice.as_bytes(), &[]],
        }
    }

    pub(super) fn interpret(&self, payload: Payload, reply: &Reply) -> Answer {
        match payload {
            Payload::Content => interpret(reply.status, &reply.body, self.digest),
            Payload::Notice => interpret_notice(reply.status),
        }
    }
}

pub(super) fn address(endpoint: &Endpoint) -> SocketAddr {
    SocketAddr::new(endpoint.address, endpoint.port)
}
