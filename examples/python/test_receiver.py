"""Checks the receiver against the contract's vectors: python3 -m unittest test_receiver, from this folder."""
import base64, json, pathlib, unittest

import receiver

ROOT = pathlib.Path(__file__).resolve().parents[2]
VECTORS = json.loads((ROOT / "docs" / "contract-vectors.json").read_text(encoding="utf-8"))


def contents(document):
    return document["text"].encode() if "text" in document else base64.b64decode(document["base64"])


class Vectors(unittest.TestCase):
    def test_digests(self):
        for case in VECTORS["digests"]:
            with self.subTest(case["about"]):
                documents = [(document["name"], contents(document)) for document in case["documents"]]
                self.assertEqual(receiver.digest_of(documents), case["digest"])

    def test_signatures(self):
        keys = [bytes.fromhex(VECTORS["keys"][name]) for name in ("current", "previous")]
        for case in VECTORS["signatures"]:
            with self.subTest(case["about"]):
                signed = receiver.is_signed(case["header"], VECTORS["body"].encode(), keys, case["now"])
                self.assertEqual("accept" if signed else "refuse", case["verdict"])

    def test_fences(self):
        for case in VECTORS["fences"]:
            with self.subTest(case["about"]):
                running = dict(case["running"] or {})
                receiver.state.update(epoch=running.pop("epoch", 0), running=running or None)
                incoming = dict(case["incoming"])
                self.assertEqual(receiver.judge(incoming.pop("epoch"), incoming), case["judgment"])


if __name__ == "__main__":
    unittest.main()
