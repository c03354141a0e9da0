"""A small hub on this machine that repositories are uploaded to: what huggingface_hub's upload asks for, and no more.

GET  /api/whoami-v2                        whose token it is
POST /api/repos/create                     makes a repository
POST /api/validate-yaml                    looks at the metadata of a README.md
GET  /api/KINDs/OWNER/NAME/tree/main       the files that are there
POST /api/KINDs/OWNER/NAME/preupload/main  how files are to be sent: here all of them in the commit
POST /api/KINDs/OWNER/NAME/commit/main     files that are added and deleted
"""

from __future__ import annotations

import base64
import contextlib
import json
import re
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

import yaml

COMMIT = "0" * 40
TOKEN = "hf_right"


class UploadHub:
    """Repositories with their files, by `models/OWNER/NAME` and `datasets/OWNER/NAME`."""

    def __init__(self) -> None:
        self.repositories: dict[str, dict[str, bytes]] = {}
        self.address = ""
        self.refuses = False


@contextlib.contextmanager
def serve_uploads(hub: UploadHub) -> Iterator[UploadHub]:
    """Serve a hub on a free port for the length of a `with`; its address is HF_ENDPOINT."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *args: object) -> None:
            pass

        def answer(self, value: Any, status: int = 200) -> None:
            body = json.dumps(value).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def do_GET(self) -> None:
            path = urlsplit(self.path).path
            if self.headers.get("Authorization") != f"Bearer {TOKEN}":
                self.answer({"error": "Invalid credentials"}, 401)
            elif path == "/api/whoami-v2":
                self.answer({"name": "library", "type": "user"})
            elif match := re.fullmatch(r"/api/(.*)/tree/main", path):
                files = hub.repositories[match[1]]
                self.answer([{"type": "file", "oid": COMMIT, "size": len(files[f]), "path": f} for f in files])
            elif path.removeprefix("/api/") in hub.repositories:
                files = hub.repositories[path.removeprefix("/api/")]
                self.answer({"id": path, "sha": COMMIT, "siblings": [{"rfilename": file} for file in files]})
            else:
                self.answer({"error": f"unknown {path}"}, 404)

        def do_POST(self) -> None:
            content = self.rfile.read(int(self.headers["Content-Length"]))
            path = urlsplit(self.path).path
            if hub.refuses:
                self.answer({"error": "no room"}, 403)
            elif path == "/api/repos/create":
                asked = json.loads(content)
                name = f"{asked['organization']}/{asked['name']}" if asked.get("organization") else asked["name"]
                kind = asked.get("type") or "model"
                there = f"{kind}s/{name}" in hub.repositories
                hub.repositories.setdefault(f"{kind}s/{name}", {".gitattributes": b""})
                address = f"{hub.address}/{'datasets/' if kind == 'dataset' else ''}{name}"
                self.answer({"url": address, "name": name, "id": COMMIT}, 409 if there else 200)
            elif path == "/api/validate-yaml":
                metadata = yaml.safe_load(json.loads(content)["content"].split("---")[1])
                right = isinstance(metadata, dict) and "license" in metadata
                self.answer(
                    {"errors": [] if right else [{"message": "no licence"}], "warnings": []}, 200 if right else 400
                )
            elif path.endswith("/preupload/main"):
                files = [file["path"] for file in json.loads(content)["files"]]
                told = [{"path": file, "uploadMode": "regular", "shouldIgnore": False} for file in files]
                self.answer({"files": told, "commitOid": COMMIT})
            elif match := re.fullmatch(r"/api/(.*)/commit/main", path):
                for line in content.splitlines():
                    change = json.loads(line)
                    if change["key"] == "file":
                        body = base64.b64decode(change["value"]["content"])
                        hub.repositories[match[1]][change["value"]["path"]] = body
                    elif change["key"] == "deletedFile":
                        del hub.repositories[match[1]][change["value"]["path"]]
                page = f"{hub.address}/{match[1].removeprefix('models/')}/commit/{COMMIT}"
                self.answer({"commitUrl": page, "commitOid": COMMIT, "success": True})
            else:
                self.answer({"error": f"unknown {path}"}, 404)

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        hub.address = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield hub
        finally:
            server.shutdown()
            thread.join()
