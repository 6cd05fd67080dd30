"""Raw Ethernet frames of a network interface: `frames.py send DEVICE HEX...`, or `frames.py listen DEVICE LAST`.

The listener writes `ready`, then each frame that comes in, until one has the bytes LAST in it.
"""

import socket
import sys

ETH_P_ALL = 3
PACKET_OUTGOING = 4


def main(command, device, *rest):
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL)) as packets:
        packets.bind((device, ETH_P_ALL))
        if command == "send":
            for frame in rest:
                packets.send(bytes.fromhex(frame))
            return
        packets.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 22)
        print("ready", flush=True)
        last = bytes.fromhex(rest[0])
        while True:
            frame, (_, _, kind, _, _) = packets.recvfrom(65536)
            if kind == PACKET_OUTGOING:
                continue
            print(frame.hex(), flush=True)
            if last in frame:
                return


main(*sys.argv[1:])
