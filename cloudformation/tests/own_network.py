"""A network namespace for this process and all that it starts, and a name server in it."""

import ctypes
import fcntl
import os
import random
import socket
import struct
import threading

CLONE_NEWNS, CLONE_NEWUSER, CLONE_NEWNET = 0x20000, 0x10000000, 0x40000000
MS_BIND, MS_REC, MS_PRIVATE = 0x1000, 0x4000, 0x40000
SIOCSIFFLAGS, IFF_UP = 0x8914, 1


def enter(folder):
    """With loopback up, and 127.0.0.1 as the name server. Before the first thread is started."""
    libc = ctypes.CDLL(None, use_errno=True)
    user, group = os.geteuid(), os.getegid()
    if libc.unshare(CLONE_NEWNET | CLONE_NEWNS) != 0:
        if libc.unshare(CLONE_NEWUSER | CLONE_NEWNET | CLONE_NEWNS) != 0:
            raise OSError(
                ctypes.get_errno(),
                "no network namespace can be made here: run as root, or allow user namespaces",
            )
        for file, text in (
            ("setgroups", "deny"), ("uid_map", f"{user} {user} 1"), ("gid_map", f"{group} {group} 1"),
        ):  # fmt: skip
            with open(f"/proc/self/{file}", "w", encoding="ascii") as out:
                out.write(text)
        with open("/proc/sys/net/ipv4/ip_unprivileged_port_start", "w", encoding="ascii") as out:
            out.write("53")
    with socket.socket() as any_socket:
        fcntl.ioctl(any_socket, SIOCSIFFLAGS, struct.pack("16sh22x", b"lo", IFF_UP))
    names = folder / "resolv.conf"
    names.write_text("nameserver 127.0.0.1\n", encoding="ascii")
    for source, target, flags in (("none", "/", MS_REC | MS_PRIVATE), (str(names), "/etc/resolv.conf", MS_BIND)):
        if libc.mount(source.encode(), target.encode(), None, flags, None) != 0:
            raise OSError(ctypes.get_errno(), f"{target} could not be mounted in the namespace")


class NameServer:
    """Answers A over UDP at 127.0.0.1:53. `records` maps a name to (TTL, choices): an address or another
    name, each with its weight, of which each answer has one, as Route 53 does it; a name that is not there
    does not exist."""

    def __init__(self, records, seed=7):
        self.records = records
        self.asked = []
        self.choose = random.Random(seed).choices
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 53))
        self.socket.settimeout(0.2)
        self.closing = False
        self.thread = threading.Thread(target=self._serve)
        self.thread.start()

    def _serve(self):
        while not self.closing:
            try:
                query, sender = self.socket.recvfrom(4096)
            except TimeoutError:
                continue
            self.socket.sendto(self._answer(query), sender)

    def _answer(self, query):
        end = query.index(b"\0", 12)
        name = read_name(query)
        kind = struct.unpack("!H", query[end + 1 : end + 3])[0]
        answers = []
        known = name in self.records
        while name in self.records:
            ttl, choices = self.records[name]
            (value,) = self.choose([value for value, _ in choices], [weight for _, weight in choices])
            if value.replace(".", "").isdigit():
                if kind == 1:
                    answers.append(write_name(name) + struct.pack("!HHIH", 1, 1, ttl, 4) + socket.inet_aton(value))
                break
            alias = write_name(value)
            answers.append(write_name(name) + struct.pack("!HHIH", 5, 1, ttl, len(alias)) + alias)
            name = value
        self.asked.append(read_name(query))
        flags = 0x8580 if known else 0x8583
        return query[:2] + struct.pack("!HHHHH", flags, 1, len(answers), 0, 0) + query[12 : end + 5] + b"".join(answers)

    def close(self):
        self.closing = True
        self.thread.join()
        self.socket.close()


def read_name(query):
    labels, at = [], 12
    while query[at]:
        labels.append(query[at + 1 : at + 1 + query[at]].decode("ascii").lower())
        at += 1 + query[at]
    return ".".join(labels)


def write_name(name):
    return b"".join(bytes([len(label)]) + label.encode("ascii") for label in name.split(".")) + b"\0"
