"""A name server over UDP and TCP that answers from a dict, and can be in any mood."""

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Literal

import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdatatype
import dns.rrset

from support.targets import LOOPBACK4, Connection, Target, listen, serve_on

Mood = Literal["silent", "servfail", "refused", "truncated", "garbage", "wrong id", "empty"]
Records = Mapping[tuple[str, str], Sequence[str]]
EVERY_NAME = "*"


@dataclass(frozen=True)
class Question:
    name: str
    type: str
    transport: Literal["udp", "tcp"]


@dataclass
class NameServer:
    """`records[("web.test", "A")]` is a list of texts; other types of a known name are empty, other names unknown.

    `moods` has names, or `EVERY_NAME`. `truncated` holds for UDP only: over TCP there is the whole answer.
    """

    records: dict[tuple[str, str], Sequence[str]]
    moods: dict[str, Mood] = field(default_factory=dict)
    delay_s: float = 0
    ttl: int = 60
    host: str = LOOPBACK4
    port: int = 0
    questions: list[Question] = field(default_factory=list)

    @property
    def address(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    def reply(self, wire: bytes, transport: Literal["udp", "tcp"]) -> bytes | None:
        """Return what is sent back; None is nothing."""
        query = dns.message.from_wire(wire)
        question = query.question[0]
        name = question.name.to_text(omit_final_dot=True).lower()
        self.questions.append(Question(name, dns.rdatatype.to_text(question.rdtype), transport))
        mood = self.moods.get(name, self.moods.get(EVERY_NAME))
        if mood == "silent":
            return None
        if mood == "garbage":
            return wire[:2] + b"\x80\x00" + b"\xff" * 20
        response = dns.message.make_response(query, recursion_available=True)
        if mood in {"servfail", "refused"}:
            response.set_rcode(dns.rcode.from_text(mood))
        elif mood == "truncated" and transport == "udp":
            response.flags |= dns.flags.TC
        elif mood != "empty":
            response.set_rcode(self._fill(response, name, question.rdtype))
        if mood == "wrong id":
            response.id ^= 1
        return self._wire(response, query.payload or 512 if transport == "udp" else 65535)

    def _fill(self, response: dns.message.Message, name: str, wanted: dns.rdatatype.RdataType) -> dns.rcode.Rcode:
        for found in self._chain(name, wanted):
            response.answer.append(found)
        if response.answer or any(known == name for known, _ in self.records):
            return dns.rcode.NOERROR
        return dns.rcode.NXDOMAIN

    def _chain(self, name: str, wanted: dns.rdatatype.RdataType) -> Iterator[dns.rrset.RRset]:
        """Aliases are followed as far as we know them, and not in a circle."""
        kind = dns.rdatatype.to_text(wanted)
        for _ in range(8):
            found = "CNAME" if (name, "CNAME") in self.records and kind != "CNAME" else kind
            texts = self.records.get((name, found), ())
            if texts:
                yield dns.rrset.from_text_list(dns.name.from_text(name), self.ttl, "IN", found, list(texts))
            if found == kind:
                return
            name = texts[0].removesuffix(".").lower()

    @staticmethod
    def _wire(response: dns.message.Message, limit: int) -> bytes:
        try:
            return response.to_wire(max_size=limit)
        except dns.exception.TooBig:
            response.answer.clear()
            response.flags |= dns.flags.TC
            return response.to_wire(max_size=limit)

    async def serve_stream(self, connection: Connection) -> None:
        while size := await connection.reader.readexactly(2):
            wire = await connection.reader.readexactly(int.from_bytes(size))
            reply = self.reply(wire, "tcp")
            await asyncio.sleep(self.delay_s)
            if reply is not None:
                await connection.send(len(reply).to_bytes(2) + reply)

    async def serve_datagrams(self, sock: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        while True:
            wire, sender = await loop.sock_recvfrom(sock, 65536)
            reply = self.reply(wire, "udp")
            if reply is not None:
                loop.call_later(self.delay_s, self._send, sock, reply, sender)

    @staticmethod
    def _send(sock: socket.socket, reply: bytes, receiver: Any) -> None:
        if sock.fileno() >= 0:
            sock.sendto(reply, receiver)


@asynccontextmanager
async def nameserver(
    records: Records, *, host: str = LOOPBACK4, port: int = 0, **options: Any
) -> AsyncIterator[NameServer]:
    """Serve *records*, on a free port unless one is given; the other fields can be set now or later."""
    stream, datagrams = listen(host, port=port, also_udp=True)
    found = NameServer(dict(records), host=host, **options)
    async with serve_on([stream], Target(found.serve_stream, hosts=(host,))) as target:
        found.port = target.port
        answering = asyncio.create_task(found.serve_datagrams(datagrams))
        try:
            yield found
        finally:
            answering.cancel()
            await asyncio.wait([answering])
            datagrams.close()
    if not answering.cancelled():
        answering.result()
