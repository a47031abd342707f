"""AWS as a process that says yes to everything at once, so that what a caller costs is all there is.

python -m benchmarks.stub_aws: prints its URL and serves until its standard input ends.
"""

from __future__ import annotations

import asyncio
import sys

PUBLISHED = b"""<PublishResponse xmlns="http://sns.amazonaws.com/doc/2010-03-31/"><PublishResult>\
<MessageId>1</MessageId></PublishResult><ResponseMetadata><RequestId>1</RequestId></ResponseMetadata>\
</PublishResponse>"""
ANSWERS = {
    b"query": b'{"Items":[],"Count":0,"ScannedCount":0}',
    b"batchgetitem": b'{"Responses":{}}',
    b"updateitem": b'{"Attributes":{"seq":{"N":"1"}}}',
}
OK = b"HTTP/1.1 200 OK\r\ncontent-type: %b\r\ncontent-length: %d\r\nx-amzn-requestid: 1\r\n\r\n%b"


class Connection(asyncio.Protocol):
    """Answers each request by what its target is called."""

    def __init__(self) -> None:
        self.received = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.received += data
        while True:
            head, found, rest = self.received.partition(b"\r\n\r\n")
            lower = head.lower()
            length = int(_header(lower, b"content-length") or 0)
            if not found or len(rest) < length:
                return
            self.received = rest[length:]
            target = _header(lower, b"x-amz-target")
            if target:
                body = ANSWERS.get(target.rpartition(b".")[2], b"{}")
                self.transport.write(OK % (b"application/x-amz-json-1.0", len(body), body))
            else:
                self.transport.write(OK % (b"text/xml", len(PUBLISHED), PUBLISHED))


def _header(head: bytes, name: bytes) -> bytes:
    return head.partition(b"\r\n%b:" % name)[2].partition(b"\r\n")[0].strip()


async def serve() -> None:
    """Serve until standard input ends."""
    server = await asyncio.get_running_loop().create_server(Connection, "127.0.0.1", 0)
    print(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", flush=True)
    await asyncio.to_thread(sys.stdin.read)
    server.close()


if __name__ == "__main__":
    asyncio.run(serve())
