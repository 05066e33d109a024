"""An external component by slixmpp that echoes chat messages and answers service discovery.

It writes a line when it is attached, says "echo: ..." to whoever writes to it, and ends with its connection.
"""

from slixmpp.componentxmpp import ComponentXMPP

from slixmpp_login import login_arguments


class Echo(ComponentXMPP):
    def __init__(self, options):
        super().__init__(options.jid, options.password, options.host, options.port)
        self.register_plugin("xep_0030")
        self["xep_0030"].add_identity(category="gateway", itype="echo", name="Echo")
        self.add_event_handler("session_start", lambda _: print("attached", flush=True))
        self.add_event_handler("message", self.echo)
        self.add_event_handler("disconnected", lambda _: self.loop.stop())

    def echo(self, message):
        if message["type"] in ("chat", "normal"):
            message.reply("echo: " + message["body"]).send()


def main():
    component = Echo(login_arguments().parse_args())
    component.connect()
    component.loop.run_forever()


main()
