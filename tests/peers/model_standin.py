"""A stand-in for a language model: it understands nothing, and answers POST /chat/completions with what a file says.

It is no model. `serve(folder)` reads `answer.json` for every request: {"mode": ..., "content": ...}, and appends each
request to `asked.jsonl`, so that a test can see what was sent. Modes: content (a whole completion), and the ways in which
a server misbehaves: garbage, slow, half, huge, refusal, empty, length, schema, status, redirect, stream, close.
"""

import http.server
import json
import pathlib
import sys
import time

FOLDER = pathlib.Path(sys.argv[1])


def completion(content, finish="stop", refusal=None):
    message = {"role": "assistant", "content": content, "refusal": refusal}
    return {
        "id": "stand-in",
        "object": "chat.completion",
        "created": 1,
        "model": "stand-in, no model",
        "choices": [{"index": 0, "message": message, "finish_reason": finish, "logprobs": None}],
        "usage": {"prompt_tokens": 90, "completion_tokens": 10, "total_tokens": 100},
    }


class StandIn(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self.note(b"")
        self.whole(200, b"elsewhere")

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("content-length", "0")))
        self.note(body)
        plan = json.loads((FOLDER / "answer.json").read_text())
        mode, content = plan["mode"], plan.get("content", "")
        if mode == "echo":
            content = json.dumps({"said": self.headers.get("authorization")})
        if mode in ("content", "echo"):
            self.whole(200, json.dumps(completion(content)).encode())
        elif mode == "garbage":
            self.whole(200, b"\x00\xff<html>busy</html>")
        elif mode == "slow":
            time.sleep(plan["seconds"])
            self.whole(200, json.dumps(completion(content)).encode())
        elif mode == "half":
            whole = json.dumps(completion(content)).encode()
            self.head(200, len(whole) * 2)
            self.wfile.write(whole)
            self.close_connection = True
        elif mode == "huge":
            self.head(200, 1 << 40)
            try:
                for _ in range(100_000):
                    self.wfile.write(b" " * 65536)
            except OSError:
                pass
            self.close_connection = True
        elif mode == "refusal":
            self.whole(200, json.dumps(completion(None, refusal="I would rather not")).encode())
        elif mode == "empty":
            self.whole(200, json.dumps(completion("")).encode())
        elif mode == "length":
            self.whole(200, json.dumps(completion(content, finish="length")).encode())
        elif mode == "schema":
            self.whole(200, json.dumps({"choices": "none"}).encode())
        elif mode == "status":
            self.whole(plan["status"], json.dumps({"error": {"message": "stand-in says no\nfor now"}}).encode())
        elif mode == "redirect":
            self.send_response(307)
            self.send_header("location", f"http://{self.headers['host']}/elsewhere")
            self.send_header("content-length", "0")
            self.end_headers()
        elif mode == "stream":
            self.whole(200, b'data: {"choices":[{"delta":{"content":"{"}}]}\n\n', "text/event-stream")
        elif mode == "close":
            self.close_connection = True
            self.connection.close()

    def note(self, body):
        line = {"path": self.path, "authorization": self.headers.get("authorization"), "body": body.decode("utf-8", "replace")}
        with (FOLDER / "asked.jsonl").open("a") as asked:
            asked.write(json.dumps(line) + "\n")

    def head(self, status, length, kind="application/json"):
        self.send_response(status)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(length))
        self.end_headers()

    def whole(self, status, body, kind="application/json"):
        self.head(status, len(body), kind)
        self.wfile.write(body)

    def log_message(self, *_):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), StandIn)
(FOLDER / "port").write_text(str(server.server_address[1]))
server.serve_forever()
