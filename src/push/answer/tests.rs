//! Answers as bytes in, replies out; each one also cut in two at every place.

use super::*;

const HEAD: &str = "HTTP/1.1 200 OK\r\n";

fn whole(text: &[u8]) -> Result<Option<Reply>, BadAnswer> {
    Reading::default().feed(text)
}

/// The reply to a text, the same however it is cut.
fn reply(text: &str) -> Reply {
    let expected = whole(text.as_bytes()).unwrap().unwrap_or_else(|| panic!("incomplete: {text:?}"));
    for cut in 1..text.len() {
        let (first, second) = text.as_bytes().split_at(cut);
        let mut reading = Reading::default();
        if let Some(early) = reading.feed(first).unwrap() {
            assert!(!expected.reusable, "{text:?} is complete after {cut} bytes: {early:?}");
            continue;
        }
        assert_eq!(reading.feed(second).as_ref(), Ok(&Some(reply_of(&expected))), "{text:?} cut at {cut}");
    }
    let mut reading = Reading::default();
    let (last, front) = text.as_bytes().split_last().unwrap();
    for byte in front {
        if reading.feed(&[*byte]).unwrap().is_some() {
            return expected;
        }
    }
    assert_eq!(reading.feed(&[*last]).as_ref(), Ok(&Some(reply_of(&expected))), "{text:?} byte by byte");
    expected
}

fn reply_of(reply: &Reply) -> Reply {
    Reply { status: reply.status, body: reply.body.clone(), reusable: reply.reusable }
}

fn good(status: u16, body: &str) -> Reply {
    Reply { status, body: body.as_bytes().to_vec(), reusable: true }
}

#[test]
fn a_body_ends_where_its_length_says() {
    assert_eq!(reply("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"), good(200, "hello"));
    assert_eq!(reply("HTTP/1.1 422 Unprocessable\r\ncontent-length: 0\r\nX: y\r\n\r\n"), good(422, ""));
    assert_eq!(reply(&format!("{HEAD}Content-Length: 2\r\ncontent-length: 2\r\n\r\nok")), good(200, "ok"));
}

#[test]
fn chunks_are_joined() {
    let chunked = |chunks: &str| reply(&format!("{HEAD}Transfer-Encoding: chunked\r\n\r\n{chunks}"));
    assert_eq!(chunked("5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n"), good(200, "hello world"));
    assert_eq!(chunked("A;name=\"x\"\r\n0123456789\r\n0\r\nTrailer: t\r\nAnother: u\r\n\r\n"), good(200, "0123456789"));
    assert_eq!(chunked("0\r\n\r\n"), good(200, ""));
    assert_eq!(chunked("0005\r\nhe\r\no\r\n0\r\n\r\n"), good(200, "he\r\no"));
}

#[test]
fn interim_answers_are_passed_over() {
    let interim = "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n";
    assert_eq!(reply(&format!("{interim}{HEAD}Content-Length: 2\r\n\r\nok")), good(200, "ok"));
}

#[test]
fn some_answers_have_no_body() {
    assert_eq!(reply("HTTP/1.1 204 No Content\r\n\r\n"), good(204, ""));
    assert_eq!(reply("HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n"), good(304, ""));
    let upgrade = whole(b"HTTP/1.1 101 Switching\r\nUpgrade: x\r\n\r\n").unwrap().unwrap();
    assert_eq!((upgrade.status, upgrade.reusable), (101, false));
}

#[test]
fn a_connection_that_will_close_or_said_too_much_is_not_used_again() {
    for head in [
        "HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\n",
        "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\n",
        "HTTP/1.1 200 OK\r\nConnection: x, Close\r\nContent-Length: 2\r\n\r\n",
    ] {
        let reply = reply(&format!("{head}ok"));
        assert_eq!((reply.body.as_slice(), reply.reusable), (b"ok".as_slice(), false), "{head}");
    }
    let extra = whole(format!("{HEAD}Content-Length: 2\r\n\r\nokHTTP/1.1 200").as_bytes()).unwrap().unwrap();
    assert_eq!((extra.body.as_slice(), extra.reusable), (b"ok".as_slice(), false));
    let extra = whole(format!("{HEAD}Transfer-Encoding: chunked\r\n\r\n0\r\n\r\nx").as_bytes()).unwrap().unwrap();
    assert!(!extra.reusable);
    assert!(reply(&format!("{HEAD}Connection: keep-alive\r\nContent-Length: 0\r\n\r\n")).reusable);
}

#[test]
fn without_a_length_the_body_ends_with_the_connection() {
    let mut reading = Reading::default();
    assert_eq!(reading.feed(format!("{HEAD}\r\nhel").as_bytes()), Ok(None));
    assert_eq!(reading.feed(b"lo"), Ok(None));
    assert_eq!(reading.close(), Ok(Reply { status: 200, body: b"hello".to_vec(), reusable: false }));
}

#[test]
fn an_answer_that_breaks_off_is_none() {
    for text in [
        "HTTP/1.1 20",
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhell",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n",
        "HTTP/1.1 100 Continue\r\n\r\n",
    ] {
        let mut reading = Reading::default();
        assert_eq!(reading.feed(text.as_bytes()), Ok(None), "{text:?}");
        assert_eq!(reading.close(), Err(BadAnswer::BrokeOff), "{text:?}");
    }
    assert!(Reading::default().is_empty());
}

#[test]
fn what_is_not_http_is_refused() {
    for text in
        ["SSH-2.0-OpenSSH\r\n", "hello\r\n\r\n", "HTTP/2 200\r\n\r\n", "HTTP/1.1 two\r\n\r\n", "\u{0}\u{1}\u{2}"]
    {
        assert!(matches!(whole(text.as_bytes()), Err(BadAnswer::NotHttp(_))), "{text:?}");
    }
    let many = (0..65).map(|number| format!("x-{number}: y\r\n")).collect::<String>();
    assert!(matches!(whole(format!("{HEAD}{many}\r\n").as_bytes()), Err(BadAnswer::NotHttp(_))));
}

#[test]
fn a_body_with_two_ends_or_none_that_is_known_is_refused() {
    for headers in [
        "Content-Length: 5\r\nContent-Length: 6",
        "Content-Length: 5, 5",
        "Content-Length: -1",
        "Content-Length: +5",
        "Content-Length:",
        "Content-Length: 0x5",
        "Transfer-Encoding: gzip, chunked",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked",
        "Transfer-Encoding: identity",
        "Transfer-Encoding: chunked\r\nContent-Length: 5",
    ] {
        let verdict = whole(format!("{HEAD}{headers}\r\n\r\n5\r\nhello\r\n0\r\n\r\n").as_bytes());
        assert!(matches!(verdict, Err(BadAnswer::Framing(_))), "{headers}: {verdict:?}");
    }
    for chunks in ["\r\n", ";x\r\n", "g\r\n", "-1\r\n", "1\r\nab", "1\r\naX\r\n"] {
        let verdict = whole(format!("{HEAD}Transfer-Encoding: chunked\r\n\r\n{chunks}").as_bytes());
        assert_eq!(verdict, Err(BadAnswer::Framing("chunk")), "{chunks:?}");
    }
}

#[test]
fn no_more_is_read_than_is_allowed() {
    assert_eq!(whole(format!("{HEAD}Content-Length: 65537\r\n\r\n").as_bytes()), Err(BadAnswer::TooLong));
    assert_eq!(whole(format!("{HEAD}Content-Length: {}\r\n\r\n", "9".repeat(40)).as_bytes()), Err(BadAnswer::TooLong));
    let longest = format!("{HEAD}Content-Length: 65536\r\n\r\n{}", "x".repeat(65536));
    assert_eq!(whole(longest.as_bytes()).unwrap().unwrap().body.len(), MAX_ANSWER);

    let endless = |begin: &str, piece: &str| {
        let mut reading = Reading::default();
        let begun = reading.feed(begin.as_bytes()).unwrap();
        assert_eq!(begun, None, "{begin:?}");
        let verdicts = std::iter::repeat_with(|| reading.feed(piece.as_bytes())).take(1_000_000);
        let verdict = verdicts.into_iter().find(|verdict| *verdict != Ok(None));
        assert_eq!(verdict, Some(Err(BadAnswer::TooLong)), "{begin:?} {piece:?}");
    };
    endless("HTTP/1.1 200 OK\r\n\r\n", "0123456789");
    endless("HTTP/1.1 200 OK\r\nX: ", "0123456789");
    endless("HTTP/1.1 100 Continue\r\n\r\n", "HTTP/1.1 100 Continue\r\n\r\n");
    endless("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", "5\r\nhello\r\n");
    endless("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5;", "x");
    endless("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0", "0");
    endless("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n", "t: x\r\n");
}
