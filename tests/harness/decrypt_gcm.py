"""Opens what AES-GCM has sealed, by the `cryptography` library.

Reads lines of JSON with `key`, `iv` and `sealed` (the tag at the end), all base64. Writes for each a line of JSON: the text, or
null if the tag does not belong to the rest.
"""

import json
import sys
from base64 import b64decode

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM


def opened(key, iv, sealed):
    try:
        plain = AESGCM(b64decode(key, validate=True)).decrypt(
            b64decode(iv, validate=True), b64decode(sealed, validate=True), None
        )
    except InvalidTag:
        return None
    return plain.decode("utf-8")


for line in sys.stdin:
    print(json.dumps(opened(**json.loads(line))))
