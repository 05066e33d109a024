"""Reads an account's archive by slixmpp's plugins and writes what it found as one line of JSON.

Pages are of ten messages, as the plugin has them by default. Messages are given by their bodies.
"""

import asyncio
from datetime import datetime, timedelta, timezone

from slixmpp import JID

from slixmpp_login import LoggedIn, emit, login_arguments


def body_of(result):
    return result["mam_result"]["forwarded"]["stanza"]["body"]


class Reader(LoggedIn):
    def __init__(self, options):
        super().__init__(options, ("xep_0030", "xep_0313", "xep_0441"))

    async def bodies(self, **query):
        return [body_of(result) async for result in self["xep_0313"].iterate(**query)]

    async def preferences(self):
        default, always, never = await self["xep_0441"].get_preferences()
        return {"default": default, "always": sorted(map(str, always)), "never": sorted(map(str, never))}

    async def read(self):
        await asyncio.wait_for(self.bound, 30)
        archive = self["xep_0313"]
        own = JID(self.boundjid.bare)
        info = await self["xep_0030"].get_info(jid=own)
        now = datetime.now(timezone.utc)
        one_page = await archive.retrieve(jid=own, rsm={"max": 3})
        metadata = (await archive.get_archive_metadata())["mam_metadata"]
        found = {
            "features": sorted(info["disco_info"]["features"]),
            "fields": sorted((await archive.get_fields()).get_fields()),
            "forwards": await self.bodies(),
            "ofOwnAddress": await self.bodies(jid=own, rsm={"max": 7}),
            "backwards": await self.bodies(reverse=True),
            "withContact": await self.bodies(with_jid=JID(self.options.contact)),
            "sinceYesterday": await self.bodies(start=now - timedelta(days=1)),
            "untilYesterday": await self.bodies(end=now - timedelta(days=1)),
            "firstTotal": await self.bodies(total=5),
            "onePage": [body_of(result) for result in one_page["mam"]["results"]],
            "begin": metadata["start"]["timestamp"].isoformat(),
            "ids": [metadata["start"]["id"], metadata["end"]["id"]],
            "preferences": await self.preferences(),
        }
        await self["xep_0441"].set_preferences(
            default="roster", always=[JID(self.options.contact)], never=[JID("eve@example.org/x")]
        )
        found["laterPreferences"] = await self.preferences()
        emit(found)
        await self.disconnect(wait=1)


def main():
    parser = login_arguments()
    parser.add_argument("contact")
    reader = Reader(parser.parse_args())
    reader.run(reader.read())


main()
