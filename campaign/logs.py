"""What is written down of a request: never the part of its address that lets whoever has it act for a signatory."""

import logging
import re

SECRET = re.compile(r"/(?P<kind>signatures/[a-z-]+|invited|not-us|password/reset/key)/[^/\s?#'\"]+")


class WithoutSecrets(logging.Formatter):
    """Takes them out of the finished line and its traceback, whichever argument or exception brought them."""

    def format(self, record: logging.LogRecord) -> str:
        return SECRET.sub(r"/\g<kind>/…", super().format(record))
