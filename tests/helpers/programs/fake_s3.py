"""As much of S3 as pyarrow asks for, in memory: objects of one bucket, uploads in parts, listings."""

import hashlib
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, unquote, urlsplit
from xml.sax.saxutils import escape

from fsspec.implementations.memory import MemoryFileSystem
from pyarrow import fs

from sweep.storage.s3 import RemoteFolder

DATE = formatdate(0, usegmt=True)


def bucket_in_memory() -> RemoteFolder:
    """A folder of an empty bucket, without a server."""
    memory = MemoryFileSystem()
    memory.store.clear()
    memory.pseudo_dirs[:] = [""]
    return RemoteFolder(fs.PyFileSystem(fs.FSSpecHandler(memory)), "bucket/prefix", "?region=eu-1")


class Bucket:
    """What the server holds, what it was asked, and when it fails: ``fails(number of the request)``."""

    url = ""

    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}
        self.days: dict[str, int] = {}
        """Of January 2026, on which objects were last changed; the first where nothing is said."""
        self.uploads: dict[str, dict[int, bytes]] = {}
        self.fails: Callable[[int], bool] = lambda number: False
        self.looked: Callable[[str], None] = lambda key: None
        """Happens when somebody has been told how large an object is."""
        self.failure = 503, "ServiceUnavailable"
        self.requests = self.failed = 0
        self.asked: list[str] = []
        self.lock = threading.Lock()

    def next_fails(self) -> bool:
        with self.lock:
            self.requests += 1
            failed = self.fails(self.requests)
            self.failed += failed
            return failed


@contextmanager
def serving(address: str = "127.0.0.1") -> Iterator[Bucket]:
    """A bucket behind a server of this process."""
    bucket = Bucket()
    server = ThreadingHTTPServer((address, 0), handler_for(bucket))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    place = f"{address}:{server.server_port}"
    bucket.url = f"s3://bucket/runs?endpoint_override={place}&scheme=http&region=us-east-1"
    yield bucket
    server.shutdown()
    server.server_close()


def handler_for(bucket: Bucket) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *arguments: object) -> None:
            pass

        def answer(self, status: int, body: bytes = b"", **headers: str) -> None:
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name.replace("_", "-"), value)
            if "Content_Length" not in headers:
                self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)

        def body(self) -> bytes:
            if self.headers.get("Transfer-Encoding") == "chunked":
                data = b""
                while size := int(self.rfile.readline().split(b";")[0], 16):
                    data += self.rfile.read(size)
                    self.rfile.readline()
                while self.rfile.readline().strip():  # trailers
                    pass
            else:
                data = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            return unchunked(data) if "aws-chunked" in self.headers.get("Content-Encoding", "") else data

        def handle_request(self) -> None:
            url = urlsplit(self.path)
            query = {key: values[0] for key, values in parse_qs(url.query, keep_blank_values=True).items()}
            key = unquote(url.path).removeprefix("/bucket").lstrip("/")
            data = self.body()
            bucket.asked.append(f"{self.command} {key}")
            if not url.path.startswith("/bucket"):
                self.answer(404, b"<Error><Code>NoSuchBucket</Code></Error>")
                return
            if bucket.next_fails():
                status, code = bucket.failure
                self.answer(status, f"<Error><Code>{code}</Code></Error>".encode())
                return
            with bucket.lock:
                getattr(self, f"on_{self.command.lower()}")(key, query, data)

        do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = handle_request

        def on_head(self, key: str, query: dict[str, str], data: bytes) -> None:
            if key in bucket.objects or not key:
                data = bucket.objects.get(key, b"")
                self.answer(200, Content_Length=str(len(data)), Last_Modified=DATE, ETag=tag_of(data))
                bucket.looked(key)
            else:
                self.answer(404)

        def on_get(self, key: str, query: dict[str, str], data: bytes) -> None:
            if not key:
                self.answer(200, listing(bucket, query))
            elif key not in bucket.objects:
                self.answer(404, b"<Error><Code>NoSuchKey</Code><Message>none</Message></Error>")
            else:
                content, asked = bucket.objects[key], self.headers.get("Range")
                if match := re.fullmatch(r"bytes=(\d+)-(\d*)", asked or ""):
                    first, last = int(match[1]), int(match[2] or len(content) - 1)
                    part = content[first : last + 1]
                    place = f"bytes {first}-{first + len(part) - 1}/{len(content)}"
                    self.answer(206, part, Content_Range=place, ETag=tag_of(content))
                else:
                    self.answer(200, content, ETag=tag_of(content), Last_Modified=DATE)

        def on_put(self, key: str, query: dict[str, str], data: bytes) -> None:
            if "uploadId" in query:
                bucket.uploads[query["uploadId"]][int(query["partNumber"])] = data
            else:
                bucket.objects[key] = data
            self.answer(200, ETag=tag_of(data))

        def on_post(self, key: str, query: dict[str, str], data: bytes) -> None:
            if "uploads" in query:
                upload = str(len(bucket.uploads))
                bucket.uploads[upload] = {}
                xml = f"<InitiateMultipartUploadResult><UploadId>{upload}</UploadId></InitiateMultipartUploadResult>"
                self.answer(200, xml.encode())
            elif "delete" in query:
                for name in re.findall(rb"<Key>(.*?)</Key>", data):
                    bucket.objects.pop(name.decode(), None)
                self.answer(200, b"<DeleteResult></DeleteResult>")
            else:
                parts = bucket.uploads[query["uploadId"]]
                bucket.objects[key] = b"".join(parts[number] for number in sorted(parts))
                self.answer(
                    200, b"<CompleteMultipartUploadResult><ETag>e</ETag></CompleteMultipartUploadResult>"
                )

        def on_delete(self, key: str, query: dict[str, str], data: bytes) -> None:
            bucket.objects.pop(key, None)
            self.answer(204)

    return Handler


def tag_of(content: bytes) -> str:
    """Name a content as S3 does."""
    return f'"{hashlib.md5(content).hexdigest()}"'


def unchunked(data: bytes) -> bytes:
    """The content of a body of AWS's own chunks: ``size[;signature] CRLF bytes CRLF``, the last of size 0."""
    whole, rest = b"", data
    while rest:
        head, _, rest = rest.partition(b"\r\n")
        size = int(head.split(b";")[0], 16)
        if size == 0:
            break
        whole, rest = whole + rest[:size], rest[size + 2 :]
    return whole


def listing(bucket: Bucket, query: dict[str, str]) -> bytes:
    prefix, delimiter = query.get("prefix", ""), query.get("delimiter", "")
    contents, folders = [], set()
    for key in sorted(bucket.objects):
        rest = key.removeprefix(prefix)
        if not key.startswith(prefix):
            continue
        if delimiter and delimiter in rest:
            folders.add(prefix + rest.split(delimiter)[0] + delimiter)
        else:
            contents.append(key)
    items = "".join(
        f"<Contents><Key>{escape(key)}</Key><Size>{len(bucket.objects[key])}</Size>"
        f"<LastModified>2026-01-{bucket.days.get(key, 1):02d}T00:00:00.000Z</LastModified></Contents>"
        for key in contents
    )
    groups = "".join(
        f"<CommonPrefixes><Prefix>{escape(name)}</Prefix></CommonPrefixes>" for name in sorted(folders)
    )
    count = len(contents) + len(folders)
    return (
        f"<ListBucketResult><Prefix>{escape(prefix)}</Prefix><KeyCount>{count}</KeyCount>"
        f"<IsTruncated>false</IsTruncated>{items}{groups}</ListBucketResult>"
    ).encode()
