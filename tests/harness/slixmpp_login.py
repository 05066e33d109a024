"""What programs by slixmpp in tests have in common: where they log in, and how they speak with the test.

The first arguments of each script are a JID, its password or secret, and a host and port that need no encryption.
"""

import argparse
import asyncio
import json
import sys

from slixmpp import ClientXMPP


def login_arguments():
    parser = argparse.ArgumentParser()
    parser.add_argument("jid")
    parser.add_argument("password")
    parser.add_argument("host")
    parser.add_argument("port", type=int)
    return parser


def emit(value):
    sys.stdout.write(json.dumps(value) + "\n")
    sys.stdout.flush()


async def lines_in(loop):
    """What the test says, line by line, until it ends its output."""
    reader = asyncio.StreamReader(limit=2**20)
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    while line := await reader.readline():
        yield json.loads(line)


class LoggedIn(ClientXMPP):
    def __init__(self, options, plugins=()):
        super().__init__(options.jid, options.password)
        self.options = options
        self["feature_mechanisms"].unencrypted_plain = True
        for plugin in plugins:
            self.register_plugin(plugin)
        self.bound = self.future_event("session_start")
        self.add_event_handler("failed_all_auth", lambda _: sys.exit("authentication failed"))

    def future_event(self, name):
        """Done when that happens for the first time."""
        future = asyncio.get_event_loop().create_future()
        self.add_event_handler(name, lambda event: future.done() or future.set_result(event))
        return future

    def open(self, _=None):
        self.connect((self.options.host, self.options.port), disable_starttls=True)

    def run(self, work):
        """Logs in, and ends when the work is done."""
        self.open()
        self.loop.run_until_complete(work)
