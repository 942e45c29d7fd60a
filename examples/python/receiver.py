#!/usr/bin/env python3
"""A Rekindle receiver with only the standard library: receiver.py ADDRESS PORT KEY_DIRECTORY (see docs/reload-contract.md)."""
import base64, hashlib, hmac, json, pathlib, sys, threading, time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

PATH, LIMIT = "/rekindle/v1/config", 4 << 20
one_at_a_time = threading.Lock()
state = {"epoch": 0, "running": None}

def apply(documents):
    """The application's part: takes the documents, or raises ValueError with a reason that holds none of their values."""
    settings = json.loads(documents["app.json"]) if "app.json" in documents else {}
    if settings.get("pool", 1) not in range(1, 51):
        raise ValueError("app.json: pool must be a whole number from 1 to 50")

def digest_of(documents):
    total = hashlib.sha256()
    for pair in sorted((name.encode(), content) for name, content in documents):
        for part in pair:
            total.update(len(part).to_bytes(8, "big") + part)
    return "sha256:" + total.hexdigest()

def is_signed(header, body, keys, now):
    fields = [field.strip().partition("=")[::2] for field in header.split(",")]
    times = [value for name, value in fields if name == "t"]
    if len(times) != 1 or not (times[0].isascii() and times[0].isdigit()) or abs(now - int(times[0])) > 300:
        return False
    macs = [hmac.new(key, times[0].encode() + b"." + body, hashlib.sha256).hexdigest().encode() for key in keys]
    return any(hmac.compare_digest(mac, value.encode()) for mac in macs for name, value in fields if name == "v1")

def judge(epoch, incoming):
    running = state["running"]
    if epoch < state["epoch"]:
        return "stale"
    state["epoch"] = epoch
    if running is None or incoming["version"] > running["version"]:
        return "apply"
    return "already-running" if incoming == running else "stale"

def receive(body):
    """A push whose signature was verified: the status and the reason to answer with."""
    try:
        push = json.loads(body)
        epoch, incoming = int(push["epoch"]), {"version": int(push["version"]), "digest": push["digest"]}
        documents = [(each["name"], each["text"].encode() if "text" in each else base64.b64decode(each["base64"], validate=True))
                     for each in push["documents"]]
    except (ValueError, KeyError, TypeError, AttributeError):
        return 400, "the body is outside the contract"
    if digest_of(documents) != push["digest"] or len(dict(documents)) != len(documents):
        return 400, "the documents are not those that the digest promises"
    with one_at_a_time:
        judgment = judge(epoch, incoming)
        if judgment == "apply":
            try:
                apply(dict(documents))
            except Exception as error:  # whatever happens in there, the old configuration runs on
                return 422, str(error) if type(error) is ValueError else "the application failed: " + type(error).__name__
            state["running"] = incoming
    return (409, "it is older than what runs") if judgment == "stale" else (200, None)

class Receiver(BaseHTTPRequestHandler):
    protocol_version, timeout = "HTTP/1.1", 30

    def do_GET(self):
        self.answer(*((200, None) if self.path == PATH else (404, "not found")))

    def do_POST(self):
        length = self.headers.get("Content-Length", "0") if "Transfer-Encoding" not in self.headers else "unknown"
        if self.path != PATH or not length.isdecimal() or int(length) > LIMIT:
            self.close_connection = True  # for the body stays unread
            return self.answer(*((404, "not found") if self.path != PATH else (413, f"a body of at most {LIMIT} bytes is taken")))
        body, files = self.rfile.read(int(length)), [self.server.keys / name for name in ("current", "previous")]
        keys = [key for key in (file.read_bytes() for file in files if file.is_file()) if len(key) >= 32]
        header = self.headers.get("Rekindle-Signature", "")
        self.answer(*(receive(body) if is_signed(header, body, keys, time.time()) else (401, "the signature is not valid")))

    def answer(self, status, reason):
        body = json.dumps({"running": state["running"], **({"reason": reason} if reason else {})}).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

if __name__ == "__main__":
    server = ThreadingHTTPServer((sys.argv[1], int(sys.argv[2])), Receiver)
    server.keys = pathlib.Path(sys.argv[3])
    print("listening on %s:%d" % server.server_address[:2], flush=True)
    server.serve_forever()
