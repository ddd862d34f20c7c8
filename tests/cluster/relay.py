"""A relay of TCP connections: it counts what passes, closes all of them, and holds back what comes for as long as it is told to."""

import contextlib
import socket
import struct
import threading

# A socket that is closed with this tells the other end that it is gone, in place of saying goodbye.
RUDELY = struct.pack("ii", 1, 0)


class Relay:
    def __init__(self, port):
        self._target = ("127.0.0.1", port)
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port = self._server.getsockname()[1]
        self.to_client, self.to_server = 0, 0
        self._lock = threading.Lock()
        self._pairs = set()
        self._is_open = threading.Event()
        self._is_open.set()

    def __enter__(self):
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_):
        self._is_open.set()
        # Who waits for a connection is told by this that there will be none.
        self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()
        self.cut()

    def hold(self):
        """Nothing passes until `release`."""
        self._is_open.clear()

    def release(self):
        self._is_open.set()

    def connections(self):
        with self._lock:
            return len(self._pairs)

    def cut(self, is_rude=False):
        """Closes all connections; rudely, as what has lost its state does."""
        with self._lock:
            pairs, self._pairs = self._pairs, set()
        for pair in pairs:
            close(pair, is_rude)

    def _accept(self):
        while True:
            try:
                client, _ = self._server.accept()
            except OSError:
                return
            try:
                server = socket.create_connection(self._target)
            except OSError:
                client.close()
                continue
            pair = (client, server)
            with self._lock:
                self._pairs.add(pair)
            for source, sink in (pair, pair[::-1]):
                threading.Thread(target=self._pass, args=(pair, source, sink), daemon=True).start()

    def _pass(self, pair, source, sink):
        with contextlib.suppress(OSError):
            while piece := source.recv(1 << 16):
                self._is_open.wait()
                sink.sendall(piece)
                with self._lock:
                    if sink is pair[0]:
                        self.to_client += len(piece)
                    else:
                        self.to_server += len(piece)
        with self._lock:
            is_there = pair in self._pairs
            self._pairs.discard(pair)
        # One end is enough for the end of both.
        if is_there:
            close(pair)


def close(pair, is_rude=False):
    for one in pair:
        with contextlib.suppress(OSError):
            if is_rude:
                one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RUDELY)
            # Whoever reads from it in another thread keeps it open, unless he is told.
            one.shutdown(socket.SHUT_RD if is_rude else socket.SHUT_RDWR)
        one.close()
