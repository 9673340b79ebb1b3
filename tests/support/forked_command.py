"""`python -IS forked_command.py SOCKET MODULE ARGUMENTS...`: a command of a ForkServer, to its end.

It hands over what a process has: arguments, environment, folder, the three open files. Signals go
on to the command; it ends with the command's status, or by the signal that the command ended by.
Killed, it takes the command along. Nothing is imported that does not come with Python: it has to
start in no time.
"""

import contextlib
import json
import os
import signal
import socket
import sys

PASSED_ON = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT, signal.SIGUSR1)


def main() -> None:
    """Run one command."""
    place, module, *arguments = sys.argv[1:]
    line = socket.socket(socket.AF_UNIX)
    line.connect(place)
    request = {
        "module": module,
        "arguments": arguments,
        "environment": dict(os.environ),
        "folder": os.getcwd(),
    }

    def pass_on(number: int, _frame: object) -> None:
        with contextlib.suppress(OSError):
            line.send(bytes([number]))

    for number in PASSED_ON:
        if signal.getsignal(number) != signal.SIG_IGN:
            signal.signal(number, pass_on)
    socket.send_fds(line, [b"\0"], [0, 1, 2])
    line.sendall(json.dumps(request).encode() + b"\n")
    status = int(line.makefile("rb").readline() or b"1")
    if status < 0:
        signal.signal(-status, signal.SIG_DFL)
        os.kill(os.getpid(), -status)
    os._exit(status)


if __name__ == "__main__":
    main()
