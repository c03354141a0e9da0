"""A small hub of datasets on this machine: what HfFileSystem asks of huggingface.co, and no more.

GET  /api/datasets/OWNER/NAME[/revision/REV]          the repository is there
GET  /api/datasets/OWNER/NAME/tree/REV[/PATH]         what lies under a folder
POST /api/datasets/OWNER/NAME/paths-info/REV          what lies at some paths
GET  /datasets/OWNER/NAME/resolve/REV/PATH            a file, or the range of it that is asked for
"""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, unquote, urlsplit

COMMIT = "0" * 40


class Hub:
    """One dataset's files, by path, and how many bytes of them were fetched."""

    def __init__(self, dataset: str, files: dict[str, bytes]) -> None:
        self.dataset = dataset
        self.files = files
        self.bytes_fetched = 0
        self.address = ""
        self.broken = False
        """Whether it sends but half of each file and then hangs up."""

    def info(self, path: str) -> dict[str, object] | None:
        if path in self.files:
            return {"type": "file", "oid": COMMIT, "size": len(self.files[path]), "path": path}
        if any(name.startswith(f"{path}/") for name in self.files):
            return {"type": "directory", "oid": COMMIT, "size": 0, "path": path}
        return None

    def tree(self, folder: str, recursive: bool) -> list[dict[str, object] | None]:
        under = f"{folder}/" if folder else ""
        paths = set()
        for name in self.files:
            if name.startswith(under):
                parts = name.removeprefix(under).split("/")
                paths |= {under + "/".join(parts[: n + 1]) for n in range(len(parts) if recursive else 1)}
        return [self.info(path) for path in sorted(paths)]


@contextlib.contextmanager
def serve(hub: Hub) -> Iterator[Hub]:
    """Serve a hub on a free port for the length of a `with`; its address is HF_ENDPOINT."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *args: object) -> None:
            pass

        def answer(self, status: int, body: bytes = b"", **headers: str) -> None:
            self.send_response(status)
            for name, value in {"Content-Length": str(len(body)), "X-Repo-Commit": COMMIT, **headers}.items():
                self.send_header(name.replace("_", "-"), value)
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)

        def hang_up_halfway(self, status: int, body: bytes, **headers: str) -> None:
            self.send_response(status)
            for name, value in {"Content-Length": str(len(body)), "X-Repo-Commit": COMMIT, **headers}.items():
                self.send_header(name.replace("_", "-"), value)
            self.end_headers()
            self.wfile.write(body[: len(body) // 2])
            self.close_connection = True

        def answer_json(self, value: object) -> None:
            self.answer(200, json.dumps(value).encode(), Content_Type="application/json")

        def do_GET(self) -> None:
            url = urlsplit(self.path)
            path, query = unquote(url.path), parse_qs(url.query)
            api, files = f"/api/datasets/{hub.dataset}", f"/datasets/{hub.dataset}/resolve/main/"
            if path.startswith(f"{api}/tree/main"):
                folder = path.removeprefix(f"{api}/tree/main").strip("/")
                found = hub.tree(folder, query.get("recursive") in (["True"], ["true"]))
                if found:
                    self.answer_json(found)
                else:
                    self.answer(404, X_Error_Code="EntryNotFound")
            elif path in (api, f"{api}/revision/main"):
                self.answer_json({"id": hub.dataset, "sha": COMMIT, "siblings": []})
            elif path.startswith(files):
                self.answer_file(path.removeprefix(files))
            else:
                self.answer(404, X_Error_Code="RepoNotFound")

        do_HEAD = do_GET  # noqa: N815

        def answer_file(self, path: str) -> None:
            content = hub.files.get(path)
            if content is None:
                self.answer(404, X_Error_Code="EntryNotFound")
                return
            wanted = self.headers.get("Range")
            if wanted:
                first, last = wanted.removeprefix("bytes=").split("-")
                stop = min(int(last) + 1, len(content)) if last else len(content)
                body, status = content[int(first) : stop], 206
                extra = {"Content_Range": f"bytes {first}-{stop - 1}/{len(content)}"}
            else:
                body, status, extra = content, 200, {}
            if self.command != "HEAD":
                hub.bytes_fetched += len(body)
            answer = self.hang_up_halfway if hub.broken and self.command != "HEAD" else self.answer
            answer(status, body, ETag=f'"{COMMIT}"', Accept_Ranges="bytes", **extra)

        def do_POST(self) -> None:
            asked = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
            self.answer_json([info for path in asked["paths"] if (info := hub.info(path))])

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        hub.address = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield hub
        finally:
            server.shutdown()
            thread.join()
