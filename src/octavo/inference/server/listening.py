"""Where a server listens and whom it answers: host, port, names and keys, which are known before a model is."""

from __future__ import annotations

import contextlib
import hmac
import ipaddress
import socket
import stat
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Final

from octavo.errors import InputError

BACKLOG: Final = 2048
"""Connections that the system keeps until they are taken."""


def keys_for(host: str, file: Path | None) -> tuple[bytes, ...]:
    """The keys of a file, if one is given; InputError where none is and others than this machine could ask."""
    if file is None and not is_loopback(host):
        raise InputError(
            f"--host {host}: found no --api-key-file, expected one, as others than this machine could use the model"
        )
    return read_keys(file) if file else ()


@contextlib.contextmanager
def bound(host: str, port: int) -> Iterator[socket.socket]:
    """A socket that has the port; InputError where it cannot."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listening = socket.socket(family, kind, protocol)
    except (OSError, UnicodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "no name of a machine"
        raise InputError(f"--host {host}: cannot be listened on ({why})") from None
    with listening:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listening.bind(address)
            listening.listen(BACKLOG)
        except OSError as error:
            raise InputError(
                f"--host {host} --port {port}: cannot be listened on ({error.strerror}), expected an address of "
                "this machine with a free port"
            ) from None
        yield listening


def address_of(listening: socket.socket, host: str) -> str:
    """What to open in a browser."""
    return f"http://{f'[{host}]' if ':' in host else host}:{listening.getsockname()[1]}"


def read_keys(file: Path) -> tuple[bytes, ...]:
    """The keys of a file, one a line.

    Raises InputError where it is not there, others may read it, it has no key, or a line is none.
    """
    try:
        mode = file.stat().st_mode
        lines = file.read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "no UTF-8"
        raise InputError(f"--api-key-file {file}: cannot be read ({reason})") from None
    if mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise InputError(
            f"--api-key-file {file}: found mode {stat.S_IMODE(mode):o}, expected 600, as it is secret: "
            f"chmod 600 {file}"
        )
    keys = []
    for number, line in enumerate(lines, 1):
        key = line.strip()
        if not key.isascii() or not key.isprintable() or " " in key:
            raise InputError(
                f"--api-key-file {file}: line {number}: found a key with signs that no header may have, expected "
                "ASCII without spaces"
            )
        if key:
            keys.append(key.encode())
    if not keys:
        raise InputError(f"--api-key-file {file}: found no key, expected one a line")
    return tuple(keys)


def is_key(authorization: bytes, keys: Collection[bytes]) -> bool:
    """Whether an Authorization header bears one of the keys; takes as long whichever it is."""
    scheme, _, key = authorization.partition(b" ")
    matches = [hmac.compare_digest(key.strip(), known) for known in keys]
    return scheme.lower() == b"bearer" and any(matches)


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches a server that listens there."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def host_names(host: str) -> frozenset[str] | None:
    """The names that a request's Host header may have; None where any may.

    A page of another site can make a browser ask a server on loopback under that site's own name ("DNS rebinding");
    only then is the name a foreign one. Past loopback the names are the operator's, and keys guard.
    """
    if not is_loopback(host):
        return None
    return frozenset({"localhost", "127.0.0.1", "[::1]", f"[{host}]" if ":" in host else host.lower()})


def name_of(host_header: str) -> str:
    """The name in a Host header, without its port."""
    name, colon, port = host_header.rpartition(":")
    return (name if colon and port.isdigit() else host_header).lower()
