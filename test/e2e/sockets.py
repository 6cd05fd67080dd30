"""TCP and UDP between places: `sockets.py serve PORT...` answers on all addresses until it is killed, after it has written `ready`.

`sockets.py probe FAMILY/ADDRESS/PORT...` writes for each whether a server there was reached, as JSON; FAMILY is tcp or udp.
"""

import json
import socket
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

TIMEOUT_SECONDS = 3
TRIES = 2


def serve_udp(port):
    server = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
    # The answer comes from the address that was asked.
    server.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_RECVPKTINFO, 1)
    server.bind(("::", port))
    while True:
        data, ancillary, _, sender = server.recvmsg(2048, 1024)
        server.sendmsg([data], ancillary, 0, sender)


def serve_tcp(port):
    server = socket.create_server(("::", port), family=socket.AF_INET6, dualstack_ipv6=True, reuse_port=True)
    threading.Thread(target=accept, args=(server,), daemon=True).start()


def accept(server):
    while True:
        server.accept()[0].close()


def probe(target):
    family, address, port = target.split("/")
    if family == "tcp":
        return probe_tcp(address, int(port))
    return any(probe_udp(address, int(port)) for _ in range(TRIES))


def probe_tcp(address, port):
    try:
        socket.create_connection((address, port), TIMEOUT_SECONDS).close()
        return True
    except ConnectionRefusedError:
        # Somebody is there who says so.
        return True
    except OSError:
        return False


def probe_udp(address, port):
    kind = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(kind, socket.SOCK_DGRAM) as client:
        client.settimeout(TIMEOUT_SECONDS / TRIES)
        try:
            client.sendto(b"who is there?", (address, port))
            return client.recv(64) != b""
        except ConnectionRefusedError:
            return True
        except OSError:
            return False


def main(command, *rest):
    if command == "serve":
        for port in map(int, rest):
            serve_tcp(port)
            threading.Thread(target=serve_udp, args=(port,), daemon=True).start()
        print("ready", flush=True)
        threading.Event().wait()
    with ThreadPoolExecutor(64) as pool:
        print(json.dumps(dict(zip(rest, pool.map(probe, rest)))))


main(*sys.argv[1:])
