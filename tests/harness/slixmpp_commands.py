"""Goes through the commands of an entity by slixmpp's plugins and writes what it found as one line of JSON.

Of the first command it asks for the form and cancels; then it asks for what cannot be had.
"""

import asyncio

from slixmpp.exceptions import IqError

from slixmpp_login import LoggedIn, emit, login_arguments


class Visitor(LoggedIn):
    def __init__(self, options):
        super().__init__(options, ("xep_0004", "xep_0030", "xep_0050"))
        self.to = options.to

    async def items(self, jid, node=None):
        found = await self["xep_0030"].get_items(jid=jid, node=node)
        return [list(item) for item in sorted(found["disco_items"]["items"], key=str)]

    async def info(self, node):
        info = (await self["xep_0030"].get_info(jid=self.to, node=node))["disco_info"]
        identities = sorted("%s/%s %s" % (one[0], one[1], one[3]) for one in info["identities"])
        return {"node": info["node"], "identities": identities, "features": sorted(info["features"])}

    async def begin_and_cancel(self, node):
        answers = asyncio.Queue()
        session = {key: lambda iq, _: answers.put_nowait(iq["command"]) for key in ("next", "error")}
        self["xep_0050"].start_command(self.to, node, session)
        asked = await answers.get()
        form = asked["form"]
        self["xep_0050"].cancel_command(session)
        ended = await answers.get()
        return {
            "status": [asked["status"], ended["status"]],
            "actions": sorted(asked["actions"]),
            "form": form["type"],
            "fields": {var: field["type"] for var, field in form.get_fields().items()},
            "isOneSession": asked["sessionid"] == ended["sessionid"] != "",
        }

    async def refusal(self, node, action):
        try:
            await self["xep_0050"].send_command(self.to, node, action=action)
        except IqError as error:
            return "%s %s" % (error.etype, error.condition)
        return "none"

    async def visit(self):
        await asyncio.wait_for(self.bound, 30)
        namespace = "http://jabber.org/protocol/commands"
        commands = await self.items(self.to, namespace)
        first = commands[0][1]
        found = {
            "server": await self.items(self.boundjid.domain),
            "commands": commands,
            "list": await self.info(namespace),
            "first": await self.info(first),
            "canceled": await self.begin_and_cancel(first),
            "refusals": [
                await self.refusal(first, "prev"),
                await self.refusal("register-push-fcm", "execute"),
                await self.refusal("sing", "execute"),
            ],
        }
        emit(found)
        await self.disconnect(wait=1)


def main():
    parser = login_arguments()
    parser.add_argument("to")
    visitor = Visitor(parser.parse_args())
    visitor.run(visitor.visit())


main()
