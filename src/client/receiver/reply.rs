//! Answers of the contract as HTTP responses: which status and which words each outcome has.
//! Must not know how an outcome came about.

use bytes::Bytes;
use http::header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderValue, Response, StatusCode};
use http_body_util::Full;
use rekindle_core::contract::CONTENT_TYPE as JSON;
use rekindle_core::contract::answer::AnswerBody;
use rekindle_core::target::Running;

use super::BODY_WITHIN;
use crate::turn::{Decided, Verdict};

/// Why a request never became the application's affair.
pub(super) enum Problem {
    Method,
    Signature(String),
    TooLarge(usize),
    Slow,
    NoKey(String),
    Body(String),
    Policy,
    Busy,
    Ending,
}

pub(super) struct Reply {
    status: StatusCode,
    answer: AnswerBody,
}

impl Reply {
    pub(super) fn running(running: Option<Running>) -> Self {
        Self { status: StatusCode::OK, answer: AnswerBody { running, reason: None } }
    }

    pub(super) fn of(Decided { verdict, running }: Decided) -> Self {
        let (status, reason) = match verdict {
            Verdict::Ack => (StatusCode::OK, None),
            Verdict::Stale(reason) => (StatusCode::CONFLICT, Some(reason.to_owned())),
            Verdict::Nack(reason) => (StatusCode::UNPROCESSABLE_ENTITY, Some(reason)),
        };
        Self { status, answer: AnswerBody { running, reason } }
    }

    pub(super) fn problem(problem: Problem, running: Option<Running>) -> Self {
        let (status, reason) = match problem {
            Problem::Method => (StatusCode::METHOD_NOT_ALLOWED, "only GET and POST are served".to_owned()),
            Problem::Signature(reason) => (StatusCode::UNAUTHORIZED, reason),
            Problem::TooLarge(limit) => {
                (StatusCode::PAYLOAD_TOO_LARGE, format!("the body is larger than {limit} bytes"))
            }
            Problem::Slow => (StatusCode::REQUEST_TIMEOUT, format!("the body took longer than {BODY_WITHIN:?}")),
            Problem::NoKey(reason) => (StatusCode::SERVICE_UNAVAILABLE, reason),
            Problem::Body(reason) => (StatusCode::BAD_REQUEST, reason),
            Problem::Policy => (StatusCode::FORBIDDEN, "this receiver takes pushes of another policy".to_owned()),
            Problem::Busy => {
                (StatusCode::SERVICE_UNAVAILABLE, "the application is still busy with an earlier version".to_owned())
            }
            Problem::Ending => (StatusCode::SERVICE_UNAVAILABLE, "the process is ending".to_owned()),
        };
        Self { status, answer: AnswerBody { running, reason: Some(reason) } }
    }

    pub(super) fn into_response(self) -> Response<Full<Bytes>> {
        let mut response = Response::new(Full::new(self.answer.encode().into()));
        *response.status_mut() = self.status;
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(JSON));
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if self.status == StatusCode::METHOD_NOT_ALLOWED {
            headers.insert(ALLOW, HeaderValue::from_static("GET, POST"));
        }
        response
    }
}
