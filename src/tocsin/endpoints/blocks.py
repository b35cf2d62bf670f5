"""The checks of one endpoint in ten minutes, packed column by column.  Source: docs/spec/endpoints.md, storage."""

import zlib
from collections.abc import Sequence
from itertools import accumulate, pairwise

import msgspec

from tocsin.endpoints.totals import Check
from tocsin.probes.base import Phases

SLOT_MS = 600_000


class _Columns(msgspec.Struct, array_like=True):
    """`at` are distances, the first from the slot's begin; `total` is what is left after the phases. `errors` names
    the row of each."""

    at: list[int]
    codes: bytes
    total: list[int]
    http_status: list[int | None]
    dns: list[int | None]
    connect: list[int | None]
    tls: list[int | None]
    first_byte: list[int | None]
    errors: dict[int, str]


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(_Columns)


def pack(slot: int, checks: Sequence[Check]) -> bytes:
    """Return *checks*, oldest first, all of one slot, packed. Times are cut to 0.01 ms."""
    times = [slot * SLOT_MS, *(check.at_ms for check in checks)]
    columns = _Columns(
        at=[after - before for before, after in pairwise(times)],
        codes=bytes(check.code for check in checks),
        total=[check.phases.total // 10 - _parts(check.phases) for check in checks],
        http_status=_column([check.http_status for check in checks]),
        dns=_column([_tens(check.phases.dns) for check in checks]),
        connect=_column([_tens(check.phases.connect) for check in checks]),
        tls=_column([_tens(check.phases.tls) for check in checks]),
        first_byte=_column([_tens(check.phases.first_byte) for check in checks]),
        errors={row: check.error for row, check in enumerate(checks) if check.error is not None},
    )
    return zlib.compress(_encoder.encode(columns), 1)


def unpack(slot: int, data: bytes) -> list[Check]:
    """Return what was packed, oldest first."""
    columns = _decoder.decode(zlib.decompress(data))
    count = len(columns.at)
    times = accumulate(columns.at, initial=slot * SLOT_MS)
    next(times)
    sparse = [columns.http_status, columns.dns, columns.connect, columns.tls, columns.first_byte]
    status, dns, connect, tls, first = (_whole(column, count) for column in sparse)
    return [
        Check(
            at_ms,
            columns.codes[row],
            _phases(columns.total[row], dns[row], connect[row], tls[row], first[row]),
            status[row],
            columns.errors.get(row),
        )
        for row, at_ms in enumerate(times)
    ]


def _parts(phases: Phases) -> int:
    """Return the sum of the phases, each cut to 0.01 ms as it is kept."""
    return sum(_tens(phase) or 0 for phase in phases[1:])


def _phases(rest: int, *tens: int | None) -> Phases:
    return Phases((rest + sum(one or 0 for one in tens)) * 10, *map(_us, tens))


def _column(values: list[int | None]) -> list[int | None]:
    """Return *values*; all alike, as most are, they are kept once."""
    return values[:1] if len(set(values)) == 1 else values


def _whole(column: list[int | None], count: int) -> list[int | None]:
    return column * count if len(column) == 1 else column


def _tens(microseconds: int | None) -> int | None:
    return None if microseconds is None else microseconds // 10


def _us(tens: int | None) -> int | None:
    return None if tens is None else tens * 10
