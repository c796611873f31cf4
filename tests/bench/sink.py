"""A mail server that costs little beside what it measures: one connection at a time, nothing parsed or kept.

`python -m tests.bench.sink` says its port on the first line.
"""

import contextlib
import socket

END = b"\r\n.\r\n"
ANSWERS = {
    b"EHLO": b"250-sink\r\n250-DSN\r\n250 SIZE 50000000\r\n",
    b"DATA": b"354 go on\r\n",
    b"QUIT": b"221 bye\r\n",
}


def converse(line: socket.socket, buffer: bytearray) -> None:
    line.sendall(b"220 sink\r\n")
    while line.recv_into(buffer):
        verb = bytes(buffer[:4]).upper()
        line.sendall(ANSWERS.get(verb, b"250 ok\r\n"))
        if verb == b"DATA":
            swallow(line, buffer)
        elif verb == b"QUIT":
            return


def swallow(line: socket.socket, buffer: bytearray) -> None:
    """A mail to its end. No client of ours says anything after it before it is answered."""
    last = b""
    while last != END:
        size = line.recv_into(buffer)
        if not size:
            raise ConnectionError
        last = (last + bytes(buffer[max(0, size - len(END)) : size]))[-len(END) :]
    line.sendall(b"250 2.0.0 taken as 42\r\n")


def main() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        print(server.getsockname()[1], flush=True)
        buffer = bytearray(1 << 20)
        while True:
            line, _ = server.accept()
            with line, contextlib.suppress(ConnectionError):
                line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                converse(line, buffer)


if __name__ == "__main__":
    main()
