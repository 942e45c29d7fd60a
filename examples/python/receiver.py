"""A Rekindle receiver with only the standard library: receiver.py ADDRESS PORT KEY_DIRECTORY (see docs/reload-contract.md)."""
import base64, hashlib, hmac, json, pathlib, sys, threading, time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

PATH, LIMIT = "/rekindle/v1/config", 4 << 20
one_at_a_time, state = threading.Lock(), {"epoch": 0, "running": None}

def apply(documents):  # The application's part: raises ValueError with a reason that holds none of the values.
    pool = json.loads(documents.get("app.json", "{}")).get("pool", 1)
    if pool not in range(1, 51):
        raise ValueError("app.json: pool must be a whole number from 1 to 50")

def digest_of(documents):
    parts = (part for pair in sorted((name.encode(), content) for name, content in documents) for part in pair)
    return "sha256:" + hashlib.sha256(b"".join(len(part).to_bytes(8, "big") + part for part in parts)).hexdigest()

def is_signed(header, body, keys, now):
    fields = [field.strip().partition("=")[::2] for field in header.split(",")]
    times = [value for name, value in fields if name == "t"]
    fresh = len(times) == 1 and times[0].isascii() and times[0].isdigit() and abs(now - int(times[0])) <= 300
    macs = [hmac.new(key, f"{times[0]}.".encode() + body, "sha256").hexdigest().encode() for key in keys if fresh]
    return any(hmac.compare_digest(mac, value.encode()) for mac in macs for name, value in fields if name == "v1")

def judge(epoch, incoming):
    if epoch < state["epoch"]:
        return "stale"
    state["epoch"], running = epoch, state["running"] or {"version": 0}
    return "apply" if incoming["version"] > running["version"] else "already-running" if incoming == running else "stale"

def receive(body):  # A push whose signature was verified: the status to answer with, and the reason of a refusal.
    try:
        push = json.loads(body)
        epoch, incoming = int(push["epoch"]), {"version": int(push["version"]), "digest": push["digest"]}
        documents = {each["name"]: each["text"].encode() if "text" in each else base64.b64decode(each["base64"], validate=True)
                     for each in push["documents"]}
        if digest_of(documents.items()) != push["digest"]:
            raise ValueError
    except (ValueError, KeyError, TypeError, AttributeError):
        return 400, "the body is outside the contract, or its documents are not those of its digest"
    with one_at_a_time:
        judgment = judge(epoch, incoming)
        try:
            if judgment == "apply":
                apply(documents)
                state["running"] = incoming
        except Exception as error:  # Whatever happens in there, the old configuration runs on.
            return 422, str(error) if type(error) is ValueError else "the application failed: " + type(error).__name__
    return (409, "it is older than what runs") if judgment == "stale" else (200, None)

class Receiver(BaseHTTPRequestHandler):
    protocol_version, timeout = "HTTP/1.1", 30
    def do_GET(self, status=200, reason=None):  # Tells what runs; so does every answer to a push.
        body = json.dumps({"running": state["running"], **({"reason": reason} if reason else {})}).encode()
        self.send_response(status if self.path == PATH else 404)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def do_POST(self):
        length = self.headers.get("Content-Length", "0")
        if "Transfer-Encoding" in self.headers or not length.isdecimal() or int(length) > LIMIT:
            self.close_connection = True  # For the body stays unread.
            return self.do_GET(413, f"a body of at most {LIMIT} bytes is taken")
        body, files = self.rfile.read(int(length)), [pathlib.Path(sys.argv[3], name) for name in ("current", "previous")]
        keys = [key for key in (file.read_bytes() for file in files if file.is_file()) if len(key) >= 32]
        signed = self.path == PATH and is_signed(self.headers.get("Rekindle-Signature", ""), body, keys, time.time())
        self.do_GET(*(receive(body) if signed else (401, "the signature is not valid")))

if __name__ == "__main__":
    server = ThreadingHTTPServer((sys.argv[1], int(sys.argv[2])), Receiver)
    print("listening on %s:%d" % server.server_address[:2], flush=True)
    server.serve_forever()
