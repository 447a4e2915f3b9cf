# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A relay to a distant registry: every byte arrives later, and each direction carries only so much.

    python relay_program.py PORT ROUND_TRIP_SECONDS BYTES_PER_SECOND [BYTES_PER_SECOND_OF_A_CONNECTION]

It says its own port on stderr and runs until it is ended. The rate holds for all connections together, each way by
itself; the other for each connection, likewise. A new connection pays one round trip more before its first bytes, as a
TCP handshake does.
"""

from __future__ import annotations

import asyncio
import socket
import sys
from collections import deque
from collections.abc import Sequence
from contextlib import suppress

BLOCK = 64 * 1024
AHEAD = 0.05
"""Seconds of traffic that may wait for the link before its senders are held up."""
WINDOW = 8 * 1024 * 1024
"""Bytes on their way at most, a connection and direction."""


class Link:
    """One direction of the line: when what is sent now has left, at the earliest."""

    def __init__(self, rate: float) -> None:
        self._rate = rate
        self._free = 0.0

    async def pass_on(self, size: int) -> float:
        """Take this many bytes; gives the time at which they have left."""
        now = asyncio.get_running_loop().time()
        self._free = max(self._free, now) + size / self._rate
        left = self._free
        if left - now > AHEAD:
            await asyncio.sleep(left - now - AHEAD)
        return left


class Flow:
    """The bytes of one direction of one connection.

    :param links: that they pass one after another
    """

    def __init__(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, links: Sequence[Link], delay: float
    ) -> None:
        self._reader = reader
        self._writer = writer
        self._links = links
        self._delay = delay
        self._queue: deque[tuple[float, bytes]] = deque()
        self._size = 0
        self._changed = asyncio.Condition()

    async def run(self, handshake: float) -> None:
        """Carry until the sender is through."""
        reading = asyncio.ensure_future(self._read(handshake))
        try:
            await self._write()
        finally:
            reading.cancel()

    async def _read(self, handshake: float) -> None:
        extra = handshake
        while True:
            data = b""
            with suppress(ConnectionError):
                data = await self._reader.read(BLOCK)
            left = [await link.pass_on(len(data)) for link in self._links]
            arrives = max(left) + self._delay + extra
            extra = 0.0
            async with self._changed:
                self._queue.append((arrives, data))
                self._size += len(data)
                self._changed.notify_all()
                if not data:
                    return
                await self._changed.wait_for(lambda: self._size < WINDOW)

    async def _write(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            async with self._changed:
                await self._changed.wait_for(lambda: bool(self._queue))
                arrives, data = self._queue.popleft()
            wait = arrives - loop.time()
            if wait > 0:
                await asyncio.sleep(wait)
            if not data:
                with suppress(OSError):
                    self._writer.write_eof()
                return
            self._writer.write(data)
            await self._writer.drain()
            async with self._changed:
                self._size -= len(data)
                self._changed.notify_all()


async def serve(port: int, round_trip: float, rate: float, ceiling: float | None = None) -> None:
    """Relay every connection.

    :param ceiling: what one connection carries, each way; None for no limit of its own
    """
    there, back = Link(rate), Link(rate)

    def links(shared: Link) -> list[Link]:
        return [shared] if ceiling is None else [Link(ceiling), shared]

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            far_reader, far_writer = await asyncio.open_connection("127.0.0.1", port, limit=BLOCK)
        except OSError:
            writer.close()
            return
        for end in (writer, far_writer):
            end.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        flows = (
            Flow(reader, far_writer, links(there), round_trip / 2).run(round_trip),
            Flow(far_reader, writer, links(back), round_trip / 2).run(0.0),
        )
        with suppress(ConnectionError):
            await asyncio.gather(*flows)
        for end in (writer, far_writer):
            end.close()

    server = await asyncio.start_server(connected, "127.0.0.1", 0, limit=BLOCK, backlog=256)
    print(f"listening on {server.sockets[0].getsockname()[1]}", file=sys.stderr, flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1]), *map(float, sys.argv[2:])))
